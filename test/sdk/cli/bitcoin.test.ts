import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { sats, type Txid } from '../../../sdk/units.ts'
import { lanekit } from './lanekit.ts'

const mnemonic = 'test test test test test test test test test test test junk'
const env = { LANEKIT_PASSWORD: 'published password of a test' }

let folder: string
let bitcoin: BitcoinBackend
let place: readonly string[]
let txid: Txid
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanekit-cli-'))
  bitcoin = await startBitcoin({ bitcoind: null })
  place = ['--store', join(folder, 'wallet'), '--network', 'regtest', '--esplora', bitcoin.url]
  const made = await lanekit(['wallet', 'new', ...place.slice(0, 4), '--restore', '-', '--json'], {
    input: mnemonic,
    env,
  })
  txid = (await bitcoin.fund(JSON.parse(made.stdout).bitcoin.address, sats(120_000n))).txid
  await bitcoin.mine(3)
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await bitcoin.stop()
})

describe('lanekit and Bitcoin', { timeout: 120_000 }, () => {
  it('finds the coins of the account, and no channels', async () => {
    const balance = await lanekit(['wallet', 'balance', ...place], { env })
    expect(balance.stdout).toBe('bitcoin (regtest)  120,000 sat\nAs the nodes tell it; not proven.\n')
    const list = await lanekit(['channel', 'list', '--json', ...place], { env })
    expect(JSON.parse(list.stdout)).toEqual({ ok: true, network: 'regtest', channels: [] })
    const close = await lanekit(['channel', 'close', `0x${'11'.repeat(32)}`, ...place], { env })
    expect(close).toMatchObject({ code: 1, stdout: '' })
    expect(close.stderr).toContain('refused: the wallet has no such channel (channel/unknown)\n')
  })

  it('proves a transaction under the work of its headers', async () => {
    const [told, absent, wrong] = await Promise.all([
      lanekit(['verify', 'tx', txid, '--json', ...place.slice(2)]),
      lanekit(['verify', 'tx', '11'.repeat(32), ...place.slice(2)]),
      lanekit(['verify', 'tx', txid, '--network', 'bitcoin', '--esplora', bitcoin.url]),
    ])
    expect(JSON.parse(told.stdout)).toMatchObject({
      ok: true,
      txid,
      verdict: { level: 'confirmed', confirmations: 3, anchor: { height: 0, network: 'regtest' } },
    })
    expect(absent.code).toBe(1)
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("no network 'bitcoin'") })
  })
})
