import { Hono } from 'hono'
import { refuse } from './shop.ts'

/** What only the operator of a test chain on this machine can do. */
export interface Demo {
  /** Kills the edge as a power cut would, and starts it again at the same address. Resolves when it is up. */
  readonly killEdge: () => Promise<void>
  /** Sends coins to an address out of block rewards. */
  readonly fund: (address: string, value: bigint) => Promise<void>
  readonly mine: (blocks: number) => Promise<void>
}

export interface Miner {
  /** Something waits to be confirmed. */
  readonly want: () => void
  readonly stop: () => void
}

/** Blocks that are mined after the last thing that waited for one: more than a side waits that closes alone. */
const blocksAfter = 20
const coins = 100_000n
/** Most gifts of one start: rewards are not endless. */
const giftsMax = 100
const addressCharsMax = 100

/** Mines a block every few seconds while somebody waits for one. */
export function startMiner({ mine }: Demo, pauseMs: number): Miner {
  let wanted = 0
  const timer = setInterval(async () => {
    if (wanted === 0) return
    wanted -= 1
    await mine(1).catch(() => undefined)
  }, pauseMs)
  timer.unref()
  return {
    want: () => {
      wanted = blocksAfter
    },
    stop: () => clearInterval(timer),
  }
}

/** Test coins, and the button that kills the edge. */
export function demoRoutes({ fund, killEdge, mine }: Demo, miner: Miner): Hono {
  let gifts = 0
  let killing: Promise<void> | null = null
  const app = new Hono()
  app.post('/demo/coins', async (context) => {
    const address = addressIn(await context.req.text())
    if (address === null) return refuse(context, 400, 'malformed-address')
    if (gifts >= giftsMax) return refuse(context, 429, 'no-coins')
    gifts += 1
    await fund(address, coins)
    miner.want()
    return context.json({ value: Number(coins) })
  })
  app.post('/demo/kill-edge', async (context) => {
    killing ??= killEdge().finally(() => {
      killing = null
    })
    await killing
    return context.json({ ok: true })
  })
  /** For tests of what happens near an expiry. */
  app.post('/demo/blocks', async (context) => {
    const blocks = Number(new URL(context.req.url).searchParams.get('count'))
    if (!Number.isInteger(blocks) || blocks < 1 || blocks > 2_000) return refuse(context, 400, 'malformed-count')
    await mine(blocks)
    return context.json({ ok: true })
  })
  return app
}

function addressIn(text: string): string | null {
  try {
    const { address } = JSON.parse(text) as { readonly address?: unknown }
    return typeof address === 'string' && address.length <= addressCharsMax ? address : null
  } catch {
    return null
  }
}
