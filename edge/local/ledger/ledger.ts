import { accepted, type Decoded, invariant, refused, SdkError } from '../../../sdk/errors.ts'
import type { Sats, Txid } from '../../../sdk/units.ts'
import { type Block, type Chain, createChain, type Mined, minedWeightMax } from './chain.ts'
import { createMempool, type Entry, type Mempool } from './mempool.ts'
import { minerScript, payFrom, type Reward } from './miner.ts'
import { hashOf, scriptOfAddress } from './script.ts'
import { decodeTransaction, type LedgerTransaction, type Outpoint } from './transaction.ts'

export interface LedgerOptions {
  /** The clock of the miner, in seconds since 1970. */
  readonly nowSeconds?: () => number
}

/** A transaction that is mined or waits. */
export interface Known {
  readonly transaction: LedgerTransaction
  /** `null` while no block holds it. */
  readonly mined: Mined | null
}

/**
 * Bitcoin's regtest in one process, for one machine: chain, mempool and miner, with Bitcoin Core's rules as far as
 * docs/bitcoin-policy.md states them. Nothing outlives the process.
 */
export interface Ledger {
  readonly chain: Chain
  readonly mempool: Mempool
  readonly known: (txid: Txid) => Known | undefined
  /** What spends an output, mined or waiting. */
  readonly spender: (outpoint: Outpoint) => Txid | undefined
  /** All transactions that pay to a script or spend from it, newest first, by the SHA-256 of the script. */
  readonly touching: (scriptHash: string) => readonly Known[]
  /** Takes a transaction into the mempool, or refuses in the words of Core's reject reasons. */
  readonly broadcast: (raw: Uint8Array) => Decoded<Txid>
  /** Mines blocks on the tip, of what waits. */
  readonly mine: (blocks: number) => void
  /** Mines one block of exactly these transactions, judged by consensus alone. Refuses in Core's words. */
  readonly mineOnly: (raws: readonly Uint8Array[]) => Decoded<Block>
  /**
   * Replaces the last `depth` blocks by a branch one longer. Its first block holds `raws`; what the lost blocks held
   * waits again, where it still can. Refuses, changing nothing, when the chain is too short or `raws` break consensus.
   */
  readonly reorg: (depth: number, raws?: readonly Uint8Array[]) => Decoded<Block>
  /** Pays an address out of matured rewards; the payment waits for a block. Throws `node/refused`. */
  readonly fund: (address: string, value: Sats) => Outpoint
}

interface State {
  readonly chain: Chain
  readonly mempool: Mempool
  /** Transactions by the hash of a script they pay to or spend from; some may be in no branch any more. */
  readonly touched: Map<string, Set<Txid>>
  readonly nowSeconds: () => number
}

export function createLedger({ nowSeconds = systemSeconds }: LedgerOptions = {}): Ledger {
  const chain = createChain(minerScript)
  const mempool = createMempool(chain)
  const state: State = { chain, mempool, touched: new Map(), nowSeconds }
  const broadcast = (raw: Uint8Array) => {
    const taken = mempool.accept(raw)
    const entry = taken.ok && mempool.get(taken.value)
    if (entry) remember(state, entry.transaction)
    return taken
  }
  return {
    chain,
    mempool,
    known: (txid) => known(state, txid),
    spender: (outpoint) => mempool.spender(outpoint) ?? chain.spender(outpoint),
    touching: (scriptHash) => {
      const found = [...(state.touched.get(scriptHash) ?? [])].flatMap((txid) => known(state, txid) ?? [])
      return found.reverse().sort((a, b) => ageOf(b) - ageOf(a))
    },
    broadcast,
    mine: (blocks) => {
      for (let mined = 0; mined < blocks; mined++) {
        const block = connect(state, fitting(mempool.entries()))
        invariant(block.ok, 'what waits can be mined')
      }
    },
    mineOnly: (raws) => {
      const transactions = decodeAll(raws)
      return transactions.ok ? connect(state, transactions.value) : transactions
    },
    reorg: (depth, raws = []) => reorg(state, depth, raws),
    fund: (address, value) => fund(state, broadcast, address, value),
  }
}

/** The output that an input spends. */
export function spentOutput({ known }: Pick<Ledger, 'known'>, { txid, index }: Outpoint) {
  return known(txid)?.transaction.outputs[index]
}

function known({ chain, mempool }: State, txid: Txid): Known | undefined {
  const mined = chain.mined(txid)
  if (mined) return { transaction: mined.transaction, mined }
  const entry = mempool.get(txid)
  return entry && { transaction: entry.transaction, mined: null }
}

function connect(state: State, transactions: readonly LedgerTransaction[]): Decoded<Block> {
  const block = state.chain.extend(transactions, state.nowSeconds())
  if (!block.ok) return block
  state.mempool.blockConnected(transactions)
  for (const transaction of block.value.transactions) remember(state, transaction)
  return block
}

function reorg(state: State, depth: number, raws: readonly Uint8Array[]): Decoded<Block> {
  const { chain, mempool } = state
  const transactions = decodeAll(raws)
  if (!transactions.ok) return transactions
  if (!Number.isInteger(depth) || depth < 1 || depth > chain.tip().height) return refused('the chain is too short')
  const lost = Array.from({ length: depth }, () => chain.undo()).reverse()
  const first = connect(state, transactions.value)
  if (first.ok) {
    for (let mined = 0; mined < depth; mined++) connect(state, [])
    mempool.chainChanged(lost.flatMap(({ transactions }) => transactions.slice(1)))
  } else for (const block of lost) chain.redo(block)
  return first
}

function fund(state: State, broadcast: Ledger['broadcast'], address: string, value: Sats): Outpoint {
  const script = scriptOfAddress(address)
  if (!script) throw new SdkError('node/refused', 'The text is no address of regtest.')
  const paid = payFrom(rewardsOf(state), { script, value, nextHeight: state.chain.next().height })
  if (!paid)
    throw new SdkError('node/refused', 'No reward is mature and large enough to pay that.', {
      notes: ['Mine more blocks, or pay less at once.'],
    })
  const taken = broadcast(paid.raw)
  if (!taken.ok) throw new SdkError('node/refused', `The ledger refused to pay that: ${taken.reason}.`)
  return { txid: taken.value, index: 0 }
}

function* rewardsOf({ chain, mempool }: State): Generator<Reward> {
  const ours = hashOf(minerScript)
  for (const [outpoint, coin] of chain.coins())
    if (hashOf(coin.script) === ours && !mempool.spender(outpoint)) yield { outpoint, ...coin }
}

function remember(state: State, transaction: LedgerTransaction) {
  const find = (txid: Txid) => known(state, txid)
  const spent = transaction.inputs.flatMap(({ outpoint }) => spentOutput({ known: find }, outpoint) ?? [])
  for (const { script } of [...transaction.outputs, ...spent]) {
    const hash = hashOf(script)
    const txids = state.touched.get(hash) ?? new Set()
    state.touched.set(hash, txids.add(transaction.txid))
  }
}

/** What a block has room for: in the order of arrival, so that parents come first; nothing passes a full block. */
function fitting(entries: readonly Entry[]): LedgerTransaction[] {
  let weight = 0
  const fit: LedgerTransaction[] = []
  for (const { transaction } of entries) {
    weight += transaction.weight
    if (weight > minedWeightMax) break
    fit.push(transaction)
  }
  return fit
}

function decodeAll(raws: readonly Uint8Array[]): Decoded<readonly LedgerTransaction[]> {
  const transactions: LedgerTransaction[] = []
  for (const raw of raws) {
    const decoded = decodeTransaction(raw)
    if (!decoded.ok) return refused('TX decode failed')
    transactions.push(decoded.value)
  }
  return accepted(transactions)
}

/** Newest is largest: what waits, then by height, then by place in the block. */
function ageOf({ mined }: Known): number {
  return mined ? mined.block.height * 2 ** 20 + mined.index : Number.MAX_SAFE_INTEGER
}

function systemSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
