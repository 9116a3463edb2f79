import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import { type Edge, startEdge } from '../../../../edge/local/workerd.ts'
import { httpBackups, httpBoxes, httpPeers, memory, webCipher } from '../../../../sdk/adapters/index.ts'
import { type BitcoinTransaction, decodeTransaction, networks } from '../../../../sdk/bitcoin/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import type { BackupLink, Store } from '../../../../sdk/ports.ts'
import { type ChannelId, inMsats, msats, sats } from '../../../../sdk/units.ts'
import {
  type BackupSetting,
  type BitcoinWallet,
  createBitcoinWallet,
  evictableCapacityMax,
} from '../../../../sdk/wallet/bitcoin/index.ts'
import type { TwoWayChannels } from '../../../../sdk/wallet/bitcoin/penalty/channels.ts'
import type { TwoWayPhase } from '../../../../sdk/wallet/bitcoin/penalty/describe.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { must } from '../../bitcoin/must.ts'
import { until } from './channelWorld.ts'

/** Longest that a payment waits: the machine may be busy. */
const waitMs = 60_000
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
  folder = mkdtempSync(join(tmpdir(), 'lanekit-backup-'))
  bitcoin = await startBitcoin({ bitcoind: null, lifetimeMs: 300_000 })
  edge = await startEdge({
    outdir: join(root, '.lanekit/worker'),
    config: join(root, 'wrangler.toml'),
    persist: join(folder, 'edge'),
    chains: {},
    bitcoin: { network: 'regtest', esplora: [bitcoin.url], pollMs: 250 },
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
}

/** What wallets have broadcast. */
const broadcasts: BitcoinTransaction[] = []

function listen(transaction: Uint8Array) {
  broadcasts.push(must(decodeTransaction(transaction)))
  return bitcoin.node.broadcast(transaction)
}

let people = 0
const keysOf = (number: number) =>
  keyringBitcoinSigner(createBitcoinKeyring(new Uint8Array(32).fill(100 + number), networks.regtest))

async function person(number: number, backup: BackupSetting | null, store: Store = memory()): Promise<Person> {
  const wallet = await createBitcoinWallet({
    keys: keysOf(number),
    store,
    network: 'regtest',
    nodes: [{ ...bitcoin.node, broadcast: listen }],
    peers: httpPeers(),
    boxes: httpBoxes(),
    pollMs: 100,
    gapLimit: 4,
    ...(backup ? { backup } : {}),
  })
  wallets.push(wallet)
  if (!wallet.twoWay) throw new Error('The wallet has a way to boxes.')
  return { wallet, twoWay: wallet.twoWay }
}

/** Copies at the edge; `through` may lose or hide them. */
function backupAt(
  through: (link: BackupLink, isEdge: boolean) => BackupLink = (link) => link,
  mode: BackupSetting['mode'] = 'required',
): BackupSetting {
  const link = httpBackups()
  return {
    // The test's own edge is written with a slash at its end, so that the two places can be told apart.
    link: (at) => through(link(at), at.box.endsWith('/')),
    edges: [`${edge.url}/`],
    cipher: webCipher(),
    mode,
  }
}

/** Anna, who has funded a channel with Ben and keeps copies, and who has paid over it once. */
async function opened(backup: BackupSetting): Promise<{ anna: Person; ben: Person; id: ChannelId; number: number }> {
  const number = ++people
  const anna = await person(number, backup)
  const ben = await person(++people, null)
  await bitcoin.fund(await anna.wallet.address(), sats(300_000n))
  await bitcoin.mine(1)
  await anna.wallet.refresh()
  const invitation = await ben.twoWay.invite({ box: edge.url, terms })
  const answer = await anna.twoWay.open({ invitation, capacity: sats(100_000n) })
  if (!answer.ok) throw new Error(answer.fault)
  await until(() => phaseOf(anna) === 'funding' && phaseOf(ben) === 'funding')
  await minedTo('open', anna, ben)
  expect((await anna.twoWay.pay(invitation.id, msats(30_000_000n), { waitMs })).state).toBe('paid')
  return { anna, ben, id: invitation.id, number }
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

describe('a wallet that is lost, and comes back from its seed', { timeout: 120_000 }, () => {
  it('[TW42] [TW43] takes its channel from the copies, and pays on once the other side has shown where it stands', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const again = await person(number, backupAt())
    expect(again.twoWay.list()).toEqual([])
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    expect(await again.twoWay.restore()).toEqual([])
    await until(() => phaseOf(again) === 'open')
    expect(again.twoWay.list()[0]).toMatchObject({ balance: 70_000_000n, updates: 1 })
    expect((await again.twoWay.pay(id, msats(5_000_000n), { waitMs })).state).toBe('paid')
    await again.twoWay.close(id, { fee: sats(500n) })
    await minedTo('closed', again, ben)
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBe(35_000n)
  })

  it('[TW29] pays no more where copies were not required, and closes together', async () => {
    const wanted = backupAt((link) => link, 'wanted')
    const { anna, ben, id, number } = await opened(wanted)
    // With the turn its own it may have proposed what is forgotten, so the other side asks for that first.
    expect((await ben.twoWay.pay(id, msats(1_000_000n), { waitMs })).state).toBe('paid')
    await until(() => anna.twoWay.list()[0]?.updates === 2)
    await anna.wallet.refresh()
    anna.wallet.close()
    const again = await person(number, wanted)
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => phaseOf(again) === 'restored')
    expect((await again.twoWay.pay(id, msats(1_000n), { waitMs: 1_500 })).state).toBe('pending')
    expect(again.twoWay.list()[0]).toMatchObject({ spendable: 0n, balance: 71_000_000n })
    await again.twoWay.close(id, { fee: sats(500n) })
    await minedTo('closed', again, ben)
  })

  it('[TW42] goes to the chain by itself once that is kept, or has waited for blocks', async () => {
    let isDown = false
    const down = backupAt((link) => ({
      ...link,
      keep: async (kept) => {
        if (isDown) throw new SdkError('relay/unreachable', 'The edge does not answer.', { retryable: true })
        return link.keep(kept)
      },
    }))
    const { anna, ben, id } = await opened(down)
    isDown = true
    await anna.twoWay.close(id, 'alone')
    const funding = anna.twoWay.list()[0]?.fundingTxid
    const left = () => broadcasts.filter(({ inputs }) => inputs[0]?.outpoint.txid === funding).length
    await anna.wallet.refresh()
    expect(left()).toBe(0)
    // Its margin is 3 blocks, so it waits for one at the most.
    await bitcoin.mine(1)
    await anna.wallet.refresh()
    expect(left()).toBeGreaterThan(0)
    await minedTo('closed', anna, ben)
  })

  it('[TW28] learns that it has lost states, lets the other side close, and takes its balance', async () => {
    let isLosing = false
    const losing = backupAt((link) => ({ ...link, keep: async (kept) => (isLosing ? undefined : link.keep(kept)) }))
    const { anna, ben, id, number } = await opened(losing)
    isLosing = true // The edges say that they keep it, and do not.
    const paymentId = ben.twoWay.request()
    expect((await anna.twoWay.pay(id, msats(10_000_000n), { paymentId, waitMs })).state).toBe('paid')
    await until(async () => (await ben.twoWay.received(id, paymentId)) !== null)
    anna.wallet.close()
    const again = await person(number, backupAt())
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'restored' }])
    await until(() => phaseOf(again) === 'behind')
    expect((await again.twoWay.pay(id, msats(1_000n), { waitMs })).state).toBe('refused')
    await minedTo('closed', again, ben)
    await again.wallet.refresh()
    await ben.wallet.refresh()
    expect((await ben.wallet.balance()).confirmed).toBeGreaterThan(38_000n)
    // Of the 60,000 it pays the closing and the sweep.
    const { confirmed, inChannels } = await again.wallet.balance()
    expect(inChannels).toBe(0n)
    expect(confirmed).toBeGreaterThan(200_000n + 55_000n)
  })

  it('[TW44] believes nobody that the one copy which is left is the newest', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const lonely = backupAt((link, isEdge) => ({ ...link, kept: async () => (isEdge ? link.kept() : null) }))
    const again = await person(number, lonely)
    expect(await again.twoWay.restore()).toEqual([{ id, found: 'alone' }])
    await expect(again.twoWay.close(id, 'alone')).rejects.toThrow('from-backup')
    expect((await again.twoWay.pay(id, msats(1_000n), { waitMs: 1_500 })).state).toBe('pending')
    expect(phaseOf(again)).toBe('unsure')
    await ben.twoWay.close(id, 'alone')
    await minedTo('closed', again, ben)
  })

  it('[TW28] takes what the other side closes from the seed alone, where every copy is gone', async () => {
    const { anna, ben, id, number } = await opened(backupAt())
    anna.wallet.close()
    const again = await person(number, null)
    expect(await again.twoWay.sweep()).toEqual([])
    await ben.twoWay.close(id, 'alone')
    await minedTo('closed', ben)
    await again.wallet.refresh()
    const before = (await again.wallet.balance()).confirmed
    expect(await again.twoWay.sweep()).toHaveLength(1)
    await bitcoin.mine(1)
    await again.wallet.refresh()
    // Of its 70,000 it paid the closing, and this.
    expect((await again.wallet.balance()).confirmed - before).toBeGreaterThan(65_000n)
    expect(await again.twoWay.sweep()).toEqual([])
  })

  it('refuses a channel beyond the limit where the store may be evicted and nothing is kept elsewhere', async () => {
    const evictable = () => ({ ...memory(), persists: async () => false })
    const anna = await person(++people, null, evictable())
    const ben = await person(++people, null)
    const invitation = await ben.twoWay.invite({ box: edge.url, terms })
    const capacity = sats(evictableCapacityMax + 1n)
    expect(await anna.twoWay.open({ invitation, capacity })).toMatchObject({ ok: false, fault: 'evictable-store' })
    expect((await anna.twoWay.invite({ box: edge.url, terms })).terms.capacityMax).toBe(evictableCapacityMax)
    const safe = await person(++people, backupAt(), evictable())
    expect((await safe.twoWay.invite({ box: edge.url, terms })).terms.capacityMax).toBe(terms.capacityMax)
    // TW46: with no coins for the channel and its reserve, nothing is opened.
    expect(await safe.twoWay.open({ invitation, capacity })).toMatchObject({ ok: false, fault: 'insufficient' })
    await bitcoin.fund(await safe.wallet.address(), sats(capacity + 20_000n))
    await bitcoin.mine(1)
    await safe.wallet.refresh()
    expect((await safe.twoWay.open({ invitation, capacity })).ok).toBe(true)
  })

  it('finds nothing where no edge has a list of channels of the seed', async () => {
    const nobody = await person(++people, backupAt())
    await expect(nobody.twoWay.restore()).rejects.toMatchObject({ code: 'wallet/no-backup' })
  })
})
