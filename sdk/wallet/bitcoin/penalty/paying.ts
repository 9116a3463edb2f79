import {
  decodeInvoice,
  type Hop,
  invoiceFeatures,
  paymentFault,
  type SignedInvoice,
  sealInvoice,
  unsignedInvoice,
} from '../../../bitcoin/bolt11/index.ts'
import { sealPush } from '../../../channel/hub/index.ts'
import type { Aside, LiveChannel, Way } from '../../../channel/penalty/index.ts'
import { sha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import { type ChannelId, fromHex, type Height, height, type Msats, msats, sameBytes, toHex } from '../../../units.ts'
import { within } from '../patience.ts'
import { type PenaltyDesk, say } from './desk.ts'
import { askedName, type Htlcs, isGone } from './htlcs.ts'
import { keepInvoice, type ReceivedPush, receivedPushes, takeBlocks } from './invoices.ts'
import { liveOf, nodeKeyOf, peerKeyOf, signByNode } from './node.ts'
import { type HtlcOutcome, outcomeOf, type PaymentRefusal, paymentOf } from './payments.ts'
import { penaltyKeys } from './record.ts'
import { wishToOffer } from './wishes.ts'

/** How long a payment by hash waits for its end, and a payee for its hub, where nothing is said. */
export const htlcWaitMsDefault = 30_000
const askedMsDefault = 15_000
/** Pause before a question is asked again. */
const askAgainMs = 3_000
/** Longest that an HTLC of this wallet may be on its way: two weeks. */
export const expiryBlocksMax = 2_016
/** Blocks that may come while a payment waits for its turn. */
const slackBlocks = 3
/** Blocks that a push leaves its payee beyond the least. */
const pushBlocks = 18
/** An invoice is kept so long at the most, in seconds: a week. */
const expirySecondsMax = 604_800

/** An invoice of this wallet's. */
export interface MadeInvoice {
  /** As BOLT-11 has it, in lower case. */
  readonly text: string
  readonly paymentHash: Uint8Array
  /** False where the channel's other side passes nothing on: then it alone can pay. */
  readonly isThroughHub: boolean
}

/** Payments by hash: to whoever shares a channel, and through a hub to others. */
export interface TwoWayPayments {
  /**
   * Asks for a payment by an invoice (BOLT-11), signed by this side's node key of the channel. Whoever is at the other side of the channel
   * is asked to pass it on, and its fee and delta are the invoice's one hint (`r`). The preimage is stored before anything is told.
   *
   * Funds at risk: who has the preimage has been paid for it. It is told only for an HTLC of at least `amount`, once, in time, and kept with
   * the channel first: this wallet has to look at the chain before the HTLC runs out, or whoever offered it takes it back.
   *
   * Throws `wallet/unknown-channel`, `wallet/channel-not-open`, `wallet/busy` where `invoicesMax` wait, and `wallet/no-answer` (retryable)
   * where the other side says nothing within `waitMs`.
   */
  readonly invoice: (wish: {
    readonly channel: ChannelId
    /** At least 1; `null` where the payer chooses. */
    readonly amount: Msats | null
    readonly description: string
    /** {@link invoiceSecondsDefault} where nothing is said; at most a week. */
    readonly expirySeconds?: number
    readonly waitMs?: number
  }) => Promise<MadeInvoice>
  /**
   * Pays an invoice over a channel: its payee at the other side, or through the hub that is there. A hash is paid once: asked again, it
   * says what became of the first time, also after a restart; only what came back finally is tried again.
   *
   * Funds at risk: `pending` may still be paid, until its HTLC has run out at some block height. An invoice proves who signed it, not that
   * this is whom you mean to pay.
   *
   * Throws `wallet/unknown-channel`, `wallet/channel-not-open` and `wallet/busy`.
   */
  readonly payInvoice: (
    text: string,
    wish: {
      readonly channel: ChannelId
      /** Most that the way may cost beyond the amount. */
      readonly feeMax: Msats
      /** Where the invoice leaves it to the payer. */
      readonly amount?: Msats
      /** The text behind a description that is given as a hash. */
      readonly description?: string
      readonly waitMs?: number
    },
  ) => Promise<HtlcOutcome>
  /** What became of a payment by that hash; `null` where none went out. */
  readonly payment: (paymentHash: Uint8Array) => Promise<HtlcOutcome | null>
  /**
   * Pays a node that did not ask, through the hub at the channel's other side: `payee` is its node key at that hub. The payee has to be there.
   *
   * Funds at risk: nobody has signed for it, so the preimage that comes back proves no more than that the holder of the key has it.
   */
  readonly push: (wish: {
    readonly channel: ChannelId
    readonly payee: Uint8Array
    readonly amount: Msats
    readonly feeMax: Msats
    readonly waitMs?: number
  }) => Promise<HtlcOutcome>
  /** What came unasked within the last day. */
  readonly pushes: () => Promise<readonly ReceivedPush[]>
  /** This side's node key of a channel, 33 bytes: it signs invoices, and pushes are addressed to it. */
  readonly nodeKey: (channel: ChannelId) => Uint8Array
}

/** An hour. */
export const invoiceSecondsDefault = 3_600

/** Payments by hash of one wallet. */
export function twoWayPayments(htlcs: Htlcs, deskOf: (id: ChannelId) => PenaltyDesk): TwoWayPayments {
  return {
    invoice: (wish) => invoice(htlcs, deskOf(wish.channel), wish),
    payInvoice: (text, wish) => payInvoice(htlcs, deskOf(wish.channel), { text, ...wish }),
    payment: async (paymentHash) => {
      const stored = await paymentOf(htlcs.world.store, paymentHash)
      return stored && outcomeOf(paymentHash, stored.record)
    },
    push: (wish) => push(htlcs, deskOf(wish.channel), wish),
    pushes: () => receivedPushes(htlcs.world.store),
    nodeKey: (id) => {
      const channel = liveOf(deskOf(id))
      return nodeKeyOf(channel, channel.own)
    },
  }
}

async function invoice(
  htlcs: Htlcs,
  desk: PenaltyDesk,
  wish: Parameters<TwoWayPayments['invoice']>[0],
): Promise<MadeInvoice> {
  const { world, clock, desks } = htlcs
  const { amount, description, expirySeconds = invoiceSecondsDefault, waitMs = askedMsDefault } = wish
  if (!Number.isInteger(expirySeconds) || expirySeconds < 1 || expirySeconds > expirySecondsMax || amount === 0n)
    throw new SdkError('units/out-of-range', 'An invoice asks for something, and ends within a week.')
  const channel = liveOf(desk)
  const { marginBlocks, network } = channel.opening.draft.terms
  const preimage = world.random(32)
  const paymentHash = sha256(preimage)
  const nowSeconds = Math.floor(clock.now() / 1_000)
  const endsAtSeconds = nowSeconds + expirySeconds
  const record = { kind: 'invoice', preimage, amount, endsAtSeconds, state: { kind: 'open' } } as const
  await keepInvoice(world.store, paymentHash, record, { nowSeconds, isOver: (id) => isGone(desks, id) })
  const way = await ask(htlcs, desk, { type: 'order', paymentHash }, waitMs)
  if (way === undefined) {
    await world.store.commit([{ key: penaltyKeys.invoice(paymentHash), expected: 1, bytes: null }])
    throw new SdkError('wallet/no-answer', 'The other side of the channel does not answer.', { retryable: true })
  }
  const finalExpiryBlocks = Math.max(marginBlocks + takeBlocks, way?.leftBlocks ?? 0) + slackBlocks
  const unsigned = unsignedInvoice({
    network,
    amount,
    createdSeconds: nowSeconds,
    paymentHash,
    paymentSecret: world.random(32),
    description: { kind: 'text', text: description },
    expirySeconds,
    finalExpiryBlocks,
    fallbacks: [],
    routes: way ? [[hopOf(desk.id, way)]] : [],
    metadata: null,
    features: invoiceFeatures,
  })
  const text = sealInvoice(unsigned, await signByNode(desk, unsigned.digest), nodeKeyOf(channel, channel.own))
  return { text, paymentHash, isThroughHub: way !== null }
}

/** The hint of an invoice. Its short channel id names no transaction: it is the first 8 bytes of the channel's name. */
function hopOf(id: ChannelId, { node, fee, deltaBlocks }: Way): Hop {
  const shortChannelId = fromHex(id).slice(0, 8)
  return { node, shortChannelId, feeBaseMsats: Number(fee), feeMillionths: 0, expiryDeltaBlocks: deltaBlocks }
}

async function payInvoice(
  htlcs: Htlcs,
  desk: PenaltyDesk,
  wish: { readonly text: string } & Parameters<TwoWayPayments['payInvoice']>[1],
): Promise<HtlcOutcome> {
  const { clock, world } = htlcs
  const decoded = decodeInvoice(wish.text)
  if (!decoded.ok) return refused('malformed-invoice')
  const { paymentHash, finalExpiryBlocks } = decoded.value
  const waitMs = wish.waitMs ?? htlcWaitMsDefault
  const stored = await paymentOf(world.store, paymentHash)
  if (stored?.record.state.kind === 'paid') return outcomeOf(paymentHash, stored.record)
  if (stored?.record.state.kind === 'out' || htlcs.wishing.has(toHex(paymentHash)))
    return outcomeWithin(htlcs, paymentHash, waitMs)
  const channel = liveOf(desk)
  const { network } = channel.opening.draft.terms
  const nowSeconds = Math.floor(clock.now() / 1_000)
  const fault = paymentFault(decoded.value, { network, nowSeconds, description: wish.description ?? null })
  if (fault) return refused(fault)
  const amount = decoded.value.amount ?? wish.amount
  if (amount === undefined || amount === 0n || (wish.amount !== undefined && wish.amount !== amount))
    return refused('wrong-amount')
  const way = wayOf(channel, decoded.value, amount)
  if (!way) return refused('no-way')
  const blocks = finalExpiryBlocks + way.deltaBlocks + slackBlocks
  if (blocks > expiryBlocksMax) return refused('expires-too-late')
  const expiry = (tip: Height) => height(tip + blocks)
  return offer(htlcs, desk, { paymentHash, amount, fee: way.fee, feeMax: wish.feeMax, expiry, waitMs })
}

/** To the payee at the other side of the channel, or by an invoice's hint of one hop, from a hub on. */
function wayOf(
  channel: LiveChannel,
  { payee, routes }: SignedInvoice,
  amount: Msats,
): { readonly fee: Msats; readonly deltaBlocks: number } | null {
  if (sameBytes(peerKeyOf(channel), payee)) return { fee: msats(0n), deltaBlocks: 0 }
  const [hop] = routes.find((hops) => hops.length === 1) ?? []
  if (!hop) return null
  const fee = msats(BigInt(hop.feeBaseMsats) + (amount * BigInt(hop.feeMillionths)) / 1_000_000n)
  return { fee, deltaBlocks: hop.expiryDeltaBlocks }
}

async function push(
  htlcs: Htlcs,
  desk: PenaltyDesk,
  { payee, amount, feeMax, waitMs = htlcWaitMsDefault }: Parameters<TwoWayPayments['push']>[0],
): Promise<HtlcOutcome> {
  const { random } = htlcs.world
  liveOf(desk)
  // Both are used once, and told to nobody but the payee. [HB8]
  const sealed = sealPush(payee, random(32), random(32))
  const way = await ask(htlcs, desk, { type: 'push', payee, ...sealed }, waitMs)
  if (!way) return refused('no-way')
  const { paymentHash } = sealed
  const blocks = way.deltaBlocks + way.leftBlocks + pushBlocks
  if (blocks > expiryBlocksMax) return refused('expires-too-late')
  const expiry = (tip: Height) => height(tip + blocks)
  return offer(htlcs, desk, { paymentHash, amount, fee: way.fee, feeMax, expiry, waitMs })
}

interface Payment {
  readonly paymentHash: Uint8Array
  readonly amount: Msats
  readonly fee: Msats
  readonly feeMax: Msats
  /** By the height at which it is offered. */
  readonly expiry: (tip: Height) => Height
  readonly waitMs: number
}

/** Offers an HTLC as soon as its turn comes, and waits for what becomes of it. [HB10] */
export async function offer(htlcs: Htlcs, desk: PenaltyDesk, payment: Payment): Promise<HtlcOutcome> {
  const { paymentHash, amount, fee, feeMax, expiry, waitMs } = payment
  if (fee > feeMax) return refused('fee-too-high')
  const name = toHex(paymentHash)
  const wishes = htlcs.wishes.get(desk.id)
  if (!wishes || htlcs.wishing.has(name)) return outcomeWithin(htlcs, paymentHash, waitMs)
  htlcs.wishing.add(name)
  const outcome = outcomeWithin(htlcs, paymentHash, waitMs)
  const isOut = () => htlcs.wishing.delete(name)
  try {
    await wishToOffer(wishes, desk, {
      amount: msats(amount + fee),
      paymentHash,
      expiry,
      proposing: (change) => htlcs.fees.set(change, fee),
      offered: isOut,
      refused: (fault) => {
        isOut()
        const listeners = htlcs.waiting.get(name) ?? []
        htlcs.waiting.delete(name)
        for (const listener of listeners) listener(refused(fault))
      },
    })
  } catch (error) {
    isOut()
    throw error
  }
  return outcome
}

/** What becomes of a payment, or that it is pending after so long. */
async function outcomeWithin(
  { waiting, clock, signal, world }: Htlcs,
  paymentHash: Uint8Array,
  waitMs: number,
): Promise<HtlcOutcome> {
  const name = toHex(paymentHash)
  const listeners = waiting.get(name) ?? new Set()
  waiting.set(name, listeners)
  let listener: (outcome: HtlcOutcome) => void = () => undefined
  const told = new Promise<HtlcOutcome>((resolve) => {
    listener = resolve
  })
  listeners.add(listener)
  // It may have been settled before anybody listened.
  const stored = await paymentOf(world.store, paymentHash)
  if (stored && stored.record.state.kind === 'paid') listener(outcomeOf(paymentHash, stored.record))
  const pending = (): HtlcOutcome => ({ state: 'pending', paymentHash })
  const first = await within(told, { clock, signal }, waitMs)
  listeners.delete(listener)
  if (listeners.size === 0 && waiting.get(name) === listeners) waiting.delete(name)
  return first ?? pending()
}

/** Asks the other side, again and again, for the way of a hash. `undefined` where it does not answer in time. [TW45] */
async function ask(
  { asked, clock, signal }: Htlcs,
  desk: PenaltyDesk,
  aside: Extract<Aside, { type: 'order' | 'push' }>,
  waitMs: number,
): Promise<Way | null | undefined> {
  const name = askedName(desk.id, aside.paymentHash)
  const answer = new Promise<{ readonly way: Way | null }>((resolve) => {
    asked.set(name, (way) => resolve({ way }))
  })
  try {
    for (let left = waitMs; left > 0; left -= askAgainMs) {
      say(desk, aside)
      const told = await within(answer, { clock, signal }, Math.min(left, askAgainMs))
      if (told) return told.way
      if (signal.aborted) return undefined
    }
    return undefined
  } finally {
    asked.delete(name)
  }
}

function refused(reason: PaymentRefusal): HtlcOutcome {
  return { state: 'refused', reason }
}
