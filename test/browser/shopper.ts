import type { Browser, BrowserContext, Page } from 'playwright-core'
import { texts } from '../../examples/checkout/texts.ts'
import type { House } from './house.ts'

export const password = 'a password of the browser tests'

/** A person with a browser of their own. */
export interface Shopper {
  readonly page: Page
  readonly context: BrowserContext
  /** What the page's console said was wrong, refusals of the policy among it. */
  readonly faults: string[]
}

export async function shopperIn(browser: Browser, house: House): Promise<Shopper> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  const faults: string[] = []
  const page = await openPage({ context, faults }, house)
  return { page, context, faults }
}

/** One more tab of the same person. */
export async function openPage({ context, faults }: Pick<Shopper, 'context' | 'faults'>, house: House): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(message.text())
  })
  await page.goto(house.checkout.url)
  return page
}

/** Makes a wallet and puts coins in. */
export async function makeWallet({ page }: Pick<Shopper, 'page'>): Promise<void> {
  const say = texts.wallet
  await page.getByLabel(say.none.password, { exact: true }).fill(password)
  await page.getByLabel(say.none.again).fill(password)
  await page.getByRole('button', { name: say.none.create }).click()
  await page.getByRole('button', { name: say.words.done }).click()
  await page.getByRole('button', { name: say.money.get }).click()
  await page.getByRole('button', { name: /^Put .* in a lane$/ }).waitFor({ timeout: 30_000 })
}

/** From nothing to an open lane. */
export async function openLane(shopper: Pick<Shopper, 'page'>): Promise<void> {
  const { page } = shopper
  await makeWallet(shopper)
  await page.locator('button:not([aria-disabled])', { hasText: /^Put .* in a lane$/ }).click()
  await page.getByText(texts.lane.remaining).waitFor({ timeout: 60_000 })
  await page.locator('.phase-open').waitFor({ timeout: 60_000 })
}

export async function unlock({ page }: Pick<Shopper, 'page'>, word = password): Promise<void> {
  await page.getByLabel(texts.wallet.none.password, { exact: true }).fill(word)
  await page.getByRole('button', { name: texts.wallet.locked.unlock }).click()
}
