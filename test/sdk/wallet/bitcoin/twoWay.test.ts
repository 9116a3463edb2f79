import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { type Edge, startEdge } from '../../../../edge/local/workerd.ts'
import { httpBoxes, httpPeers, httpTower, memory, webCipher } from '../../../../sdk/adapters/index.ts'
import { networks } from '../../../../sdk/bitcoin/index.ts'
import { ownTransaction } from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import type { Store } from '../../../../sdk/ports.ts'
import { type ChannelId, inMsats, msats, sats, toHex } from '../../../../sdk/units.ts'
import {
  type BitcoinWallet,
  type BitcoinWalletParts,
  createBitcoinWallet,
  type TowerSetting,
} from '../../../../sdk/wallet/bitcoin/index.ts'
import type { TwoWayChannels } from '../../../../sdk/wallet/bitcoin/penalty/channels.ts'
import { secretsAt } from '../../../../sdk/wallet/bitcoin/penalty/claim.ts'
import type { TwoWayPhase } from '../../../../sdk/wallet/bitcoin/penalty/describe.ts'
import { penaltyKeys, penaltyRecordFrom } from '../../../../sdk/wallet/bitcoin/penalty/record.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { findBitcoind } from '../../../bitcoind.ts'
import { until } from './channelWorld.ts'

/** Longest that a payment waits: the machine may be busy. */
const waitMs = 60_000
/** Of the edge's towers. */
const towerKey = new Uint8Array(32).fill(8)
const root = join(import.meta.dirname, '../../../..')
const terms = {
  network: 'regtest',
  feeratePerKw: 1_000,
  delayBlocks: 6,
  confirmationsMin: 1,
  capacityMin: sats(20_000n),
  capacityMax: sats(1_000_000n),
  amountMin: msats(1n),
  inFlightMax: inMsats(sats(50_000n)),
  htlcsMax: 4,
  marginBlocks: 3,
} as const

let folder: string
let bitcoin: BitcoinBackend
let edge: Edge
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lanekit-two-way-'))
  const isThorough = process.env.LANEKIT_CHAIN_STORIES === 'all'
  bitcoin = await startBitcoin({ bitcoind: isThorough ? findBitcoind().binary : null, lifetimeMs: 300_000 })
  edge = await startEdge({
    outdir: join(root, '.lanekit/worker'),
    config: join(root, 'wrangler.toml'),
    persist: join(folder, 'edge'),
    chains: {},
    bitcoin: { network: 'regtest', esplora: [bitcoin.url, `${bitcoin.url}/`], pollMs: 250 },
    towerKey: toHex(towerKey).slice(2),
    port: 0,
    program: join(root, '.lanekit/programs/edge.js'),
  })
}, 120_000)
afterAll(async () => {
  await edge.stop()
  await bitcoin.stop()
  rmSync(folder, { recursive: true, force: true })
})
const wallets: BitcoinWallet[] = []
afterEach(() => {
  for (const wallet of wallets.splice(0)) wallet.close()
})

interface Person {
  readonly wallet: BitcoinWallet
  readonly twoWay: TwoWayChannels
  readonly store: Store
}

let people = 0

/** The edge's towers, without which nothing raises a side. */
const tower = (): TowerSetting => ({
  link: (at) => httpTower({ url: edge.url, ...at }),
  key: currentEngine().publicKey(towerKey),
  cipher: webCipher(),
  mode: 'required',
})

async function person(
  store: Store = memory(),
  number = ++people,
  extra: Partial<BitcoinWalletParts> = {},
): Promise<Person> {
  const keys = keyringBitcoinSigner(createBitcoinKeyring(new Uint8Array(32).fill(number), networks.regtest))
  const parts = {
    keys,
    store,
    network: 'regtest',
    nodes: [bitcoin.node],
    peers: httpPeers(),
    pollMs: 100,
    gapLimit: 4,
  } as const
  const wallet = await createBitcoinWallet({ ...parts, boxes: httpBoxes(), ...extra })
  wallets.push(wallet)
  if (!wallet.twoWay) throw new Error('The wallet has a way to boxes.')
  return { wallet, twoWay: wallet.twoWay, store }
}

/** Two people with a channel that pays: the first has funded it. */
async function opened(
  extra: Partial<BitcoinWalletParts> = {},
): Promise<{ anna: Person; ben: Person; id: ChannelId; annaNumber: number }> {
  const annaNumber = ++people
  const anna = await person(memory(), annaNumber)
  const ben = await person(memory(), ++people, extra)
  await bitcoin.fund(await anna.wallet.address(), sats(300_000n))
  await bitcoin.mine(1)
  await anna.wallet.refresh()
  const invitation = await ben.twoWay.invite({ box: edge.url, terms })
  const answer = await anna.twoWay.open({ invitation, capacity: sats(100_000n) })
  if (!answer.ok) throw new Error(answer.fault)
  await until(() => phaseOf(anna) === 'funding' && phaseOf(ben) === 'funding')
  await minedTo('open', anna, ben)
  return { anna, ben, id: invitation.id, annaNumber }
}

function phaseOf({ twoWay }: Person) {
  return twoWay.list()[0]?.phase
}

/** Mines until the sides are in a phase; each has seen a block, and had time to act on it, before the next comes. */
async function minedTo(phase: TwoWayPhase, ...sides: readonly Person[]): Promise<void> {
  const isThere = (side: Person) => phaseOf(side) === phase
  for (let block = 0; block < 30 && !sides.every(isThere); block++) {
    await bitcoin.mine(1)
    const { height } = await bitcoin.node.tip()
    await until(() => sides.every((side) => isThere(side) || (side.twoWay.list()[0]?.height ?? 0) >= height))
    for (const side of sides) if (!isThere(side)) await side.wallet.refresh()
  }
  expect(sides.map(phaseOf)).toEqual(sides.map(() => phase))
}

/** Anna pays, and then broadcasts the state from before. */
async function cheat(
  anna: Person,
  annaNumber: number,
  id: ChannelId,
  ben: Person,
  before: () => Promise<void> = async () => undefined,
): Promise<void> {
  const stored = await anna.store.get(penaltyKeys.channel(id))
  const paymentId = ben.twoWay.request()
  expect((await anna.twoWay.pay(id, msats(60_000_000n), { paymentId, waitMs })).state).toBe('paid')
  // From then on the old state is revoked.
  await until(async () => (await ben.twoWay.received(id, paymentId)) !== null)
  await before()
  anna.wallet.close()
  const { channel, index } = penaltyRecordFrom((stored as NonNullable<typeof stored>).bytes)
  const keyring = createBitcoinKeyring(new Uint8Array(32).fill(annaNumber), networks.regtest)
  const secrets = await secretsAt(keyringBitcoinSigner(keyring), index)
  if (channel?.phase !== 'open') throw new Error('The old state is one that pays.')
  expect(await bitcoin.node.broadcast(ownTransaction(channel, secrets))).toMatchObject({ ok: true })
}

describe('two-way channels of two wallets, over a box of a worker and a chain', { timeout: 120_000 }, () => {
  it('pay both ways, go on from the disk, fence the wallet before, and close together', async () => {
    const { anna, ben, id, annaNumber } = await opened()
    const paymentId = ben.twoWay.request()
    const paid = await anna.twoWay.pay(id, msats(30_000_000n), { paymentId, waitMs })
    expect(paid).toEqual({ state: 'paid', kind: 'two-way', paymentId, number: 1 })
    await until(async () => (await ben.twoWay.received(id, paymentId)) !== null)
    expect(await ben.twoWay.received(id, paymentId)).toMatchObject({ amount: 30_000_000n, number: 1 })
    expect(await ben.twoWay.pay(id, msats(10_000_000n), { waitMs })).toMatchObject({ state: 'paid', number: 2 })
    expect(anna.twoWay.list()[0]).toMatchObject({ kind: 'two-way', own: 'opener', balance: 80_000_000n, updates: 2 })
    expect(await ben.twoWay.pay(id, msats(90_000_000n), { waitMs })).toMatchObject({ state: 'refused' })

    const again = await person(anna.store, annaNumber)
    await until(() => anna.twoWay.list()[0]?.isElsewhere === true)
    expect((await again.twoWay.pay(id, msats(5_000_000n), { waitMs })).state).toBe('paid')
    await expect(anna.twoWay.pay(id, msats(1_000n))).rejects.toThrow('Another tab or device')

    await again.twoWay.close(id, { fee: sats(500n) })
    await until(() => phaseOf(again) === 'closing' && phaseOf(ben) === 'closing')
    await minedTo('closed', again, ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBe(25_000n)
  })

  it('take everything from a side that broadcasts an old state', async () => {
    const { anna, ben, id, annaNumber } = await opened()
    await cheat(anna, annaNumber, id, ben)
    await minedTo('closed', ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(95_000n)
  })

  it('[TW40] [TW41] leave justice with a tower, which takes everything while the wallet is closed', async () => {
    const { anna, ben, id, annaNumber } = await opened({ tower: tower() })
    await cheat(anna, annaNumber, id, ben, async () => {
      // The tower has the revoked state, and the store no longer needs it.
      await until(async () => (await ben.store.keys(penaltyKeys.states(id))).length === 0)
      ben.wallet.close()
    })
    const { channel } = penaltyRecordFrom((await ben.store.get(penaltyKeys.channel(id)))?.bytes ?? new Uint8Array(0))
    if (channel?.phase !== 'open') throw new Error('The channel is open, as far as its owner knows.')
    const script = channel.opening.accepterKeys.closingScript
    await until(async () => (await bitcoin.node.coins(script)).length > 0)
    await bitcoin.mine(1)
    const [coin] = await bitcoin.node.coins(script)
    expect(coin?.height).not.toBe(null)
    expect(coin?.value).toBeGreaterThan(95_000n)
  })

  it('[TW41] are not raised without a tower that answers, where one is required', async () => {
    const gone: TowerSetting = { ...tower(), key: currentEngine().publicKey(new Uint8Array(32).fill(9)) }
    const { anna, ben, id } = await opened({ tower: gone })
    expect((await anna.twoWay.pay(id, msats(1_000_000n), { waitMs: 1_500 })).state).toBe('pending')
    expect(ben.twoWay.list()[0]?.balance).toBe(0n)
  })

  it('end by one side alone, which gets its balance after the delay', async () => {
    const { anna, ben, id } = await opened()
    expect((await anna.twoWay.pay(id, msats(40_000_000n), { waitMs })).state).toBe('paid')
    await ben.twoWay.close(id, 'alone')
    await minedTo('closed', ben, anna)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(38_000n)
  })
})
