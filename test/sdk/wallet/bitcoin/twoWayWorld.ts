import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../../edge/local/bitcoinBackend.ts'
import type { Edge } from '../../../../edge/local/workerd.ts'
import { connect } from '../../../../examples/checkout/server/socket.ts'
import { httpPeers, httpTower, memory, socketBoxes, webCipher } from '../../../../sdk/adapters/index.ts'
import { networks } from '../../../../sdk/bitcoin/index.ts'
import { currentEngine } from '../../../../sdk/crypto/engine.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import type { Store } from '../../../../sdk/ports.ts'
import { type ChannelId, inMsats, msats, sats, toHex } from '../../../../sdk/units.ts'
import {
  type BitcoinWallet,
  type BitcoinWalletParts,
  createBitcoinWallet,
  type TowerSetting,
  type TwoWayChannel,
  type TwoWayChannels,
  type TwoWayPhase,
} from '../../../../sdk/wallet/bitcoin/index.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { findBitcoind } from '../../../bitcoind.ts'
import { startBareEdge } from '../../../edge/bareWorkerd.ts'
import { until } from './channelWorld.ts'

/** Longest that a payment waits: the machine may be busy. */
export const waitMs = 60_000
/** Of the edge's towers. */
const towerKey = new Uint8Array(32).fill(8)
export const terms = {
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
export let bitcoin: BitcoinBackend
export let edge: Edge

/** A chain and an edge for the tests of one file; wallets are closed after each. */
export function useTwoWayWorld(): void {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lanekit-two-way-'))
    const isThorough = process.env.LANEKIT_CHAIN_STORIES === 'all'
    bitcoin = await startBitcoin({ bitcoind: isThorough ? findBitcoind().binary : null, lifetimeMs: 300_000 })
    edge = await startBareEdge({
      persist: join(folder, 'edge'),
      chains: {},
      bitcoin: { network: 'regtest', esplora: [bitcoin.url, `${bitcoin.url}/`], pollMs: 250 },
      towerKey: toHex(towerKey).slice(2),
    })
  }, 120_000)
  afterAll(async () => {
    await edge.stop()
    await bitcoin.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  afterEach(() => {
    for (const wallet of wallets.splice(0)) wallet.close()
  })
}

const wallets: BitcoinWallet[] = []

export interface Person {
  readonly wallet: BitcoinWallet
  readonly twoWay: TwoWayChannels
  readonly store: Store
}

let people = 0

/** The edge's towers, without which nothing raises a side. */
export const tower = (): TowerSetting => ({
  link: (at) => httpTower({ url: edge.url, ...at }),
  key: currentEngine().publicKey(towerKey),
  cipher: webCipher(),
  mode: 'required',
})

export async function person(
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
    pollMs: 250,
    gapLimit: 4,
  } as const
  const wallet = await createBitcoinWallet({ ...parts, boxes: socketBoxes({ connect }), ...extra })
  wallets.push(wallet)
  if (!wallet.twoWay) throw new Error('The wallet has a way to boxes.')
  return { wallet, twoWay: wallet.twoWay, store }
}

/** Somebody who can open a channel. */
export async function funded(extra: Partial<BitcoinWalletParts> = {}, number = ++people): Promise<Person> {
  const someone = await person(memory(), number, extra)
  await bitcoin.fund(await someone.wallet.address(), sats(300_000n))
  await bitcoin.mine(1)
  await someone.wallet.refresh()
  return someone
}

/** Two people with a channel that pays: the first has funded it. */
export async function opened(
  extra: Partial<BitcoinWalletParts> = {},
  annaExtra: Partial<BitcoinWalletParts> = {},
): Promise<{ anna: Person; ben: Person; id: ChannelId; annaNumber: number; benNumber: number }> {
  const annaNumber = ++people
  const benNumber = ++people
  const anna = await funded(annaExtra, annaNumber)
  const ben = await person(memory(), benNumber, extra)
  const invitation = await ben.wallet.invite({ box: edge.url, terms })
  const answer = await anna.wallet.openChannel({ kind: 'two-way', invitation, capacity: sats(100_000n) })
  if (!answer.ok) throw new Error(answer.refusal.detail)
  await until(() => phaseOf(anna) === 'funding' && phaseOf(ben) === 'funding')
  await minedTo('open', anna, ben)
  return { anna, ben, id: invitation.id, annaNumber, benNumber }
}

/** The first channel of a wallet that has no others. */
export function channelOf({ wallet }: Pick<Person, 'wallet'>): TwoWayChannel | undefined {
  return wallet.channels().find((channel) => channel.kind === 'two-way')
}

export function phaseOf(person: Person) {
  return channelOf(person)?.phase
}

/** Mines until the sides are in a phase; each has seen a block, and had time to act on it, before the next comes. */
export async function minedTo(phase: TwoWayPhase, ...sides: readonly Person[]): Promise<void> {
  const isThere = (side: Person) => phaseOf(side) === phase
  for (let block = 0; block < 30 && !sides.every(isThere); block++) {
    await bitcoin.mine(1)
    const { height } = await bitcoin.node.tip()
    await until(() => sides.every((side) => isThere(side) || (channelOf(side)?.height ?? 0) >= height))
    for (const side of sides) if (!isThere(side)) await side.wallet.refresh()
  }
  expect(sides.map(phaseOf)).toEqual(sides.map(() => phase))
}
