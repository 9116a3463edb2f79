import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LoopbackServer, serveLoopback } from '../../edge/local/loopback.ts'
import { alice, paddedSlot, token } from '../sdk/verify/ethereum/world.ts'
import { openChromium } from './chromium.ts'
import type { LightPage } from './lightPage.ts'

declare const lightPage: LightPage

describe('the light client in a worker of a real browser', () => {
  let browser: Browser
  let server: LoopbackServer
  let page: Page
  const scripts = new Map<string, string>()

  beforeAll(async () => {
    for (const [path, name] of [
      ['/page.js', 'lightPage.ts'],
      ['/worker.js', 'lightWorker.ts'],
    ] as const) {
      const entry = join(import.meta.dirname, name)
      const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false })
      scripts.set(path, outputFiles[0]?.text ?? '')
    }
    server = await serveLoopback((request) => {
      const { pathname } = new URL(request.url)
      const script = scripts.get(pathname)
      if (script !== undefined) return new Response(script, { headers: { 'content-type': 'text/javascript' } })
      if (pathname !== '/') return new Response('', { status: 404 })
      return new Response('<script type="module" src="/page.js"></script>', {
        headers: { 'content-type': 'text/html' },
      })
    })
    browser = await openChromium()
    page = await browser.newPage()
    await page.goto(server.url)
    await page.waitForFunction(() => 'lightPage' in globalThis)
  })

  afterAll(async () => {
    await page?.close()
    await server?.stop()
  })

  it('verifies there, and the page has its turn meanwhile', async () => {
    const asked = [alice, token, paddedSlot(1n)] as const
    const [balance, level, output, turns] = await page.evaluate((told) => lightPage.ask(...told), asked)
    expect([balance, level, output]).toEqual([`${10n ** 18n + 12n}`, 'finalized', 9])
    expect(turns).toBeGreaterThan(0)
  })

  it('loads none of what verifies into the page', () => {
    const committee = 'BLS_SIG_BLS12381G2'
    expect([...scripts].map(([path, script]) => [path, script.includes(committee)])).toEqual([
      ['/page.js', false],
      ['/worker.js', true],
    ])
  })

  it('says so when the worker cannot run', async () => {
    expect(await page.evaluate(() => lightPage.fail())).toBe('client/stopped')
  })
})
