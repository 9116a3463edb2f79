import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { texts } from '../../examples/checkout/texts.ts'
import { openChromium } from './chromium.ts'
import { type House, openHouse } from './house.ts'
import { openLane, shopperIn } from './shopper.ts'

describe('the shopper, in Chromium', () => {
  let browser: Browser
  let house: House

  beforeAll(async () => {
    house = await openHouse()
    browser = await openChromium()
  })

  afterAll(async () => {
    await browser.close()
    await house.stop()
  })

  it('makes a wallet, opens a lane, buys, closes, and sees paid = received = settled', async () => {
    const shopper = await shopperIn(browser, house)
    await openLane(shopper).catch(async (error) => { await shopper.page.screenshot({ path: '/tmp/fail.png', fullPage: true }); console.log(shopper.faults); throw error })
    const { page } = shopper
    await page.getByRole('button', { name: 'Read for 40 sat' }).click()
    await page.getByText('set their watches by it').waitFor()
    await page.getByRole('button', { name: 'Buy all for 200 sat' }).click()
    await page.getByText(texts.leavesDone(200)).waitFor({ timeout: 60_000 })
    await page.getByText('Close the lane').first().click()
    const close = page.getByRole('button', { name: 'Close the lane' })
    if (await close.isVisible()) await close.click()
    await page.getByText(texts.end.proven).waitFor({ timeout: 60_000 })
    expect(shopper.faults).toEqual([])
  })
})
