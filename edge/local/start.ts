import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { file } from '../../sdk/adapters/file.ts'
import { httpRelay, rpcNode } from '../../sdk/adapters/index.ts'
import { SdkError } from '../../sdk/errors.ts'
import { startAnvil } from './anvil.ts'
import { type Options, readOptions } from './options.ts'
import { table } from './progress.ts'
import { type Walked, walk } from './walk.ts'
import { totalsOf, type WindowTotals } from './windows.ts'
import { startEdge } from './workerd.ts'

/** The fork of the node that is started here, and how it mines: several transactions a block. */
const fork = 'osaka'
const mining = ['--block-time', '0.5']
const root = join(import.meta.dirname, '../..')
const folder = join(root, '.lanekit/run')

/** The last line of `--json`. */
interface Summary {
  readonly ok: boolean
  readonly evm: {
    readonly backend: string
    readonly sent: number
    readonly included: number
    readonly lanes: number
    readonly criticalPathGas: number
    readonly idealSpeedup4: number
  }
  readonly channel: null
  readonly verified: { readonly receipts: number; readonly inclusions: number }
  readonly seconds: number
}

/** Starts node and edge, walks the main job, prints what came of it, and serves on until told to stop. */
async function start(options: Options): Promise<boolean> {
  const began = Date.now()
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const stops: (() => Promise<void>)[] = []
  try {
    const node = options.rpc ? { url: options.rpc } : await startAnvil({ hardfork: fork, args: mining })
    if ('stop' in node) stops.push(node.stop)
    const evm = rpcNode({ url: node.url })
    const chain = { id: await evm.chainId(), fork } as const
    const chains = { [chain.id]: { fork, executors: [node.url] } }
    const edge = await startEdge({
      outdir: join(root, '.lanekit/worker'),
      config: join(root, 'wrangler.toml'),
      persist: join(folder, 'edge'),
      chains,
      port: options.port,
    })
    stops.push(edge.stop)
    const store = await file(join(folder, 'wallet'))
    stops.push(store.close)

    const walked = await walk({ store, relay: httpRelay(edge.url), evm, chain })
    const totals = await totalsOf(edge.url, chain.id)
    const summary = summarize(options.rpc ? 'json-rpc' : 'anvil', walked, totals, (Date.now() - began) / 1000)
    const print = options.json && options.exit ? process.stderr : process.stdout
    print.write(`\n${report(summary, walked)}\n\n`)
    if (!options.exit) await serve(edge.url, node.url)
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
    return summary.ok
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

function summarize(backend: string, walked: Walked, totals: WindowTotals, seconds: number): Summary {
  const { sent, included, receipts, inclusions } = walked
  return {
    ok: [included, receipts, inclusions].every((count) => count === sent),
    evm: {
      backend,
      sent,
      included,
      lanes: totals.lanes,
      criticalPathGas: totals.criticalPathGas,
      idealSpeedup4: totals.idealSpeedup4,
    },
    channel: null,
    verified: { receipts, inclusions },
    seconds: Number(seconds.toFixed(1)),
  }
}

function report({ ok, evm, verified, seconds }: Summary, { sendSeconds, settleSeconds }: Walked): string {
  const perSecond = Math.round(evm.sent / settleSeconds)
  return table([
    ['Sent through the edge', `${evm.sent} token transfers to ${evm.backend}`],
    ['Included', `${evm.included}`],
    ['Proven by trie', `${verified.inclusions} transactions, ${verified.receipts} receipts (level: node)`],
    ['Lanes', `${evm.lanes} over all windows`],
    ['Longest chain of waits', `${evm.criticalPathGas.toLocaleString('en-US')} gas`],
    ['Ideal speed-up, 4 workers', `${evm.idealSpeedup4.toFixed(2)} times`],
    ['Quoted, signed, stored', `${sendSeconds.toFixed(1)} s`],
    ['Stored to settled', `${settleSeconds.toFixed(1)} s (${perSecond} a second)`],
    ['In all', `${seconds} s`],
    ['Everything as it should be', ok ? 'yes' : 'NO'],
  ])
}

/** Serves until Ctrl-C. */
function serve(edgeUrl: string, nodeUrl: string): Promise<void> {
  process.stdout.write(`  Edge   ${edgeUrl}\n  Node   ${nodeUrl}\n\n  Ctrl-C stops both.\n`)
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
