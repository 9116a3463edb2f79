import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackServer, serveLoopback } from '../../edge/local/loopback.ts'
import { openChromium } from './chromium.ts'
import type { StorePage } from './storePage.ts'

declare const storePage: StorePage

describe('the store contract on real IndexedDB', () => {
  let browser: Browser
  let server: LoopbackServer
  let page: Page

  beforeAll(async () => {
    const entry = join(import.meta.dirname, 'storePage.ts')
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false })
    const script = outputFiles[0]?.text ?? ''
    server = await serveLoopback((request) =>
      new URL(request.url).pathname === '/page.js'
        ? new Response(script, { headers: { 'content-type': 'text/javascript' } })
        : new Response('<script type="module" src="/page.js"></script>', { headers: { 'content-type': 'text/html' } }),
    )
    browser = await openChromium()
    page = await browser.newPage()
    await page.goto(server.url)
    await page.waitForFunction(() => 'storePage' in globalThis)
  })

  afterAll(async () => {
    await page.close()
    await server.stop()
  })

  it('keeps every rule, with every transaction strict', async () => {
    const broken: string[] = []
    const titles = await page.evaluate(() => storePage.titles)
    for (const title of titles) {
      const why = await page.evaluate((name) => storePage.check(name), title)
      if (why !== null) broken.push(`${title}: ${why}`)
    }
    expect(broken).toEqual([])
    expect(titles.length).toBe(16)
    expect(await page.evaluate(() => storePage.durabilities())).toEqual(['strict'])
  })

  it('commits strictly more often than a thousand payments a minute need', async () => {
    const perSecond = await page.evaluate(() => storePage.commitsPerSecond())
    console.log(`IndexedDB, strict: ${perSecond} commits a second`)
    // A payment takes two commits: before the update leaves, and after its answer.
    expect(perSecond).toBeGreaterThan((2 * 1_000) / 60)
  })
})
