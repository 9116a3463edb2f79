import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { type Merchant, openMerchant } from '../../../edge/local/walkChannel.ts'
import type { Edge } from '../../../edge/local/workerd.ts'
import { file } from '../../../sdk/adapters/file.ts'
import { httpBoxes, httpPeers, memory, systemRandom, webCipher } from '../../../sdk/adapters/index.ts'
import { networks } from '../../../sdk/bitcoin/index.ts'
import { run } from '../../../sdk/cli/run.ts'
import { createBitcoinKeyring } from '../../../sdk/keys/index.ts'
import { type ChannelId, fromHex, sats, toHex } from '../../../sdk/units.ts'
import { type BitcoinWallet, createBitcoinWallet, encodeInvitation } from '../../../sdk/wallet/bitcoin/index.ts'
import { keyringBitcoinSigner } from '../../../sdk/wallet/bitcoin/signer.ts'
import { createVault, openVault } from '../../../sdk/wallet/index.ts'
import { kdfIterationsMin } from '../../../sdk/wallet/vaultRecord.ts'
import { startBareEdge } from '../../edge/bareWorkerd.ts'
import { until } from '../wallet/bitcoin/channelWorld.ts'
import { lanekit } from './lanekit.ts'

const password = 'published password of a test'
const env = { LANEKIT_PASSWORD: password }
const ports = { cipher: webCipher(), random: systemRandom, password }

let folder: string
let bitcoin: BitcoinBackend
let edge: Edge
let merchant: Merchant
let other: BitcoinWallet | null = null
let place: readonly string[]
/** The same for a wallet, which need not ask of twenty unused addresses each time. */
let looking: readonly string[]
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanekit-cli-'))
  bitcoin = await startBitcoin({ bitcoind: null })
  edge = await startBareEdge({
    persist: join(folder, 'edge'),
    chains: {},
    bitcoin: { network: 'regtest', esplora: [bitcoin.url], pollMs: 250 },
  })
  merchant = await openMerchant({ bitcoin, edge: edge.url, tillStore: memory() })
  place = ['--store', join(folder, 'wallet'), '--network', 'regtest', '--esplora', bitcoin.url]
  looking = [...place, '--gap-limit', '3']
  // Opened by every command below, so of the fewest iterations; wallet.test.ts makes one as people do.
  const store = file(join(folder, 'wallet'))
  const vault = await createVault({ ...ports, store, kdfIterations: kdfIterationsMin })
  vault.lock()
  await store.close()
}, 120_000)
afterEach(() => vi.unstubAllEnvs())
afterAll(async () => {
  other?.close()
  await merchant.stop()
  await edge.stop()
  await bitcoin.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A channel of the wallet in the folder, opened and paid from by a program of its own, which has ended since. */
async function openedChannel(): Promise<ChannelId> {
  const store = file(join(folder, 'wallet'))
  const vault = await openVault({ ...ports, store })
  const keys = await vault.bitcoin('regtest')
  const parts = {
    keys,
    store,
    network: 'regtest',
    nodes: [bitcoin.node],
    peers: httpPeers(),
    pollMs: 250,
    gapLimit: 3,
  } as const
  const wallet = await createBitcoinWallet(parts)
  await bitcoin.fund(await wallet.address(), sats(200_000n))
  await bitcoin.mine(1)
  const opened = await wallet.openChannel({ peer: merchant.url, capacity: sats(100_000n) })
  if (!opened.ok) throw new Error(opened.refusal.detail)
  for await (const { phase } of wallet.changes(new AbortController().signal)) {
    if (phase === 'funding') await bitcoin.mine(1)
    if (phase === 'open') break
  }
  const paymentId = systemRandom(16)
  await merchant.till.quote(paymentId, sats(5_000n))
  const paid = await wallet.pay(opened.channel.id, sats(5_000n), { paymentId, waitMs: 20_000 })
  expect(paid.state).toBe('paid')
  wallet.close()
  await store.close()
  return opened.channel.id
}

/** Somebody with a wallet of their own, for the other side of a channel that pays both ways. */
async function otherSide(): Promise<BitcoinWallet> {
  const keys = keyringBitcoinSigner(createBitcoinKeyring(new Uint8Array(32).fill(7), networks.regtest))
  const parts = { keys, store: memory(), network: 'regtest', nodes: [bitcoin.node], pollMs: 250, gapLimit: 2 } as const
  other = await createBitcoinWallet({ ...parts, peers: httpPeers(), boxes: httpBoxes() })
  return other
}

describe('lanekit and Bitcoin', { timeout: 180_000 }, () => {
  it('lists a channel that another program has opened, closes it, and proves its funding', async () => {
    const id = await openedChannel()
    const listed = await lanekit(['channel', 'list', ...looking], { env })
    expect(listed.code).toBe(0)
    expect(listed.stdout).toContain(`${id}  open  ${merchant.url}\n  100,000 sat, 5,000 sat paid, `)

    const mining = setInterval(() => void bitcoin.mine(1), 2_000)
    const closed = await lanekit(['channel', 'close', id, '--wait', '50', '--json', ...looking], { env })
    clearInterval(mining)
    const { ok, channel } = JSON.parse(closed.stdout)
    expect({ ok, code: closed.code }).toEqual({ ok: true, code: 0 })
    expect(channel).toMatchObject({ id, paid: '5000', spent: '5000', ending: { toPayee: '5000' } })

    for (const gap of ['0', '1001', 'x'])
      expect(await run(['channel', 'list', ...place, '--gap-limit', gap])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--gap-limit wants a number from 1 to 1000'),
      })
    const nowhere = ['--network', 'bitcoin', '--esplora', bitcoin.url]
    vi.stubEnv('LANEKIT_PASSWORD', password)
    const [balance, unknown, told, absent, wrong] = [
      await run(['wallet', 'balance', ...looking]),
      await run(['channel', 'close', `0x${'11'.repeat(32)}`, ...looking]),
      await run(['verify', 'tx', channel.fundingTxid, '--json', ...place.slice(2)]),
      await run(['verify', 'tx', '11'.repeat(32), ...place.slice(2)]),
      await run(['verify', 'tx', channel.fundingTxid, ...nowhere]),
    ]
    expect(balance.stdout).toMatch(/^bitcoin \(regtest\) {2}[\d,]+ sat.*\nAs the nodes tell it; not proven\.\n$/)
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(unknown.stderr).toContain('refused: the wallet has no such channel (channel/unknown)\n')
    expect(JSON.parse(told.stdout)).toMatchObject({
      ok: true,
      txid: channel.fundingTxid,
      verdict: { level: 'confirmed', anchor: { height: 0, network: 'regtest' } },
    })
    expect(absent.code).toBe(1)
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("no network 'bitcoin'") })
  })

  it('opens a channel that pays both ways, pays, is paid, tells where it stands, and closes it together', async () => {
    vi.stubEnv('LANEKIT_PASSWORD', password)
    const other = await otherSide()
    const mining = setInterval(() => void bitcoin.mine(1), 700)
    try {
      const invitation = toHex(encodeInvitation(await other.invite({ box: edge.url, terms: { delayBlocks: 144 } })))
      const open = ['channel', 'open', '40000', '--invitation', invitation, '--json', ...looking]
      const quoted = JSON.parse((await run([...open, '--quote'])).stdout)
      expect(quoted).toMatchObject({ ok: true, quote: { kind: 'two-way', capacity: '40000', delayBlocks: 144 } })
      const opened = JSON.parse((await run(open)).stdout)
      expect(opened).toMatchObject({ ok: true, channel: { kind: 'two-way', phase: 'open', own: 'opener' } })
      const { id } = opened.channel
      const paid = await run(['channel', 'pay', id, '9000', '--json', ...looking])
      expect(JSON.parse(paid.stdout)).toMatchObject({ ok: true, state: 'paid', amount: '9000', number: 1 })

      const name = `0x${'ab'.repeat(16)}` as const
      const asked = run(['channel', 'request', id, '2000', '--payment', name, ...looking])
      // An invoice is made while the other side is there to say whether it passes anything on.
      const { invoice, paymentHash } = await other.request({
        kind: 'invoice',
        amount: sats(500n),
        description: 'a\ttea',
      })
      expect(await other.pay(id, sats(2_000n), { paymentId: fromHex(name), waitMs: 40_000 })).toMatchObject({
        state: 'paid',
      })
      expect(await asked).toMatchObject({ code: 0, stdout: `2,000 sat received as number 2, under ${name}\n` })

      // By invoice: told first, and paid only when it is agreed to.
      const saying = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
      const said = () => saying.mock.calls.flat().map(String)
      const pay = ['channel', 'pay', invoice, ...looking]
      expect(await run(pay)).toMatchObject({ code: 2, stderr: expect.stringContaining('pay by --yes') })
      expect(said().join('')).toMatch(
        /500 sat to 0x0[23][0-9a-f]{64}\nFor: a\ufffdtea\nOver your channel .+\nIt expires at 2/,
      )
      expect(JSON.parse((await run([...pay, '--yes', '--json'])).stdout)).toMatchObject({
        ...{ ok: true, state: 'paid', payment: toHex(paymentHash), amountMsats: '500000', feeMsats: '0' },
      })
      const asking = run(['channel', 'request', '700', '--invoice', 'two teas', ...looking])
      const made = () => said().find((text) => text.startsWith('lnbcrt7u'))
      await until(() => made() !== undefined)
      expect(await other.pay(String(made()).trim(), { waitMs: 40_000 })).toMatchObject({ amount: 700_000n })
      expect((await asking).stdout).toMatch(/^700 sat received as number \d+, under lnbcrt7u/)
      saying.mockRestore()

      const listed = await run(['channel', 'list', ...looking])
      expect(listed.stdout).toContain(`${id}  open  both ways, opened here\n  40,000 sat, 33,200 sat yours, `)
      expect(listed.stdout).toContain('  If you leave now: Come back within 144 blocks')
      const closed = await run(['channel', 'close', id, '--wait', '50', '--json', ...looking])
      expect(JSON.parse(closed.stdout)).toMatchObject({ ok: true, channel: { id, kind: 'two-way' } })

      const invited = JSON.parse((await run(['channel', 'invite', '--box', edge.url, '--json', ...looking])).stdout)
      const withdrawn = await run(['channel', 'withdraw', invited.channel.id, '--json', ...looking])
      expect(JSON.parse(withdrawn.stdout)).toMatchObject({ ok: true, channel: { phase: 'withdrawn' } })
    } finally {
      clearInterval(mining)
    }
  })

  it('says what is wrong with what it was called with, before it opens anything', async () => {
    const id = `0x${'22'.repeat(32)}`
    const wrong: readonly (readonly [readonly string[], string])[] = [
      [['open', '40000'], 'either --peer URL or --invitation HEX'],
      [['open', '0', '--peer', merchant.url], 'the channel wants whole satoshi'],
      [['open', '40000', '--invitation', '0xff'], '--invitation is none'],
      [['open', '40000', '--peer', merchant.url, '--expiry', 'soon'], '--expiry wants blocks'],
      [['invite'], '--box wants the URL of an edge'],
      [['pay', id, '1.5'], 'a payment wants whole satoshi'],
      [['pay', id, '5', '--payment', '0xab'], '--payment wants 0x and 32 digits'],
      [['pay', id], 'wants its id and SATS'],
      [['pay', id, '5', '--yes'], '--yes is of invoices'],
      [['pay', 'lnbcrt1', '1.5'], 'a payment wants whole satoshi'],
      [['request', 'x'], "'x' is not a channel id"],
      [['request', '5', '--invoice', 'tea', '--expiry', 'soon'], '--expiry wants seconds'],
      [['request', '5', '--payment', 'lnbcrt1'], 'says all of itself'],
      [['close', id, '--alone', '--feerate', '2'], '--alone has no --feerate'],
      [['close', id, '--wait', 'x'], '--wait wants seconds'],
    ]
    for (const [[word = '', ...rest], reason] of wrong)
      expect(await run(['channel', word, ...rest, ...place])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(reason),
      })
  })
})
