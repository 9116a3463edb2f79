import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Edge, EdgeOptions } from '../../edge/local/workerd.ts'

const root = join(import.meta.dirname, '../..')

/** workerd alone: no proxy before it, no second worker beside it, no process around it. */
export interface BareWorkerd extends Edge {
  readonly pid: number | undefined
}

export interface BareWorkerdOptions {
  /** The configuration file, from `cwd`. */
  readonly config: string
  readonly cwd: string
  /** On 127.0.0.1, in place of the address of the file's socket `http`; 0 lets the system choose. */
  readonly port: number
  /** All of its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Keeps what workerd complains of to itself. */
  readonly isQuiet?: boolean
}

export interface BareEdgeOptions extends Pick<EdgeOptions, 'persist' | 'chains' | 'bitcoin' | 'towerKey'> {
  /** By default the worker that the build made. */
  readonly outdir?: string
  /** On 127.0.0.1; without it, or with 0, the system chooses. */
  readonly port?: number
  /** By default it is: under kills, workerd complains of every line that breaks. */
  readonly isQuiet?: boolean
}

/** The file that operators run, and where its first line wants it: beside what `wrangler deploy --dry-run` wrote. */
export const shippedConfig = 'docs/workerd.capnp'

/** The text of the shipped file. */
export function shippedText(): string {
  return readFileSync(join(root, shippedConfig), 'utf8')
}

/** Lays out in an empty folder what the shipped file names: itself, changed or not, the bundle, and a place for rows. */
export function layOut(folder: string, { outdir, text }: { readonly outdir: string; readonly text: string }): void {
  for (const name of ['docs', 'edge-rows']) mkdirSync(join(folder, name))
  cpSync(outdir, join(folder, 'dist-edge'), { recursive: true })
  writeFileSync(join(folder, shippedConfig), text)
}

const startMsMax = 30_000
/** Where workerd writes which address it has taken. */
const controlFd = 3

/**
 * The edge as operators run it by themselves: the built worker on bare workerd, by the shipped file. It starts in a sixth of the time
 * that an edge of `edge/local` takes, which brings up miniflare around it; on that one run the walk and `test/house.ts`.
 */
export function startBareEdge(options: BareEdgeOptions): Promise<BareWorkerd> {
  const {
    outdir = join(root, '.lanekit/worker'),
    persist,
    chains,
    bitcoin,
    towerKey,
    port = 0,
    isQuiet = true,
  } = options
  mkdirSync(persist, { recursive: true })
  if (!existsSync(join(persist, shippedConfig))) layOut(persist, { outdir, text: shippedText() })
  const env = {
    EDGE_CHAINS: JSON.stringify(chains),
    ...(bitcoin ? { EDGE_BITCOIN: JSON.stringify(bitcoin) } : {}),
    ...(towerKey === undefined ? {} : { EDGE_TOWER_KEY: towerKey }),
  }
  return startBareWorkerd({ config: shippedConfig, cwd: persist, port, env, isQuiet })
}

/** It ends with this process. Throws when it does not listen within thirty seconds. */
export async function startBareWorkerd(options: BareWorkerdOptions): Promise<BareWorkerd> {
  const { config, cwd, port, env = {}, isQuiet } = options
  const child = spawn(
    program(),
    ['serve', config, '--socket-addr', `http=127.0.0.1:${port}`, `--control-fd=${controlFd}`],
    { cwd, env, stdio: ['ignore', 'ignore', isQuiet ? 'ignore' : 'inherit', 'pipe'] },
  )
  const killIt = () => child.kill('SIGKILL')
  process.once('exit', killIt)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const kill = async () => {
    killIt()
    await ended
    process.off('exit', killIt)
  }
  try {
    // What it has acknowledged is on the disk: to end it in order is to end it.
    return { url: `http://127.0.0.1:${await portOf(child)}`, pid: child.pid, stop: kill, kill }
  } catch (error) {
    await kill()
    throw error
  }
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('did not start in time'), startMsMax)
    const fail = (why: string) => {
      clearTimeout(timer)
      reject(new Error(`workerd ${why}.`))
    }
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(`ended with ${code}`))
    createInterface({ input: child.stdio[controlFd] as Readable }).on('line', (line) => {
      const { event, socket, port } = JSON.parse(line) as { event: string; socket: string; port: number }
      if (event !== 'listen' || socket !== 'http') return
      clearTimeout(timer)
      resolve(port)
    })
  })
}

/** The workerd that miniflare brings along. The command of that name is a script around it, which no signal passes. */
function program(): string {
  const ofMiniflare = createRequire(createRequire(import.meta.url).resolve('miniflare'))
  return (ofMiniflare('workerd') as { readonly default: string }).default
}
