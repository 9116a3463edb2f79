import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { texts } from '../../examples/checkout/texts.ts'
import { faultsOf } from './axe.ts'
import { openChromium } from './chromium.ts'
import { type House, openHouse } from './house.ts'
import {
  booksOf,
  buyLeaves,
  closeLane,
  leavesOf,
  leavesPaid,
  makeWallet,
  openLane,
  shopperIn,
  stopLeaves,
  sumsOf,
} from './shopper.ts'

describe('trouble, in Chromium', () => {
  let browser: Browser
  let house: House

  beforeAll(async () => {
    house = await openHouse()
    browser = await openChromium()
  })

  afterAll(async () => {
    await house.stop()
  })

  it('a full storage stops paying, says so, and nothing is lost or paid twice once there is space', async () => {
    const shopper = await shopperIn(browser, house)
    const { page } = shopper
    await openLane(shopper)
    await buyLeaves(page, 10)
    // What the browser does to a transaction when its quota is used up.
    await page.evaluate(() => {
      const put = IDBObjectStore.prototype.put
      Object.assign(globalThis, { freeSpace: () => Object.assign(IDBObjectStore.prototype, { put }) })
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
      }
    })
    await page.getByText('This device has no space left.').waitFor()
    const full = await leavesOf(page)
    expect(await faultsOf(page)).toEqual([])
    await page.evaluate(() => (globalThis as unknown as { freeSpace: () => void }).freeSpace())
    await page.getByRole('button', { name: texts.goOn }).click()
    await leavesPaid(page, Math.max(full + 10, 40))
    const bought = await stopLeaves(page)
    expect(await sumsOf(page)).toMatchObject({ [texts.lane.spent]: bought })
    await closeLane(page)
    expect((await booksOf(house)).balance).toMatchObject({ isBalanced: true, lost: 0 })
    await shopper.context.close()
  })

  it('a storage that was evicted is told from a wallet that never was, and the words bring the coins back', async () => {
    const shopper = await shopperIn(browser, house)
    const { page, context } = shopper
    await makeWallet(shopper)
    await page.getByRole('button', { name: texts.wallet.money.get }).click()
    await page.locator('button:not([aria-disabled])', { hasText: /^Put .* in a lane$/ }).waitFor()
    const session = await context.newCDPSession(page)
    await page.goto(`${house.url}/lanes`)
    await session.send('Storage.clearDataForOrigin', { origin: house.url, storageTypes: 'indexeddb,local_storage' })
    await page.goto(house.url)
    await page.getByText(texts.wallet.lost.evicted).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await makeWallet(shopper)
    await page.getByText(texts.wallet.balance('100,000 sat')).waitFor()
    await context.close()
  })

  it('a clock that is off is told, and neither it nor a slow network changes a sum', async () => {
    const shopper = await shopperIn(browser, house, () => {
      const now = Date.now
      Date.now = () => now() + 7_200_000
    })
    const { page, context } = shopper
    await page.getByText(texts.notices.skew('2 hours', 'ahead of')).waitFor()
    await openLane(shopper)
    await page.getByRole('button', { name: 'Read for 40 sat' }).click()
    await page.getByText('set their watches by it').waitFor()
    expect(await sumsOf(page)).toMatchObject({ [texts.lane.spent]: 40 })
    const session = await context.newCDPSession(page)
    const slow = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 25_000 }
    await session.send('Network.enable')
    await session.send('Network.emulateNetworkConditions', slow)
    await page.getByRole('button', { name: 'Ask for 5 sat' }).click()
    await page.getByText(/ and (rising|falling)/).waitFor()
    expect(await sumsOf(page)).toMatchObject({ [texts.lane.spent]: 45 })
    await closeLane(page)
    expect(await sumsOf(page)).toMatchObject({ [texts.end.goods]: 45, [texts.end.paid]: 294, [texts.end.settled]: 294 })
    await context.close()
  })

  it('a lane that is never closed pays everything back by itself after its expiry', async () => {
    const shopper = await shopperIn(browser, house)
    const { page } = shopper
    await openLane(shopper)
    const mined = await fetch(`${house.url}/demo/blocks?count=1010`, { method: 'POST' })
    expect(mined.ok).toBe(true)
    await page.getByText(texts.end.proven).waitFor()
    expect(await sumsOf(page)).toMatchObject({
      [texts.end.paid]: 0,
      [texts.end.received]: 0,
      [texts.end.settled]: 0,
      [texts.end.goods]: 0,
    })
    expect((await sumsOf(page))[texts.end.returned]).toBeGreaterThan(19_000)
    await shopper.context.close()
  })

  it('two browsers of one seed each keep what they have: no lane is paid twice, and no sum is wrong', async () => {
    const first = await shopperIn(browser, house)
    await openLane(first)
    await first.page.getByRole('button', { name: 'Read for 40 sat' }).click()
    await first.page.getByText('set their watches by it').waitFor()
    const second = await shopperIn(browser, house)
    second.words = first.words
    await makeWallet(second)
    // It has the coins that are left, and knows nothing of the lane that the other browser keeps.
    await second.page.locator('button:not([aria-disabled])', { hasText: /^Put .* in a lane$/ }).click()
    await second.page.locator('.phase-open').waitFor()
    await second.page.getByRole('button', { name: 'Read for 40 sat' }).click()
    await second.page.getByText('set their watches by it').waitFor()
    await buyLeaves(first.page, 5)
    await first.page.getByRole('button', { name: texts.stop }).click()
    await first.page.getByRole('button', { name: texts.goOn }).waitFor()
    for (const { page } of [second, first]) {
      await closeLane(page)
      expect(await sumsOf(page)).toMatchObject({ [texts.end.paid]: 294, [texts.end.settled]: 294 })
    }
    expect((await booksOf(house)).balance).toMatchObject({ isBalanced: true, lost: 0 })
    await first.context.close()
    await second.context.close()
  })

  it('words that are no words are refused before anything is made', async () => {
    const shopper = await shopperIn(browser, house)
    shopper.words = 'one two three four five six seven eight nine ten eleven twelve'
    await makeWallet(shopper)
    await shopper.page.getByText('These are not twelve valid words.').waitFor()
    await shopper.context.close()
  })
})
