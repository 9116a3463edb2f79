import { accepted, type Decoded, invariant, refused } from '../../../sdk/errors.ts'
import { type Txid, toHex } from '../../../sdk/units.ts'
import {
  blockBytes,
  blockWeightMax,
  coinbase,
  genesisBlock,
  hash256,
  headerFields,
  merkleRoot,
  mineHeader,
  subsidy,
} from './block.ts'
import { type Coin, faultOfShape, isFinal, type Moment, spendOf, type View } from './consensus.ts'
import { judge } from './judge.ts'
import { decodeTransaction, type LedgerTransaction, type Outpoint, outpointKey } from './transaction.ts'

/** Most weight of a block's transactions: what header and coinbase leave. */
export const minedWeightMax = blockWeightMax - 8_000
/** Headers whose median time counts (BIP-113). */
const medianSpan = 11

export interface Block {
  readonly height: number
  /** As it is printed: 64 digits, bytes reversed. */
  readonly hash: string
  /** 80 bytes. */
  readonly header: Uint8Array
  readonly time: number
  /** The coinbase first. */
  readonly transactions: readonly LedgerTransaction[]
}

/** A block's transaction and its place. */
export interface Mined {
  readonly block: Block
  readonly index: number
  readonly transaction: LedgerTransaction
}

/** The best chain of regtest: its blocks, what is unspent, and who spent the rest. */
export interface Chain {
  readonly tip: () => Block
  readonly at: (height: number) => Block | undefined
  /** Also finds blocks that were undone. */
  readonly byHash: (hash: string) => Block | undefined
  readonly mined: (txid: Txid) => Mined | undefined
  readonly coin: View
  readonly coins: () => Iterable<readonly [Outpoint, Coin]>
  /** The transaction of the chain that spends an output. */
  readonly spender: (outpoint: Outpoint) => Txid | undefined
  /** What the next block is judged by. */
  readonly next: () => Moment
  /** Median time past of the block at a height (BIP-113). */
  readonly medianTime: (height: number) => number
  /**
   * Mines a block of these transactions, in order, on the tip. Refuses, changing nothing, when one of them breaks
   * consensus. Policy is not asked.
   */
  readonly extend: (transactions: readonly LedgerTransaction[], nowSeconds: number) => Decoded<Block>
  /** Takes the tip off. */
  readonly undo: () => Block
  /** Puts a block back that was undone from this very tip. */
  readonly redo: (block: Block) => void
}

interface State {
  readonly blocks: Block[]
  /** Also those that were undone. */
  readonly byHash: Map<string, Block>
  readonly mined: Map<Txid, Mined>
  readonly coins: Map<string, readonly [Outpoint, Coin]>
  readonly spenders: Map<string, Txid>
  /** What each block spent, to give back when it is undone. */
  readonly spent: (readonly [Outpoint, Coin])[][]
  /** Blocks ever mined: makes each coinbase differ from all others. */
  made: number
}

/**
 * Starts at regtest's first block, whose output nobody can spend.
 *
 * @param payee - Script that all rewards go to.
 */
export function createChain(payee: Uint8Array): Chain {
  // Past the header, one byte counts one transaction.
  const genesis = blockOf(0, genesisBlock.slice(0, 80), [transactionOf(genesisBlock.slice(81))])
  const state: State = {
    blocks: [genesis],
    byHash: new Map([[genesis.hash, genesis]]),
    mined: new Map(),
    coins: new Map(),
    spenders: new Map(),
    spent: [[]],
    made: 0,
  }
  return {
    tip: () => state.blocks.at(-1) as Block,
    at: (height) => state.blocks[height],
    byHash: (hash) => state.byHash.get(hash),
    mined: (txid) => state.mined.get(txid),
    coin: (outpoint) => state.coins.get(outpointKey(outpoint))?.[1],
    coins: () => state.coins.values(),
    spender: (outpoint) => state.spenders.get(outpointKey(outpoint)),
    next: () => nextOf(state),
    medianTime: (height) => medianTime(state, height),
    extend: (transactions, nowSeconds) => {
      const fees = judgeAll(state, transactions)
      if (!fees.ok) return fees
      const block = mineBlock(state, { payee, fees: fees.value, transactions, nowSeconds })
      append(state, block)
      return accepted(block)
    },
    undo: () => undo(state),
    redo: (block) => append(state, block),
  }
}

/** Bytes of a block on the wire. */
export function bytesOf({ header, transactions }: Block): Uint8Array {
  return blockBytes(
    header,
    transactions.map(({ raw }) => raw),
  )
}

/** The leaves of a block's Merkle tree: its txids in wire order. */
export function leavesOf(transactions: readonly LedgerTransaction[]): readonly Uint8Array[] {
  return transactions.map(({ txid }) => Uint8Array.from(Buffer.from(txid, 'hex').reverse()))
}

function nextOf(state: State): Moment {
  return { height: state.blocks.length, medianTime: (height) => medianTime(state, height) }
}

function medianTime({ blocks }: State, height: number): number {
  const times = blocks.slice(Math.max(0, height + 1 - medianSpan), height + 1).map(({ time }) => time)
  return times.sort((a, b) => a - b)[times.length >> 1] as number
}

/** Judges transactions one after the other, each on what those before it left. Adds up their fees. */
function judgeAll(state: State, transactions: readonly LedgerTransaction[]): Decoded<bigint> {
  const weight = transactions.reduce((sum, transaction) => sum + transaction.weight, 0)
  if (weight > minedWeightMax) return refused('bad-blk-weight')
  const moment = nextOf(state)
  const made = new Map<string, Coin>()
  const gone = new Set<string>()
  const view: View = (outpoint) => {
    const key = outpointKey(outpoint)
    return gone.has(key) ? undefined : (made.get(key) ?? state.coins.get(key)?.[1])
  }
  let fees = 0n
  for (const transaction of transactions) {
    const fee = judgeOne(transaction, view, moment)
    if (!fee.ok) return fee
    fees += fee.value
    for (const { outpoint } of transaction.inputs) gone.add(outpointKey(outpoint))
    for (const [outpoint, coin] of coinsOf(transaction, moment.height, false)) made.set(outpointKey(outpoint), coin)
  }
  return accepted(fees)
}

/** The fee of a transaction that a block may hold. */
function judgeOne(transaction: LedgerTransaction, view: View, moment: Moment): Decoded<bigint> {
  const fault = faultOfShape(transaction)
  if (fault !== null) return refused(fault)
  if (!isFinal(transaction, moment)) return refused('bad-txns-nonfinal')
  const spend = spendOf(transaction, view, moment)
  if (!spend.ok) return spend
  const error = judge(transaction, spend.value.coins, 'block')
  return error === null ? accepted(spend.value.fee) : refused(`block-script-verify-flag-failed (${error})`)
}

function mineBlock(
  state: State,
  work: {
    readonly payee: Uint8Array
    readonly fees: bigint
    readonly transactions: readonly LedgerTransaction[]
    readonly nowSeconds: number
  },
): Block {
  const height = state.blocks.length
  const { payee, transactions } = work
  state.made += 1
  const reward = coinbase({ height, mark: state.made, payee, value: subsidy(height) + work.fees, transactions })
  const all = [transactionOf(reward), ...transactions]
  const header = mineHeader({
    previous: hash256((state.blocks.at(-1) as Block).header),
    merkleRoot: merkleRoot(leavesOf(all)),
    time: Math.max(work.nowSeconds, medianTime(state, height - 1) + 1),
  })
  return blockOf(height, header, all)
}

/** Spends and makes what a valid block does. */
function append(state: State, block: Block) {
  const spent: (readonly [Outpoint, Coin])[] = []
  for (const [index, transaction] of block.transactions.entries()) {
    for (const { outpoint } of transaction.inputs) {
      const key = outpointKey(outpoint)
      const taken = state.coins.get(key)
      if (!taken) continue // A coinbase spends nothing.
      spent.push(taken)
      state.coins.delete(key)
      state.spenders.set(key, transaction.txid)
    }
    for (const made of coinsOf(transaction, block.height, index === 0)) state.coins.set(outpointKey(made[0]), made)
    state.mined.set(transaction.txid, { block, index, transaction })
  }
  state.blocks.push(block)
  state.byHash.set(block.hash, block)
  state.spent.push(spent)
}

function undo(state: State): Block {
  invariant(state.blocks.length > 1, 'the first block stays')
  const block = state.blocks.pop() as Block
  for (const coin of state.spent.pop() ?? []) {
    const key = outpointKey(coin[0])
    state.coins.set(key, coin)
    state.spenders.delete(key)
  }
  // Last, for what the block made and spent itself came back just now.
  for (const transaction of block.transactions) {
    state.mined.delete(transaction.txid)
    for (const index of transaction.outputs.keys()) state.coins.delete(outpointKey({ txid: transaction.txid, index }))
  }
  return block
}

/** The outputs of a transaction that somebody could spend. */
function coinsOf({ txid, outputs }: LedgerTransaction, height: number, isReward: boolean) {
  return outputs.flatMap((output, index): (readonly [Outpoint, Coin])[] =>
    output.script[0] === 0x6a
      ? []
      : [
          [
            { txid, index },
            { ...output, height, coinbase: isReward },
          ],
        ],
  )
}

function blockOf(height: number, header: Uint8Array, transactions: readonly LedgerTransaction[]): Block {
  const hash = toHex(hash256(header).reverse()).slice(2)
  return { height, hash, header, time: headerFields(header).time, transactions }
}

function transactionOf(raw: Uint8Array): LedgerTransaction {
  const decoded = decodeTransaction(raw)
  invariant(decoded.ok, 'the ledger writes transactions that can be read')
  return decoded.value
}
