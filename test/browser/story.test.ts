import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { twoWayTexts } from '../../examples/checkout/shopper/twoWayTexts.ts'
import { sat, texts } from '../../examples/checkout/texts.ts'
import { faultsOf } from './axe.ts'
import { openChromium } from './chromium.ts'
import { type House, openHouse } from './house.ts'
import {
  booksOf,
  buyLeaves,
  closeLane,
  leavesOf,
  leavesPaid,
  openLane,
  openTwoWayLane,
  type Shopper,
  shopperIn,
  stopLeaves,
  sumsOf,
  tabOf,
  unlock,
} from './shopper.ts'

describe('the shopper, in Chromium', () => {
  let browser: Browser
  let house: House
  const shoppers: Shopper[] = []

  const arrive = async (init?: () => void) => {
    const shopper = await shopperIn(browser, house, init)
    shoppers.push(shopper)
    return shopper
  }

  beforeAll(async () => {
    house = await openHouse()
    browser = await openChromium()
  })

  afterEach(async ({ task }) => {
    for (const { context, faults, hosts, page } of shoppers.splice(0)) {
      if (task.result?.state === 'fail') console.error(await page.locator('body').allInnerTexts(), await booksOf(house))
      expect(faults, 'nothing is wrong in the console, and the policy refused nothing').toEqual([])
      expect([...hosts], 'nobody else is asked').toEqual([new URL(house.url).host])
      await context.close()
    }
    const { balance } = await booksOf(house)
    expect(balance, 'the books balance after every story').toMatchObject({ isBalanced: true, lost: 0 })
  })

  afterAll(async () => {
    await house.stop()
  })

  it('makes a wallet, opens a lane, buys by one click and by the second, closes, and sees paid = received = settled', async () => {
    const shopper = await arrive()
    const { page } = shopper
    await openLane(shopper)
    await page.getByRole('button', { name: 'Read for 40 sat' }).click()
    await page.getByText('set their watches by it').waitFor()
    expect(await sumsOf(page)).toMatchObject({
      [texts.lane.paid]: 294,
      [texts.lane.spent]: 40,
      [texts.lane.credit]: 254,
    })
    await page.getByRole('button', { name: 'Ask for 5 sat' }).click()
    await page.getByText(/ and (rising|falling)/).waitFor()
    await page.getByRole('radio', { name: '15 sat' }).check()
    await page.getByRole('button', { name: texts.articles.song.buy }).click()
    await page.getByText(texts.songAtLimit).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.getByText(texts.trial.title).click()
    expect(await faultsOf(page)).toEqual([])
    await closeLane(page)
    const sums = await sumsOf(page)
    expect(sums).toMatchObject({
      [texts.end.paid]: 294,
      [texts.end.received]: 294,
      [texts.end.settled]: 294,
      [texts.end.goods]: 60,
    })
    expect(await faultsOf(page)).toEqual([])
  })

  it('reloads in the middle of 200 payments, refuses a wrong password in words, and pays each once', async () => {
    const shopper = await arrive()
    const { page } = shopper
    await openLane(shopper)
    const before = (await booksOf(house)).entries
    await buyLeaves(page, 30)
    await page.reload()
    await unlock(page, 'not the password')
    await page.getByText('That is not the password.').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await unlock(page)
    await leavesPaid(page, 60)
    // A tab that is closed is as a reload that nobody waits for.
    await page.close()
    const again = await tabOf(shopper, house)
    await unlock(again)
    await leavesPaid(again, 200)
    await again.getByText(texts.leavesDone(200)).waitFor()
    expect(await sumsOf(again)).toMatchObject({ [texts.lane.spent]: 200 })
    expect((await booksOf(house)).entries - before).toBe(200)
    await closeLane(again)
    expect(await sumsOf(again)).toMatchObject({ [texts.end.goods]: 200, [texts.end.settled]: 294 })
  })

  it('pays over a lane that pays both ways, through a reload, is paid back over it, and closes together', async () => {
    const shopper = await arrive()
    const { page } = shopper
    await openTwoWayLane(shopper)
    await page.getByRole('button', { name: 'Borrow for 2,500 sat' }).click()
    await page.getByRole('img', { name: texts.chartOf }).waitFor()
    // An invoice that was shown before a reload is the one that is paid after it.
    await page.getByText(twoWayTexts.invoice.title).click()
    const invoice = page.locator('.good-story code')
    // A shop that takes its time has the page say so: then one asks again.
    const show = async () => {
      if (!(await invoice.isVisible())) await page.getByRole('button', { name: twoWayTexts.invoice.show }).click()
      await invoice.waitFor({ timeout: 30_000 })
    }
    await vi.waitFor(show, { timeout: 240_000 })
    const shown = await invoice.textContent()
    await buyLeaves(page, 5)
    await page.reload()
    await unlock(page)
    await leavesPaid(page, 15)
    expect(await invoice.textContent()).toBe(shown)
    await page.getByRole('button', { name: twoWayTexts.invoice.pay('40 sat') }).click()
    await page.getByText('set their watches by it').waitFor()
    await stopLeaves(page)
    // The last one may still be on its way.
    const rest = async () => ((await sumsOf(page))[twoWayTexts.shops] ?? 0) - (await leavesOf(page))
    await expect.poll(rest, { timeout: 240_000 }).toBe(2_500 + 40)
    const bought = await leavesOf(page)
    await page.getByRole('button', { name: texts.bringBack('1,500 sat') }).click()
    await page.getByText(texts.broughtBack('1,500 sat')).waitFor()
    const shops = 2_500 + 40 - 1_500 + bought
    await page.getByText(sat(20_000 - shops), { exact: true }).waitFor()
    expect(await sumsOf(page)).toMatchObject({ [twoWayTexts.shops]: shops })
    await page.getByText('If you close this page now').waitFor()
    await page.getByRole('button', { name: twoWayTexts.close }).click()
    await page.getByText(twoWayTexts.end.returned).waitFor()
    const sums = await sumsOf(page)
    expect(sums).toMatchObject({ [twoWayTexts.end.yours]: 20_000 - shops, [twoWayTexts.end.shops]: shops })
    const { fee, returned } = twoWayTexts.end
    expect((sums[fee] ?? 0) + (sums[returned] ?? 0)).toBe(20_000 - shops)
    await page.getByText(twoWayTexts.end.proven).waitFor()
  })

  it('pays nothing while it is paused, and goes on by itself after the edge was killed and after it was unplugged', async () => {
    const shopper = await arrive()
    const { page } = shopper
    await openLane(shopper)
    const before = (await booksOf(house)).entries
    await buyLeaves(page, 5)
    await page.getByRole('button', { name: texts.lane.pause }).click()
    await page.waitForTimeout(1_500)
    const paused = await leavesOf(page)
    await page.waitForTimeout(1_500)
    expect(await leavesOf(page)).toBe(paused)
    await page.getByRole('button', { name: texts.lane.resume }).click()
    await leavesPaid(page, paused + 5)
    await page.getByText(texts.trial.title).click()
    await page.getByRole('button', { name: texts.trial.kill }).click()
    await page.getByText(texts.notices.edge).waitFor()
    await page.getByText(texts.notices.edge).waitFor({ state: 'detached' })
    const killed = await leavesOf(page)
    await leavesPaid(page, killed + 10)
    await page.getByRole('button', { name: texts.trial.unplug }).click()
    await page.getByText(texts.notices.unplugged).waitFor()
    await page.getByText(texts.waiting).waitFor()
    const unplugged = await leavesOf(page)
    await page.getByRole('button', { name: texts.trial.plug }).click()
    await leavesPaid(page, Math.max(unplugged + 10, killed + 30))
    const bought = await stopLeaves(page)
    expect(await sumsOf(page)).toMatchObject({ [texts.lane.spent]: bought })
    expect((await booksOf(house)).entries - before).toBe(bought)
  })

  it('has one lane in two tabs: the newer one pays, the older one says so, and may take it back', async () => {
    const shopper = await arrive()
    const { page } = shopper
    await openLane(shopper)
    await page.getByRole('button', { name: 'Read for 40 sat' }).click()
    await page.getByText('set their watches by it').waitFor()
    const other = await tabOf(shopper, house)
    await unlock(other)
    await other.locator('.phase-open').waitFor()
    await buyLeaves(other, 20)
    // It may have been told by now, and takes no click then.
    await page.getByRole('button', { name: /^Buy all for/ }).dispatchEvent('click')
    await page.getByRole('heading', { name: texts.lane.elsewhereTitle }).waitFor()
    expect(await faultsOf(page)).toEqual([])
    await leavesPaid(other, 60)
    await page.getByRole('button', { name: texts.lane.takeBack }).click()
    await other.getByRole('heading', { name: texts.lane.elsewhereTitle }).waitFor()
    await page.locator('.phase-open').waitFor()
    // It goes on with what either tab began to buy, which may have ended by itself by now.
    await leavesPaid(page, 80)
    const stop = page.getByRole('button', { name: texts.stop })
    await stop.evaluateAll((buttons) => buttons.map((button) => (button as HTMLElement).click()))
    await stop.waitFor({ state: 'detached' })
    await other.close()
    await closeLane(page)
    // What each tab got is in the till's records, and nothing else.
    const [newest] = (await booksOf(house)).channels
    expect(await sumsOf(page)).toMatchObject({ [texts.end.goods]: newest?.spent, [texts.end.paid]: newest?.received })
  })
})
