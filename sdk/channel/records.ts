import { txidBytes, txidOf } from '../bitcoin/index.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../rlp.ts'
import { type ChannelId, height } from '../units.ts'
import { asBytes, asFixed, asList, asName, asNumber, asOptional, asSats } from './fields.ts'
import { updateFrom, updateItem } from './messages.ts'
import { channelIdOf, type Opening, openingFaults, openingFrom, openingItem, payableMax } from './opening.ts'
import type { Payee, SignedClosing } from './payee.ts'
import type { CloseAsk, Payer } from './payer.ts'
import { type Mark, updateNumberMax } from './update.ts'
import type { Ending } from './view.ts'

/** Longest funding transaction: what nodes relay weighs 400,000 at the most, and no byte weighs less than one. */
export const fundingBytesMax = 400_000

const version = 1
/** By their number in records: only ever added to. */
const payeePhases = ['open', 'closing', 'closed'] as const
const payerPhases = ['offered', 'declined', 'funding', 'open', 'closing', 'refunding', 'closed'] as const

/** The payee's record of a channel: all of it, so that nothing else need be kept. */
export function encodePayee(channel: Payee): Uint8Array {
  const { phase, opening, since, best, spent } = channel
  const common = [quantity(since), best ? updateItem(best) : [], quantity(spent)]
  return encodeRecord(payeePhases.indexOf(phase), opening, common, payeeRest(channel))
}

/** Reads a record of {@link encodePayee}, of this version. Refuses one that no channel could have left. Never throws. */
export function decodePayee(bytes: Uint8Array): Decoded<Payee> {
  const record = decodeRecord(bytes, payeePhases)
  if (!record.ok) return record
  const { phase, opening, id, common, rest } = record.value
  const parts = asList(common, 3)
  const since = asNumber(parts?.[0], heightMax)
  const best = asOptional(parts?.[1], (item) => updateFrom(id, item))
  const spent = asSats(parts?.[2])
  if (since === undefined || best === undefined || spent === undefined)
    return refused('a field of the record is malformed')
  const paid = best?.paid ?? 0n
  if (spent > paid || paid > payableMax(opening)) return refused('the amounts of the record contradict each other')
  const shared = { opening, since: height(since), best, spent }
  switch (phase) {
    case 'open':
      return asList(rest, 0) ? accepted({ phase, ...shared }) : noEnd
    case 'closing': {
      const closing = asOptional(asList(rest, 1)?.[0], closingFrom)
      return closing === undefined ? noEnd : accepted({ phase, ...shared, closing })
    }
    default: {
      const ends = asList(rest, 2)
      const closing = asOptional(ends?.[0], closingFrom)
      const ending = endingFrom(ends?.[1])
      return closing === undefined || !ending ? noEnd : accepted({ phase, ...shared, closing, ending })
    }
  }
}

/** The payer's record of a channel: all of it but the key, which comes from the seed. */
export function encodePayer(channel: Payer): Uint8Array {
  const { phase, opening, fundingTransaction, signed, best, spent, pending } = channel
  const common = [
    fundingTransaction,
    markItem(signed),
    markItem(best),
    quantity(spent),
    pending ? updateItem(pending) : [],
  ]
  return encodeRecord(payerPhases.indexOf(phase), opening, common, payerRest(channel))
}

/** Reads a record of {@link encodePayer}, of this version. Refuses one that no channel could have left. Never throws. */
export function decodePayer(bytes: Uint8Array): Decoded<Payer> {
  const record = decodeRecord(bytes, payerPhases)
  if (!record.ok) return record
  const { phase, opening, id, common, rest } = record.value
  const parts = asList(common, 5)
  const fundingTransaction = asBytes(parts?.[0], fundingBytesMax)
  const signed = markFrom(parts?.[1])
  const best = markFrom(parts?.[2])
  const spent = asSats(parts?.[3])
  const pending = asOptional(parts?.[4], (item) => updateFrom(id, item))
  if (!fundingTransaction || !signed || !best || spent === undefined || pending === undefined)
    return refused('a field of the record is malformed')
  const isOrdered = best.number <= signed.number && best.paid <= signed.paid && spent <= best.paid
  const isLast = !pending || (pending.number === signed.number && pending.paid === signed.paid)
  if (!isOrdered || !isLast || signed.paid > payableMax(opening))
    return refused('the amounts of the record contradict each other')
  const shared = { opening, fundingTransaction, signed, best, spent, pending }
  switch (phase) {
    case 'declined': {
      const fault = asName(asList(rest, 1)?.[0], openingFaults)
      return fault ? accepted({ phase, ...shared, fault }) : noEnd
    }
    case 'closing': {
      const ask = asOptional(asList(rest, 1)?.[0], askFrom)
      return ask === undefined ? noEnd : accepted({ phase, ...shared, ask })
    }
    case 'refunding': {
      const transaction = asBytes(asList(rest, 1)?.[0])
      return transaction ? accepted({ phase, ...shared, transaction }) : noEnd
    }
    case 'closed': {
      const ending = endingFrom(asList(rest, 1)?.[0])
      return ending ? accepted({ phase, ...shared, ending }) : noEnd
    }
    default:
      return asList(rest, 0) ? accepted({ phase, ...shared }) : noEnd
  }
}

const heightMax = 499_999_999
const noEnd = /* @__PURE__ */ refused('what belongs to the phase is malformed')

function encodeRecord(phase: number, opening: Opening, common: RlpItem, rest: RlpItem): Uint8Array {
  return encodeRlp([quantity(version), quantity(phase), openingItem(opening), common, rest])
}

interface RecordParts<phase> {
  readonly phase: phase
  readonly opening: Opening
  readonly id: ChannelId
  readonly common: RlpItem | undefined
  /** What this phase alone has. */
  readonly rest: RlpItem | undefined
}

function decodeRecord<phase extends string>(bytes: Uint8Array, phases: readonly phase[]): Decoded<RecordParts<phase>> {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 5) : undefined
  if (!parts) return refused('the record has the wrong shape')
  if (asNumber(parts[0], version) !== version) return refused('the record is of another version')
  const phase = asName(parts[1], phases)
  if (!phase) return refused('the phase of the record is unknown')
  const opening = openingFrom(parts[2])
  if (!opening.ok) return opening
  return accepted({
    phase,
    opening: opening.value,
    id: channelIdOf(opening.value),
    common: parts[3],
    rest: parts[4],
  })
}

function payeeRest(channel: Payee): RlpItem {
  if (channel.phase === 'open') return []
  const closing = channel.closing ? closingItem(channel.closing) : []
  return channel.phase === 'closing' ? [closing] : [closing, endingItem(channel.ending)]
}

function payerRest(channel: Payer): RlpItem {
  switch (channel.phase) {
    case 'declined':
      return [quantity(openingFaults.indexOf(channel.fault))]
    case 'closing':
      return [channel.ask ? askItem(channel.ask) : []]
    case 'refunding':
      return [channel.transaction]
    case 'closed':
      return [endingItem(channel.ending)]
    default:
      return []
  }
}

function markItem({ number, paid }: Mark): RlpItem {
  return [quantity(number), quantity(paid)]
}

function markFrom(item: RlpItem | undefined): Mark | undefined {
  const parts = asList(item, 2)
  const number = asNumber(parts?.[0], updateNumberMax)
  const paid = asSats(parts?.[1])
  return number === undefined || paid === undefined ? undefined : { number, paid }
}

function closingItem({ fee, transaction }: SignedClosing): RlpItem {
  return [quantity(fee), transaction]
}

function closingFrom(item: RlpItem | undefined): SignedClosing | undefined {
  const parts = asList(item, 2)
  const fee = asSats(parts?.[0])
  const transaction = asBytes(parts?.[1])
  return fee === undefined || !transaction ? undefined : { fee, transaction }
}

function askItem({ number, fee, signature }: CloseAsk): RlpItem {
  return [quantity(number), quantity(fee), signature]
}

function askFrom(item: RlpItem | undefined): CloseAsk | undefined {
  const parts = asList(item, 3)
  const number = asNumber(parts?.[0], updateNumberMax)
  const fee = asSats(parts?.[1])
  const signature = asFixed(parts?.[2], 64)
  return number === undefined || fee === undefined || !signature ? undefined : { number, fee, signature }
}

function endingItem({ txid, height: at, toPayee, toPayer }: Ending): RlpItem {
  return [txidBytes(txid), quantity(at), quantity(toPayee), quantity(toPayer)]
}

function endingFrom(item: RlpItem | undefined): Ending | undefined {
  const parts = asList(item, 4)
  const txid = asFixed(parts?.[0], 32)
  const at = asNumber(parts?.[1], heightMax)
  const toPayee = asSats(parts?.[2])
  const toPayer = asSats(parts?.[3])
  if (!txid || at === undefined || toPayee === undefined || toPayer === undefined) return undefined
  return { txid: txidOf(txid), height: height(at), toPayee, toPayer }
}
