import { asFixed, asList, asMsats, asName, asNumber } from '../../../channel/fields.ts'
import {
  type Change,
  type FailReason,
  type Fault,
  failReasons,
  type Htlc,
  isLive,
  type LiveChannel,
  type Side,
  signedContent,
} from '../../../channel/penalty/index.ts'
import { invariant, SdkError } from '../../../errors.ts'
import type { Store, StoreWrite } from '../../../ports.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../rlp.ts'
import { type ChannelId, channelId, fromHex, type Msats, toHex } from '../../../units.ts'
import type { Saved } from './beside.ts'
import type { PenaltyDesk } from './desk.ts'
import { penaltyKeys } from './record.ts'

/** What a payment that went out came to, as it is stored by its hash. [HB10] */
export interface PaymentRecord {
  /** Of the HTLC: with the channel it is the payment's identity. */
  readonly channel: ChannelId
  readonly id: number
  /** What leaves this wallet, */
  readonly amount: Msats
  /** and what of it is the hub's. */
  readonly fee: Msats
  readonly state: /** It may be paid at any time. */
    | { readonly kind: 'out' }
    | { readonly kind: 'paid'; readonly preimage: Uint8Array }
    /** Finally not paid. `channel-ended`: the channel ended without it. */
    | { readonly kind: 'failed'; readonly reason: PaymentFailure }
}

export type PaymentFailure = FailReason | 'channel-ended'

/** Why a payment by hash is not begun. */
export type PaymentRefusal =
  | Fault
  /** No invoice, or nobody's signature. */
  | 'malformed-invoice'
  /** It asks its payer for more than this wallet knows of. */
  | 'unknown-feature'
  /** It is of another network, has expired, or is of another text than was shown. */
  | 'other-network'
  | 'expired'
  | 'other-description'
  /** It leaves the amount to the payer, who said none; or it says one, and the payer another. */
  | 'amount-missing'
  | 'amount-differs'
  /** This wallet has made it. */
  | 'own-invoice'
  /** No channel that pays both ways is open. */
  | 'no-channel'
  /** Its way asks for more than `feeMax`. */
  | 'fee-too-high'
  /** It would be on its way for longer than two weeks. */
  | 'expires-too-late'
  /** The channel's other side is neither its payee nor a hub of the payee's. */
  | 'no-way'

/** What became of a payment by hash. */
export type HtlcOutcome =
  /** `preimage` is the proof: its SHA-256 is the hash that the payee has signed. `amount` has the hub's `fee` in it. */
  | {
      readonly state: 'paid'
      readonly paymentHash: Uint8Array
      readonly preimage: Uint8Array
      readonly amount: Msats
      readonly fee: Msats
    }
  /** Nothing was offered. */
  | { readonly state: 'refused'; readonly reason: PaymentRefusal }
  /** It was offered and came back. It may be tried again. */
  | { readonly state: 'failed'; readonly paymentHash: Uint8Array; readonly reason: PaymentFailure }
  /** It is on its way, or waits for its turn: it may be paid at any time. */
  | { readonly state: 'pending'; readonly paymentHash: Uint8Array }

/** What came of an HTLC of this side. */
export interface Settled {
  readonly htlc: Htlc
  readonly state: Exclude<PaymentRecord['state'], { readonly kind: 'out' }>
}

/** A payment that went out, and the version of its record. */
export async function paymentOf(
  store: Store,
  paymentHash: Uint8Array,
): Promise<{ readonly record: PaymentRecord; readonly version: number } | null> {
  const stored = await store.get(penaltyKeys.payment(paymentHash))
  return stored ? { record: paymentFrom(stored.bytes), version: stored.version } : null
}

/** The stored word on a payment; nothing where none went out. */
export function outcomeOf(paymentHash: Uint8Array, { amount, fee, state }: PaymentRecord): HtlcOutcome {
  if (state.kind === 'paid') return { state: 'paid', paymentHash, preimage: state.preimage, amount, fee }
  if (state.kind === 'failed') return { state: 'failed', paymentHash, reason: state.reason }
  return { state: 'pending', paymentHash }
}

/**
 * What becomes true of payments with a state: those that its proposal offers are out, others are settled. [HB10]
 *
 * @param feeOf - The fee in a change that is a payment of this wallet's; `undefined` for any other, which a hub passes on.
 */
export async function paymentWrites(
  { id, world, known }: PenaltyDesk,
  { before, channel, notes }: Saved,
  feeOf: (change: Change) => Msats | undefined,
): Promise<{ readonly writes: readonly StoreWrite[]; readonly settled: readonly Settled[] }> {
  const writes: StoreWrite[] = []
  for (const change of proposedBy(before, channel)) {
    const fee = feeOf(change)
    if (change.type !== 'add' || fee === undefined) continue
    const stored = await paymentOf(world.store, change.paymentHash)
    invariant(!stored || stored.record.state.kind === 'failed', 'HB10: a hash is paid once')
    const record = { channel: id, id: change.id, amount: change.amount, fee, state: { kind: 'out' } } as const
    writes.push(paymentWrite(change.paymentHash, stored?.version ?? 0, record))
  }
  const told = notes.flatMap((note): Settled[] => {
    if (note.type === 'fulfilled') return [{ htlc: note.htlc, state: { kind: 'paid', preimage: note.preimage } }]
    return note.type === 'failed' ? [{ htlc: note.htlc, state: { kind: 'failed', reason: note.reason } }] : []
  })
  const ended = await settledWrites(world.store, { id, own: known.own }, told)
  return { writes: [...writes, ...ended.writes], settled: ended.settled }
}

/** What a channel that ended on the chain says of the payments that were out over it. [HB6] */
export function settledByChain(
  channel: LiveChannel,
  { learned, isResolved }: NonNullable<PenaltyDesk['resolution']>,
): readonly Settled[] {
  const paid = learned.map(({ htlc, preimage }): Settled => ({ htlc, state: { kind: 'paid', preimage } }))
  if (!isResolved) return paid
  const all = [...channel.base.htlcs, ...signedContent(channel).htlcs].filter(({ by }) => by === channel.own)
  const isPaid = ({ id }: Htlc) => paid.some(({ htlc }) => htlc.by === channel.own && htlc.id === id)
  const rest = [...new Map(all.map((htlc) => [htlc.id, htlc])).values()].filter((htlc) => !isPaid(htlc))
  return [...paid, ...rest.map((htlc): Settled => ({ htlc, state: { kind: 'failed', reason: 'channel-ended' } }))]
}

/** The records of payments that were out and are settled now: found by channel and number, never by hash or amount. [HB5] */
export async function settledWrites(
  store: Store,
  { id, own }: { readonly id: ChannelId; readonly own: Side },
  told: readonly Settled[],
): Promise<{ readonly writes: readonly StoreWrite[]; readonly settled: readonly Settled[] }> {
  const writes: StoreWrite[] = []
  const settled: Settled[] = []
  for (const one of told) {
    const found = one.htlc.by === own ? await paymentOf(store, one.htlc.paymentHash) : null
    if (found?.record.channel !== id || found.record.id !== one.htlc.id || found.record.state.kind !== 'out') continue
    writes.push(paymentWrite(one.htlc.paymentHash, found.version, { ...found.record, state: one.state }))
    settled.push(one)
  }
  return { writes, settled }
}

/** Changes that a state begins to propose. */
export function proposedBy(before: Saved['before'], channel: Saved['channel']): readonly Change[] {
  if (!('base' in channel) || channel.exchange.state !== 'proposed') return []
  const isOld = before && 'base' in before && before.exchange === channel.exchange
  return isOld ? [] : channel.exchange.changes
}

/** What this side has proposed and a state makes final; `null` where it finishes no such update. */
export function finishedBy({ before, channel }: Pick<Saved, 'before' | 'channel'>): {
  readonly changes: readonly Change[]
  readonly channel: LiveChannel
} | null {
  if (!before || !isLive(before) || !isLive(channel) || before.exchange.state !== 'proposed') return null
  return channel.base.number === before.base.number ? null : { changes: before.exchange.changes, channel }
}

function paymentWrite(paymentHash: Uint8Array, expected: number, record: PaymentRecord): StoreWrite {
  return { key: penaltyKeys.payment(paymentHash), expected, bytes: encodePaymentRecord(record) }
}

const version = 1
const kinds = ['out', 'paid', 'failed'] as const
const failures: readonly PaymentFailure[] = ['channel-ended', ...failReasons]

/** Read back by {@link paymentFrom}. */
export function encodePaymentRecord({ channel, id, amount, fee, state }: PaymentRecord): Uint8Array {
  const head = [quantity(version), fromHex(channel), quantity(id), quantity(amount), quantity(fee)]
  return encodeRlp([...head, quantity(kinds.indexOf(state.kind)), stateItem(state)])
}

/** Reads what {@link encodePaymentRecord} wrote. Throws `store/corrupt` for anything else. */
export function paymentFrom(bytes: Uint8Array): PaymentRecord {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 7) : undefined
  const name = asFixed(parts?.[1], 32)
  const id = asNumber(parts?.[2], Number.MAX_SAFE_INTEGER)
  const [amount, fee] = [asMsats(parts?.[3]), asMsats(parts?.[4])]
  const state = stateFrom(asName(parts?.[5], kinds), parts?.[6])
  const isRead = asNumber(parts?.[0], version) === version && name && state && id !== undefined
  if (!isRead || amount === undefined || fee === undefined)
    throw new SdkError('store/corrupt', "A payment in the wallet's store is damaged.")
  return { channel: channelId(toHex(name)), id, amount, fee, state }
}

function stateItem(state: PaymentRecord['state']): RlpItem {
  if (state.kind === 'out') return []
  return state.kind === 'paid' ? state.preimage : quantity(failures.indexOf(state.reason))
}

function stateFrom(
  kind: PaymentRecord['state']['kind'] | undefined,
  item: RlpItem | undefined,
): PaymentRecord['state'] | undefined {
  if (kind === 'out') return { kind }
  if (kind === 'paid') {
    const preimage = asFixed(item, 32)
    return preimage && { kind, preimage }
  }
  const reason = asName(item, failures)
  return kind && reason && { kind, reason }
}
