import {
  channelIdOf,
  channelOf,
  decodeMessage,
  decodeTerms,
  encodeMessage,
  encodePayee,
  encodeTerms,
  type Fault,
  isAuthentic,
  isFromPayer,
  type Opening,
  type OpeningFault,
  openingFault,
  openPayee,
  type Payee,
  payeeStep,
  type Terms,
} from '../channel/index.ts'
import { refused, SdkError } from '../errors.ts'
import { type ChannelId, type Sats, sameBytes } from '../units.ts'
import { archiveWrites, type Income, incomeOf } from './books.ts'
import {
  bestCloseAt,
  channelAt,
  closeDesk,
  type Desk,
  type DeskWorld,
  isFromPeer,
  linkKeyFor,
  openDesk,
  removeDesk,
  takeMessage,
  watchDesk,
} from './desk.ts'
import { forgetQuotes, isCovered, paymentOf, standingQuote, storeQuote } from './goods.ts'
import type { Deposit, TillWorld } from './ports.ts'
import { idOfKey, keys, type Payment, paymentIdOfKey, type Quote } from './records.ts'

/** Most channels that have not ended for good. */
export const channelsMax = 10_000
/** Most of them that wait for their first payment. */
export const waitingMax = 1_000
/** A channel that nobody funds within so many blocks is forgotten. */
export const fundingBlocksMax = 144
/** A channel has ended for good when its ending lies so deep. */
export const finalBlocks = 144
/** Most quotes that wait for their payment. */
export const quotesMax = 10_000
/** How long a quote stands where nothing else is said: an hour. */
export const quoteMsDefault = 3_600_000
/** How old a view of the chain may be when a payment is judged by it, where nothing else is said: a minute. */
export const viewMsDefault = 60_000

/** How a till is opened. */
export interface TillOptions extends TillWorld {
  /** What is asked of payers from now on; channels that are open keep theirs. */
  readonly terms: Terms
  /**
   * Most that a channel's payments may be worth beyond the closing left with its box. [OW25]
   *
   * Funds at risk: this is lost per channel when the store is. Zero leaves a closing with the box at every payment.
   */
  readonly undepositedMax: Sats
  readonly viewMsMax?: number
}

/** What became of a message. A fault was answered; nonsense is not. */
export type Taken =
  | { readonly ok: true; readonly channelId: ChannelId; readonly fault: Fault | OpeningFault | null }
  | { readonly ok: false; readonly reason: string }

/** What could not be looked after, and why. It is tried again by the next watch. */
export interface Neglect {
  readonly channelId: ChannelId
  readonly error: unknown
}

/**
 * The payee's side of all its channels, by the rules of `sdk/channel/SPEC.md`.
 *
 * Everything it knows is in the store, so it can be opened on it again at any point. Calls throw `store/...`, `node/...`,
 * `relay/...` or `signer/...` when the world fails; the same may then be asked again.
 */
export interface Till {
  readonly terms: Terms
  /**
   * Takes a message of a payer, and resolves when what comes of it is stored and the answer lies in the box. Whoever
   * reads the mailbox strikes the message off only then.
   */
  readonly take: (message: Uint8Array) => Promise<Taken>
  /**
   * Looks at the chain for every channel: closes what is due, broadcasts again, leaves closings with the boxes, forgets
   * what was never funded.
   *
   * Funds at risk: a channel that is not watched once in its `marginBlocks` can be lost to the refund. Call it at every block.
   */
  readonly watch: () => Promise<readonly Neglect[]>
  /** Sets the price of a payment id (16 bytes). The first price stands until it expires or is paid; it is returned. */
  readonly quote: (paymentId: Uint8Array, price: Sats, validMs?: number) => Promise<Quote>
  /**
   * Whether goods may be given: the payment is stored, and covered by a deposited closing or the chain. [OW15] [OW25]
   * Reads the store alone.
   */
  readonly isPaid: (paymentId: Uint8Array) => Promise<boolean>
  /** The payment of an id as it was charged, or nothing. Whether goods may be given is {@link Till.isPaid}'s to say. */
  readonly payment: (paymentId: Uint8Array) => Promise<Payment | null>
  /** The ids of all payments that were ever charged: with {@link Till.payment} a ledger, to be held against the income. */
  readonly payments: () => Promise<readonly Uint8Array[]>
  /** Ends a channel now with its best update. Nothing happens where there is no such channel. */
  readonly close: (channel: ChannelId) => Promise<void>
  /** The fully signed closing of the best update, for the channel box; nothing before the first payment. */
  readonly bestClose: (channel: ChannelId) => Promise<Deposit | null>
  /** One channel as it is stored, unless it has ended for good. */
  readonly channel: (channel: ChannelId) => Promise<Payee | null>
  /** Channels that have not ended for good. */
  readonly channels: () => readonly ChannelId[]
  readonly income: () => Promise<Income>
}

/** Opens the till on what its store holds. Throws `store/corrupt`, and whatever the store does. */
export function createTill(options: TillOptions): Promise<Till> {
  return openTill(options, payeeStep)
}

/** {@link createTill} with another step: for simulations, which must notice a wrong one. */
export async function openTill(options: TillOptions, step: typeof payeeStep): Promise<Till> {
  const { store, terms, viewMsMax = viewMsDefault } = options
  await checkTerms(options)
  const world = { ...options, step, viewMsMax }
  const ids = (await store.keys(keys.channels)).map(idOfKey)
  const desks = new Map(ids.map((id) => [id, openDesk(id, world)]))
  const quotes = (await store.keys(keys.quotes)).length
  const state: State = { world, terms, desks, quotes, turn: Promise.resolve() }
  const atDesk = async <value>(id: ChannelId, run: (desk: Desk) => Promise<value>) => {
    const desk = desks.get(id)
    return desk ? run(desk) : null
  }
  return {
    terms,
    take: (message) => take(state, message),
    watch: () => watch(state),
    quote: (paymentId, price, validMs = quoteMsDefault) => quote(state, paymentId, price, validMs),
    isPaid: (paymentId) => isCovered(store, paymentId, options.undepositedMax),
    payment: (paymentId) => paymentOf(store, paymentId),
    payments: async () => (await store.keys(keys.payments)).map(paymentIdOfKey),
    close: async (id) => {
      await atDesk(id, closeDesk)
    },
    bestClose: (id) => atDesk(id, bestCloseAt),
    channel: (id) => atDesk(id, channelAt),
    channels: () => [...desks.keys()],
    income: async () => incomeOf(store, await Promise.all([...desks.values()].map(channelAt))),
  }
}

/** A till with terms that it could not keep would find out when it closes. */
async function checkTerms({ terms, signer }: TillOptions): Promise<void> {
  const read = decodeTerms(encodeTerms(terms))
  if (!read.ok) throw new SdkError('till/malformed-terms', `The terms do not hold together: ${read.reason}.`)
  const keysHeld = await signer.publicKeys()
  if (!keysHeld.some((key) => sameBytes(key, terms.payeeKey)))
    throw new SdkError(
      'till/malformed-terms',
      'The signer does not hold the key of the terms, so nothing could be closed.',
    )
}

interface State {
  readonly world: DeskWorld
  readonly terms: Terms
  readonly desks: Map<ChannelId, Desk>
  /** As many as are stored, or more: paid ones are counted until the next count. */
  quotes: number
  /** New channels are taken one at a time, so that limits hold and one opening has one desk. */
  turn: Promise<unknown>
}

async function take(state: State, bytes: Uint8Array): Promise<Taken> {
  const envelope = decodeMessage(bytes)
  if (!envelope.ok) return envelope
  const { message } = envelope.value
  if (!isFromPayer(message)) return refused('the message is one that a payee sends')
  const channelId = channelOf(message)
  const desk = state.desks.get(channelId)
  if (desk) {
    if (!(await isFromPeer(desk, envelope.value))) return refused(unauthentic)
    return { ok: true, channelId, fault: await takeMessage(desk, message) }
  }
  if (message.type !== 'open') return refused('the channel is not at this till')
  const { opening } = message
  // Nothing can be said to the payer of a key that is not ours.
  if (!sameBytes(opening.terms.payeeKey, state.terms.payeeKey)) return refused('the opening is for another payee')
  const linkKey = await linkKeyFor(state.world, opening)
  if (!isAuthentic(envelope.value, linkKey)) return refused(unauthentic)
  const end = state.turn.then(() => takeOpening(state, opening, linkKey))
  state.turn = end.catch(() => undefined)
  return { ok: true, channelId, fault: await end }
}

const unauthentic = 'the message does not come from the payer of its channel'

async function takeOpening(state: State, opening: Opening, linkKey: Uint8Array): Promise<Fault | OpeningFault | null> {
  const { desks, world, terms } = state
  const id = channelIdOf(opening)
  // A channel may have been stored although that was said to fail.
  const isStored = desks.has(id) || (await world.store.get(keys.channel(id))) !== undefined
  if (isStored) return takeMessage(deskOf(state, id), { type: 'open', opening })
  const view = await world.chain.view(opening)
  const fault = openingFault(opening, terms, view.height) ?? (await placeFault(state, opening))
  if (fault) {
    await world.link.send(id, encodeMessage({ type: 'declined', channelId: id, fault }, linkKey))
    return fault
  }
  // OW7: the outpoint's record makes a second channel on one output a conflict.
  await world.store.commit([
    { key: keys.channel(id), expected: 0, bytes: encodePayee(openPayee(opening, view.height)) },
    { key: keys.funding(opening), expected: 0, bytes: new TextEncoder().encode(id) },
  ])
  return takeMessage(deskOf(state, id), { type: 'open', opening })
}

/** The desk of a channel that is stored. */
function deskOf({ desks, world }: State, id: ChannelId): Desk {
  const desk = desks.get(id) ?? openDesk(id, world)
  desks.set(id, desk)
  return desk
}

/** Whether the outpoint is free, and there is room for one more channel. [OW7] */
async function placeFault({ desks, world }: State, opening: Opening): Promise<OpeningFault | null> {
  if (await world.store.get(keys.funding(opening))) return 'funding-taken'
  if (desks.size >= channelsMax) return 'busy'
  if (desks.size < waitingMax) return null
  const channels = await Promise.all([...desks.values()].map(channelAt))
  return channels.filter(({ best }) => !best).length >= waitingMax ? 'busy' : null
}

async function watch(state: State): Promise<readonly Neglect[]> {
  const neglected: Neglect[] = []
  for (const desk of [...state.desks.values()]) {
    try {
      await watchOne(state, desk)
    } catch (error) {
      // One channel's trouble must not make another one miss its expiry.
      neglected.push({ channelId: desk.id, error })
    }
  }
  return neglected
}

async function watchOne({ desks, world }: State, desk: Desk): Promise<void> {
  // A removal may have been stored although it was said to fail.
  if (!(await world.store.get(keys.channel(desk.id)))) {
    desks.delete(desk.id)
    return
  }
  const { channel, view } = await watchDesk(desk)
  const { opening, best, since } = channel
  if (!best && view.fundedAt === null && view.height - since >= fundingBlocksMax) {
    const key = keys.funding(opening)
    const funding = await world.store.get(key)
    await removeDesk(desk, [{ key, expected: funding?.version ?? 0, bytes: null }])
    desks.delete(desk.id)
  } else if (channel.phase === 'closed' && view.height - channel.ending.height >= finalBlocks) {
    await removeDesk(desk, await archiveWrites(world.store, channel))
    desks.delete(desk.id)
  }
}

async function quote(state: State, paymentId: Uint8Array, price: Sats, validMs: number): Promise<Quote> {
  const { store, clock } = state.world
  const now = clock.now()
  const sold = await paymentOf(store, paymentId)
  if (sold) return { price: sold.price, expiresAt: now }
  const { quote: standing, version } = await standingQuote(store, paymentId, now)
  if (standing) return standing
  if (state.quotes >= quotesMax) {
    await forgetQuotes(store, now)
    state.quotes = (await store.keys(keys.quotes)).length
    if (state.quotes >= quotesMax)
      throw new SdkError('till/busy', `${quotesMax} quotes wait for their payment.`, { retryable: true })
  }
  state.quotes += 1
  const made = { price, expiresAt: now + validMs }
  await storeQuote(store, paymentId, made, version)
  return made
}
