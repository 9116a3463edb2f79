import { accepted, type Decoded, refused } from '../../../sdk/errors.ts'
import type { Txid } from '../../../sdk/units.ts'
import type { Chain } from './chain.ts'
import { faultOfShape, isFinal, type Spend, spendOf, type View } from './consensus.ts'
import { judge } from './judge.ts'
import {
  faultOfBurn,
  faultOfFee,
  faultOfForm,
  faultOfHighFee,
  faultOfInputs,
  faultOfReplacement,
  packageMax,
  vsizeOf,
} from './policy.ts'
import { decodeTransaction, type LedgerTransaction, type Outpoint, outpointKey } from './transaction.ts'

/** A transaction that waits for a block. */
export interface Entry extends Spend {
  readonly transaction: LedgerTransaction
}

/** What waits for a block, as one node sees it. */
export interface Mempool {
  /** Takes a transaction, or refuses in the words of Core's reject reasons. One that is here already is taken again. */
  readonly accept: (raw: Uint8Array) => Decoded<Txid>
  readonly get: (txid: Txid) => Entry | undefined
  /** Parents before children. */
  readonly entries: () => readonly Entry[]
  /** What here spends an output. */
  readonly spender: (outpoint: Outpoint) => Txid | undefined
  /** Drops what a new block holds, and what it made impossible. */
  readonly blockConnected: (transactions: readonly LedgerTransaction[]) => void
  /** Judges all anew after blocks were undone, whose transactions come back first. */
  readonly chainChanged: (undone: readonly LedgerTransaction[]) => void
}

interface Pool {
  readonly chain: Chain
  readonly entries: Map<Txid, Entry>
  /** By outpoint. */
  readonly spends: Map<string, Txid>
}

export function createMempool(chain: Chain): Mempool {
  const pool: Pool = { chain, entries: new Map(), spends: new Map() }
  return {
    accept: (raw) => {
      const decoded = decodeTransaction(raw)
      return decoded.ok ? accept(pool, decoded.value) : refused('TX decode failed')
    },
    get: (txid) => pool.entries.get(txid),
    entries: () => [...pool.entries.values()],
    spender: (outpoint) => pool.spends.get(outpointKey(outpoint)),
    blockConnected: (transactions) => {
      for (const { txid, inputs } of transactions) {
        const mined = pool.entries.get(txid)
        if (mined) remove(pool, mined)
        for (const rival of spendersOf(pool, inputs)) remove(pool, ...withDescendants(pool, [rival]))
      }
    },
    chainChanged: (undone) => {
      const waiting = [...pool.entries.values()]
      remove(pool, ...waiting)
      for (const transaction of [...undone, ...waiting.map(({ transaction }) => transaction)]) {
        const admission = examine(pool, transaction, 'block')
        if (admission.ok) admit(pool, admission.value)
      }
    },
  }
}

/** As `sendrawtransaction` does: with its two questions whether that is meant. */
function accept(pool: Pool, transaction: LedgerTransaction): Decoded<Txid> {
  const { txid } = transaction
  const burn = faultOfBurn(transaction)
  if (burn !== null) return refused(burn)
  if (pool.entries.has(txid)) return accepted(txid)
  if (transaction.outputs.some((_, index) => pool.chain.coin({ txid, index })))
    return refused('Transaction outputs already in utxo set')
  const admission = examine(pool, transaction)
  if (!admission.ok) return admission
  const high = faultOfHighFee(transaction, admission.value.entry)
  if (high !== null) return refused(high)
  admit(pool, admission.value)
  return accepted(txid)
}

/** A transaction that may come in, and what has to make place for it. */
interface Admission {
  readonly entry: Entry
  readonly evicted: readonly Entry[]
}

/**
 * The checks of Core's MemPoolAccept, in its order: it decides which of several faults is named.
 *
 * @param from - What comes back from a lost block may pay less than the least.
 */
function examine(pool: Pool, transaction: LedgerTransaction, from: 'sender' | 'block' = 'sender'): Decoded<Admission> {
  const moment = pool.chain.next()
  const fault = faultOfShape(transaction) ?? faultOfForm(transaction)
  if (fault !== null) return refused(fault)
  if (!isFinal(transaction, moment)) return refused('non-final')
  const spend = spendOf(transaction, viewOf(pool), moment)
  if (!spend.ok) return spend
  const entry = { transaction, ...spend.value }
  const unfit =
    faultOfInputs(transaction, entry) ??
    (from === 'sender' ? faultOfFee(transaction, entry) : null) ??
    faultOfPackage(pool, transaction)
  if (unfit !== null) return refused(unfit)
  const evicted = evictedBy(pool, entry)
  if (!evicted.ok) return evicted
  const error = judge(transaction, entry.coins, 'relay')
  if (error !== null) return refused(`mempool-script-verify-flag-failed (${error})`)
  return accepted({ entry, evicted: evicted.value })
}

function admit(pool: Pool, { entry, evicted }: Admission) {
  const { txid, inputs } = entry.transaction
  remove(pool, ...evicted)
  pool.entries.set(txid, entry)
  for (const { outpoint } of inputs) pool.spends.set(outpointKey(outpoint), txid)
}

/** What waits counts as if the next block held it. */
function viewOf({ chain, entries }: Pool): View {
  return (outpoint) => {
    const output = entries.get(outpoint.txid)?.transaction.outputs[outpoint.index]
    return output ? { ...output, height: chain.next().height, coinbase: false } : chain.coin(outpoint)
  }
}

function faultOfPackage(pool: Pool, transaction: LedgerTransaction): string | null {
  const ancestors = ancestorsOf(pool, transaction)
  const families = [ancestors, ...ancestors.map((ancestor) => withDescendants(pool, [ancestor]))]
  const isTooLong = families.some((family) => {
    const vsize = family.reduce((sum, entry) => sum + vsizeOf(entry.transaction), vsizeOf(transaction))
    return family.length + 1 > packageMax.count || vsize > packageMax.vsize
  })
  return isTooLong ? 'too-long-mempool-chain' : null
}

/** What a transaction would evict, or why it may not. */
function evictedBy(pool: Pool, replacement: Entry): Decoded<readonly Entry[]> {
  const { transaction } = replacement
  const direct = spendersOf(pool, transaction.inputs)
  if (direct.length === 0) return accepted([])
  const evicted = withDescendants(pool, direct)
  if (ancestorsOf(pool, transaction).some((ancestor) => evicted.includes(ancestor)))
    return refused('bad-txns-spends-conflicting-tx')
  const known = new Set(direct.flatMap((entry) => parentsOf(entry.transaction)))
  if (parentsOf(transaction).some((parent) => pool.entries.has(parent) && !known.has(parent)))
    return refused('replacement-adds-unconfirmed')
  const fault = faultOfReplacement(replacement, direct, evicted)
  return fault === null ? accepted(evicted) : refused(fault)
}

function remove(pool: Pool, ...gone: readonly Entry[]) {
  for (const { transaction } of gone) {
    pool.entries.delete(transaction.txid)
    for (const { outpoint } of transaction.inputs) pool.spends.delete(outpointKey(outpoint))
  }
}

/** What spends the same outputs, each once. */
function spendersOf(pool: Pool, inputs: LedgerTransaction['inputs']): Entry[] {
  const txids = new Set(inputs.map(({ outpoint }) => pool.spends.get(outpointKey(outpoint))))
  return [...txids].flatMap((txid) => (txid && pool.entries.get(txid)) || [])
}

function ancestorsOf(pool: Pool, transaction: LedgerTransaction): Entry[] {
  return reach(pool, [transaction], parentsOf)
}

function withDescendants(pool: Pool, entries: readonly Entry[]): Entry[] {
  const childrenOf = ({ txid, outputs }: LedgerTransaction) =>
    outputs.map((_, index) => pool.spends.get(outpointKey({ txid, index })))
  const from = entries.map(({ transaction }) => transaction)
  return [...new Set([...entries, ...reach(pool, from, childrenOf)])]
}

function parentsOf({ inputs }: LedgerTransaction): Txid[] {
  return inputs.map(({ outpoint }) => outpoint.txid)
}

/** Entries that `step` leads to, each once. */
function reach(
  pool: Pool,
  from: readonly LedgerTransaction[],
  step: (of: LedgerTransaction) => readonly (Txid | undefined)[],
): Entry[] {
  const found = new Set<Entry>()
  const open = [...from]
  for (let next = open.pop(); next; next = open.pop())
    for (const txid of step(next)) {
      const entry = txid && pool.entries.get(txid)
      if (!entry || found.has(entry)) continue
      found.add(entry)
      open.push(entry.transaction)
    }
  return [...found]
}
