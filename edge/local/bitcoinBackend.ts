import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { bitcoind } from '../../sdk/adapters/bitcoind.ts'
import { readBitcoins, readTxid, readWhole, writeRaw } from '../../sdk/adapters/bitcoinShapes.ts'
import { esplora } from '../../sdk/adapters/esplora.ts'
import { fieldsOf } from '../../sdk/adapters/http.ts'
import { accepted, type Decoded, refused, SdkError } from '../../sdk/errors.ts'
import type { BitcoinNode, NodeOutpoint } from '../../sdk/ports.ts'
import { feerate, height, type Sats } from '../../sdk/units.ts'
import { type BitcoindProcess, bitcoindVersion, startBitcoind } from './bitcoindProcess.ts'
import { esploraGateway } from './esploraGateway.ts'
import { esploraServer } from './ledger/esploraServer.ts'
import { createLedger } from './ledger/ledger.ts'
import { minerScript, payFrom, type Reward } from './ledger/miner.ts'
import { minRelayFeerate } from './ledger/policy.ts'
import { scriptOfAddress } from './ledger/script.ts'
import { serveLoopback } from './loopback.ts'
import { createScriptIndex, type ScriptIndex } from './scriptIndex.ts'

/** Bitcoin's regtest on this machine, and what only its operator can do. */
export interface BitcoinBackend {
  /** Who judges. */
  readonly name: 'bitcoind' | 'ledger'
  readonly node: BitcoinNode
  /** Esplora's HTTP API, for other programs: over the ledger, or over bitcoind as {@link esploraGateway} says. */
  readonly url: string
  /** Asks {@link url} from this process; of the ledger without a socket. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  /** Mines blocks of what waits. */
  readonly mine: (blocks: number) => Promise<void>
  /** Mines one block of exactly these transactions, by consensus alone; refuses in the backend's words. */
  readonly mineOnly: (raws: readonly Uint8Array[]) => Promise<Decoded<null>>
  /**
   * Replaces the last `depth` blocks by a branch one longer, whose first block holds `raws`. What the lost blocks held
   * waits again, where it still can. Refuses when `raws` break consensus; the chain is as before then.
   */
  readonly reorg: (depth: number, raws?: readonly Uint8Array[]) => Promise<Decoded<null>>
  /** Pays a regtest address out of matured rewards; the payment waits for a block. */
  readonly fund: (address: string, value: Sats) => Promise<NodeOutpoint>
  /** Ends it and everything it holds. Safe to call twice. */
  readonly stop: () => Promise<void>
}

export interface BitcoinBackendOptions {
  /** The program to run, `null` for the ledger in any case. Without: BITCOIND, then the PATH, then the ledger. */
  readonly bitcoind?: string | null
  /** Longest life of a bitcoind, for programs that may be killed. */
  readonly lifetimeMs?: number
  /** What a bitcoind relays: as Bitcoin Core does, or as the program comes, which differs for Knots. */
  readonly policy?: 'core' | 'own'
}

/** Blocks mined at the start, so that rewards have matured: ten can be spent. */
const firstBlocks = 110

/**
 * Starts Bitcoin for one machine: a real bitcoind of version 29 or later where there is one, else the ledger, which judges
 * as docs/bitcoin-policy.md states. Throws `node/unreachable` when the program that was named does not run.
 */
export async function startBitcoin(options: BitcoinBackendOptions = {}): Promise<BitcoinBackend> {
  const { bitcoind = process.env.BITCOIND || (await bitcoindOnPath()) } = options
  const backend = bitcoind ? await startReal(bitcoind, options) : await startLedger()
  try {
    await backend.mine(firstBlocks)
    return backend
  } catch (error) {
    await backend.stop()
    throw error
  }
}

async function startLedger(): Promise<BitcoinBackend> {
  const ledger = createLedger()
  const { fetch } = esploraServer(ledger)
  const { url, stop } = await serveLoopback((request) => fetch(request))
  let isStopped = false
  const ask: BitcoinBackend['fetch'] = async (input, init) => {
    if (isStopped) throw new TypeError('The ledger has stopped.')
    return fetch(new Request(input, init))
  }
  const done = (outcome: Decoded<unknown>) => (outcome.ok ? accepted(null) : outcome)
  return {
    name: 'ledger',
    node: esplora({ url, network: 'regtest', minFeerate: feerate(Number(minRelayFeerate)), fetch: ask }),
    url,
    fetch: ask,
    mine: async (blocks) => ledger.mine(blocks),
    mineOnly: async (raws) => done(ledger.mineOnly(raws)),
    reorg: async (depth, raws) => done(ledger.reorg(depth, raws)),
    fund: async (address, value) => ledger.fund(address, value),
    stop: () => {
      isStopped = true
      return stop()
    },
  }
}

async function startReal(binary: string, { lifetimeMs, policy }: BitcoinBackendOptions): Promise<BitcoinBackend> {
  const running = await startBitcoind(binary, {
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    ...(policy === undefined ? {} : { policy }),
  })
  const { rpc, url, cookie } = running
  const node = bitcoind({ url, credentials: { cookie }, network: 'regtest' })
  const index = createScriptIndex(node)
  const { fetch } = esploraGateway(node, index)
  const gateway = await serveLoopback((request) => fetch(request))
  return {
    name: 'bitcoind',
    node,
    url: gateway.url,
    fetch: async (input, init) => fetch(new Request(input, init)),
    mine: async (blocks) => {
      await rpc.ask('generatetodescriptor', [blocks, payee])
    },
    mineOnly: (raws) => mineOnly(running, raws),
    reorg: (depth, raws = []) => reorg(running, depth, raws),
    fund: fundFrom(running, node, index),
    stop: async () => {
      await gateway.stop()
      await running.stop()
    },
  }
}

const payee = `raw(${writeRaw(minerScript)})`

async function mineOnly({ rpc }: BitcoindProcess, raws: readonly Uint8Array[]): Promise<Decoded<null>> {
  const outcome = await rpc.outcome('generateblock', [payee, raws.map(writeRaw)])
  return outcome.ok ? accepted(null) : refused(outcome.message)
}

async function reorg(running: BitcoindProcess, depth: number, raws: readonly Uint8Array[]): Promise<Decoded<null>> {
  const { rpc } = running
  const tip = readWhole(await rpc.ask('getblockcount', [])) ?? 0
  if (depth < 1 || depth > tip) return refused('the chain is too short')
  const lost = await rpc.ask('getblockhash', [tip - depth + 1])
  await rpc.ask('invalidateblock', [lost])
  const first = await mineOnly(running, raws)
  if (first.ok) for (let mined = 0; mined < depth; mined++) await mineOnly(running, [])
  else await rpc.ask('reconsiderblock', [lost])
  return first
}

/** Rewards are found by a scan of all unspent outputs, which does not see what waits: so that is remembered here. */
function fundFrom({ rpc }: BitcoindProcess, node: BitcoinNode, index: ScriptIndex): BitcoinBackend['fund'] {
  const used = new Set<string>()
  return async (address, value) => {
    const script = scriptOfAddress(address)
    if (!script) throw new SdkError('node/refused', 'The text is no address of regtest.')
    const scan = fieldsOf(await rpc.ask('scantxoutset', ['start', [payee]]))
    const rewards = (Array.isArray(scan?.unspents) ? scan.unspents : []).flatMap((told) => readReward(told) ?? [])
    const keyOf = ({ outpoint }: Reward) => `${outpoint.txid}:${outpoint.index}`
    const free = rewards.filter((reward) => !used.has(keyOf(reward)))
    const paid = payFrom(free, { script, value, nextHeight: height(Number(scan?.height)) + 1 })
    if (!paid) throw new SdkError('node/refused', 'No reward is mature and large enough to pay that.')
    used.add(keyOf(paid.reward))
    index.learn(paid.raw)
    const sent = await node.broadcast(paid.raw)
    if (!sent.ok) throw new SdkError('node/refused', `The node refused to pay that: ${sent.detail}.`)
    return { txid: sent.txid, index: 0 }
  }
}

function readReward(told: unknown): Reward | undefined {
  const fields = fieldsOf(told) ?? {}
  const [txid, index, value] = [readTxid(fields.txid), readWhole(fields.vout), readBitcoins(fields.amount)]
  const [height, { coinbase }] = [readWhole(fields.height), fields]
  if (!txid || index === undefined || value === undefined || height === undefined) return undefined
  return { outpoint: { txid, index }, value, height, coinbase: coinbase !== false }
}

async function bitcoindOnPath(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const binary = join(folder, 'bitcoind')
    if (folder && isExecutable(binary) && (await bitcoindVersion(binary)) !== undefined) return binary
  }
  return undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
