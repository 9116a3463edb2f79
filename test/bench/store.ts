import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'
import type { Item } from '../../edge/shard.ts'
import { address, toHex, txHash } from '../../sdk/units.ts'
import { anvilChain } from '../edge/transfers.ts'

const root = join(import.meta.dirname, '../..')
const batchSize = 100
const sendersEach = 50
const warmUps = 3
const rounds = 40
const concurrency = 4

/**
 * Transactions a second that one shard's object stores and acknowledges, in batches of {@link batchSize}, with nothing
 * judged: no signature is recovered. The client is on the same machine, and JSON stands in for the call between objects.
 *
 * @param node - Asked once for each sender's nonce.
 */
export async function storeRate(node: string): Promise<number> {
  const persist = mkdtempSync(join(tmpdir(), 'lanekit-store-'))
  const { outputFiles } = await build({
    entryPoints: [join(root, 'test/bench/storeWorker.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:workers'],
  })
  const chains = { [anvilChain]: { fork: 'osaka', executors: [node] } }
  const miniflare = new Miniflare({
    modules: [{ type: 'ESModule', path: 'worker.js', contents: outputFiles[0]?.text ?? '' }],
    compatibilityDate: '2026-05-01',
    bindings: { CHAINS: JSON.stringify(chains), BITCOIN: '' },
    durableObjects: {
      SHARD: { className: 'ShardObject', useSQLite: true },
      CHAIN: { className: 'ChainObject', useSQLite: true },
    },
    durableObjectsPersist: persist,
    cf: false,
  })
  try {
    const { origin } = await miniflare.ready
    const batches = Array.from({ length: warmUps + rounds }, (_, at) => bodyOf(at))
    const submit = async (body: string) => {
      const response = await fetch(origin, { method: 'POST', body })
      const { stored } = (await response.json()) as { stored: number }
      if (stored !== batchSize) throw new Error(`The shard stored ${stored} of ${batchSize}.`)
    }
    for (const body of batches.splice(0, warmUps)) await submit(body)
    const start = performance.now()
    const client = async () => {
      for (let body = batches.shift(); body; body = batches.shift()) await submit(body)
    }
    await Promise.all(Array.from({ length: concurrency }, client))
    return (1_000 * rounds * batchSize) / (performance.now() - start)
  } finally {
    await miniflare.dispose()
    rmSync(persist, { recursive: true, force: true })
  }
}

/** Two nonces of each of fifty senders; after ten rounds others, since a sender has a bounded number under way. */
export function bodyOf(round: number): string {
  const items = Array.from({ length: batchSize }, (_, at) => {
    const who = Math.floor(round / 10) * sendersEach + (at % sendersEach)
    const sender = address(toHex(bytes(20, who + 1)))
    const nonce = 2 * (round % 10) + Math.floor(at / sendersEach)
    const raw = bytes(110, 1_000_000 + round * batchSize + at)
    const place = [{ kind: 'nonce', address: sender } as const, { kind: 'balance', address: sender } as const]
    const footprint: Item['footprint'] = {
      reads: [],
      writes: place,
      credits: [],
      source: 'declared',
      gas: 21_000,
      sender,
    }
    const hash = txHash(toHex(bytes(32, 1_000_000 + round * batchSize + at)))
    return { hash, sender, nonce, maxFeePerGas: '10', maxPriorityFeePerGas: '1', raw: toHex(raw), footprint }
  })
  return JSON.stringify({ shard: 0, items })
}

/** Bytes that differ where the seeds do. */
function bytes(size: number, seed: number): Uint8Array {
  const out = new Uint8Array(size).fill(7)
  new DataView(out.buffer).setUint32(0, seed)
  return out
}
