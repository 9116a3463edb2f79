import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lanesTexts } from '../../examples/checkout/lanes/texts.ts'
import { merchantTexts } from '../../examples/checkout/merchant/texts.ts'
import { texts } from '../../examples/checkout/texts.ts'
import { faultsOf } from './axe.ts'
import { openChromium } from './chromium.ts'
import { type House, openHouse } from './house.ts'
import { booksOf, buyLeaves, openLane, shopperIn, tabOf } from './shopper.ts'
import { lanesStates } from './states.ts'

describe('the merchant, in Chromium', () => {
  let browser: Browser
  let house: House

  beforeAll(async () => {
    house = await openHouse()
    browser = await openChromium()
  })

  afterAll(async () => {
    await house.stop()
  })

  it('sees the income live, takes the ledger along, and settles now; the shopper sees the same sums', async () => {
    const shopper = await shopperIn(browser, house)
    await openLane(shopper)
    const till = await tabOf(shopper, house, '/merchant')
    await till.getByText(merchantTexts.phases.open, { exact: true }).waitFor()
    await buyLeaves(shopper.page, 12)
    await shopper.page.getByRole('button', { name: texts.stop }).click()
    await shopper.page.getByRole('button', { name: texts.goOn }).waitFor()
    await till.getByText(merchantTexts.balanced).waitFor()
    expect(await faultsOf(till)).toEqual([])
    const { entries, balance } = await booksOf(house)
    await till.getByText(`${entries} payments`).waitFor()
    const downloading = till.waitForEvent('download')
    await till.getByRole('link', { name: merchantTexts.csv }).click()
    const [heads = [], ...rows] = readFileSync(await (await downloading).path(), 'utf8')
      .trim()
      .split('\r\n')
      .map((row) => row.split(','))
    expect(rows.length).toBe(entries)
    expect(rows.reduce((sum, row) => sum + Number(row[heads.indexOf('price_sat')]), 0)).toBe(balance.sold)

    await till.getByRole('button', { name: /^Settle now/ }).click()
    await till.getByText(merchantTexts.phases.closed, { exact: true }).waitFor()
    await till.getByText(merchantTexts.balanced).waitFor()
    await shopper.page.getByText(texts.end.proven).waitFor()
    const after = await booksOf(house)
    expect(after.balance).toMatchObject({ claims: 0, settled: 294, lost: 0, sold: entries, isBalanced: true })
    expect(shopper.faults).toEqual([])
    await shopper.context.close()
  })

  it('refuses a page of another site, and a name that is not this machine', async () => {
    const settle = `${house.url}/merchant/channels/0x${'00'.repeat(32)}/settle`
    const from = (headers: Record<string, string>) => fetch(settle, { method: 'POST', headers })
    expect((await from({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await from({ 'sec-fetch-site': 'same-site' })).status).toBe(403)
    expect((await from({ 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    const named = house.url.replace('127.0.0.1', 'localhost')
    const moved = await fetch(`${named}/merchant`, { redirect: 'manual', headers: { accept: 'text/html' } })
    expect([moved.status, moved.headers.get('location')]).toEqual([307, `${house.url}/merchant`])
    for (const body of ['', '{', '[]', '{"address":1}', `{"address":"${'x'.repeat(200)}"}`])
      expect((await fetch(`${house.url}/demo/coins`, { method: 'POST', body })).status).toBe(400)
    const answer = await fetch(house.url)
    expect(answer.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'/,
    )
    expect(answer.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:|\*/)
  })

  it('draws the lanes of a window, with the reasons in words beside it', async () => {
    const shopper = await shopperIn(browser, house)
    const detail = lanesStates.drawn?.detail
    if (!detail || detail === 'gone') throw new Error('There is a window to draw.')
    const windows = [{ ...detail, transactions: detail.transactions.length }]
    await shopper.context.route('**/v1/chains/**', (route) => {
      const url = new URL(route.request().url())
      const isPage = url.pathname.endsWith('/windows')
      return route.fulfill({
        json: isPage ? { windows: url.searchParams.get('after') === '0' ? windows : [] } : detail,
      })
    })
    const page = await tabOf(shopper, house, '/lanes')
    await page.getByRole('img', { name: lanesTexts.picture(detail.window) }).waitFor()
    expect(await page.locator('.picture rect').count()).toBe(detail.transactions.length)
    expect(await page.getByText('12 waits for 0 because').count()).toBeGreaterThan(0)
    expect(await faultsOf(page)).toEqual([])
    expect(shopper.faults).toEqual([])
    await shopper.context.close()
  })

  it('says that the edge keeps nothing, when there is nothing', async () => {
    const shopper = await shopperIn(browser, house)
    const page = await tabOf(shopper, house, '/lanes')
    await page.getByText(lanesTexts.none).waitFor()
    await shopper.context.close()
  })

  it('by keyboard alone: a wallet, a lane, and a purchase', async () => {
    const shopper = await shopperIn(browser, house)
    const { page } = shopper
    await page.getByLabel(texts.wallet.none.password, { exact: true }).waitFor()
    const press = async (name: string | RegExp) => {
      const button = page.getByRole('button', { name })
      await button.waitFor()
      await page.waitForFunction(
        (label) => {
          const found = [...document.querySelectorAll('button')].find((one) =>
            new RegExp(label).test(one.textContent ?? ''),
          )
          return found !== undefined && !found.hasAttribute('aria-disabled')
        },
        typeof name === 'string' ? name : name.source,
      )
      for (let tabs = 0; tabs < 60; tabs++) {
        if (await button.evaluate((one) => one === document.activeElement)) break
        await page.keyboard.press('Tab')
      }
      await page.keyboard.press('Enter')
    }
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(texts.skip)
    for (let tabs = 0; tabs < 20; tabs++) {
      if ((await page.evaluate(() => document.activeElement?.id)) === 'field-password') break
      await page.keyboard.press('Tab')
    }
    await page.keyboard.type('a password by keyboard')
    await page.keyboard.press('Tab')
    await page.keyboard.type('a password by keyboard')
    await page.keyboard.press('Enter')
    await press(texts.wallet.words.done)
    await press(texts.wallet.money.get)
    await press(/^Put .* in a lane$/)
    await page.locator('.phase-open').waitFor()
    await press(/^Read for/)
    await page.getByText('set their watches by it').waitFor()
    await shopper.context.close()
  })
})
