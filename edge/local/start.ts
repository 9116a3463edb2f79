import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CheatSums } from '../../examples/checkout/api.ts'
import { file } from '../../sdk/adapters/file.ts'
import { httpRelay, rpcNode } from '../../sdk/adapters/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import type { Store } from '../../sdk/ports.ts'
import { useFastEngine } from '../executor/parallel/fastEngine.ts'
import { startBitcoin } from './bitcoinBackend.ts'
import { serveCheckout } from './checkout.ts'
import { startEvm } from './evmBackend.ts'
import { type Options, readOptions } from './options.ts'
import { report, summarize } from './summary.ts'
import { walk } from './walk.ts'
import { walkChannel } from './walkChannel.ts'
import { walkCheat } from './walkCheat.ts'
import { totalsOf } from './windows.ts'
import { startEdge, startMortalEdge } from './workerd.ts'

/** The fork of the node that is started here. */
const fork = 'osaka'
const root = join(import.meta.dirname, '../..')
const folder = join(root, '.lanekit/run')

/** Starts node and edge, walks the main job, prints what came of it, and serves on until told to stop. */
async function start(options: Options): Promise<boolean> {
  const began = Date.now()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  useFastEngine()
  const stops: (() => Promise<void>)[] = []
  try {
    const node = await startEvm(options.evm, { fork, folder: join(folder, 'chain') })
    stops.push(node.stop)
    const evm = rpcNode({ url: node.url })
    const chain = { id: await evm.chainId(), fork } as const
    const chains = { [chain.id]: { fork, executors: [node.url] } }
    const bitcoin = await startBitcoin()
    stops.push(bitcoin.stop)
    const edge = await startMortalEdge((port) =>
      startEdge({
        outdir: join(root, '.lanekit/worker'),
        config: join(root, '.lanekit/worker-options.json'),
        persist: join(folder, 'edge'),
        chains,
        bitcoin: { network: 'regtest', esplora: [bitcoin.url] },
        // The checkout passes on what is the edge's: one port for all.
        port,
      }),
    )
    stops.push(edge.stop)
    const store = await storeAt('wallet', stops)
    const shopper = await storeAt('shopper', stops)
    const tillStore = await storeAt('till', stops)

    const walked = await walk({ store, relay: httpRelay(edge.url), evm, chain })
    const totals = await totalsOf(edge.url, chain.id)
    const paid = await walkChannel({ bitcoin, edge: edge.url, store: shopper, tillStore })
    const backends = { evm: options.evm.kind, bitcoin: bitcoin.name }
    const counted = { backends, walked, totals, paid, seconds: (Date.now() - began) / 1000 }
    const summary = summarize(counted)
    const print = options.json && options.exit ? process.stderr : process.stdout
    print.write(`\n${report(summary, counted)}\n\n`)
    let cheated: CheatSums | null = null
    if (!options.exit || options.cheat) {
      const { id } = chain
      const checkout = await serveCheckout({
        port: options.exit ? 0 : options.port,
        edge,
        chain: id,
        bitcoin,
        rpc: node.url,
        folder,
        root,
      })
      stops.push(checkout.stop)
      if (options.cheat) cheated = await walkCheat(checkout.url, (line) => print.write(`${line}\n`))
      if (!options.exit) await serve(checkout.url, node.url)
    }
    const cheat = cheated ? { cheat: cheated } : {}
    if (options.json) process.stdout.write(`${JSON.stringify({ ...summary, ...cheat })}\n`)
    return summary.ok
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** A store on disk for one of the walk's parties. */
async function storeAt(name: string, stops: (() => Promise<void>)[]): Promise<Store> {
  const store = await file(join(folder, name))
  stops.push(store.close)
  return store
}

/** Serves until Ctrl-C. */
function serve(url: string, nodeUrl: string): Promise<void> {
  const pages = [`  Shop   ${url}`, `  Till   ${url}/merchant`, `  Lanes  ${url}/lanes`, `  Cheat  ${url}/cheat`]
  process.stdout.write(`${pages.join('\n')}\n  Edge   ${url}/v1\n  Node   ${nodeUrl}\n\n  Ctrl-C stops all of it.\n`)
  return new Promise((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

const options = readOptions(process.argv.slice(2))
if (typeof options === 'string') {
  process.stderr.write(`${options}\n`)
  process.exitCode = 2
} else {
  try {
    process.exitCode = (await start(options)) ? 0 : 1
  } catch (error) {
    const notes = error instanceof SdkError ? error.notes : []
    process.stderr.write(
      `\n${error instanceof SdkError ? `${error.code}: ${error.message}` : String(error instanceof Error ? error.stack : error)}\n`,
    )
    for (const note of notes) process.stderr.write(`  ${note}\n`)
    process.exitCode = 1
  }
}
