import { quantity, type RlpItem } from '../../rlp.ts'
import { height, type Msats } from '../../units.ts'
import { asFixed, asList, asMsats, asName, asNumber } from '../fields.ts'
import type { CommitmentSignatures } from './commitments.ts'
import { type Change, changesMax, failReasons, paymentIdBytes } from './content.ts'
import { htlcsMaxMax } from './terms.ts'

/** By their number in encodings: only ever added to. */
const types = ['pay', 'add', 'fulfil', 'fail'] as const
/** Most HTLCs that a side ever adds: four bytes of them. */
export const htlcIdMax = 2 ** 32 - 1
/** Beyond it nLockTime counts seconds. */
export const expiryMax = 499_999_999

/** A batch as an item of a larger encoding. */
export function changesItem(changes: readonly Change[]): RlpItem {
  return changes.map((change) => {
    const type = quantity(types.indexOf(change.type))
    switch (change.type) {
      case 'pay':
        return [type, quantity(change.amount), change.paymentId]
      case 'add':
        return [type, quantity(change.id), quantity(change.amount), change.paymentHash, quantity(change.expiry)]
      case 'fulfil':
        return [type, quantity(change.id), change.preimage]
      default:
        return [type, quantity(change.id), quantity(failReasons.indexOf(change.reason))]
    }
  })
}

/** Reads a batch of up to {@link changesMax}; nothing when it is malformed. Whether it may be made, the channel judges. */
export function changesFrom(item: RlpItem | undefined): readonly Change[] | undefined {
  if (item === undefined || item instanceof Uint8Array || item.length > changesMax) return undefined
  const changes = item.map(changeFrom)
  return changes.every((change) => change !== undefined) ? (changes as readonly Change[]) : undefined
}

/** Signatures as an item of a larger encoding. */
export function signaturesItem({ signature, htlcs }: CommitmentSignatures): RlpItem {
  return [signature, ...htlcs]
}

/** Reads signatures of a commitment and its HTLC transactions; nothing when they are malformed. */
export function signaturesFrom(item: RlpItem | undefined): CommitmentSignatures | undefined {
  if (item === undefined || item instanceof Uint8Array || item.length > 1 + 2 * htlcsMaxMax) return undefined
  const [signature, ...htlcs] = item.map((part) => asFixed(part, 64))
  if (!signature || !htlcs.every((one) => one !== undefined)) return undefined
  return { signature, htlcs: htlcs as readonly Uint8Array[] }
}

function changeFrom(item: RlpItem): Change | undefined {
  if (item instanceof Uint8Array) return undefined
  const type = asName(item[0], types)
  if (type === 'add') return addFrom(item)
  const parts = asList(item, 3)
  if (type === 'pay') {
    const [amount, paymentId] = [asMsats(parts?.[1]), asFixed(parts?.[2], paymentIdBytes)]
    return amount === undefined || !paymentId ? undefined : { type, amount, paymentId }
  }
  const id = asNumber(parts?.[1], htlcIdMax)
  if (type === undefined || id === undefined) return undefined
  if (type === 'fulfil') {
    const preimage = asFixed(parts?.[2], 32)
    return preimage && { type, id, preimage }
  }
  const reason = asName(parts?.[2], failReasons)
  return reason && { type, id, reason }
}

function addFrom(item: readonly RlpItem[]): Change | undefined {
  const htlc = htlcFieldsFrom(asList(item, 5)?.slice(1))
  return htlc && { type: 'add', ...htlc }
}

/** Reads id, amount, hash and expiry of an HTLC; nothing when one of them is malformed. */
export function htlcFieldsFrom(parts: readonly RlpItem[] | undefined) {
  const id = asNumber(parts?.[0], htlcIdMax)
  const amount: Msats | undefined = asMsats(parts?.[1])
  const paymentHash = asFixed(parts?.[2], 32)
  const expiry = asNumber(parts?.[3], expiryMax)
  if (id === undefined || amount === undefined || !paymentHash || !expiry) return undefined
  return { id, amount, paymentHash, expiry: height(expiry) }
}
