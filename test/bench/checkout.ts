import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { chromiumHere, openChromium } from '../browser/chromium.ts'
import { type House, openHouse } from '../browser/house.ts'
import { buyLeaves, leavesPaid, makeWallet, openLane, type Shopper, shopperIn, unlock } from '../browser/shopper.ts'
import type { Figure } from './run.ts'

const folder = join(process.cwd(), '.lanekit/checkout')
const loads = 5
const clicks = 100
/** Payments before the clock starts: what runs the first time is compiled meanwhile. */
const warmed = 20
const leaves = 200

/** What the shopper's page costs to load, and how soon its wallet is there. */
export async function* pageFigures(): AsyncIterable<Figure> {
  const { shop = '' } = JSON.parse(readFileSync(join(folder, 'assets.json'), 'utf8')) as { readonly shop?: string }
  yield plain('checkout, first script of the shopper', sizeOf(shop, 'static'), 'kB gzip')
  yield plain('checkout, wallet code after the first paint', sizeOf(shop, 'dynamic'), 'kB gzip')
  yield* inChromium(async function* (house, browser) {
    const shopper = await shopperIn(browser, house)
    await makeWallet(shopper)
    const [loading, opening]: number[][] = [[], []]
    for (let load = 0; load < loads; load++) {
      const began = performance.now()
      await shopper.page.goto(house.url)
      await shopper.page.locator('#field-password').waitFor()
      loading?.push(performance.now() - began)
      const typed = performance.now()
      await unlock(shopper.page)
      await shopper.page.locator('.address').waitFor()
      opening?.push(performance.now() - typed)
    }
    yield plain('checkout, page load to a wallet that takes its password', at(loading, 0.5), 'ms')
    yield plain('checkout, password to a usable wallet', at(opening, 0.5), 'ms')
    const whole = loading?.map((load, index) => load + (opening?.[index] ?? 0))
    yield plain('checkout, page load to a usable wallet', at(whole, 0.5), 'ms')
  })
}

/** What paying in the page takes, every signature stored with strict durability before it leaves. */
export async function* paymentFigures(): AsyncIterable<Figure> {
  yield* inChromium(async function* (house, browser) {
    const shopper: Shopper = await shopperIn(browser, house)
    await openLane(shopper)
    const { page } = shopper
    const times = await clickMany(page, clicks)
    yield plain('checkout, click to released goods in Chromium, p50', at(times, 0.5), 'ms')
    yield plain('checkout, click to released goods in Chromium, p95', at(times, 0.95), 'ms')
    await buyLeaves(page, warmed)
    const began = performance.now()
    await leavesPaid(page, leaves)
    const minutes = (performance.now() - began) / 60_000
    yield plain('checkout, micropayments in Chromium, strict durability', (leaves - warmed) / minutes, '/min')
  })
}

/** Clicks, each timed in the page from the event to the goods. */
function clickMany(page: Page, count: number): Promise<number[]> {
  return page.evaluate(async (many) => {
    const times: number[] = []
    for (let click = 0; click < many; click++) {
      const button = document.querySelector<HTMLElement>('.good-tide button')
      const began = performance.now()
      button?.click()
      const isAnswered = () => document.querySelector('.good-tide .answer')?.childElementCount !== 0
      while (isAnswered()) await new Promise((resolve) => setTimeout(resolve, 0))
      while (!isAnswered()) await new Promise((resolve) => setTimeout(resolve, 1))
      times.push(performance.now() - began)
    }
    return times
  }, count)
}

async function* inChromium(run: (house: House, browser: Browser) => AsyncIterable<Figure>): AsyncIterable<Figure> {
  if (!chromiumHere()) {
    process.stderr.write('  No Chromium here: set CHROMIUM for the figures of the checkout.\n')
    return
  }
  const house = await openHouse()
  const browser = await openChromium()
  try {
    yield* run(house, browser)
  } finally {
    await browser.close()
    await house.stop()
  }
}

/** Everything that a script loads at once, or the rest of what it can load. */
function sizeOf(script: string, kind: 'static' | 'dynamic'): number {
  const reached = reach(script.replace('/assets/', ''), ['static'])
  const wanted =
    kind === 'static'
      ? reached
      : reach(script.replace('/assets/', ''), ['static', 'dynamic']).filter((file) => !reached.includes(file))
  return wanted.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0) / 1_000
}

function reach(first: string, kinds: readonly ('static' | 'dynamic')[]): readonly string[] {
  const patterns = { static: /(?:from|import)\s*"\.\/([^"]+)"/g, dynamic: /import\("\.\/([^"]+)"\)/g }
  const files = [first]
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    for (const kind of kinds)
      for (const [, next] of text.matchAll(patterns[kind])) if (next && !files.includes(next)) files.push(next)
  }
  return files
}

function plain(name: string, value: number, unit: string): Figure {
  return { name, value, unit, peer: null, peerValue: null, ratio: null }
}

function at(values: readonly number[] | undefined, share: number): number {
  const sorted = [...(values ?? [])].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
