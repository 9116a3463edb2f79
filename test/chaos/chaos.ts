import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAnvil } from '../../edge/local/anvil.ts'
import { startMortalEdge } from '../../edge/local/workerd.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { type Address, address, type TxHash } from '../../sdk/units.ts'
import { startBareEdge } from '../edge/bareWorkerd.ts'
import { createRandom, type Random } from '../sim/random.ts'
import { type ProxyFault, startProxy } from './proxy.ts'
import type { WalletOrder, WalletWord } from './walletProcess.ts'

export interface ChaosOptions {
  readonly kills: number
  readonly seed: number
  /** The built walletProcess.ts. */
  readonly walletProgram: string
  readonly wallets?: number
  /** Told of each kill, and of what comes after. */
  readonly progress?: (what: string) => void
}

/** What came of it. `explained`: refused, replaced or expired, with a reason that the edge has stored. */
export interface ChaosReport {
  readonly seed: number
  readonly kills: Readonly<Record<'edge' | 'wallet', number>>
  /** Times the executor's process was stopped for a while. */
  readonly freezes: number
  readonly faults: Readonly<Record<ProxyFault, number>>
  /** Intents that the wallets had stored. */
  readonly intents: number
  /** Hashes that the edge said it has stored. */
  readonly acked: number
  readonly included: number
  readonly explained: number
  readonly lost: number
  /** `null`: a wallet never told what it had stored, so that nobody can say. */
  readonly doubled: number | null
}

const mnemonic = 'test test test test test test test test test test test junk'
const chain = 31_337
const accountsEach = 3
const faultChance = 0.25
const betweenMsMin = 100
const betweenMsMax = 900
/** How long everything may take to come to its end once nothing goes wrong any more. */
const drainMsMax = 600_000
const sink: Address = address(`0x${'c4a05'.padStart(40, '0')}`)

/**
 * Real workerd, a real executor's process, a faulty proxy between the two, and wallets on disk under load; SIGKILL for
 * edge or wallet at moments drawn from the seed. In the end every intent that a wallet stored is in the chain once, and
 * every hash that the edge acknowledged is in the chain or explained.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { kills, seed, wallets = 2 } = options
  const random = createRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-chaos-'))
  const stops: (() => Promise<void>)[] = []
  try {
    const node = await startAnvil({
      accounts: wallets * accountsEach,
      args: ['--block-time', '0.5', '--slots-in-an-epoch', '1'],
    })
    stops.push(node.stop)
    const proxy = await startProxy(node.url, createRandom(seed + 1), faultChance)
    stops.push(proxy.stop)
    const persist = join(folder, 'edge')
    const chains = { [chain]: { fork: 'osaka', executors: [proxy.url], finality: 3, pollMs: 100, leaseMs: 3_000 } }
    const edge = await startMortalEdge((port) => startBareEdge({ persist, chains, port }))
    stops.push(edge.stop)
    const acked = new Set<TxHash>()
    const people = Array.from({ length: wallets }, (_, at) =>
      startWallet(options.walletProgram, acked, {
        ...{ edge: edge.url, node: node.url, chain, mnemonic, sink, pauseMs: 150, perBatch: 2 },
        ...{ first: at * accountsEach, count: accountsEach, folder: join(folder, `wallet-${at}`) },
      }),
    )
    stops.push(...people.map(({ kill }) => kill))
    const done = { edge: 0, wallet: 0 }
    let freezes = 0
    for (let at = 0; at < kills; at++) {
      await pause(random.from(betweenMsMin, betweenMsMax))
      if (random.chance(0.2)) {
        freezes += 1
        await freeze(node.pid, random)
      }
      const victim = random.chance(0.6) ? 'edge' : 'wallet'
      done[victim] += 1
      if (victim === 'wallet') await random.pick(people).crash()
      else {
        await edge.kill()
        await edge.raise()
      }
      options.progress?.(`${at + 1} of ${kills}: ${victim}`)
    }
    proxy.heal()
    options.progress?.('everything goes well from now on')
    const stored = (await within(drainMsMax, Promise.all(people.map((one) => one.settle())))) ?? []
    options.progress?.('comparing what was promised with the chain')
    const told = await audit({ node: node.url, edge: edge.url, acked, stored: stored.flat() })
    const isWhole = stored.length === people.length
    return {
      ...{ seed, kills: done, freezes, faults: proxy.faults, ...told },
      // A wallet that never came to its end has lost something, whatever the chain says.
      lost: isWhole ? told.lost : Math.max(1, told.lost),
      doubled: isWhole ? told.doubled : null,
    }
  } finally {
    for (const stop of stops.reverse()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function startWallet(program: string, acked: Set<TxHash>, order: WalletOrder) {
  let isStopping = false
  let finish: (stored: readonly (readonly [Address, number])[]) => void = () => undefined
  const finished = new Promise<readonly (readonly [Address, number])[]>((resolve) => {
    finish = resolve
  })
  const start = (): ChildProcess => {
    const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    child.on('message', (word: WalletWord) => {
      if ('acked' in word) for (const hash of word.acked) acked.add(hash)
      else finish(word.stored)
    })
    child.send(order)
    if (isStopping) child.send('stop')
    return child
  }
  let child = start()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGKILL')
    await ended
  }
  return {
    kill,
    crash: async () => {
      await kill()
      child = start()
    },
    settle: () => {
      isStopping = true
      child.send('stop')
      return finished
    },
  }
}

async function freeze(pid: number, random: Random): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await pause(random.from(200, 2_500))
  process.kill(pid, 'SIGCONT')
}

interface Evidence {
  readonly node: string
  readonly edge: string
  readonly acked: ReadonlySet<TxHash>
  readonly stored: readonly (readonly [Address, number])[]
}

/** Compares what was promised with what the chain holds. */
async function audit({ node, edge, acked, stored }: Evidence) {
  const ask = async (method: string, ...params: readonly unknown[]): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    return ((await (await fetch(node, { method: 'POST', headers, body })).json()) as { result: unknown }).result
  }
  let intents = 0
  let missing = 0
  for (const [account, count] of stored) {
    intents += count
    missing += Math.max(0, count - Number(await ask('eth_getTransactionCount', account, 'latest')))
  }
  const received = Number(BigInt(String(await ask('eth_getBalance', sink, 'latest'))))
  let included = 0
  let explained = 0
  for (const hash of acked) {
    const receipt = await ask('eth_getTransactionReceipt', hash)
    const found = (await ask('eth_getTransactionByHash', hash)) as { from: string } | null
    if (receipt !== null) included += 1
    else if (found === null && (await isExplained(edge, stored, hash))) explained += 1
  }
  const lost = missing + (acked.size - included - explained)
  return { intents, acked: acked.size, included, explained, lost, doubled: Math.max(0, received - intents) }
}

async function isExplained(edge: string, stored: Evidence['stored'], hash: TxHash): Promise<boolean> {
  for (const [sender] of stored) {
    const response = await fetch(`${edge}/v1/chains/${chain}/senders/${sender}/txs/${hash}`)
    if (response.status !== 200) continue
    const { status } = (await response.json()) as { status: TxStatus }
    return ['rejected', 'replaced', 'expired'].includes(status.state)
  }
  return false
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function within<value>(ms: number, work: Promise<value>): Promise<value | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    // Else it would keep the process alive after all is told.
    clearTimeout(timer)
  }
}
