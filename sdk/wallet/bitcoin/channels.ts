import { type Fault, type PayerFault, paymentIdBytes } from '../../channel/index.ts'
import { SdkError } from '../../errors.ts'
import type { Clock, Random } from '../../ports.ts'
import type { ChannelId, Feerate, Sats } from '../../units.ts'
import { describe, type OneWayChannel } from './channel.ts'
import {
  type OneWayWish,
  type OpenedOneWay,
  type OpeningWorld,
  type QuotedOneWay,
  quoteChannel,
  storeChannel,
} from './opening.ts'
import { within } from './patience.ts'
import {
  askClose,
  claimDesk,
  isOver,
  openDesk,
  type PayerDesk,
  type PayerWorld,
  readBox,
  signPayment,
  tendDesk,
} from './payerDesk.ts'
import { idOfPayerKey, payerKeys } from './payerRecord.ts'

/** Most channels a wallet has at a time, those that ended included. */
export const channelsMax = 1_000
/** Most payments that wait for earlier ones of their channel. */
export const waitingMax = 256
/** How long a payment waits for its answer, where nothing is said. */
export const answerMsDefault = 15_000

/** What became of a payment over a channel to one payee. */
export type OneWayOutcome =
  /** The payee has taken and charged it: `paid` and `spent` are the channel's totals with it. */
  | {
      readonly state: 'paid'
      readonly kind: 'one-way'
      readonly paymentId: Uint8Array
      readonly number: number
      readonly paid: Sats
      readonly spent: Sats
      readonly message: Uint8Array
    }
  /** Nothing was bought. What was signed for it is credit for the next payment. */
  | { readonly state: 'refused'; readonly fault: Fault | PayerFault }
  /** Stored and on its way, with no answer yet. It goes on by itself; paying the same id again buys nothing twice. */
  | { readonly state: 'pending'; readonly paymentId: Uint8Array; readonly message: Uint8Array }

/** How a payment is made. */
export interface PayOptions {
  /**
   * The payee's name for what is bought, 16 bytes; a random one where the payee asks for none. Over two-way channels a name is paid once,
   * however often it is asked for. [TW54]
   */
  readonly paymentId?: Uint8Array
  /** How long to wait for the answer. */
  readonly waitMs?: number
}

/** What the channels of a wallet work with. */
export interface ChannelsWorld extends Omit<PayerWorld, 'changed' | 'clock'>, Omit<OpeningWorld, 'store' | 'keys'> {
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** Told of every change, look at the chain and trouble of a channel. */
  readonly changed: (id: ChannelId) => void
}

/** The channels in one direction of one wallet. */
export interface Channels {
  readonly quote: (wish: OneWayWish) => Promise<QuotedOneWay>
  readonly open: (wish: OneWayWish) => Promise<OpenedOneWay>
  readonly pay: (id: ChannelId, amount: Sats, options?: PayOptions) => Promise<OneWayOutcome>
  readonly close: (id: ChannelId, options?: { readonly feerate?: Feerate }) => Promise<OneWayChannel>
  readonly list: () => readonly OneWayChannel[]
  readonly find: (id: ChannelId) => OneWayChannel | null
  /** Looks at the chain for every channel. */
  readonly tend: () => Promise<void>
}

interface State {
  readonly world: ChannelsWorld
  readonly payerWorld: PayerWorld
  readonly desks: Map<ChannelId, PayerDesk>
  /** Channels of which nothing more is to be done, and those whose funding is known to have left. */
  readonly done: Set<ChannelId>
  readonly sent: Set<ChannelId>
  /** Payments of a channel that wait for earlier ones. */
  readonly queues: Map<ChannelId, { waiting: number; turn: Promise<unknown> }>
  /** Channels are opened one at a time, so that keys and coins are used once. */
  turn: Promise<unknown>
}

/** Takes over every channel in the store, and looks after them until the wallet closes. Throws `store/...`. */
export async function openChannels(world: ChannelsWorld): Promise<Channels> {
  const payerWorld: PayerWorld = { ...world, changed: ({ id }) => world.changed(id) }
  const state: State = {
    world,
    payerWorld,
    desks: new Map(),
    done: new Set(),
    sent: new Set(),
    queues: new Map(),
    turn: Promise.resolve(),
  }
  for (const key of (await world.store.keys(payerKeys.channels)).slice(0, channelsMax)) {
    begin(state, await claimDesk(idOfPayerKey(key), payerWorld))
  }
  return {
    quote: (wish) => quoteChannel(world, wish),
    open: (wish) => {
      const end = state.turn.then(() => openChannel(state, wish))
      state.turn = end.catch(() => undefined)
      return end
    },
    pay: (id, amount, options = {}) => pay(state, id, { amount, ...options }),
    close: (id, options = {}) => closeChannel(state, id, options.feerate),
    list: () => [...state.desks.values()].map(describe),
    find: (id) => {
      const desk = state.desks.get(id)
      return desk ? describe(desk) : null
    },
    tend: () => tend(state),
  }
}

/** Reads the channel's box from now on. */
function begin(state: State, desk: PayerDesk): void {
  state.desks.set(desk.id, desk)
  if (isOver(desk)) return
  state.world.task(readBox(desk, state.world.signal))
}

async function openChannel(state: State, wish: OneWayWish): Promise<OpenedOneWay> {
  if (state.desks.size >= channelsMax)
    return { ok: false, refusal: { code: 'busy', detail: `The wallet has ${channelsMax} channels.` } }
  const stored = await storeChannel(state.world, wish)
  if (!stored.ok) return stored
  const desk = await openDesk(stored.id, state.payerWorld, stored.record, stored.version)
  begin(state, desk)
  await tendOne(state, desk)
  return { ok: true, channel: describe(desk) }
}

/** Payments of a channel are made one after the other. [OW16] */
function pay(state: State, id: ChannelId, payment: PayOptions & { readonly amount: Sats }): Promise<OneWayOutcome> {
  const desk = deskOf(state, id)
  const queue = state.queues.get(id) ?? { waiting: 0, turn: Promise.resolve() }
  state.queues.set(id, queue)
  if (queue.waiting >= waitingMax)
    throw new SdkError('wallet/busy', `${waitingMax} payments of this channel wait already.`, { retryable: true })
  queue.waiting += 1
  const end = queue.turn.then(() => payNow(state, desk, payment))
  queue.turn = end.then(
    () => {
      queue.waiting -= 1
    },
    () => {
      queue.waiting -= 1
    },
  )
  return end
}

async function payNow(
  { world }: State,
  desk: PayerDesk,
  payment: PayOptions & { readonly amount: Sats },
): Promise<OneWayOutcome> {
  const { amount, paymentId = world.random(paymentIdBytes), waitMs = answerMsDefault } = payment
  if (paymentId.length !== paymentIdBytes)
    throw new SdkError('units/malformed', `A payment id has ${paymentIdBytes} bytes.`)
  const signed = await signPayment(desk, { amount, paymentId })
  if (!signed.ok) return { state: 'refused', fault: signed.fault }
  const { message } = signed
  const answer = await within(signed.answer, world, waitMs)
  if (answer === undefined) return { state: 'pending', paymentId, message }
  if (answer !== null) return { state: 'refused', fault: answer }
  const { best, spent } = desk.known.channel
  return { state: 'paid', kind: 'one-way', paymentId, number: signed.number, paid: best.paid, spent, message }
}

async function closeChannel(state: State, id: ChannelId, feerate: Feerate | undefined): Promise<OneWayChannel> {
  const desk = deskOf(state, id)
  const fault = await askClose(desk, feerate ?? (await state.world.chain.feerate()))
  // A fee that leaves nothing: the one that no payee refuses.
  if (fault === 'insufficient') await askClose(desk, null)
  else if (fault && desk.known.channel.phase !== 'closed' && desk.known.channel.phase !== 'refunding')
    throw new SdkError(
      'wallet/channel-not-open',
      `The channel cannot be closed now: it is ${desk.known.channel.phase}.`,
    )
  return describe(desk)
}

async function tend(state: State): Promise<void> {
  for (const desk of [...state.desks.values()])
    if (!state.done.has(desk.id) && !desk.isElsewhere) await tendOne(state, desk)
}

async function tendOne({ world, done, sent }: State, desk: PayerDesk): Promise<void> {
  const { opening, phase } = desk.known.channel
  try {
    if (phase !== 'offered' && phase !== 'declined' && !sent.has(desk.id)) {
      await world.coins.markSent(opening.funding.txid)
      sent.add(desk.id)
    }
    if (phase === 'declined') await world.coins.release(opening.funding.txid)
    // The payee has to know of the box before anything in it is read.
    if (phase === 'offered') await world.peers(desk.known.peer).announce(desk.id)
    if (isOver(desk)) done.add(desk.id)
    else await tendDesk(desk)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    if (!isElsewhereError(error)) desk.trouble = error // Stored and waiting: the next look tries again.
  }
}

function deskOf({ desks }: State, id: ChannelId): PayerDesk {
  const desk = desks.get(id)
  if (!desk) throw new SdkError('wallet/unknown-channel', 'The wallet has no such channel.')
  return desk
}

function isElsewhereError(error: unknown): boolean {
  return error instanceof SdkError && (error.code === 'wallet/channel-elsewhere' || error.notes[0] === 'stale-epoch')
}
