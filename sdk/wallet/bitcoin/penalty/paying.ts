import { sealPush } from '../../../channel/hub/index.ts'
import type { Aside, Way } from '../../../channel/penalty/index.ts'
import type { SdkError } from '../../../errors.ts'
import { type ChannelId, type Height, height, type Msats, msats, toHex } from '../../../units.ts'
import { within } from '../patience.ts'
import { type PenaltyDesk, say } from './desk.ts'
import { askedName, type Htlcs } from './htlcs.ts'
import { type ReceivedPush, receivedPushes } from './invoices.ts'
import { liveOf, nodeKeyOf } from './node.ts'
import { type HtlcOutcome, outcomeOf, type PaymentRefusal, paymentOf } from './payments.ts'
import { wishToOffer } from './wishes.ts'

/** How long a payment by hash waits for its end, where nothing is said. */
export const htlcWaitMsDefault = 30_000
/** Pause before a question is asked again. */
const askAgainMs = 3_000
/** Longest that an HTLC of this wallet may be on its way: two weeks. */
export const expiryBlocksMax = 2_016
/** Blocks that may come while a payment waits for its turn. */
export const slackBlocks = 3
/** Blocks that a push leaves its payee beyond the least. */
const pushBlocks = 18
/** Payments by hash that nobody has made an invoice for, and what became of any. */
export interface TwoWayPayments {
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

/** Payments by hash of one wallet. */
export function twoWayPayments(htlcs: Htlcs, deskOf: (id: ChannelId) => PenaltyDesk): TwoWayPayments {
  return {
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
  /** Seconds since 1970: where its turn has not come by then, it is refused. */
  readonly endsAtSeconds?: number
  readonly waitMs: number
}

/** Offers an HTLC as soon as its turn comes, and waits for what becomes of it. [HB10] */
export async function offer(htlcs: Htlcs, desk: PenaltyDesk, payment: Payment): Promise<HtlcOutcome> {
  const { paymentHash, amount, fee, feeMax, expiry, endsAtSeconds = null, waitMs } = payment
  if (fee > feeMax) return refused('fee-too-high')
  const name = toHex(paymentHash)
  const wishes = htlcs.wishes.get(desk.id)
  if (!wishes || htlcs.wishing.has(name)) return outcomeWithin(htlcs, paymentHash, waitMs)
  htlcs.wishing.add(name)
  const outcome = outcomeWithin(htlcs, paymentHash, waitMs)
  let failed: (error: SdkError) => void = () => undefined
  const elsewhere = new Promise<never>((_, reject) => {
    failed = reject
  })
  elsewhere.catch(() => undefined) // Nobody may be waiting any more.
  const isOut = () => htlcs.wishing.delete(name)
  try {
    await wishToOffer(wishes, desk, {
      amount: msats(amount + fee),
      paymentHash,
      expiry,
      endsAtSeconds,
      proposing: (change) => htlcs.fees.set(change, fee),
      offered: isOut,
      refused: (fault) => {
        isOut()
        const listeners = htlcs.waiting.get(name) ?? []
        htlcs.waiting.delete(name)
        for (const listener of listeners) listener(refused(fault))
      },
      failed: (error) => {
        isOut()
        failed(error)
      },
    })
  } catch (error) {
    isOut()
    throw error
  }
  return Promise.race([outcome, elsewhere])
}

/** What becomes of a payment, or that it is pending after so long. */
export async function outcomeWithin(
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
export async function ask(
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
