import { type Context, Hono } from 'hono'
import { decodeChains } from '../config.ts'
import { alarmLagMsMax, rowsPerReadMax } from '../limits.ts'
import type { ChainFigures, Env } from '../objects.ts'
import description from '../openapi.json'
import { chainName } from '../placement.ts'
import { allowOnly, ask, chainOf, cursorOf, Refusal } from './answer.ts'
import { admitAdmin } from './gate.ts'

type Bindings = { Bindings: Env }

/** What operators and their machines ask. */
export function ops() {
  return new Hono<Bindings>()
    .get('/healthz', (context) => context.json({ ok: true }))
    .all('/healthz', allowOnly('GET'))
    .get('/readyz', async (context) => {
      const chains = await figuresOf(context.env)
      const late = chains.find(({ figures }) => figures.lagMs > alarmLagMsMax)
      if (late) throw new Refusal('not-ready', `Chain ${late.chain} is ${late.figures.lagMs} ms behind.`)
      const paused = chains.find(({ figures }) => figures.isPaused)
      if (paused) throw new Refusal('not-ready', `Chain ${paused.chain} is paused.`)
      const cut = chains.find(({ figures }) => figures.executorsUp === 0)
      if (cut) throw new Refusal('not-ready', `No executor of chain ${cut.chain} answers.`)
      return context.json({ ready: true, chains: chains.map(({ chain }) => chain) })
    })
    .all('/readyz', allowOnly('GET'))
    .get('/openapi.json', (context) => context.json(description))
    .all('/openapi.json', allowOnly('GET'))
    .get('/metrics', async (context) => {
      admitAdmin(context)
      const text = metricsText(await figuresOf(context.env))
      return context.body(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    })
    .all('/metrics', allowOnly('GET'))
    .post('/admin/chains/:chain/pause', (context) => setPaused(context, context.req.param('chain'), true))
    .all('/admin/chains/:chain/pause', allowOnly('POST'))
    .post('/admin/chains/:chain/resume', (context) => setPaused(context, context.req.param('chain'), false))
    .all('/admin/chains/:chain/resume', allowOnly('POST'))
    .get('/admin/chains/:chain/rows', async (context) => {
      admitAdmin(context)
      const chain = chainOf(context.env, context.req.param('chain'))
      const after = cursorOf(context.req.query('after'))
      const rows = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).rows(after, rowsPerReadMax))
      return context.json({ rows })
    })
    .all('/admin/chains/:chain/rows', allowOnly('GET'))
    .get('/admin/chains/:chain/audit', async (context) => {
      admitAdmin(context)
      const chain = chainOf(context.env, context.req.param('chain'))
      const after = cursorOf(context.req.query('after'))
      const rows = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).audited(after, rowsPerReadMax))
      return context.json({ rows })
    })
    .delete('/admin/chains/:chain/audit', async (context) => {
      admitAdmin(context)
      const chain = chainOf(context.env, context.req.param('chain'))
      const before = cursorOf(context.req.query('before'))
      const forgotten = await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).forgetAudit(before))
      return context.json({ forgotten })
    })
    .all('/admin/chains/:chain/audit', allowOnly('GET, DELETE'))
}

async function setPaused(context: Context<Bindings>, text: string, isPaused: boolean): Promise<Response> {
  admitAdmin(context)
  const chain = chainOf(context.env, text)
  await ask(() => context.env.CHAIN.getByName(chainName(chain.id)).setPaused(chain.id, isPaused))
  return context.json({ chain: chain.id, paused: isPaused })
}

interface OfChain {
  readonly chain: number
  readonly figures: ChainFigures
}

async function figuresOf(env: Env): Promise<readonly OfChain[]> {
  const chains = decodeChains(env.CHAINS)
  if (!chains.ok) throw new Refusal('misconfigured', 'The list of chains cannot be read.')
  return Promise.all(
    [...chains.value.keys()].map(async (chain) => ({
      chain,
      figures: await ask(() => env.CHAIN.getByName(chainName(chain)).figures()),
    })),
  )
}

/** Prometheus' text format: one gauge a figure, one line a chain. */
function metricsText(chains: readonly OfChain[]): string {
  const gauges: readonly (readonly [string, string, (figures: ChainFigures) => number])[] = [
    ['open', 'Transactions that have not ended', ({ open }) => open],
    ['queued', 'Transactions that wait for a window', ({ queued }) => queued],
    ['windows', 'Windows planned', ({ windows }) => windows],
    ['events', 'Events of the log', ({ events }) => events],
    ['failures', 'Executor calls in a row that had no answer', ({ failures }) => failures],
    ['executors_up', 'Executors that are asked', ({ executorsUp }) => executorsUp],
    ['lag_ms', 'How long something due has waited', ({ lagMs }) => lagMs],
    ['faults', 'Faults kept for the operator', ({ faults }) => faults],
    ['paused', 'Whether the operator has paused sending', ({ isPaused }) => Number(isPaused)],
  ]
  return gauges
    .flatMap(([name, help, of]) => [
      `# HELP lanekit_chain_${name} ${help}.`,
      `# TYPE lanekit_chain_${name} gauge`,
      ...chains.map(({ chain, figures }) => `lanekit_chain_${name}{chain="${chain}"} ${of(figures)}`),
    ])
    .join('\n')
    .concat('\n')
}
