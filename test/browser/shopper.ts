import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Books } from '../../examples/checkout/api.ts'
import { twoWayTexts } from '../../examples/checkout/shopper/twoWayTexts.ts'
import { texts } from '../../examples/checkout/texts.ts'
import type { House } from './house.ts'

export const password = 'a password of the browser tests'
/** For what hangs: blocks and payments take their time on a machine that does other things too. */
const waitMs = 240_000

/** A person with a browser of their own. */
export interface Shopper {
  readonly page: Page
  readonly context: BrowserContext
  /** What the console said was wrong, refusals of the policy among it. */
  readonly faults: string[]
  /** Hosts that were asked for anything. */
  readonly hosts: Set<string>
  /** The twelve words, once the wallet is made. */
  words: string
}

export async function shopperIn(browser: Browser, house: House, init?: () => void): Promise<Shopper> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
  context.setDefaultTimeout(waitMs)
  if (init) await context.addInitScript(init)
  const shopper = { context, faults: [], hosts: new Set<string>(), words: '' }
  return { ...shopper, page: await tabOf(shopper, house) }
}

/** One more tab of the same person. */
export async function tabOf(
  { context, faults, hosts }: Pick<Shopper, 'context' | 'faults' | 'hosts'>,
  house: House,
  path = '/',
): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|WebSocket connection to/.test(message.text()))
      faults.push(message.text())
  })
  await page.goto(`${house.url}${path}`)
  return page
}

/** Makes a wallet, from words if there are any, and waits until it is open. */
export async function makeWallet(shopper: Shopper): Promise<void> {
  const { page } = shopper
  const say = texts.wallet
  await page.getByLabel(say.none.password, { exact: true }).fill(password)
  await page.getByLabel(say.none.again).fill(password)
  if (shopper.words) {
    await page.getByText(say.none.haveWords).click()
    await page.getByLabel(say.none.words).fill(shopper.words)
  }
  await page.getByRole('button', { name: say.none.create }).click()
  if (shopper.words) return
  await page.locator('.words li').first().waitFor()
  shopper.words = (await page.locator('.words li').allTextContents()).join(' ')
  await page.getByRole('button', { name: say.words.done }).click()
}

/** From nothing to an open lane. */
export async function openLane(shopper: Shopper): Promise<void> {
  const { page } = shopper
  await makeWallet(shopper)
  await page.getByRole('button', { name: texts.wallet.money.get }).click()
  await page.locator('button:not([aria-disabled])', { hasText: /^Put .* in a lane$/ }).click()
  await page.locator('.phase-open').waitFor()
}

/** From nothing to an open lane that pays both ways. */
export async function openTwoWayLane(shopper: Shopper): Promise<void> {
  const { page } = shopper
  await makeWallet(shopper)
  await page.getByRole('button', { name: texts.wallet.money.get }).click()
  await page.getByRole('radio', { name: twoWayTexts.kinds['two-way'][0] }).check()
  await page.locator('button:not([aria-disabled])', { hasText: /^Put .* in a lane$/ }).click()
  await page.locator('.phase-open').waitFor()
}

export async function unlock(page: Page, word = password): Promise<void> {
  await page.getByLabel(texts.wallet.none.password, { exact: true }).fill(word)
  await page.getByRole('button', { name: texts.wallet.locked.unlock }).click()
}

/** Buys the tide table, and waits until so many leaves are paid. */
export async function buyLeaves(page: Page, until: number): Promise<void> {
  await page.getByRole('button', { name: /^Buy all for/ }).click()
  await leavesPaid(page, until)
}

export async function leavesPaid(page: Page, until: number): Promise<void> {
  await page.waitForFunction(
    (least) => {
      const meter = document.querySelector('.good-leaves progress')
      return meter !== null && Number(meter.getAttribute('value')) >= least
    },
    until,
    // Looking with every frame, which is the default, makes the browser draw sixty of them a second.
    { polling: 100 },
  )
}

/** Stops buying, and says how many leaves were paid in the end. */
export async function stopLeaves(page: Page): Promise<number> {
  await page.getByRole('button', { name: texts.stop }).click()
  await page.getByRole('button', { name: texts.goOn }).waitFor()
  return leavesOf(page)
}

/** How many leaves are paid, as the page shows it. */
export async function leavesOf(page: Page): Promise<number> {
  return Number(await page.locator('.good-leaves progress').getAttribute('value'))
}

/** Closes the lane, and waits for the three sums to be one. */
export async function closeLane(page: Page): Promise<void> {
  const summary = page.locator('.confirm > summary')
  if (await summary.isVisible()) await summary.click()
  await page.getByRole('button', { name: /^Close (the lane|it now)$/ }).click()
  await page.getByText(texts.end.proven).waitFor()
}

/** The sums of the lane's card, by name, in satoshi. */
export async function sumsOf(page: Page): Promise<Readonly<Record<string, number>>> {
  const rows = await page.locator('.purse .sums > div').allInnerTexts()
  return Object.fromEntries(
    rows.map((row) => {
      const [name = '', sum = ''] = row.split('\n')
      return [name, Number(sum.replace(/[^0-9]/g, ''))]
    }),
  )
}

/** The merchant's books. */
export async function booksOf(house: House): Promise<Books> {
  return (await (await fetch(`${house.url}/merchant/books`)).json()) as Books
}
