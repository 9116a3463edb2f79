import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackServer, serveLoopback } from '../../edge/local/loopback.ts'
import { cheatView } from '../../examples/checkout/cheat/view.ts'
import { lanesView } from '../../examples/checkout/lanes/view.ts'
import { merchantView } from '../../examples/checkout/merchant/view.ts'
import { documentOf, type PageName } from '../../examples/checkout/page/frame.ts'
import type { Piece } from '../../examples/checkout/page/tree.ts'
import { shopperView } from '../../examples/checkout/shopper/view.ts'
import { faultsOf } from './axe.ts'
import { openChromium } from './chromium.ts'
import { cheatStates, lanesStates, merchantStates, shopperStates } from './states.ts'

const root = join(import.meta.dirname, '../..')
/** Pictures of every state, to be looked at, where they are asked for: they take as long as all that is checked here. */
const folder = process.env.LANEKIT_SCREENSHOTS ? join(root, 'screenshots') : null
const widths = [390, 1280] as const
const schemes = ['light', 'dark'] as const
/** Light on a phone and dark on a desk: between them, every rule and every colour. */
const audited = ['390-light', '1280-dark']

const nothing = () => undefined
const screens: readonly { readonly page: PageName; readonly name: string; readonly content: readonly Piece[] }[] = [
  ...Object.entries(shopperStates).map(
    ([name, state]) => ({ page: 'shop', name, content: shopperView(state, nothing) }) as const,
  ),
  ...Object.entries(merchantStates).map(
    ([name, till]) =>
      ({ page: 'merchant', name, content: merchantView(till, { settle: nothing, withdraw: nothing }) }) as const,
  ),
  ...Object.entries(cheatStates).map(
    ([name, cheat]) => ({ page: 'cheat', name, content: cheatView(cheat, nothing) }) as const,
  ),
  ...Object.entries(lanesStates).map(
    ([name, lanes]) => ({ page: 'lanes', name, content: lanesView(lanes, nothing) }) as const,
  ),
]

describe('every state of every page, in Chromium', () => {
  let browser: Browser
  let server: LoopbackServer
  const views: { readonly page: Page; readonly width: number }[] = []

  beforeAll(async () => {
    if (folder) mkdirSync(folder, { recursive: true })
    browser = await openChromium()
    server = await serveLoopback(answer)
    for (const width of widths) {
      const page = await browser.newPage({ viewport: { width, height: 844 }, reducedMotion: 'reduce' })
      await page.goto(server.url)
      views.push({ page, width })
    }
  })

  afterAll(async () => {
    for (const { page } of views) await page.close()
    await server.stop()
  })

  for (const screen of screens) {
    const { page: kind, name } = screen
    it(`[${kind}] ${name}: axe finds nothing serious, and nothing is too small to touch or too wide to show`, async () => {
      const looked = views.map(async ({ page, width }) => {
        await page.setContent(htmlOf(screen))
        for (const colorScheme of schemes) {
          const label = `${width}-${colorScheme}`
          await page.emulateMedia({ colorScheme })
          if (folder) await page.screenshot({ path: join(folder, `${kind}-${name}-${label}.png`), fullPage: true })
          if (audited.includes(label)) expect(await faultsOf(page), label).toEqual([])
          const wide = await page.evaluate(() => document.documentElement.scrollWidth)
          expect(wide, 'no sideways scrolling').toBeLessThanOrEqual(width)
          expect(await smallThings(page), label).toEqual([])
        }
      })
      await Promise.all(looked)
    })
  }
})

/** What a finger is meant to touch, and is less than 24 pixels high. */
function smallThings(page: Page): Promise<readonly (string | null)[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('button, summary, nav a, select')]
      .filter((one) => one.getBoundingClientRect().height > 0 && one.getBoundingClientRect().height < 24)
      .map((one) => one.textContent),
  )
}

/** What pages ask for, and a place for them to be at: a state takes the place of another there, since a browser begins anew for each address. */
function answer(request: Request): Response {
  const file = { '/style.css': 'text/css', '/icon.svg': 'image/svg+xml' }[new URL(request.url).pathname]
  if (!file) return new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } })
  const text = readFileSync(join(root, 'examples/checkout', new URL(request.url).pathname), 'utf8')
  return new Response(text, { headers: { 'content-type': file } })
}

function htmlOf({ page, content }: (typeof screens)[number]): string {
  const assets = { script: '/none.js', style: '/style.css', icon: '/icon.svg' }
  return documentOf({ page, network: 'regtest', isDemo: true, assets, content })
}
