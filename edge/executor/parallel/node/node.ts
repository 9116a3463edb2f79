import { SdkError } from '../../../../sdk/errors.ts'
import {
  blockHashOf,
  decodeHeader,
  decodeTransaction,
  type Fork,
  type Prepared,
  type Signed,
} from '../../../../sdk/evm/index.ts'
import type { Address, ChainId } from '../../../../sdk/units.ts'
import { createMachine, type Precompiles } from '../../../../sdk/vm/index.ts'
import { decodeChanges } from '../changes.ts'
import { createEngine } from '../createEngine.ts'
import type { Engine, Genesis, SealedBlock } from '../engine.ts'
import { type Archive, type ArchivedTransaction, createArchive } from './archive.ts'
import { type OpenedFolder, openFolder } from './chainFolder.ts'
import type { LogEntry } from './chainLog.ts'
import { blocksKept } from './limits.ts'
import { batchMethods } from './methods/batch.ts'
import { blockMethods } from './methods/blocks.ts'
import { feeMethods } from './methods/fees.ts'
import { logMethods } from './methods/logs.ts'
import { runMethods } from './methods/runs.ts'
import { sendMethods } from './methods/send.ts'
import { sequencedMethods } from './methods/sequenced.ts'
import { stateMethods } from './methods/state.ts'
import { createPool, type Pool } from './pool.ts'
import { createProducer, type Production } from './producer.ts'
import { type Methods, told } from './rpc.ts'
import { quantityHex } from './shapes.ts'
import type { NodeWorld } from './world.ts'

export interface NodeOptions {
  readonly chainId: ChainId
  readonly fork: Fork
  /** Its accounts are gone through more than once. */
  readonly genesis: Genesis
  /** Where the chain is stored; nothing: it is forgotten with the process. */
  readonly folder: string | null
  /** Bytes of the log after which a snapshot is taken; 64 MiB by default. */
  readonly segmentBytes?: number
  readonly production: Production
  readonly precompiles?: Precompiles
  /** Threads beside this one, and the script they run; none by default. */
  readonly workers?: number
  readonly workerScript?: URL
  readonly shards?: number
  /** Accounts the node signs for: on a chain of its own, never with keys of worth. */
  readonly unlocked?: ReadonlyMap<Address, (prepared: Prepared) => Signed>
  /** Signs digests of blocks with the operator's key, 65 bytes each: `lanekit_sequencedBlock`. Without it, no block is signed. */
  readonly sequencer?: (digest: Uint8Array) => Uint8Array
  /** In milliseconds since 1970. */
  readonly now?: () => number
  /** Hears of the error after which nothing is answered any more: end the process, and open the folder again. */
  readonly failed?: (error: unknown) => void
}

/** An Ethereum node on one machine. */
export interface Node {
  readonly methods: Methods
  readonly engine: Engine
  readonly archive: Archive
  /** Resolves when the block under way is stored. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/**
 * Opens a chain of this machine's own: the genesis, or what the folder holds. Every block of the log is held to its state
 * root. What is answered is stored before (fsync), so a process that is killed at any point loses nothing it has told.
 *
 * Throws `store/corrupt` when the folder is damaged or another chain's, `store/unavailable` while another process has it.
 */
export async function openNode(options: NodeOptions): Promise<Node> {
  const { chainId, fork } = options
  // Its hash is part of the chain's name, also when the state starts from a snapshot.
  const genesis = (await createEngine({ chainId, fork, start: options.genesis })).head()
  const identity = { chainId, fork, genesis: genesis.hash }
  const folder = options.folder === null ? null : await openFolder(options.folder, identity, options.segmentBytes)
  let engine: Engine | undefined
  try {
    engine = await createEngine({ ...engineOptions(options), start: folder?.snapshot ?? options.genesis })
    return nodeOn(options, engine, folder)
  } catch (error) {
    await engine?.stop()
    await folder?.log.close()
    throw error
  }
}

function nodeOn(options: NodeOptions, engine: Engine, folder: OpenedFolder | null): Node {
  const { chainId, fork, production, precompiles = {}, unlocked = new Map(), now = Date.now } = options
  const sequencer = options.sequencer ?? null
  const { archive, pool } = restore(engine, folder)
  const failed = options.failed ?? (() => undefined)
  const log = folder?.log ?? null
  const producer = createProducer({ engine, archive, pool, log, production, now, failed })
  const machine = createMachine({ fork, precompiles })
  const methods = methodsOf({ chainId, fork, engine, archive, pool, producer, machine, now, unlocked, sequencer })
  let stopping: Promise<void> | undefined
  const stop = async () => {
    await producer.stop()
    await engine.stop()
    await log?.close()
  }
  return {
    methods,
    engine,
    archive,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

function engineOptions({ chainId, fork, precompiles = {}, workers = 0, shards = 1, workerScript }: NodeOptions) {
  const threads = workerScript ? { workers, workerScript } : {}
  return { chainId, fork, precompiles, shards, blocksKept, ...threads }
}

/** Has the engine at the newest stored block again, and in memory what the folder tells of blocks and pool. */
function restore(engine: Engine, folder: OpenedFolder | null): { readonly archive: Archive; readonly pool: Pool } {
  const isFresh = folder?.snapshot === undefined
  let archive = isFresh ? createArchive({ block: engine.head(), transactions: [] }) : undefined
  for (const entry of folder?.entries ?? []) {
    if (entry.kind !== 'block') continue
    const block = { block: restoreBlock(engine, entry), transactions: entry.transactions.map(copyOf) }
    if (archive) archive.add(block)
    else archive = createArchive(block)
  }
  archive ??= createArchive({ block: engine.head(), transactions: [] })
  if (archive.head().block.hash !== engine.head().hash) throw corrupt('its blocks do not reach its snapshot')
  const pool = createPool()
  for (const raw of folder?.pooled ?? []) restorePooled(engine, pool, Uint8Array.from(raw))
  return { archive, pool }
}

/** Views would keep the whole file in memory. */
function copyOf({ hash, from, raw, receipt }: ArchivedTransaction): ArchivedTransaction {
  return { hash, from, raw: Uint8Array.from(raw), receipt: Uint8Array.from(receipt) }
}

/** A block up to the snapshot is told, a later one is replayed too. */
function restoreBlock(engine: Engine, entry: LogEntry & { readonly kind: 'block' }): SealedBlock {
  const bytes = Uint8Array.from(entry.header)
  const header = decodeHeader(bytes)
  if (!header.ok) throw corrupt(`a header of it cannot be read: ${header.reason}`)
  const { number } = header.value
  if (number <= engine.head().header.number) return { header: header.value, hash: blockHashOf(bytes) }
  const changes = decodeChanges(Uint8Array.from(entry.changes))
  if (!changes.ok) throw corrupt(`block ${number}: ${changes.reason}`)
  const replayed = engine.replay({ header: bytes, changes: changes.value })
  if (!replayed.ok) throw corrupt(`block ${number}: ${replayed.reason}`)
  return replayed.value
}

function restorePooled(engine: Engine, pool: Pool, raw: Uint8Array): void {
  const decoded = decodeTransaction(raw)
  if (!decoded.ok) throw corrupt(`a transaction of its pool cannot be read: ${decoded.reason}`)
  const { from, nonce } = decoded.value.prepared
  const next = engine.state(engine.head().header.number)?.account(from)?.nonce ?? 0n
  if (BigInt(nonce) >= next && !pool.refusal(decoded.value)) pool.add(decoded.value)
}

function corrupt(reason: string): SdkError {
  return new SdkError('store/corrupt', `The log of the chain is damaged: ${reason}.`, {
    notes: ['Nothing was changed. Keep the folder; a backup of it is the way back.'],
  })
}

const clientVersion = 'lanekit/1'

function methodsOf(world: NodeWorld): Methods {
  const { chainId } = world
  return {
    web3_clientVersion: () => told(clientVersion),
    net_version: () => told(`${chainId}`),
    net_listening: () => told(true),
    net_peerCount: () => told('0x0'),
    eth_chainId: () => told(quantityHex(chainId)),
    eth_syncing: () => told(false),
    ...blockMethods(world),
    ...stateMethods(world),
    ...runMethods(world),
    ...feeMethods(world),
    ...sendMethods(world),
    ...logMethods(world),
    ...batchMethods(world),
    ...sequencedMethods(world),
  }
}
