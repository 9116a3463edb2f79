import { type Network, txidBytes, txidOf } from '../../bitcoin/index.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../rlp.ts'
import { asBytes, asFixed, asList, asMsats, asName, asNumber, asSats } from '../fields.ts'
import { type Draft, keysFault, type Opening, rangeFault, type SideKeys, type Terms, termsFault } from './terms.ts'

/** By their number in encodings: only ever added to. */
const networkNames: readonly Network[] = ['mainnet', 'testnet4', 'signet', 'regtest']
/** A segwit program of 40 bytes at the longest. */
const scriptBytesMax = 42
const countMax = 1_000_000

/** Terms as an accepter publishes them. */
export function encodeTerms(terms: Terms): Uint8Array {
  return encodeRlp(termsItem(terms))
}

/** Reads terms, and refuses those that contradict themselves. Never throws. */
export function decodeTerms(bytes: Uint8Array): Decoded<Terms> {
  const item = decodeRlp(bytes)
  return item.ok ? termsFrom(item.value) : item
}

/** Terms as an item of a larger encoding. */
export function termsItem(terms: Terms): RlpItem {
  return [
    quantity(networkNames.indexOf(terms.network)),
    terms.nodeKey,
    quantity(terms.feeratePerKw),
    quantity(terms.delayBlocks),
    quantity(terms.confirmationsMin),
    quantity(terms.capacityMin),
    quantity(terms.capacityMax),
    quantity(terms.amountMin),
    quantity(terms.inFlightMax),
    quantity(terms.htlcsMax),
    quantity(terms.marginBlocks),
  ]
}

/** A draft as an item of a larger encoding. */
export function draftItem({ terms, capacity, pushed, keys }: Draft): RlpItem {
  return [termsItem(terms), quantity(capacity), quantity(pushed), keysItem(keys)]
}

/** Reads a draft, and refuses one that its own terms would not allow. Never throws. */
export function draftFrom(item: RlpItem | undefined): Decoded<Draft> {
  const parts = asList(item, 4)
  if (!parts) return refused('the draft has the wrong shape')
  const terms = termsFrom(parts[0])
  if (!terms.ok) return terms
  const capacity = asSats(parts[1])
  const pushed = asMsats(parts[2])
  const keys = keysFrom(parts[3])
  if (capacity === undefined || pushed === undefined || !keys) return refused('a field of the draft is malformed')
  const draft = { terms: terms.value, capacity, pushed, keys }
  const fault = rangeFault(draft)
  return fault ? refused(`the draft is not allowed by its terms: ${fault}`) : accepted(draft)
}

/** A side's keys as an item of a larger encoding. */
export function keysItem({ funding, revocation, payment, delayed, htlc, points, closingScript }: SideKeys): RlpItem {
  return [funding, revocation, payment, delayed, htlc, ...points, closingScript]
}

/** Reads a side's keys; nothing when one of them is malformed. */
export function keysFrom(item: RlpItem | undefined): SideKeys | undefined {
  const parts = asList(item, 8)
  const [funding, revocation, payment, delayed, htlc, first, second] = (parts ?? []).map((part) => asFixed(part, 33))
  const closingScript = asBytes(parts?.[7], scriptBytesMax)
  if (!funding || !revocation || !payment || !delayed || !htlc || !first || !second || !closingScript) return undefined
  const keys: SideKeys = { funding, revocation, payment, delayed, htlc, points: [first, second], closingScript }
  return keysFault(keys) ? undefined : keys
}

/** An opening as an item of a larger encoding. */
export function openingItem({ draft, accepterKeys, funding }: Opening): RlpItem {
  return [draftItem(draft), keysItem(accepterKeys), outpointItem(funding)]
}

/** Reads an opening from an item of a larger encoding. Never throws. */
export function openingFrom(item: RlpItem | undefined): Decoded<Opening> {
  const parts = asList(item, 3)
  const draft = draftFrom(parts?.[0])
  if (!draft.ok) return draft
  const accepterKeys = keysFrom(parts?.[1])
  const funding = outpointFrom(parts?.[2])
  return accepterKeys && funding
    ? accepted({ draft: draft.value, accepterKeys, funding })
    : refused('a field of the opening is malformed')
}

/** An outpoint as an item of a larger encoding. */
export function outpointItem({ txid, index }: Opening['funding']): RlpItem {
  return [txidBytes(txid), quantity(index)]
}

/** Reads an outpoint; nothing when it is malformed. */
export function outpointFrom(item: RlpItem | undefined): Opening['funding'] | undefined {
  const parts = asList(item, 2)
  const txid = asFixed(parts?.[0], 32)
  const index = asNumber(parts?.[1], 0xffff_ffff)
  return txid && index !== undefined ? { txid: txidOf(txid), index } : undefined
}

function termsFrom(item: RlpItem | undefined): Decoded<Terms> {
  const parts = asList(item, 11)
  if (!parts) return refused('the terms have the wrong shape')
  const network = asName(parts[0], networkNames)
  const nodeKey = asFixed(parts[1], 33)
  const [feeratePerKw, delayBlocks, confirmationsMin] = parts.slice(2, 5).map((part) => asNumber(part, countMax))
  const [capacityMin, capacityMax] = parts.slice(5, 7).map(asSats)
  const [amountMin, inFlightMax] = parts.slice(7, 9).map(asMsats)
  const [htlcsMax, marginBlocks] = parts.slice(9, 11).map((part) => asNumber(part, countMax))
  if (!network || !nodeKey || feeratePerKw === undefined || delayBlocks === undefined)
    return refused('a field of the terms is malformed')
  if (confirmationsMin === undefined || htlcsMax === undefined || marginBlocks === undefined)
    return refused('a count of the terms is malformed')
  if (capacityMin === undefined || capacityMax === undefined || amountMin === undefined || inFlightMax === undefined)
    return refused('an amount of the terms is malformed')
  const counts = { feeratePerKw, delayBlocks, confirmationsMin, htlcsMax, marginBlocks }
  const terms = { network, nodeKey, capacityMin, capacityMax, amountMin, inFlightMax, ...counts }
  const fault = termsFault(terms)
  return fault ? refused(fault) : accepted(terms)
}
