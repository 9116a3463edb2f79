import { type Hop, invoiceFeatures, sealInvoice, unsignedInvoice } from '../../../bitcoin/bolt11/index.ts'
import { otherSide, type Way } from '../../../channel/penalty/index.ts'
import { sha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import { type ChannelId, fromHex, inMsats, type Sats } from '../../../units.ts'
import type { PenaltyDesk } from './desk.ts'
import { type Htlcs, isGone } from './htlcs.ts'
import { keepInvoice, takeBlocks } from './invoices.ts'
import { liveOf, nodeKeyOf, openDesks, signByNode, spendableBy } from './node.ts'
import { ask, slackBlocks } from './paying.ts'
import { penaltyKeys } from './record.ts'

/** An hour. */
export const invoiceSecondsDefault = 3_600
/** An invoice is kept so long at the most, in seconds: a week. */
const expirySecondsMax = 604_800
/** How long a payee waits for its hub, where nothing is said. */
const askedMsDefault = 15_000
/** Asks for a payment by an invoice (BOLT-11), which anybody can pay who has a way to this wallet. */
export interface InvoiceWish {
  readonly kind: 'invoice'
  /** Over which it comes; where nothing is said, the open one that can receive most. */
  readonly channel?: ChannelId
  /** At least 1; left out where the payer chooses. */
  readonly amount?: Sats
  /** What it is for: the payer is shown it. */
  readonly description: string
  /** {@link invoiceSecondsDefault} where nothing is said; at most a week. */
  readonly expirySeconds?: number
  /** How long to wait for the channel's other side, which is asked to pass the payment on. */
  readonly waitMs?: number
}

/** An invoice of this wallet's, to be told to who shall pay it. */
export interface InvoiceRequest {
  readonly kind: 'invoice'
  readonly channel: ChannelId
  /** As BOLT-11 has it, in lower case. */
  readonly invoice: string
  readonly paymentHash: Uint8Array
  /** `null` where the payer chooses. */
  readonly amount: Sats | null
  /** Seconds since 1970: from then on it is not taken any more. */
  readonly expiresAtSeconds: number
  /** False where the channel's other side passes nothing on: then it alone can pay. */
  readonly isThroughHub: boolean
}

/** Makes an invoice. The preimage is stored before anything is told. */
export async function makeInvoice(
  htlcs: Htlcs,
  deskOf: (id: ChannelId) => PenaltyDesk,
  wish: InvoiceWish,
): Promise<InvoiceRequest> {
  const { world, clock, desks } = htlcs
  const desk = wish.channel ? deskOf(wish.channel) : receiverOf(htlcs)
  const { description, expirySeconds = invoiceSecondsDefault, waitMs = askedMsDefault } = wish
  if (!Number.isInteger(expirySeconds) || expirySeconds < 1 || expirySeconds > expirySecondsMax || wish.amount === 0n)
    throw new SdkError('units/out-of-range', 'An invoice asks for something, and ends within a week.')
  const amount = wish.amount === undefined ? null : inMsats(wish.amount)
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
  const invoice = sealInvoice(unsigned, await signByNode(desk, unsigned.digest), nodeKeyOf(channel, channel.own))
  const asked = { channel: desk.id, invoice, paymentHash, amount: wish.amount ?? null }
  return { kind: 'invoice', ...asked, expiresAtSeconds: endsAtSeconds, isThroughHub: way !== null }
}

/** The hint of an invoice. Its short channel id names no transaction: it is the first 8 bytes of the channel's name. */
function hopOf(id: ChannelId, { node, fee, deltaBlocks }: Way): Hop {
  const shortChannelId = fromHex(id).slice(0, 8)
  return { node, shortChannelId, feeBaseMsats: Number(fee), feeMillionths: 0, expiryDeltaBlocks: deltaBlocks }
}

/** The channel that can receive most. */
function receiverOf({ desks }: Htlcs): PenaltyDesk {
  let best: { readonly desk: PenaltyDesk; readonly receivable: bigint } | null = null
  for (const { desk, channel } of openDesks(desks)) {
    const receivable = spendableBy(channel, otherSide(channel.own))
    if (!best || receivable > best.receivable) best = { desk, receivable }
  }
  if (best) return best.desk
  throw new SdkError('wallet/no-channel', 'No channel that pays both ways is open.', {
    notes: ['Open one, or wait until it has its blocks: an invoice is paid over it.'],
  })
}
