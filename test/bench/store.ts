import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { packItems } from '../../edge/parcel.ts'
import { footprintJson } from '../../edge/payload.ts'
import type { Item } from '../../edge/shard.ts'
import { address, type ChainId, toHex, txHash } from '../../sdk/units.ts'
import { type BareWorkerd, shippedText, startBareWorkerd } from '../edge/bareWorkerd.ts'
import { anvilChain } from '../edge/transfers.ts'
import { bodyOf, silentChain } from './storeWire.ts'

const root = join(import.meta.dirname, '../..')
const batchSize = 100
const sendersEach = 50
/** What is measured is code that has been at work, and so is compiled: on other shards, each as much as it holds. */
const otherShards = 3
const otherRounds = 450
/** And an object whose tables are no longer empty. */
const warmUps = 100
const rounds = 200
const concurrency = 8
/** Of the kernel's clock in /proc, where processor time is counted. */
const ticksPerSecond = 100

/** What one object does on bare workerd, and what it costs. */
export interface StoreRate {
  readonly perSecond: number
  /** Processor time of workerd for one transaction, in microseconds: it does not depend on who else uses the machine. */
  readonly processorUs: number
}

export interface StoreRates {
  /** Of a shard whose chain object does not answer: it stores and acknowledges, and hands nothing over. */
  readonly store: StoreRate
  /** Of one that hands over as well, to a chain object that takes everything. */
  readonly handover: StoreRate
  /** Of an object that does nothing but insert the same bytes: no store on this platform and machine is faster. */
  readonly floor: StoreRate
}

/**
 * Transactions a second that one shard's object stores and acknowledges, in batches of {@link batchSize}, with nothing
 * judged: no signature is recovered, no hash is computed, what the worker hands over is packed beforehand. workerd
 * stands alone, without a proxy or a second worker, and the client is on the same machine.
 *
 * @param node - Asked once for each sender's nonce.
 */
export async function storeRates(node: string): Promise<StoreRates> {
  const shardsOf = (chain: ChainId) => (shard: number) => `/${chain}/${shard}`
  return {
    floor: await rateOf(node, () => '/floor'),
    store: await rateOf(node, shardsOf(silentChain)),
    handover: await rateOf(node, shardsOf(anvilChain)),
  }
}

/** @param pathOf - Where the n-th object is; the first is measured. */
async function rateOf(node: string, pathOf: (object: number) => string): Promise<StoreRate> {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-store-'))
  const workerd = await start(folder, node)
  const urlOf = (object: number) => workerd.url + pathOf(object)
  try {
    for (let other = 1; other <= otherShards; other++)
      for (let round = 0; round < otherRounds; round++) await submit(urlOf(other), batchOf(round))
    const batches = Array.from({ length: warmUps + rounds }, (_, round) => batchOf(round))
    for (const body of batches.splice(0, warmUps)) await submit(urlOf(0), body)
    const [start, before] = [performance.now(), processorMs(workerd)]
    const client = async () => {
      for (let body = batches.shift(); body; body = batches.shift()) await submit(urlOf(0), body)
    }
    await Promise.all(Array.from({ length: concurrency }, client))
    const [ms, used] = [performance.now() - start, processorMs(workerd) - before]
    const stored = rounds * batchSize
    return { perSecond: (1_000 * stored) / ms, processorUs: (1_000 * used) / stored }
  } finally {
    await workerd.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function submit(url: string, body: Uint8Array): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: body as BodyInit })
  const { stored } = (await response.json()) as { stored: number }
  if (stored !== batchSize) throw new Error(`The shard stored ${stored} of ${batchSize}.`)
}

async function start(folder: string, node: string): Promise<BareWorkerd> {
  await build({
    entryPoints: [join(root, 'test/bench/storeWorker.ts')],
    outfile: join(folder, 'worker.js'),
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', external: ['cloudflare:workers'] },
  })
  mkdirSync(join(folder, 'rows'))
  writeFileSync(join(folder, 'config.capnp'), configOf(node))
  return startBareWorkerd({ config: 'config.capnp', cwd: folder, port: 0 })
}

function configOf(node: string): string {
  const chain = { fork: 'osaka', executors: [node] }
  const chains = JSON.stringify({ [anvilChain]: chain, [silentChain]: chain })
  // As operators run it.
  const [flags = ''] = shippedText().match(/^ *v8Flags = .*$/m) ?? []
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
${flags}
  services = [
    (name = "edge", worker = .edge),
    (name = "rows", disk = (path = "rows", writable = true)),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "edge")],
);
const edge :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-05-01",
  durableObjectNamespaces = [
    (className = "ShardObject", uniqueKey = "shard", enableSql = true),
    (className = "ChainObject", uniqueKey = "chain", enableSql = true),
    (className = "FloorObject", uniqueKey = "floor", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "rows"),
  bindings = [
    (name = "SHARD", durableObjectNamespace = "ShardObject"),
    (name = "CHAIN", durableObjectNamespace = "ChainObject"),
    (name = "FLOOR", durableObjectNamespace = "FloorObject"),
    (name = "CHAINS", text = ${JSON.stringify(chains)}),
    (name = "BITCOIN", text = ""),
  ],
);
`
}

/** Processor time that a process and its threads have used so far; nothing where the system does not tell. */
function processorMs({ pid }: BareWorkerd): number {
  try {
    const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const fields = rest.split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond
  } catch {
    return Number.NaN
  }
}

/** Two nonces of each of fifty senders, packed; after ten rounds others, since a sender has a bounded number under way. */
function batchOf(round: number): Uint8Array {
  return bodyOf(packItems(Array.from({ length: batchSize }, (_, at) => itemOf(round, at))))
}

function itemOf(round: number, at: number): Item {
  // Spread as real hashes and addresses are: where a row goes in an index is a good part of what it costs.
  const hash = digest(`hash ${round} ${at}`)
  const who = Math.floor(round / 10) * sendersEach + (at % sendersEach)
  const sender = address(toHex(digest(`sender ${who}`).subarray(0, 20)))
  const writes = [{ kind: 'nonce', address: sender } as const, { kind: 'balance', address: sender } as const]
  return {
    ...{ hash: txHash(toHex(hash)), sender, nonce: 2 * (round % 10) + Math.floor(at / sendersEach) },
    ...{ maxFeePerGas: 10n, maxPriorityFeePerGas: 1n, raw: Buffer.alloc(110, hash) },
    footprintJson: footprintJson({ reads: [], writes, credits: [], source: 'declared', gas: 21_000, sender }),
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
