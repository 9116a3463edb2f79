import { asFixed, asList, asMsats, asName, asNumber, asOptional } from '../../../channel/fields.ts'
import { answerHtlc } from '../../../channel/hub/index.ts'
import { type Change, type Htlc, type LiveChannel, otherSide } from '../../../channel/penalty/index.ts'
import { sha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import type { Store, StoreWrite } from '../../../ports.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../rlp.ts'
import { type ChannelId, channelId, fromHex, type Msats, sameBytes, toHex } from '../../../units.ts'
import type { Saved } from './beside.ts'
import { type PenaltyDesk, stepNow } from './desk.ts'
import { finishedBy } from './payments.ts'
import { encodeNote, penaltyKeys } from './record.ts'

/**
 * A payment that this wallet would take, kept before anybody is told its hash. [HB10]
 *
 * - `open`: nobody has paid it. `taken`: the preimage is kept with the channel, to take this one HTLC, there or on the chain.
 * - `received`: paid, finally. Another HTLC of its hash is given back.
 */
export interface InvoiceRecord {
  /** `push`: the payer chose the preimage. [HB8] `held`: of a swap, nothing is done before its owner says what. */
  readonly kind: 'invoice' | 'push' | 'held'
  /** `null` where it is held, and not known or not to be told yet. */
  readonly preimage: Uint8Array | null
  /** Least that is taken, `null` for any amount. */
  readonly amount: Msats | null
  /** Seconds since 1970: from then on it is not taken any more. */
  readonly endsAtSeconds: number
  readonly state:
    | { readonly kind: 'open' }
    /** Held, and to be given back. */
    | { readonly kind: 'back' }
    | { readonly kind: 'taken'; readonly channel: ChannelId; readonly id: number; readonly amount: Msats }
    | { readonly kind: 'received'; readonly channel: ChannelId; readonly number: number; readonly amount: Msats }
}

/** Most invoices that wait to be paid; and most pushes, which others make: what of them was paid is kept for a day. */
export const invoicesMax = 64
export const pushesMax = 256
/** Most payments that are held. */
export const heldHtlcsMax = 16
/** Blocks beyond the channel's margin that an HTLC must have left to be taken. */
export const takeBlocks = 6
/** For so long an expired invoice is kept: what began before its end is finished. */
const graceSeconds = 60
const receivedSeconds = 86_400
/** Number of the last note of one state. */
const notesMax = 255

/** Keeps a payment that would be taken. Throws `wallet/busy` where so many are kept already. */
export async function keepInvoice(
  store: Store,
  paymentHash: Uint8Array,
  record: InvoiceRecord,
  { nowSeconds, isOver }: { readonly nowSeconds: number; readonly isOver: (channel: ChannelId) => boolean },
): Promise<void> {
  const ended: StoreWrite[] = []
  let count = 0
  for (const key of await store.keys(penaltyKeys.invoices)) {
    const stored = await store.get(key)
    if (!stored) continue
    const { kind, state, endsAtSeconds } = invoiceFrom(stored.bytes)
    const keptSeconds = state.kind === 'received' ? receivedSeconds : graceSeconds
    const isEnded = state.kind === 'taken' ? isOver(state.channel) : nowSeconds >= endsAtSeconds + keptSeconds
    if (isEnded) ended.push({ key, expected: stored.version, bytes: null })
    else if (kind === record.kind) count += 1
  }
  const most = { invoice: invoicesMax, push: pushesMax, held: heldHtlcsMax }[record.kind]
  if (count >= most) throw new SdkError('wallet/busy', `${most} payments are waited for already.`, { retryable: true })
  await store.commit([...ended, invoiceWrite(paymentHash, 0, record)])
}

/** What is to be done with a payment that is held: to be taken by a preimage, or given back. Once said it stays so. */
export async function decideHeld(
  store: Store,
  paymentHash: Uint8Array,
  decision: { readonly preimage: Uint8Array } | 'back',
): Promise<void> {
  const kept = await invoiceOf(store, paymentHash)
  if (kept?.record.kind !== 'held' || kept.record.preimage || kept.record.state.kind !== 'open') return
  const decided: InvoiceRecord =
    decision === 'back' ? { ...kept.record, state: { kind: 'back' } } : { ...kept.record, ...decision }
  await store.commit([invoiceWrite(paymentHash, kept.version, decided)])
}

/** A payment that came unasked. */
export interface ReceivedPush {
  readonly paymentHash: Uint8Array
  readonly channel: ChannelId
  readonly amount: Msats
}

/** Pushes that were received within the last day, finally. */
export async function receivedPushes(store: Store): Promise<readonly ReceivedPush[]> {
  const all = await Promise.all((await store.keys(penaltyKeys.invoices)).map((key) => store.get(key)))
  return all.flatMap((stored) => {
    const record = stored && invoiceFrom(stored.bytes)
    if (record?.kind !== 'push' || !record.preimage || record.state.kind !== 'received') return []
    const { channel, amount } = record.state
    return [{ paymentHash: sha256(record.preimage), channel, amount }]
  })
}

/** What this wallet asked for by that hash, and the version of its record. */
export async function invoiceOf(
  store: Store,
  paymentHash: Uint8Array,
): Promise<{ readonly record: InvoiceRecord; readonly version: number } | null> {
  const stored = await store.get(penaltyKeys.invoice(paymentHash))
  return stored ? { record: invoiceFrom(stored.bytes), version: stored.version } : null
}

/**
 * What a payee does with the final HTLCs of the other side: it takes what it asked for, once, and gives back any other. The preimage is
 * stored with the channel before it is told. [HB7] [HB10] [TW20] [TW33]
 */
export async function answersOf(
  desk: PenaltyDesk,
  channel: LiveChannel,
  htlcs: readonly Htlc[],
): Promise<readonly Change[]> {
  const tip = desk.sighting?.view.height
  if (tip === undefined) return []
  const { store, clock } = desk.world
  const answers: Change[] = []
  for (const htlc of htlcs) {
    const { id, amount, paymentHash } = htlc
    const known = channel.preimages.find((one) => sameBytes(sha256(one), paymentHash))
    const kept = await invoiceOf(store, paymentHash)
    const state = kept?.record.state
    const isThis = state?.kind === 'taken' && state.channel === desk.id && state.id === id
    const preimage = isThis ? kept?.record.preimage : kept ? undefined : known // Without a record: its store was lost.
    if (preimage) {
      answers.push({ type: 'fulfil', id, preimage })
      continue
    }
    const isHeld = kept?.record.kind === 'held'
    if (isHeld && state?.kind === 'open' && !kept.record.preimage) continue
    const isOpen = state?.kind === 'open' && (isHeld || clock.now() / 1_000 < (kept?.record.endsAtSeconds ?? 0))
    // Whoever swaps has judged the time, and has nothing to lose by trying. [SW4]
    const leftBlocksMin = isHeld ? -tip : channel.opening.draft.terms.marginBlocks + takeBlocks
    const expected = isOpen && kept?.record.preimage ? { ...kept.record, preimage: kept.record.preimage } : null
    const answer = answerHtlc(htlc, expected, { tip, leftBlocksMin })
    if (answer.type === 'fulfil' && kept) {
      const taken: InvoiceRecord = { ...kept.record, state: { kind: 'taken', channel: desk.id, id, amount } }
      const write = invoiceWrite(paymentHash, kept.version, taken)
      if (known) await store.commit([write])
      else if (await stepNow(desk, { type: 'learn', preimage: answer.preimage }, [write])) continue
    }
    answers.push(answer)
  }
  return answers
}

/** What becomes true of invoices with a state: this side's update that took their HTLCs is finished. */
export async function invoiceWrites({ id, world }: PenaltyDesk, saved: Saved): Promise<readonly StoreWrite[]> {
  const finished = finishedBy(saved)
  if (!finished) return []
  const { channel, changes } = finished
  const { notes, version } = saved
  const writes: StoreWrite[] = []
  let at = notes.length
  for (const change of changes) {
    if (change.type !== 'fulfil') continue
    const paymentHash = sha256(change.preimage)
    // Unless another HTLC of that hash is there, which is not to be taken as well.
    const isLast = !channel.preimages.some((one) => sameBytes(one, change.preimage))
    const receipt = await receiptWrites(
      world.store,
      { paymentHash, channel: id, id: change.id, isLast },
      {
        number: channel.base.number,
        note: penaltyKeys.note(id, version, at),
      },
    )
    writes.push(...receipt)
    if (receipt.length > 0) at += 1
  }
  return writes
}

/** What becomes true of invoices when a channel has ended on the chain: HTLCs that were taken there are received. */
export async function takenOnChain(
  { id, world, resolution, version }: PenaltyDesk,
  { base }: LiveChannel,
): Promise<readonly StoreWrite[]> {
  if (!resolution?.isResolved || version === null) return []
  const writes: StoreWrite[] = []
  for (const [at, htlc] of resolution.taken.entries()) {
    const { paymentHash } = htlc
    // Notes of a state are counted from below.
    const note = penaltyKeys.note(id, version, notesMax - at)
    const which = { paymentHash, channel: id, id: htlc.id, isLast: true }
    writes.push(...(await receiptWrites(world.store, which, { number: base.number, note })))
  }
  return writes
}

/** The receipt of an HTLC that was taken, and the end of its invoice; nothing where it was not to be taken. */
async function receiptWrites(
  store: Store,
  which: {
    readonly paymentHash: Uint8Array
    readonly channel: ChannelId
    readonly id: number
    readonly isLast: boolean
  },
  { number, note }: { readonly number: number; readonly note: string },
): Promise<readonly StoreWrite[]> {
  const { paymentHash, channel, id, isLast } = which
  const kept = await invoiceOf(store, paymentHash)
  const state = kept?.record.state
  if (!kept || state?.kind !== 'taken' || state.channel !== channel || state.id !== id) return []
  const { amount } = state
  const received: InvoiceRecord = { ...kept.record, state: { kind: 'received', channel, number, amount } }
  const key = penaltyKeys.invoice(paymentHash)
  const isLeft = kept.record.kind !== 'invoice' || !isLast // Otherwise the receipt says it all.
  return [
    isLeft ? invoiceWrite(paymentHash, kept.version, received) : { key, expected: kept.version, bytes: null },
    {
      key: note,
      expected: 0,
      bytes: encodeNote({ type: 'received', paymentId: receiptIdOf(paymentHash), amount, number }),
    },
  ]
}

/** The name under which what paid a hash is found by `received`: its first 16 bytes. */
export function receiptIdOf(paymentHash: Uint8Array): Uint8Array {
  return paymentHash.slice(0, 16)
}

/** HTLCs of a channel's other side that are final. */
export function offeredTo({ base, own }: LiveChannel): readonly Htlc[] {
  return base.htlcs.filter(({ by }) => by === otherSide(own))
}

function invoiceWrite(paymentHash: Uint8Array, expected: number, record: InvoiceRecord): StoreWrite {
  return { key: penaltyKeys.invoice(paymentHash), expected, bytes: encodeInvoiceRecord(record) }
}

const version = 1
const kinds = ['invoice', 'push', 'held'] as const
const stateKinds = ['open', 'taken', 'received', 'back'] as const

/** Read back by {@link invoiceFrom}. */
export function encodeInvoiceRecord({ kind, preimage, amount, endsAtSeconds, state }: InvoiceRecord): Uint8Array {
  const head = [
    quantity(version),
    quantity(kinds.indexOf(kind)),
    preimage ?? [],
    amount === null ? [] : [quantity(amount)],
  ]
  return encodeRlp([...head, quantity(endsAtSeconds), quantity(stateKinds.indexOf(state.kind)), stateItem(state)])
}

/** Reads what {@link encodeInvoiceRecord} wrote. Throws `store/corrupt` for anything else. */
export function invoiceFrom(bytes: Uint8Array): InvoiceRecord {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 7) : undefined
  const kind = asName(parts?.[1], kinds)
  const preimage = asOptional(parts?.[2], (part) => asFixed(part, 32))
  const amount = asList(parts?.[3], 0) ? null : asMsats(asList(parts?.[3], 1)?.[0])
  const endsAtSeconds = asNumber(parts?.[4], Number.MAX_SAFE_INTEGER)
  const state = stateFrom(asName(parts?.[5], stateKinds), parts?.[6])
  const isRead = asNumber(parts?.[0], version) === version && kind && preimage !== undefined && state
  if (!isRead || amount === undefined || endsAtSeconds === undefined)
    throw new SdkError('store/corrupt', "An invoice in the wallet's store is damaged.")
  return { kind, preimage, amount, endsAtSeconds, state }
}

function stateItem(state: InvoiceRecord['state']): RlpItem {
  if (state.kind === 'open' || state.kind === 'back') return []
  return [fromHex(state.channel), quantity(state.kind === 'taken' ? state.id : state.number), quantity(state.amount)]
}

function stateFrom(
  kind: InvoiceRecord['state']['kind'] | undefined,
  item: RlpItem | undefined,
): InvoiceRecord['state'] | undefined {
  if (kind === 'open' || kind === 'back') return { kind }
  const parts = asList(item, 3)
  const name = asFixed(parts?.[0], 32)
  const number = asNumber(parts?.[1], Number.MAX_SAFE_INTEGER)
  const amount = asMsats(parts?.[2])
  if (!kind || !name || number === undefined || amount === undefined) return undefined
  const channel = channelId(toHex(name))
  return kind === 'taken' ? { kind, channel, id: number, amount } : { kind, channel, number, amount }
}
