import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { type MortalEdge, startMortalEdge } from '../../../edge/local/workerd.ts'
import { sats } from '../../../sdk/units.ts'
import { startBareEdge } from '../bareWorkerd.ts'
import { type Built, buildEdge } from '../build.ts'
import { randomOf } from '../world.ts'
import { type LoopOrder, paymentsCount, price } from './terms.ts'

/**
 * Goal: whoever loses power, the sums are right. Method: wallet, till and worker are real processes on real disks; each is
 * killed by SIGKILL at random moments of opening, paying and closing, and comes back on what it stored.
 */
const killsEach = 2
const programs = join(import.meta.dirname, '../../../.lanekit/test', `loop-${process.pid}`)

let built: Built
let bitcoin: BitcoinBackend
let edge: MortalEdge
let mining: NodeJS.Timeout
const started: Immortal[] = []

beforeAll(async () => {
  ;[built, bitcoin] = await Promise.all([
    buildEdge(),
    startBitcoin({ bitcoind: null }),
    build({
      entryPoints: ['merchant', 'shopper'].map((name) => join(import.meta.dirname, `${name}.ts`)),
      outdir: programs,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    }),
  ])
  const config = { network: 'regtest', esplora: [bitcoin.url], pollMs: 200 }
  const persist = built.folder()
  edge = await startMortalEdge((port) =>
    startBareEdge({ outdir: built.outdir, persist, chains: {}, bitcoin: config, port }),
  )
  mining = setInterval(() => void bitcoin.mine(1), 150)
})
afterAll(async () => {
  clearInterval(mining)
  for (const one of started) one.end()
  await edge?.stop()
  await bitcoin?.stop()
  built?.clear()
  rmSync(programs, { recursive: true, force: true })
})

/** A process that is started again whenever it was killed, until it ends by itself. */
interface Immortal {
  readonly kill: () => void
  readonly end: () => void
}

function immortal(name: string, order: LoopOrder, onLine: (line: string) => void): Immortal {
  let isOver = false
  const start = (): ChildProcess => {
    const process = spawn(globalThis.process.execPath, [join(programs, `${name}.mjs`), JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    createInterface({ input: process.stdout }).on('line', onLine)
    process.once('close', (_, signal) => {
      if (signal === 'SIGKILL' && !isOver) child = start()
    })
    return process
  }
  let child = start()
  const kill = () => {
    child.kill('SIGKILL')
  }
  const end = () => {
    isOver = true
    kill()
  }
  started.push({ kill, end })
  return { kill, end }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

it('wallet, till and worker are killed while they trade: each payment is made once, and paid = received = settled', async () => {
  const seed = Number(process.env.LANEKIT_SEED ?? Date.now() % 1_000_000)
  const [port, booksPort] = [await freePort(), await freePort()]
  const order = (): LoopOrder => ({ folder: built.folder(), esplora: bitcoin.url, edge: edge.url, port, booksPort })
  const told: Record<string, unknown> = {}
  const shopper = immortal('shopper', order(), (line) => {
    const isFirst = told.address === undefined
    Object.assign(told, JSON.parse(line))
    if (isFirst) void bitcoin.fund(String(told.address), sats(200_000n))
  })
  const merchant = immortal('merchant', order(), () => undefined)
  const killEdge = async () => {
    await edge.kill()
    await edge.raise()
  }
  await strike([shopper.kill, merchant.kill, killEdge], randomOf(seed), () => told.closed !== undefined)

  const total = Number(price) * paymentsCount
  await expect
    .poll(() => told.closed, { timeout: 90_000, message: `seed ${seed}` })
    .toEqual({ channels: 1, paid: total, spent: total, toPayee: total })
  const income = async () => (await fetch(`http://127.0.0.1:${booksPort}/income`)).json()
  await expect.poll(() => income().catch(() => null), { timeout: 20_000 }).toEqual([total, total, total])
}, 120_000)

/** Kills one after the other at random moments, each as often as it is to be. */
async function strike(victims: readonly (() => unknown)[], random: () => number, isOver: () => boolean): Promise<void> {
  for (let kill = 0; kill < killsEach * victims.length && !isOver(); kill++) {
    await new Promise((resolve) => setTimeout(resolve, 200 + random() * 800))
    await victims[kill % victims.length]?.()
  }
}
