import { join } from 'node:path'
import { type ChannelId, msats, type Sats, SdkError, type Store, sats, toHex } from 'lanekit'
import { esplora, httpPeers, socketBoxes, systemRandom, webCipher } from 'lanekit/adapters'
import { file } from 'lanekit/adapters/file'
import type { Network } from 'lanekit/bitcoin'
import { mnemonicFromEntropy } from 'lanekit/keys'
import {
  type BitcoinWallet,
  createBitcoinWallet,
  encodeInvitation,
  type InvitationWish,
  mnemonicBitcoinSigner,
  type TwoWayChannel,
} from 'lanekit/wallet/bitcoin'
import type { TwoWayAccount } from '../api.ts'
import type { ChainLook, Closing } from './chainLook.ts'
import type { Bill } from './orders.ts'
import { connect } from './socket.ts'

export interface TwoWayPlace {
  readonly network: Network
  readonly edge: string
  /** An Esplora API. */
  readonly bitcoin: string
  readonly askBitcoin: (url: string, init: RequestInit) => Promise<Response>
  readonly folder: string
  /** The box as shoppers reach it. */
  readonly box: () => string
  readonly isDemo: boolean
  readonly blockSeconds: number
  readonly chain: ChainLook
  /** Told when the merchant's wallet has broadcast something. */
  readonly sent: () => void
}

/** What was paid under a name, finally. */
export interface TwoWayPayment {
  readonly channel: ChannelId
  readonly amount: Sats
  /** Of the update. */
  readonly number: number
}

type ReceivedOver = TwoWayPayment & { readonly paymentId: string }

/** The merchant's side of lanes that pay both ways: a wallet of its own, since it signs and watches as the shopper's does. */
export interface TwoWayCounter {
  /** Bytes for one shopper to open one lane with; nothing while the wallet has as many lanes as it can. */
  readonly invite: () => Promise<Uint8Array | null>
  /** Invitations that nobody has answered. */
  readonly invited: () => readonly ChannelId[]
  /** Takes them back, and says how many: whoever answers one later is told so. */
  readonly withdraw: () => Promise<number>
  /** The payment of that name. Waits a moment for one that is on its last message. */
  readonly payment: (paymentId: Uint8Array) => Promise<TwoWayPayment | null>
  /** Asks for a payment by an invoice, over that lane: the shopper's page has to be there. Says in a code why not. */
  readonly bill: (
    channel: ChannelId,
    wish: { readonly amount: Sats; readonly description: string },
  ) => Promise<Bill | string>
  /** Everything that was received over all lanes, finally. */
  readonly received: () => Promise<readonly ReceivedOver[]>
  /** Pays the shopper of a lane. Says in a code why not. */
  readonly payBack: (channel: ChannelId, amount: Sats) => Promise<string | null>
  readonly accounts: () => Promise<readonly TwoWayAccount[]>
  /** What the merchant's wallet has on the chain. */
  readonly holds: () => Promise<Sats>
  readonly stop: () => Promise<void>
}

/** How often the merchant's wallet looks at the chain: at least twice a block, for what is revoked has to be seen in time. */
const [pollMsMin, pollMsMax] = [500, 10_000]
/** Most invitations that nobody has answered, each a box that is read. Then the oldest is given out again: the first answer counts. */
const invitedMax = 50
/** How long a payment is waited for whose last message is on its way. */
const [lastMessageMs, lookMs] = [1_000, 20]
/** How long a shopper waits for what is paid back, which then goes on by itself, and for an invoice. */
const payBackMs = 5_000
const billMs = 5_000
/** An invoice can be paid for so long: a price is not for ever. */
const billSeconds = 600
/** Most payments that are remembered beside the store. */
const rememberedMax = 20_000
/** The merchant looks at unused addresses no further than it gives them out: one for each lane. */
const gapLimit = 5

/** Opens the merchant's wallet on its store. */
export async function openTwoWayCounter(place: TwoWayPlace): Promise<TwoWayCounter> {
  const { network, edge, bitcoin, askBitcoin, folder, sent, chain, blockSeconds } = place
  const store = file(join(folder, 'two-way'))
  const node = esplora({ url: bitcoin, network, fetch: askBitcoin })
  const broadcast: typeof node.broadcast = async (raw) => {
    const told = await node.broadcast(raw)
    sent()
    return told
  }
  const boxes = socketBoxes({ connect })
  const wallet = await createBitcoinWallet({
    keys: await keysOf(store, network),
    store,
    network,
    nodes: [{ ...node, broadcast }],
    peers: httpPeers(),
    // Shoppers name the box by this server's own address; the merchant goes straight to the edge.
    boxes: (at) => boxes({ ...at, box: edge }),
    pollMs: Math.max(pollMsMin, Math.min(pollMsMax, blockSeconds * 500)),
    gapLimit,
  })
  const list = () => wallet.channels().filter((channel) => channel.kind === 'two-way')
  const invited = () => list().flatMap(({ id, phase }) => (phase === 'invited' ? [id] : []))
  const account = accounting(chain)
  const known = new Map<string, TwoWayPayment>()

  async function find(paymentId: Uint8Array): Promise<TwoWayPayment | null> {
    const name = toHex(paymentId)
    const remembered = known.get(name)
    if (remembered) return remembered
    for (const { id } of list()) {
      const received = await wallet.received({ kind: 'payment-id', channel: id, paymentId, amount: null })
      if (!received) continue
      const payment = { channel: id, amount: received.amount, number: received.number }
      if (known.size >= rememberedMax) known.clear()
      known.set(name, payment)
      return payment
    }
    return null
  }

  return {
    invite: inviting(wallet, place),
    invited,
    withdraw: async () => {
      const told = await Promise.all(invited().map(wallet.withdraw))
      return told.filter(({ ok }) => ok).length
    },
    payment: async (paymentId) => {
      const end = Date.now() + lastMessageMs
      for (;;) {
        const found = await find(paymentId)
        if (found || Date.now() >= end || !list().some(({ isPending }) => isPending)) return found
        await new Promise((resolve) => setTimeout(resolve, lookMs))
      }
    },
    bill: (channel, wish) => bill(wallet, channel, wish),
    received: receiving(wallet),
    payBack: async (channel, amount) => {
      try {
        const outcome = await wallet.pay(channel, amount, { waitMs: payBackMs })
        return outcome.state === 'refused' ? outcome.fault : null
      } catch (error) {
        // Nothing was proposed: it may be asked for again.
        if (error instanceof SdkError) return error.code
        throw error
      }
    },
    accounts: () => Promise.all(list().filter(isAnswered).map(account)),
    holds: async () => (await wallet.refresh()).confirmed,
    stop: async () => {
      wallet.close()
      await store.close()
    },
  }
}

/** What pages are told of a lane; its closing is looked for once. */
function accounting(chain: ChainLook): (channel: TwoWayChannel) => Promise<TwoWayAccount> {
  const closings = new Map<ChannelId, Closing>()
  return async (channel) => {
    const { id, phase, words, progress, capacity, fundingTxid, updates, awayAdvice } = channel
    const balance = Number(channel.balance / 1_000n)
    if (phase === 'closed' && fundingTxid && !closings.has(id)) {
      const closing = await chain.closing(fundingTxid, capacity)
      if (closing) closings.set(id, closing)
    }
    const facts = { phase, words, progress, updates, advice: awayAdvice }
    return { channel: id, capacity: Number(capacity), balance, closing: closings.get(id) ?? null, ...facts }
  }
}

async function bill(
  wallet: BitcoinWallet,
  channel: ChannelId,
  wish: Parameters<TwoWayCounter['bill']>[1],
): Promise<Bill | string> {
  try {
    const asked = { ...wish, channel, expirySeconds: billSeconds, waitMs: billMs }
    const { invoice, paymentHash, expiresAtSeconds } = await wallet.request({ kind: 'invoice', ...asked })
    return { invoice, channel, receiptId: toHex(paymentHash.slice(0, 16)), expiresAt: 1_000 * expiresAtSeconds }
  } catch (error) {
    if (error instanceof SdkError) return error.code
    throw error
  }
}

/** Reads what a lane has received again when something has moved in it. */
function receiving(wallet: BitcoinWallet): TwoWayCounter['received'] {
  const known = new Map<ChannelId, { readonly state: string; readonly all: readonly ReceivedOver[] }>()
  async function over({ id, updates, isPending }: TwoWayChannel): Promise<readonly ReceivedOver[]> {
    const state = `${updates} ${isPending}`
    const before = known.get(id)
    if (before?.state === state) return before.all
    const told = (await wallet.twoWay?.receipts(id)) ?? []
    const all = told.map(({ paymentId, amount, number }) => {
      return { paymentId: toHex(paymentId), channel: id, amount: sats(amount / 1_000n), number }
    })
    known.set(id, { state, all })
    return all
  }
  return async () => {
    const lanes = wallet.channels().filter((channel) => channel.kind === 'two-way')
    return (await Promise.all(lanes.map(over))).flat()
  }
}

/** Gives out invitations, and the oldest of this start again where many have no answer. */
function inviting(wallet: BitcoinWallet, place: TwoWayPlace): TwoWayCounter['invite'] {
  /** The one that was given out last is at the end. */
  const open = new Map<ChannelId, Uint8Array>()
  const give = (id: ChannelId, bytes: Uint8Array) => {
    open.delete(id)
    open.set(id, bytes)
    return bytes
  }
  return async () => {
    for (const { id, phase } of wallet.channels()) if (phase !== 'invited') open.delete(id)
    const [oldest] = open
    if (oldest && open.size >= invitedMax) return give(...oldest)
    try {
      const invitation = await wallet.invite({ box: place.box(), terms: termsOf(place) })
      return give(invitation.id, encodeInvitation(invitation))
    } catch (error) {
      if (error instanceof SdkError && error.code === 'wallet/busy') return null
      throw error
    }
  }
}

function isAnswered({ phase }: TwoWayChannel): boolean {
  return phase !== 'invited' && phase !== 'withdrawn'
}

/** The merchant's keys, made at the first start, as the till's is. */
async function keysOf(store: Store, network: Network) {
  const record = await store.get('shop/entropy')
  const entropy = record?.bytes ?? systemRandom(16)
  if (!record) await store.commit([{ key: 'shop/entropy', expected: 0, bytes: entropy }])
  return mnemonicBitcoinSigner({ mnemonic: mnemonicFromEntropy(entropy), cipher: webCipher(), network })
}

/** Blocks within which each side has to look at the chain: seconds on a chain of this machine's own, a day on a real one. */
export const delayBlocksOf = (isDemo: boolean) => (isDemo ? 12 : 144)
export const confirmationsMin = 3

function termsOf({ isDemo }: TwoWayPlace): NonNullable<InvitationWish['terms']> {
  return {
    delayBlocks: delayBlocksOf(isDemo),
    confirmationsMin,
    capacityMax: sats(1_000_000n),
    amountMin: msats(1_000n),
    inFlightMax: msats(10_000_000n),
    htlcsMax: 4,
    marginBlocks: isDemo ? 3 : 34,
  }
}
