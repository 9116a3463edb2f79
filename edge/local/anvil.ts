import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const startMsMax = 20_000

export interface AnvilOptions {
  /** Rules it runs under; its newest without. */
  readonly hardfork?: 'cancun' | 'prague' | 'osaka'
  /** Funded accounts, of its well-known mnemonic. */
  readonly accounts?: number
  /** Further arguments, as its command line takes them. */
  readonly args?: readonly string[]
  /** It ends by itself after this long, in milliseconds; without, it lives as long as this process. */
  readonly lifetimeMs?: number
}

export interface Anvil {
  readonly url: string
  readonly pid: number
  /** Resolves once the process has ended. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/**
 * Starts a real Ethereum node on a free loopback port; transactions stay in the order they came (`--order fifo`).
 *
 * It ends with `stop`, with this process, or after its lifetime, whichever comes first. Throws when it is not up within
 * twenty seconds.
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  const { hardfork, accounts = 10, args = [], lifetimeMs } = options
  const child = spawn(
    binary(),
    [
      ...['--host', '127.0.0.1', '--port', '0', '--order', 'fifo', '--accounts', String(accounts)],
      ...(hardfork ? ['--hardfork', hardfork] : []),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const lifetime = lifetimeMs === undefined ? undefined : setTimeout(kill, lifetimeMs).unref()
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void ended.then(() => {
    clearTimeout(lifetime)
    process.off('exit', kill)
  })
  const stop = async () => {
    kill()
    await ended
  }
  try {
    return { url: `http://${await listening(child)}`, pid: child.pid ?? 0, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The platform's own binary: started directly, so that killing the child kills the node. */
function binary(): string {
  const system = process.platform
  const machine = process.arch === 'x64' ? 'amd64' : process.arch
  const folder = dirname(createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${system}-${machine}/package.json`))
  return join(folder, 'bin', system === 'win32' ? 'anvil.exe' : 'anvil')
}

function listening(child: ChildProcess): Promise<string> {
  const said: string[] = []
  let timer: NodeJS.Timeout | undefined
  const place = new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`anvil ${why}: ${said.slice(-5).join(' / ')}`))
    timer = setTimeout(() => fail('did not start in time'), startMsMax)
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(`ended with ${code}`))
    for (const stream of [child.stdout, child.stderr]) {
      // Read to the end, so that a full pipe never holds the node up.
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          said.push(line)
          if (said.length > 100) said.shift()
          const found = /^Listening on (\S+)$/.exec(line)?.[1]
          if (found) resolve(found)
        })
    }
  })
  return place.finally(() => clearTimeout(timer))
}
