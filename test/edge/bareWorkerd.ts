import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** workerd alone: no proxy before it, no second worker beside it, no process around it. */
export interface BareWorkerd {
  readonly url: string
  readonly child: ChildProcess
  /** Ends it in order. */
  readonly stop: () => Promise<void>
  /** Ends it as a power cut would. */
  readonly kill: () => Promise<void>
}

export interface BareWorkerdOptions {
  /** The configuration file, from `cwd`. */
  readonly config: string
  readonly cwd: string
  /** Takes the place of the address of the file's socket `http`. */
  readonly port: number
  /** All of its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** What workerd complains of is shown; not where it is killed on purpose. */
  readonly isQuiet?: boolean
}

/** The file that operators run, and where its first line wants it: beside what `wrangler deploy --dry-run` wrote. */
export const shippedConfig = 'docs/workerd.capnp'

/** The text of the shipped file. */
export function shippedText(root: string): string {
  return readFileSync(join(root, shippedConfig), 'utf8')
}

/** Lays out in an empty folder what the shipped file names: itself, changed or not, the bundle, and a place for rows. */
export function layOut(folder: string, { outdir, text }: { readonly outdir: string; readonly text: string }): void {
  for (const name of ['docs', 'edge-rows']) mkdirSync(join(folder, name))
  cpSync(outdir, join(folder, 'dist-edge'), { recursive: true })
  writeFileSync(join(folder, shippedConfig), text)
}

const startMsMax = 10_000

/** Throws when it does not answer within ten seconds. */
export async function startBareWorkerd({
  config,
  cwd,
  port,
  env = {},
  isQuiet,
}: BareWorkerdOptions): Promise<BareWorkerd> {
  const complaints = isQuiet ? 'ignore' : 'inherit'
  const child = spawn(program(), ['serve', config, '--socket-addr', `http=127.0.0.1:${port}`], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', complaints],
  })
  const killWith = () => child.kill('SIGKILL')
  process.once('exit', killWith)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal)
    await ended
    process.off('exit', killWith)
  }
  const url = `http://127.0.0.1:${port}`
  const workerd = { url, child, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
  const deadline = Date.now() + startMsMax
  while (!(await fetch(url, { method: 'POST' }).catch(() => undefined))) {
    if (Date.now() < deadline && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 25))
      continue
    }
    await workerd.kill()
    throw new Error('workerd did not start.')
  }
  return workerd
}

/** The workerd that miniflare brings along. The command of that name is a script around it, which no signal passes. */
function program(): string {
  const ofMiniflare = createRequire(createRequire(import.meta.url).resolve('miniflare'))
  return (ofMiniflare('workerd') as { readonly default: string }).default
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const place = server.address()
      server.close(() => (typeof place === 'object' && place ? resolve(place.port) : reject(new Error('No port.'))))
    })
  })
}
