import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { SdkError } from '../../sdk/errors.ts'
import { pause } from '../../sdk/pause.ts'

/** Where a local edge gets its parts from. */
export interface EdgeOptions {
  /** What `wrangler deploy --dry-run --outdir` wrote. */
  readonly outdir: string
  /** What `.ci/workerOptions.mjs` wrote of the repository's `wrangler.toml`: bindings and limits are taken from it. */
  readonly config: string
  /** Folder for the objects' rows. They outlive the process, however it ends. */
  readonly persist: string
  /** The CHAINS variable, see config.ts. */
  readonly chains: Readonly<Record<string, unknown>>
  /** The BITCOIN variable; without it no closing can be deposited. */
  readonly bitcoin?: Readonly<Record<string, unknown>>
  /** The TOWER_KEY secret; without it no tower is kept. */
  readonly towerKey?: string
  /** On 127.0.0.1; 0 lets the system choose. */
  readonly port: number
  /** The built edgeProcess.ts; by default `edge.js` beside this program. */
  readonly program?: string
}

/** A running edge. */
export interface Edge {
  readonly url: string
  /** Ends it in order. Its address is free afterwards. */
  readonly stop: () => Promise<void>
  /** Ends it as a power cut would: SIGKILL for workerd and the process around it. Its address is free afterwards. */
  readonly kill: () => Promise<void>
}

/** An edge that can be killed and comes back on its rows, at the same address. */
export interface MortalEdge {
  readonly url: string
  /** Ends it as a power cut would. It stays down until it is raised. */
  readonly kill: () => Promise<void>
  readonly raise: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** What the process around workerd is told. */
export interface EdgeOrder {
  readonly outdir: string
  readonly persist: string
  readonly port: number
  readonly bindings: { readonly CHAINS: string; readonly BITCOIN: string; readonly TOWER_KEY: string }
  /** The worker's options as miniflare takes them. */
  readonly worker: { readonly bindings?: object }
}

const startMsMax = 30_000
const stopMsMax = 5_000
const letGoPollMs = 10

/**
 * Starts the worker in real workerd, in a process of its own. It ends with this process, even when that is killed.
 *
 * Throws `relay/unreachable` when it does not come up.
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { outdir, persist, port, chains, bitcoin, towerKey = '' } = options
  const order: EdgeOrder = {
    outdir,
    persist,
    port,
    bindings: { CHAINS: JSON.stringify(chains), BITCOIN: bitcoin ? JSON.stringify(bitcoin) : '', TOWER_KEY: towerKey },
    worker: JSON.parse(readFileSync(options.config, 'utf8')) as EdgeOrder['worker'],
  }
  const program = options.program ?? fileURLToPath(new URL('./edge.js', import.meta.url))
  // A group of its own, so that one signal reaches workerd too.
  const child = fork(program, {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = async () => {
    killGroup(child)
    await ended
  }
  try {
    const url = await firstWord(child, order)
    const stop = async () => {
      if (child.connected) child.send('stop')
      const timer = setTimeout(() => killGroup(child), stopMsMax)
      await ended
      clearTimeout(timer)
      await letGo(url)
    }
    const kill = async () => {
      await end()
      await letGo(url)
    }
    return { url, stop, kill }
  } catch (error) {
    await end()
    throw error
  }
}

/** An edge that `start` brings up at a port, 0 being any, on the same rows each time. */
export async function startMortalEdge(start: (port: number) => Promise<Edge>): Promise<MortalEdge> {
  let edge: Edge | null = await start(0)
  const { url } = edge
  const port = Number(new URL(url).port)
  return {
    url,
    kill: async () => {
      const before = edge
      edge = null
      await before?.kill()
    },
    raise: async () => {
      edge ??= await start(port)
    },
    stop: async () => {
      await edge?.stop()
    },
  }
}

/** workerd outlives the process around it by a moment, and an edge that is raised wants its address back. */
async function letGo(url: string): Promise<void> {
  const port = Number(new URL(url).port)
  for (const start = Date.now(); Date.now() - start < stopMsMax; await pause(letGoPollMs))
    if (await isRefused(port)) return
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}

function firstWord(child: ChildProcess, order: EdgeOrder): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new SdkError('relay/unreachable', `The edge did not start: ${why}.`))
    const timer = setTimeout(() => fail('it took too long'), startMsMax)
    child.once('exit', (code) => fail(`its process ended with ${code}`))
    child.once('error', (error) => fail(error.message))
    child.once('message', (word: { readonly url?: string; readonly error?: string }) => {
      clearTimeout(timer)
      if (word.url === undefined) fail(word.error ?? 'it gave no address')
      else resolve(word.url)
    })
    child.send(order)
  })
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}
