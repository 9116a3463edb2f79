import { accepted, type Decoded, refused, unreachable } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../rlp.ts'
import { type ChannelId, channelId, fromHex, type Height, height, toHex } from '../../units.ts'
import { asFixed, asList, asMsats, asName, asNumber } from '../fields.ts'
import { failReasons, type Htlc } from '../penalty/content.ts'
import type { Side } from '../penalty/terms.ts'
import { type Forward, type Hub, type Order, ordersMax } from './hub.ts'

const version = 1
/** Far above what terms allow: a record is not read for ever. */
const forwardsMax = 10_000
const sides: readonly Side[] = ['opener', 'accepter']
/** By their number in records: only ever added to. */
const kinds = ['waiting', 'out', 'paid', 'back', 'unsure'] as const
const heightMax = 499_999_999

/** Writes a hub's record. */
export function encodeHub({ orders, forwards }: Hub): Uint8Array {
  return encodeRlp([
    quantity(version),
    orders.map(({ paymentHash, to }) => [paymentHash, fromHex(to)]),
    forwards.map((one) => forwardItem(one, null)),
  ])
}

/** Payments over a channel as an item of its copy. [TW53] */
export function forwardsItem(here: ChannelId, forwards: readonly Forward[]): RlpItem {
  return forwards.map((one) => forwardItem(one, here))
}

/** Reads what {@link forwardsItem} wrote; nothing when it is malformed. */
export function forwardsFrom(here: ChannelId, item: RlpItem | undefined): readonly Forward[] | undefined {
  return listFrom(item, forwardsMax, (one) => forwardFrom(one, here))
}

/** @param here - The channel whose name is left out. */
function forwardItem({ from, htlc, to, amount, expiry, state }: Forward, here: ChannelId | null): RlpItem {
  const { by, id, paymentHash } = htlc
  return [
    channelItem(from, here),
    [quantity(sides.indexOf(by)), quantity(id), quantity(htlc.amount), paymentHash, quantity(htlc.expiry)],
    channelItem(to, here),
    ...[quantity(amount), quantity(expiry), quantity(kinds.indexOf(state.kind)), stateItem(state)],
  ]
}

/** Reads a hub's record. Never throws. */
export function decodeHub(bytes: Uint8Array): Decoded<Hub> {
  const rlp = decodeRlp(bytes)
  if (!rlp.ok) return rlp
  const [head, ordersPart, forwardsPart] = asList(rlp.value, 3) ?? []
  if (asNumber(head, version) !== version) return refused('the record is of another version')
  const orders = listFrom(ordersPart, ordersMax, orderFrom)
  const forwards = listFrom(forwardsPart, forwardsMax, (item) => forwardFrom(item, null))
  return orders && forwards ? accepted({ orders, forwards }) : refused('the record is not of its shape')
}

function stateItem(state: Forward['state']): RlpItem {
  switch (state.kind) {
    case 'waiting':
    case 'unsure':
      return new Uint8Array(0)
    case 'out':
      return quantity(state.id)
    case 'paid':
      return state.preimage
    case 'back':
      return quantity(failReasons.indexOf(state.reason))
    default:
      return unreachable(state)
  }
}

function stateFrom(kind: (typeof kinds)[number] | undefined, item: RlpItem | undefined): Forward['state'] | undefined {
  if (kind === 'waiting' || kind === 'unsure') return asFixed(item, 0) && { kind }
  if (kind === 'out') {
    const id = asNumber(item, Number.MAX_SAFE_INTEGER)
    return id === undefined ? undefined : { kind, id }
  }
  if (kind === 'paid') {
    const preimage = asFixed(item, 32)
    return preimage && { kind, preimage }
  }
  const reason = asName(item, failReasons)
  return kind && reason && { kind, reason }
}

function orderFrom(item: RlpItem): Order | undefined {
  const [hash, to] = asList(item, 2) ?? []
  const paymentHash = asFixed(hash, 32)
  const channel = channelFrom(to, null)
  return paymentHash && channel && { paymentHash, to: channel }
}

function forwardFrom(item: RlpItem, here: ChannelId | null): Forward | undefined {
  const [fromItem, htlcItem, toItem, amountItem, expiryItem, kindItem, rest] = asList(item, 7) ?? []
  const [from, to, htlc] = [channelFrom(fromItem, here), channelFrom(toItem, here), htlcFrom(htlcItem)]
  const [amount, expiry] = [asMsats(amountItem), heightFrom(expiryItem)]
  const state = stateFrom(asName(kindItem, kinds), rest)
  if (!from || !to || !htlc || amount === undefined || expiry === undefined || !state) return undefined
  return { from, htlc, to, amount, expiry, state }
}

function htlcFrom(item: RlpItem | undefined): Htlc | undefined {
  const [byItem, idItem, amountItem, hashItem, expiryItem] = asList(item, 5) ?? []
  const [by, id, amount] = [asName(byItem, sides), asNumber(idItem, Number.MAX_SAFE_INTEGER), asMsats(amountItem)]
  const [paymentHash, expiry] = [asFixed(hashItem, 32), heightFrom(expiryItem)]
  if (!by || id === undefined || amount === undefined || !paymentHash || expiry === undefined) return undefined
  return { by, id, amount, paymentHash, expiry }
}

function channelItem(channel: ChannelId, here: ChannelId | null): Uint8Array {
  return channel === here ? new Uint8Array(0) : fromHex(channel)
}

function channelFrom(item: RlpItem | undefined, here: ChannelId | null): ChannelId | undefined {
  if (here && asFixed(item, 0)) return here
  const bytes = asFixed(item, 32)
  return bytes && channelId(toHex(bytes))
}

function heightFrom(item: RlpItem | undefined): Height | undefined {
  const value = asNumber(item, heightMax)
  return value === undefined ? undefined : height(value)
}

function listFrom<value>(
  item: RlpItem | undefined,
  max: number,
  read: (item: RlpItem) => value | undefined,
): readonly value[] | undefined {
  if (item === undefined || item instanceof Uint8Array || item.length > max) return undefined
  const values = item.map(read)
  return values.every((value) => value !== undefined) ? values : undefined
}
