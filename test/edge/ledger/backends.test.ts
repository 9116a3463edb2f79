import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { esplora } from '../../../sdk/adapters/esplora.ts'
import { findBitcoind } from '../../bitcoind.ts'
import { bitcoinNodeContract } from '../../contracts/bitcoinNode.ts'

/** As others ask it: over HTTP. */
async function overHttp(backend: BitcoinBackend): Promise<BitcoinBackend> {
  const minFeerate = await backend.node.minFeerate()
  return { ...backend, node: esplora({ url: backend.url, network: 'regtest', minFeerate }) }
}

bitcoinNodeContract('ledger through Esplora', async () => overHttp(await startBitcoin({ bitcoind: null })))

const found = findBitcoind()
if (found.binary !== null) {
  const start = () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 })
  bitcoinNodeContract('bitcoind', start)
  bitcoinNodeContract('bitcoind through the Esplora gateway', async () => overHttp(await start()))
} else
  describe('bitcoin node: bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })

describe('choosing a backend', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-backends-'))
  beforeEach(() => {
    // A place of its own for what a bitcoind leaves behind: others run beside this.
    vi.stubEnv('TMPDIR', folder)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
  })
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

  /** A program that calls itself a bitcoind and then does something else. */
  function impostor(name: string, version: string, deed: string): string {
    const path = join(folder, name)
    writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo "${version}" && exit 0\n${deed}\n`)
    chmodSync(path, 0o755)
    return path
  }
  const leftovers = () => readdirSync(folder).filter((name) => name.startsWith('lanekit-bitcoind-'))

  it('without any bitcoind, it is the ledger', async () => {
    vi.stubEnv('BITCOIND', '')
    vi.stubEnv('PATH', folder)
    const backend = await startBitcoin()
    expect(backend.name).toBe('ledger')
    expect((await backend.node.tip()).height).toBe(110)
    await backend.stop()
    await backend.stop()
    await expect(backend.node.tip()).rejects.toMatchObject({ code: 'node/unreachable' })
  })

  it('a bitcoind on the PATH that is too old is passed over, one that is named is refused', async () => {
    const old = impostor('bitcoind', 'Bitcoin Core daemon version v28.1.0', 'exit 1')
    vi.stubEnv('BITCOIND', '')
    vi.stubEnv('PATH', folder)
    const backend = await startBitcoin()
    expect(backend.name).toBe('ledger')
    await backend.stop()
    await expect(startBitcoin({ bitcoind: old })).rejects.toMatchObject({ code: 'node/unreachable' })
    await expect(startBitcoin({ bitcoind: join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'node/unreachable',
    })
  })

  it('one that ends at once is reported with what it said, and leaves nothing behind', async () => {
    const broken = impostor('broken', 'Bitcoin Core daemon version v30.0.0', 'echo "Error: no disk" >&2; exit 1')
    vi.stubEnv('BITCOIND', broken)
    await expect(startBitcoin()).rejects.toMatchObject({
      code: 'node/unreachable',
      notes: [expect.stringContaining('no disk')],
    })
    expect(leftovers()).toEqual([])
  })

  it.skipIf(found.binary === null)('one that is stopped is gone, with its files', async () => {
    const backend = await startBitcoin({ bitcoind: found.binary })
    expect(backend.name).toBe('bitcoind')
    expect(leftovers()).toHaveLength(1)
    await backend.stop()
    await backend.stop()
    expect(leftovers()).toEqual([])
    await expect(backend.node.tip()).rejects.toMatchObject({ code: 'node/unreachable' })
  })
})
