import type { Outpoint, Output } from '../../bitcoin/index.ts'
import {
  channelIdOf,
  decodeTerms,
  fundingOutput,
  type Opening,
  type OpeningFault,
  openingFault,
  openPayer,
  payableMax,
  type Terms,
} from '../../channel/index.ts'
import type { DraftFault } from '../../channel/penalty/index.ts'
import { SdkError } from '../../errors.ts'
import type { BitcoinSigner, Peers, Store, StoreWrite } from '../../ports.ts'
import { type ChannelId, type Feerate, type Height, height, type Sats, type Txid } from '../../units.ts'
import type { OneWayChannel } from './channel.ts'
import { encodePayerRecord, nextChannelIndex, type PayerRecord, payerKeys, peerBytesMax } from './payerRecord.ts'
import type { CoinsRefusal } from './payments.ts'
import type { TwoWayQuote, TwoWayWish } from './penalty/opening.ts'

/** Blocks until a channel expires, where nothing is said: a week. Held within the payee's range. */
export const expiryBlocksDefault = 1_008

/** What a channel that pays one payee is opened with. */
export interface OneWayWish {
  readonly kind?: 'one-way'
  /** The payee's address. */
  readonly peer: string
  readonly capacity: Sats
  readonly expiryBlocks?: number
  /** Of the funding transaction. */
  readonly feerate?: Feerate
}

/** A channel of either kind, as it is wished for. */
export type ChannelWish = OneWayWish | TwoWayWish

/** What a channel will cost, before anything is signed. */
export type ChannelQuote = OneWayQuote | TwoWayQuote

export interface OneWayQuote {
  readonly kind: 'one-way'
  readonly capacity: Sats
  /** Of the funding transaction. */
  readonly fundingFee: Sats
  /** Set aside for the closing, paid by the payer. */
  readonly closeFee: Sats
  /** Most that can be paid over it. */
  readonly payable: Sats
  /** Blocks until the payee takes payments. */
  readonly confirmationsMin: number
  readonly expiryBlocks: number
}

/** Why a channel is not opened. */
export interface ChannelRefusal {
  /** `evictable-store`: beyond what may be in one place that can be cleared. */
  readonly code:
    | OpeningFault
    | DraftFault
    | 'wrong-network'
    | 'malformed-terms'
    | 'evictable-store'
    | CoinsRefusal['code']
  readonly detail: string
}

/** Where the coins of a channel come from: see `createCoins`. */
export interface FundingSource {
  /** A fresh output script of the wallet. */
  readonly changeScript: () => Promise<Uint8Array>
  /** What a transaction with an output, and others beside it, would cost. */
  readonly quote: (
    output: Output,
    feerate: Feerate | undefined,
    beside?: readonly Output[],
  ) => Promise<Funded<{ readonly fee: Sats }>>
  /**
   * Signs a transaction that makes the output, and others beside it, and sets its coins aside. It is not sent. Its `writes` are to be
   * stored in one commit with what it is for; before that nothing holds the coins.
   */
  readonly reserve: (
    output: Output,
    feerate: Feerate | undefined,
    beside?: readonly Output[],
  ) => Promise<Funded<Reservation>>
  /** Gives the coins of a transaction back that never left. Calls may be repeated. */
  readonly release: (txid: Txid) => Promise<void>
  /** The transaction has left: its coins are gone. Calls may be repeated. */
  readonly markSent: (txid: Txid) => Promise<void>
}

export type Funded<value> =
  | ({ readonly ok: true } & value)
  | { readonly ok: false; readonly code: CoinsRefusal['code']; readonly detail: string }

export interface Reservation {
  readonly fee: Sats
  readonly transaction: Uint8Array
  readonly outpoint: Outpoint
  readonly writes: readonly StoreWrite[]
}

/** What opening a channel asks of the world. */
export interface OpeningWorld {
  readonly network: Terms['network']
  readonly store: Store
  readonly keys: Pick<BitcoinSigner, 'channelKey'>
  readonly peers: Peers
  readonly coins: FundingSource
  readonly tip: () => Promise<{ readonly height: Height }>
}

export type QuotedOneWay =
  | { readonly ok: true; readonly quote: OneWayQuote }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

export type OpenedOneWay =
  | { readonly ok: true; readonly channel: OneWayChannel }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

export type Stored =
  | { readonly ok: true; readonly id: ChannelId; readonly record: PayerRecord; readonly version: number }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

/** What a channel would cost now, and whether its payee and the coins allow it. Signs nothing. */
export async function quoteChannel(world: OpeningWorld, wish: OneWayWish): Promise<QuotedOneWay> {
  const draft = await draftOpening(world, wish, 0)
  if (!draft.ok) return draft
  const { opening, expiryBlocks } = draft.value
  const funded = await world.coins.quote(fundingOutput(opening), wish.feerate)
  if (!funded.ok) return { ok: false, refusal: funded }
  const { capacity, terms } = opening
  return {
    ok: true,
    quote: {
      kind: 'one-way',
      capacity,
      fundingFee: funded.fee,
      closeFee: terms.closeFee,
      payable: payableMax(opening),
      confirmationsMin: terms.confirmationsMin,
      expiryBlocks,
    },
  }
}

/** Signs a channel's funding, and stores it with the channel in one commit. Nothing has left. [OW23] */
export async function storeChannel(world: OpeningWorld, wish: OneWayWish): Promise<Stored> {
  const { index, write } = await nextChannelIndex(world.store)
  const draft = await draftOpening(world, wish, index)
  if (!draft.ok) return draft
  const reserved = await world.coins.reserve(fundingOutput(draft.value.opening), wish.feerate)
  if (!reserved.ok) return { ok: false, refusal: reserved }
  const opening: Opening = { ...draft.value.opening, funding: reserved.outpoint }
  const id = channelIdOf(opening)
  const record = { epoch: 1, index, peer: wish.peer, channel: openPayer(opening, reserved.transaction) }
  await world.store.commit([
    { key: payerKeys.channel(id), expected: 0, bytes: encodePayerRecord(record) },
    write,
    ...reserved.writes,
  ])
  return { ok: true, id, record, version: 1 }
}

type Draft =
  | { readonly ok: true; readonly value: { readonly opening: Opening; readonly expiryBlocks: number } }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

/** Everything of an opening but its outpoint, judged as the payee will judge it. */
async function draftOpening(world: OpeningWorld, wish: OneWayWish, index: number): Promise<Draft> {
  const no = (code: ChannelRefusal['code'], detail: string): Draft => ({ ok: false, refusal: { code, detail } })
  if (new TextEncoder().encode(wish.peer).length > peerBytesMax)
    throw new SdkError('units/out-of-range', `The address of a payee has at most ${peerBytesMax} bytes.`)
  const read = decodeTerms(await world.peers(wish.peer).terms())
  if (!read.ok) return no('malformed-terms', `The payee's terms do not hold together: ${read.reason}.`)
  const terms = read.value
  if (terms.network !== world.network)
    return no('wrong-network', `The payee is on ${terms.network}, the wallet on ${world.network}.`)
  const { height: now } = await world.tip()
  const { expiryBlocksMin, expiryBlocksMax } = terms
  const wanted = wish.expiryBlocks ?? Math.min(Math.max(expiryBlocksDefault, expiryBlocksMin), expiryBlocksMax)
  const opening: Opening = {
    terms,
    payerKey: await world.keys.channelKey(index),
    payerScript: await world.coins.changeScript(),
    capacity: wish.capacity,
    expiry: height(now + wanted),
    funding: { txid: noTxid, index: 0 },
  }
  const fault = openingFault(opening, terms, now)
  if (fault) return no(fault, sentenceOf(fault, terms))
  return { ok: true, value: { opening, expiryBlocks: wanted } }
}

const noTxid = '0'.repeat(64) as Txid

function sentenceOf(fault: OpeningFault, terms: Terms): string {
  if (fault === 'capacity-out-of-range')
    return `The payee takes channels of ${terms.capacityMin} to ${terms.capacityMax} sat.`
  if (fault === 'expiry-out-of-range')
    return `The payee takes channels of ${terms.expiryBlocksMin} to ${terms.expiryBlocksMax} blocks.`
  return `The payee would not take the channel: ${fault}.`
}
