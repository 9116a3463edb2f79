import { invariant } from '../errors.ts'
import { type Height, type Sats, sats } from '../units.ts'
import { type Account, accountOutput, type Chain, type KeyPath } from './account.ts'
import { type Outpoint, outpointKey } from './transaction.ts'

/** Unused scripts in a row after which a chain is thought to end, where nothing else is said (BIP-44). */
export const gapLimitDefault = 20
/** Widest gap that a scan looks behind. */
export const gapLimitMax = 1_000
/** Most scripts of one chain that a scan asks for: an end, whatever a lying node claims. */
export const scanScriptsMax = 10_000
/** Confirmations before a block's reward may be spent (consensus). */
export const coinbaseMaturity = 100

/** An unspent output of ours. */
export interface Coin {
  readonly outpoint: Outpoint
  readonly value: Sats
  readonly script: Uint8Array
  /** Of the block that holds it, or `null` while none does. */
  readonly height: Height | null
  /** True for a block's reward, which matures for {@link coinbaseMaturity} blocks. */
  readonly coinbase: boolean
  readonly keyPath: KeyPath
}

/** A script to ask the chain about. */
export interface WantedScript {
  readonly keyPath: KeyPath
  readonly script: Uint8Array
}

/** What the chain says of one wanted script. Only as true as its source. */
export interface ScriptFacts {
  readonly keyPath: KeyPath
  /** True when any transaction, however old, paid to the script. */
  readonly used: boolean
  /** All that is unspent on the script now. */
  readonly coins: readonly Omit<Coin, 'script' | 'keyPath'>[]
}

/** A scan under way: data, to be kept and gone on with. */
export interface Scan {
  readonly account: Account
  /** Unused scripts in a row after which a chain is thought to end. */
  readonly gapLimit: number
  readonly receive: ChainScan
  readonly change: ChainScan
}

interface ChainScan {
  /** What was asked, by index. */
  readonly asked: readonly { readonly script: Uint8Array; readonly coins: readonly Coin[] | 'open' }[]
  /** One past the last used index. */
  readonly used: number
}

export interface ScanStep {
  readonly state: Scan
  /** Scripts to ask about now, none of them asked before. */
  readonly wanted: readonly WantedScript[]
}

/**
 * Starts a scan of both chains.
 *
 * @param known - One past the last used index of each chain, where an earlier scan found it.
 * @param gapLimit - Unused scripts in a row after which a chain is thought to end: from 1 to {@link gapLimitMax}.
 */
export function beginScan(
  account: Account,
  known: Readonly<Record<Chain, number>> = { receive: 0, change: 0 },
  gapLimit: number = gapLimitDefault,
): ScanStep {
  invariant(Number.isSafeInteger(gapLimit) && gapLimit >= 1 && gapLimit <= gapLimitMax, 'a scan looks behind some gaps')
  const empty = (chain: Chain): ChainScan => ({ asked: [], used: Math.min(known[chain], scanScriptsMax) })
  return extend({ account, gapLimit, receive: empty('receive'), change: empty('change') })
}

/**
 * Takes in answers and asks on, until its gap limit of unused scripts lie behind the last used one of each
 * chain. Answers may come in any order and split; a second answer for a script replaces the first.
 */
export function scanStep(state: Scan, facts: readonly ScriptFacts[]): ScanStep {
  return extend({ ...state, receive: learn(state, 'receive', facts), change: learn(state, 'change', facts) })
}

/** True when every script that was asked about is answered. */
export function isScanDone({ receive, change }: Scan): boolean {
  return [receive, change].every(({ asked }) => asked.every(({ coins }) => coins !== 'open'))
}

/** The coins found so far, each once. */
export function scannedCoins({ receive, change }: Scan): readonly Coin[] {
  const coins = [...receive.asked, ...change.asked].flatMap(({ coins }) => (coins === 'open' ? [] : coins))
  return [...new Map(coins.map((coin) => [outpointKey(coin.outpoint), coin])).values()]
}

/** The first path of a chain behind all used ones: the next address to show, or the next change. */
export function freshPath(state: Scan, chain: Chain): KeyPath {
  return { chain, index: state[chain].used }
}

/** What an account holds. The sum of the three is all there is. */
export interface Balance {
  /** In a block, and free to spend. */
  readonly confirmed: Sats
  /** In no block yet: may be replaced, or never come. */
  readonly pending: Sats
  /** Rewards that wait for {@link coinbaseMaturity}. */
  readonly immature: Sats
}

/** Adds up coins as of the block at `tip`. */
export function balanceOf(coins: readonly Coin[], tip: Height): Balance {
  let [confirmed, pending, immature] = [0n, 0n, 0n]
  for (const coin of coins) {
    if (coin.height === null) pending += coin.value
    else if (isMature(coin, tip)) confirmed += coin.value
    else immature += coin.value
  }
  return { confirmed: sats(confirmed), pending: sats(pending), immature: sats(immature) }
}

/** False for a reward that the next block after `tip` could not spend yet. */
export function isMature({ coinbase, height }: Coin, tip: Height): boolean {
  return !coinbase || (height !== null && tip + 1 - height >= coinbaseMaturity)
}

function learn(state: Scan, chain: Chain, facts: readonly ScriptFacts[]): ChainScan {
  const answers = facts.filter(({ keyPath }) => keyPath.chain === chain)
  if (answers.length === 0) return state[chain]
  const asked = [...state[chain].asked]
  let { used } = state[chain]
  for (const { keyPath, coins, used: wasUsed } of answers) {
    const script = asked[keyPath.index]?.script
    invariant(script, 'a scan hears only of scripts it asked about')
    asked[keyPath.index] = { script, coins: coins.map((coin) => ({ ...coin, script, keyPath })) }
    if (wasUsed || coins.length > 0) used = Math.max(used, keyPath.index + 1)
  }
  return { asked, used }
}

function extend(state: Scan): ScanStep {
  const [receive, moreReceive] = ask(state, 'receive')
  const [change, moreChange] = ask(state, 'change')
  return { state: { ...state, receive, change }, wanted: [...moreReceive, ...moreChange] }
}

function ask(state: Scan, chain: Chain): [ChainScan, WantedScript[]] {
  const { account, gapLimit } = state
  const { asked, used } = state[chain]
  const wanted: WantedScript[] = []
  for (let index = asked.length; index < Math.min(used + gapLimit, scanScriptsMax); index++) {
    const keyPath = { chain, index }
    wanted.push({ keyPath, script: accountOutput(account, keyPath).script })
  }
  return [{ asked: [...asked, ...wanted.map(({ script }) => ({ script, coins: 'open' as const }))], used }, wanted]
}
