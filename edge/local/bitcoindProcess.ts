import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type BitcoindRpc, bitcoindRpc } from '../../sdk/adapters/bitcoindRpc.ts'
import { SdkError } from '../../sdk/errors.ts'

export interface BitcoindProcess {
  /** Where it answers JSON-RPC. */
  readonly url: string
  readonly cookie: () => Promise<string>
  readonly rpc: BitcoindRpc
  /** Resolves once the process has ended and its files are gone. Safe to call twice. */
  readonly stop: () => Promise<void>
}

const startMsMax = 20_000
const pollMs = 50
/** That wait at once; beyond it bitcoind is busy (HTTP status 503). Its own 64 are fewer than two dozen clients ask. */
const questionsMax = 512
/** The first version that can be asked about scripts. */
const versionMin = 29

/** What a `bitcoind` says of itself, or nothing when there is none that is new enough. */
export async function bitcoindVersion(binary: string): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: startMsMax }).catch(() => ({
    stdout: '',
  }))
  const [line = ''] = stdout.split('\n')
  return Number(/ v(\d+)\./.exec(line)?.[1]) >= versionMin ? line : undefined
}

/**
 * Starts a real bitcoind on regtest: alone, without a wallet, in a folder of its own, answering on 127.0.0.1 only, under
 * Bitcoin Core's policy also where it is Knots; with `policy: 'own'` under the one that it comes with.
 *
 * It ends with `stop`, with this process, or after `lifetimeMs`, whichever comes first. Throws `node/unreachable` when it
 * does not answer within twenty seconds.
 */
export async function startBitcoind(
  binary: string,
  { lifetimeMs, policy = 'core' }: { readonly lifetimeMs?: number; readonly policy?: 'core' | 'own' } = {},
): Promise<BitcoindProcess> {
  const version = await bitcoindVersion(binary)
  if (version === undefined)
    throw new SdkError('node/unreachable', `There is no bitcoind of version ${versionMin} or later at that place.`)
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-bitcoind-'))
  const port = await freePort()
  const child = spawn(
    binary,
    [
      ...[
        '-regtest',
        `-datadir=${folder}`,
        '-server',
        '-listen=0',
        '-listenonion=0',
        '-dnsseed=0',
        '-printtoconsole=0',
      ],
      ...['-rpcbind=127.0.0.1', '-rpcallowip=127.0.0.1', `-rpcport=${port}`],
      `-rpcworkqueue=${questionsMax}`,
      ...['-disablewallet', '-txindex', '-blockfilterindex', '-persistmempool=0'],
      ...(policy === 'core' && version.includes('Knots') ? ['-corepolicy'] : []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text.slice(0, 1_000)))
  let hasEnded = false
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      hasEnded = true
      clearTimeout(lifetime)
      process.off('exit', kill)
      rmSync(folder, { recursive: true, force: true })
      resolve()
    }
    child.once('close', end)
    child.once('error', end)
  })
  const kill = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', kill)
  const lifetime = lifetimeMs === undefined ? undefined : setTimeout(kill, lifetimeMs).unref()
  const stop = () => {
    if (!hasEnded) child.kill('SIGKILL')
    return ended
  }
  const url = `http://127.0.0.1:${port}`
  const cookie = () => readFile(join(folder, 'regtest', '.cookie'), 'utf8')
  const rpc = bitcoindRpc({ url, credentials: { cookie } })
  for (const start = Date.now(); !hasEnded && Date.now() - start < startMsMax; await pause(pollMs))
    if (await isUp(rpc)) return { url, cookie, rpc, stop }
  await stop()
  throw new SdkError('node/unreachable', 'bitcoind did not start.', { notes: said.slice(-5) })
}

async function isUp(rpc: BitcoindRpc): Promise<boolean> {
  try {
    await rpc.ask('getblockchaininfo', [])
    return true
  } catch {
    return false
  }
}

/** A port that was free a moment ago: bitcoind cannot be told to choose. */
function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
