import {
  type Account,
  accountOutput,
  beginScan,
  type Chain,
  type Coin,
  type KeyPath,
  type Scan,
  scannedCoins,
  scanStep,
  type WantedScript,
} from '../../bitcoin/index.ts'
import { type Height, toHex } from '../../units.ts'
import { inParallel } from '../pool.ts'
import type { Book, OwnPath } from './book.ts'
import type { Facts, KnownTransaction, ScriptTold } from './facts.ts'
import { type Nodes, questionsInFlightMax } from './nodes.ts'

/** A coin whose amount and script stand in the transaction that made it, and the account it belongs to. */
export interface OwnCoin extends Coin {
  readonly account: number
  readonly previous: KnownTransaction
}

/** What one look at the chain found. */
export interface Sight {
  readonly tip: Height
  /** Unspent by the word of at least one node, everything else about them checked. */
  readonly coins: readonly OwnCoin[]
  /** For each account, one past the last path of each chain that a block has shown in use. */
  readonly used: Book['used']
  /** The same, where a transaction without a block counts too: it may never come. */
  readonly seen: Book['used']
}

/**
 * How far a look goes: through the whole gap, as a restored wallet must, or a little beyond what is in use. The first look
 * of a wallet is always whole.
 */
export type Reach = 'whole' | 'near'

/** Unused scripts behind the last used one that a near look asks about. */
const nearGap = 2

interface LookoutParts {
  readonly accounts: readonly Account[]
  readonly nodes: Nodes
  readonly facts: Facts
  /** Unused scripts in a row after which a chain is thought to end. */
  readonly gapLimit: number
}

/** Looks at the chain for the wallet's accounts, through several nodes of which each may hide or invent. */
export interface Lookout extends Pick<Facts, 'transaction' | 'inclusion'> {
  /** @param used - What earlier looks have found in use. */
  readonly look: (used: Book['used'], reach: Reach) => Promise<Sight>
  /** The first path of an account's receive chain from `from` on that no node has ever seen paid, or the last in the gap. */
  readonly freshReceive: (account: number, from: number) => Promise<KeyPath>
  /** The path of a script that a look has asked about. */
  readonly ownPath: (script: Uint8Array) => OwnPath | undefined
}

/**
 * Funds at risk: a coin counts as unspent when one node says so, and as gone when all are silent about it. A node can so
 * invent nothing, since amount and script come from a transaction that hashes to its name, but it can name a coin that is
 * spent already: a payment from it is refused by every honest node.
 */
export function createLookout({ accounts, nodes, facts, gapLimit }: LookoutParts): Lookout {
  const paths = new Map<string, OwnPath>()
  /** How far each account was scanned, to go on from. */
  const scans = new Map<number, Scan>()

  async function lookAt(account: number, known: Record<Chain, number>, tip: Height, reach: Reach): Promise<LookedAt> {
    const earlier = scans.get(account)
    let state = earlier ?? beginScan(accounts[account] as Account, known, gapLimit).state
    const gap = earlier && reach === 'near' ? nearGap : gapLimit
    const used = { ...known }
    const seen = { ...known }
    const answered = new Set<string>()
    for (;;) {
      // What no block shows extends nothing: whoever invents transactions could else lead addresses past the gap.
      const isWithin = ({ chain, index }: KeyPath) =>
        index < Math.min(used[chain] + gapLimit, Math.max(used[chain], state[chain].used) + gap)
      const wanted = askedIn(state).filter(({ keyPath, script }) => isWithin(keyPath) && !answered.has(toHex(script)))
      if (wanted.length === 0) break
      const told = await inParallel(wanted, questionsInFlightMax, ({ keyPath, script }) =>
        facts.script(script, keyPath.index < known[keyPath.chain], tip),
      )
      for (const [at, { keyPath, script }] of wanted.entries()) {
        const { isProven, used: isSeen, coins } = told[at] as ScriptTold
        answered.add(toHex(script))
        paths.set(toHex(script), { account, keyPath })
        if (isProven) used[keyPath.chain] = Math.max(used[keyPath.chain], keyPath.index + 1)
        if (isSeen || coins.length > 0) seen[keyPath.chain] = Math.max(seen[keyPath.chain], keyPath.index + 1)
      }
      const learned = wanted.map(({ keyPath }, at) => ({ keyPath, ...(told[at] as ScriptTold) }))
      state = scanStep(state, learned).state
    }
    scans.set(account, state)
    return { state, used, seen }
  }

  return {
    transaction: facts.transaction,
    inclusion: facts.inclusion,
    ownPath: (script) => paths.get(toHex(script)),
    async freshReceive(account, from) {
      for (let index = from; index < from + gapLimit - 1; index++) {
        const { script } = accountOutput(accounts[account] as Account, { chain: 'receive', index })
        const histories = await nodes.ask((node) => node.history(script))
        if (histories.every((history) => history.length === 0)) return { chain: 'receive', index }
      }
      return { chain: 'receive', index: from + gapLimit - 1 }
    },
    async look(used, reach) {
      const tip = await nodes.tip()
      const found = await Promise.all(
        accounts.map((_, account) => lookAt(account, used[account] ?? { receive: 0, change: 0 }, tip, reach)),
      )
      const coins: OwnCoin[] = []
      for (const [account, { state }] of found.entries())
        for (const coin of scannedCoins(state)) {
          const previous = await facts.transaction(coin.outpoint.txid)
          if (previous) coins.push({ ...coin, account, previous })
        }
      return { tip, coins, used: found.map(({ used }) => used), seen: found.map(({ seen }) => seen) }
    },
  }
}

interface LookedAt {
  readonly state: Scan
  readonly used: Record<Chain, number>
  readonly seen: Record<Chain, number>
}

/** Every script that a scan has asked about. */
function askedIn(scan: Scan): readonly WantedScript[] {
  const chains: readonly Chain[] = ['receive', 'change']
  return chains.flatMap((chain) =>
    scan[chain].asked.map(({ script }, index) => ({ keyPath: { chain, index }, script })),
  )
}
