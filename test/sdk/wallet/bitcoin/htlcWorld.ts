import { systemClock, webCipher } from '../../../../sdk/adapters/index.ts'
import { memory } from '../../../../sdk/adapters/memory.ts'
import {
  type BitcoinTransaction,
  decodeTransaction,
  encodeAddress,
  networks,
  p2wpkh,
} from '../../../../sdk/bitcoin/index.ts'
import type { HubTerms } from '../../../../sdk/channel/hub/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { createBitcoinKeyring } from '../../../../sdk/keys/index.ts'
import type { BackupLink, ChannelLink, Clock, Store, StoreWrite } from '../../../../sdk/ports.ts'
import { type ChannelId, inMsats, msats, sats } from '../../../../sdk/units.ts'
import {
  type BackupSetting,
  type BitcoinWallet,
  createBitcoinWallet,
  type TwoWayChannel,
  type TwoWayChannels,
} from '../../../../sdk/wallet/bitcoin/index.ts'
import { keyringBitcoinSigner } from '../../../../sdk/wallet/bitcoin/signer.ts'
import { type MemoryBox, memoryBox } from '../../../edge/memoryBox.ts'
import { must } from '../../bitcoin/must.ts'
import { until } from './channelWorld.ts'
import { type Ground, quickLedger } from './coinsWorld.ts'

/** Longest that a payment waits: the machine may be busy. */
export const waitMs = 60_000
export const hubTerms: HubTerms = { fee: msats(2_000n), deltaBlocks: 12, leftBlocksMin: 8, forwardsMax: 8 }
export const terms = {
  network: 'regtest',
  feeratePerKw: 1_000,
  delayBlocks: 6,
  confirmationsMin: 1,
  capacityMin: sats(20_000n),
  capacityMax: sats(1_000_000n),
  amountMin: msats(1n),
  inFlightMax: inMsats(sats(80_000n)),
  htlcsMax: 4,
  marginBlocks: 3,
} as const

/** Somebody with a wallet, which may end and begin again on the same store. */
export interface Person {
  readonly number: number
  /** What its wallets store, in the end of one and the beginning of the next. */
  store: Store
  wallet: BitcoinWallet
  twoWay: TwoWayChannels
  /** True while nothing that it says arrives. */
  isMute: boolean
  /** Told of every commit, as soon as it is stored. */
  stored: (writes: readonly StoreWrite[]) => void
  readonly end: () => void
  readonly begin: () => Promise<void>
  /** As {@link Person.begin}, with nothing but the seed and what is kept elsewhere. */
  readonly beginAgain: () => Promise<void>
}

/** How somebody's wallet is made. */
export interface PersonWish {
  readonly hub?: HubTerms
  /** Where copies are kept: {@link HtlcWorld.backup}. */
  readonly backup?: BackupSetting | null
  /** Of the seed: somebody who was there before. */
  readonly number?: number
  readonly store?: Store
}

/** A ledger, boxes, and people who have wallets on them. */
export interface HtlcWorld {
  readonly ground: Ground
  /** How far ahead of the machine's the clock of everybody is. */
  aheadMs: number
  /** And of one person's, by its number, beyond that. */
  readonly aheadOf: Map<number, number>
  /** How long what anybody says takes to the box, by everybody's clock. */
  lineMs: number
  /** Messages that came to their boxes. */
  said: number
  /** What anybody has broadcast. */
  readonly broadcasts: BitcoinTransaction[]
  readonly person: (wish?: PersonWish) => Promise<Person>
  /** Copies at one edge and in the boxes, `required` where nothing is said; `through` may lose or hide them. */
  readonly backup: (
    through?: (link: BackupLink, isEdge: boolean) => BackupLink,
    mode?: BackupSetting['mode'],
  ) => BackupSetting
  /** True once both sides of a channel have stored what the other one has told them: it is not told again. */
  readonly isRead: (id: ChannelId) => boolean
  /** A channel that pays: the first has funded it, with 100,000 sat. */
  readonly open: (one: Person, other: Person, pushed?: bigint) => Promise<ChannelId>
  /** Mines until something holds; each of these looks at every block. */
  readonly mineUntil: (holds: () => boolean | Promise<boolean>, ...people: readonly Person[]) => Promise<void>
  /** Gives somebody a coin that pays for transactions of a channel which have no fee of their own. */
  readonly reserve: (one: Person, index: number) => Promise<void>
  readonly stop: () => void
}

/** Transactions that anybody has broadcast to end that channel. */
export function endingsOf({ broadcasts }: HtlcWorld, person: Person, id: ChannelId): readonly BitcoinTransaction[] {
  const { fundingTxid, capacity } = channelOf(person, id) ?? {}
  const funding = broadcasts.find(({ txid }) => txid === fundingTxid)
  const index = funding?.outputs.findIndex(({ value }) => value === capacity) // Its other one is the reserve for fees.
  return broadcasts.filter(({ inputs }) =>
    inputs.some(({ outpoint }) => outpoint.txid === fundingTxid && outpoint.index === index),
  )
}

/** More than any HTLC here has to its expiry, and the end of its channel. */
const blocksMax = 80
/** Long enough for every side to look at its clock. */
const momentMs = 60

let seeds = 0
/** How long a pause of a second is. */
const secondMs = 50
const edgeName = 'memory:edge'

const keysOf = (number: number) =>
  keyringBitcoinSigner(createBitcoinKeyring(new Uint8Array(32).fill(200).fill(number, 4), networks.regtest))

export function createHtlcWorld(): HtlcWorld {
  const ground = quickLedger()
  const boxes = new Map<string, MemoryBox>()
  const wallets: BitcoinWallet[] = []
  const world = {
    ...{ aheadMs: 0, aheadOf: new Map<number, number>(), lineMs: 0, said: 0 },
    broadcasts: [] as BitcoinTransaction[],
  }
  const clockOf = (number: number): Clock => ({
    ...systemClock,
    // A second is what wallets wait for in case that something more comes: nothing does here.
    sleep: (ms, signal) => systemClock.sleep(ms === 1_000 ? secondMs : ms, signal),
    now: () => Date.now() + world.aheadMs + (world.aheadOf.get(number) ?? 0),
  })
  /** The way of one message to its box: a moment here, and long by everybody's clock. */
  const travel = async () => {
    world.said += 1
    if (world.lineMs === 0) return
    await systemClock.sleep(momentMs)
    world.aheadMs += world.lineMs
  }
  const boxAt = (id: ChannelId): MemoryBox => {
    const box = boxes.get(id) ?? memoryBox()
    boxes.set(id, box)
    return box
  }
  const isRead = (id: ChannelId) =>
    (['payer', 'payee'] as const).every((side) => {
      const { sent = 0, acknowledged = 0 } = boxAt(id).rows.side(side) ?? {}
      return acknowledged === sent
    })
  const backup: HtlcWorld['backup'] = (through = (link) => link, mode = 'required') => ({
    link: ({ box, id, side, token }) => through(boxAt(id).backup(side, token), box === edgeName),
    edges: [edgeName],
    cipher: webCipher(),
    mode,
  })
  const broadcast = (transaction: Uint8Array) => {
    world.broadcasts.push(must(decodeTransaction(transaction)))
    return ground.node.broadcast(transaction)
  }
  const person = async (wish: PersonWish = {}): Promise<Person> => {
    const { hub, backup: kept = null, number = ++seeds } = wish
    const own: { value: Person | null } = { value: null }
    const tells = (store: Store): Store => ({
      ...store,
      commit: async (writes) => {
        await store.commit(writes)
        own.value?.stored(writes)
      },
    })
    let store = wish.store ?? memory()
    const link = (at: { id: ChannelId; side: 'payer' | 'payee'; token: Uint8Array }): ChannelLink =>
      mayBeMute(boxAt(at.id).link(at.side, at.token), () => own.value?.isMute === true, travel)
    const make = async () => {
      const wallet = await createBitcoinWallet({
        keys: keysOf(number),
        store: tells(store),
        network: 'regtest',
        nodes: [{ ...ground.node, broadcast }],
        peers: () => {
          throw new Error('Nobody here pays one way.')
        },
        boxes: link,
        pollMs: 400,
        gapLimit: 4,
        clock: clockOf(number),
        ...(hub ? { hub } : {}),
        ...(kept ? { backup: kept } : {}),
      })
      wallets.push(wallet)
      return wallet
    }
    const wallet = await make()
    const one: Person = {
      number,
      store,
      wallet,
      twoWay: twoWayOf(wallet),
      isMute: false,
      stored: () => undefined,
      end: () => one.wallet.close(),
      begin: async () => {
        one.isMute = false
        one.stored = () => undefined
        one.wallet = await make()
        one.twoWay = twoWayOf(one.wallet)
      },
      beginAgain: async () => {
        store = memory()
        one.store = store
        await one.begin()
        await one.twoWay.restore()
      },
    }
    own.value = one
    return one
  }
  const mineUntil = async (holds: () => boolean | Promise<boolean>, ...seeing: readonly Person[]) => {
    for (let block = 0; block < blocksMax && !(await holds()); block++) {
      await ground.mine(1)
      for (const { wallet } of seeing) await wallet.refresh()
    }
    await until(holds)
  }
  const reserve = async ({ number }: Person, index: number) => {
    const script = p2wpkh(await keysOf(number).channelKey(index))
    await ground.fund(encodeAddress(script, 'regtest') as string, sats(50_000n))
    await ground.mine(1)
  }
  const open = async (one: Person, other: Person, pushed = 0n): Promise<ChannelId> => {
    await ground.fund(await one.wallet.address(), sats(300_000n))
    await ground.mine(1)
    await one.wallet.refresh()
    const invitation = await other.wallet.invite({ box: 'memory:', terms })
    const wish = { kind: 'two-way', invitation, capacity: sats(100_000n), pushed: sats(pushed) } as const
    const answer = await one.wallet.openChannel(wish)
    if (!answer.ok) throw new Error(answer.refusal.detail)
    const phases = () => [one, other].map((side) => phaseOf(side, invitation.id))
    await until(() => phases().every((phase) => phase === 'funding'))
    for (let block = 0; block < 6 && !phases().every((phase) => phase === 'open'); block++) {
      await ground.mine(1)
      for (const { wallet } of [one, other]) await wallet.refresh()
    }
    await until(() => phases().every((phase) => phase === 'open'))
    return invitation.id
  }
  const stop = () => {
    for (const wallet of wallets) wallet.close()
  }
  return Object.assign(world, { ground, person, backup, isRead, open, mineUntil, reserve, stop })
}

export function channelOf({ wallet }: Person, id: ChannelId): TwoWayChannel | undefined {
  return wallet.channels().find((channel) => channel.kind === 'two-way' && channel.id === id) as
    | TwoWayChannel
    | undefined
}

export function phaseOf(person: Person, id: ChannelId) {
  return channelOf(person, id)?.phase
}

export function balanceOf(person: Person, id: ChannelId) {
  return channelOf(person, id)?.balance
}

/** That commit, of those that write below a key from now on, is the last thing that this person does: nothing of it leaves. */
export function endsAfter(one: Person, prefix: string, number: number): Promise<void> {
  let seen = 0
  return new Promise((resolve) => {
    one.stored = (writes) => {
      if (!writes.some(({ key }) => key.startsWith(prefix))) return
      seen += 1
      if (seen < number) return
      one.stored = () => undefined
      one.isMute = true
      one.end()
      resolve()
    }
  })
}

function twoWayOf({ twoWay }: BitcoinWallet): TwoWayChannels {
  if (!twoWay) throw new Error('The wallet has a way to boxes.')
  return twoWay
}

function mayBeMute(link: ChannelLink, isMute: () => boolean, travel: () => Promise<void>): ChannelLink {
  return {
    ...link,
    send: async (message) => {
      if (isMute()) throw new SdkError('relay/unreachable', 'The box does not answer.', { retryable: true })
      await travel()
      await link.send(message)
    },
  }
}
