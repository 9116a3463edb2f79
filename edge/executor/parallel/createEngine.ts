import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { accepted, type Decoded, refused, SdkError } from '../../../sdk/errors.ts'
import { blockHashOf, decodeHeader, encodeHeader, type Header } from '../../../sdk/evm/index.ts'
import type { Trie } from '../../../sdk/trie/index.ts'
import { type BlockHash, blockHash, fromHex, sameBytes, toHex } from '../../../sdk/units.ts'
import { type Block, createMachine, emptyCodeHash } from '../../../sdk/vm/index.ts'
import {
  type AccountContent,
  type BlockRecord,
  type Engine,
  type EngineOptions,
  engineLimits,
  type Genesis,
  type SealedBlock,
  type Snapshot,
  type StateChange,
} from './engine.ts'
import { executeBatch, type Works } from './executeBatch.ts'
import { createHistory } from './history.ts'
import { openParallel } from './parallel.ts'
import { seal } from './seal.ts'
import { applyChanges, settleTries, undoBlock } from './settle.ts'
import { type AccountWrite, createStore, emptyTrie, type Store } from './store.ts'

const blocksKeptDefault = 64
/** The commit that is the beginning. */
const firstSequence = 1

/** Starts a chain at a genesis or a snapshot. Throws `units/out-of-range` on a count beyond {@link engineLimits}. */
export async function createEngine(options: EngineOptions): Promise<Engine> {
  judgeOptions(options)
  const works = await openWorks(options)
  const { history, store } = works
  let turn: Promise<unknown> = Promise.resolve()
  return {
    chainId: options.chainId,
    fork: options.fork,
    head: () => history.head().block,
    oldest: history.oldest,
    execute: (batch) => {
      const next = turn.then(() => executeBatch(works, batch))
      turn = next.catch(() => undefined) // Whoever called hears of it.
      return next
    },
    state: history.stateAt,
    context: (number) => {
      const kept = history.at(number)
      return kept && contextOf(works, kept.block.header)
    },
    prove: history.prove,
    snapshot: () => ({
      kind: 'snapshot',
      accounts: contentsOf(store),
      header: history.head().block.header,
      hashes: history.hashes(),
    }),
    replay: (record) => replay(works, record),
    stop: async () => {
      await turn
      await works.parallel?.crew.stop()
    },
  }
}

function judgeOptions({ workers = 0, shards = 1, blocksKept = blocksKeptDefault }: EngineOptions): void {
  const { workersMax, shardsMax, blocksKeptMax } = engineLimits
  const counts = [
    ['workers', workers, 0, workersMax],
    ['shards', shards, 1, shardsMax],
    ['kept blocks', blocksKept, 1, blocksKeptMax],
  ] as const
  for (const [what, count, min, max] of counts)
    if (!Number.isInteger(count) || count < min || count > max)
      throw new SdkError('units/out-of-range', `${count} is not a number of ${what} (${min} to ${max}).`)
}

async function openWorks(options: EngineOptions): Promise<Works> {
  const { fork, start, precompiles = {}, blocksKept = blocksKeptDefault } = options
  const store = createStore()
  for (const account of start.accounts) putAccount(store, account)
  const trie = settleTries(store, emptyTrie)
  store.endBlock()
  const block = firstBlock(options, start, trie)
  const first = { block, trie, before: new Map() }
  const hashes = start.kind === 'snapshot' ? start.hashes : []
  // The seed keeps look-ups even when strangers choose addresses; no result depends on it.
  const history = createHistory(store, first, hashes, blocksKept)
  const seed = seedOf(block.hash)
  const machine = createMachine({ fork, precompiles, seed })
  const parallel = await openParallel(options, { store, seed, sequence: firstSequence })
  return { options, machine, store, history, parallel, sequence: firstSequence }
}

function seedOf(hash: BlockHash): number {
  return new DataView(fromHex(hash).buffer).getInt32(0)
}

function putAccount(store: Store, { address, nonce, balance, code, slots }: AccountContent): void {
  const account = store.change(address)
  const codeHash = code.length === 0 ? emptyCodeHash : toHex(keccak256(code))
  Object.assign(account, { exists: true, nonce, balance, codeHash })
  if (code.length > 0) store.putCode(codeHash, code)
  for (const { slot, value } of slots) store.putSlot(account, slot, value, 0)
}

function firstBlock({ fork }: EngineOptions, start: Genesis | Snapshot, trie: Trie): SealedBlock {
  if (start.kind === 'genesis') {
    const parentHash = blockHash(toHex(new Uint8Array(32)))
    const nothing = { transactions: [], receipts: [], gasUsed: 0n }
    return seal(fork, start.environment, { number: 0, parentHash, stateRoot: trie.root, ...nothing })
  }
  const { header } = start
  if (!sameBytes(header.stateRoot, trie.root))
    throw new SdkError('store/corrupt', `The snapshot does not have the state root of block ${header.number}.`)
  return { header, hash: blockHashOf(encodeHeader(header)) }
}

function* contentsOf({ accounts, codes }: Store): Iterable<AccountContent> {
  for (const { address, exists, nonce, balance, codeHash, slots } of accounts.values())
    if (exists)
      yield {
        address,
        nonce,
        balance,
        code: codes.get(codeHash) as Uint8Array,
        slots: [...slots].map(([slot, { value }]) => ({ slot, value })),
      }
}

/** Changes, as the boards take them. */
function writesOf(changes: readonly StateChange[]): AccountWrite[] {
  return changes.flatMap(({ address, account, isCleared, slots }) => {
    const gone = { address, isDeleted: true, nonce: null, balance: null, code: null, slots: [] }
    if (account === null) return [gone]
    const { nonce, balance } = account
    const now = { address, isDeleted: false, nonce, balance, code: null, slots }
    return isCleared ? [gone, now] : [now]
  })
}

/** Takes over a block as its record has it, and holds the outcome to the root in its header. */
function replay(works: Works, { header: bytes, changes }: BlockRecord): Decoded<SealedBlock> {
  const { history, store } = works
  const header = decodeHeader(bytes)
  if (!header.ok) return header
  const parent = history.head()
  const { number, parentHash, stateRoot } = header.value
  if (number !== parent.block.header.number + 1 || parentHash !== parent.block.hash)
    return refused('the block does not follow the newest one')
  works.sequence += 1
  applyChanges(store, changes, works.sequence)
  const trie = settleTries(store, parent.trie)
  if (!sameBytes(trie.root, stateRoot)) {
    undoBlock(store, works.sequence)
    return refused("the changes do not lead to the block's state root")
  }
  works.parallel?.writer.publish(writesOf(changes), works.sequence)
  const block = { header: header.value, hash: blockHashOf(bytes) }
  history.add({ block, trie, before: store.endBlock().before })
  return accepted(block)
}

/** A sealed block, as a call on top of its state sees it. */
function contextOf({ history, options }: Works, header: Header): Block {
  const { chainId, blobPrices } = options
  return {
    chainId,
    number: BigInt(header.number),
    timestamp: header.timestamp,
    miner: header.miner,
    gasLimit: header.gasLimit,
    baseFeePerGas: 'baseFeePerGas' in header ? header.baseFeePerGas : 0n,
    prevRandao: header.mixHash,
    excessBlobGas: 0n,
    ...(blobPrices ? { blobPrices } : {}),
    hashOf: history.hashOf,
  }
}
