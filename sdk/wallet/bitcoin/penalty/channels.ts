import type { HubTerms } from '../../../channel/hub/index.ts'
import { isLive, paymentIdBytes } from '../../../channel/penalty/index.ts'
import { invariant, SdkError } from '../../../errors.ts'
import type { Clock } from '../../../ports.ts'
import { type ChannelId, type Feerate, type Msats, type Sats, sameBytes, type Txid } from '../../../units.ts'
import { answerMsDefault } from '../channels.ts'
import type { ChannelRefusal } from '../opening.ts'
import { within } from '../patience.ts'
import { directoryOf, keepDirectory } from './backup.ts'
import { claimPenaltyDesk, openPenaltyDesk } from './claim.ts'
import { askCopies } from './copying.ts'
import { describeTwoWay, isLookedAfter, isOver, type TwoWayChannel } from './describe.ts'
import {
  attempt,
  elsewhere,
  feed,
  greetNow,
  inTurn,
  isWaiting,
  type PenaltyDesk,
  type PenaltyWorld,
  perform,
} from './desk.ts'
import { hurry, isGreetingDue } from './greeting.ts'
import { deskPayments, type Htlcs, openHtlcs, restoreHtlcs, settleHtlcs } from './htlcs.ts'
import { readBox } from './inbox.ts'
import { type Withdrawn, withdrawInvitation } from './invitation.ts'
import { type InvoicePayments, invoicePayments } from './invoicePaying.ts'
import { type NamedPayments, payOnce } from './named.ts'
import { type InvitationWish, quoteTwoWay, storeInvitation, storeTwoWay, type TwoWayWish } from './opening.ts'
import { type TwoWayPayments, twoWayPayments } from './paying.ts'
import { type Invitation, idOfPenaltyKey, type KeptNote, noteFrom, penaltyKeys } from './record.ts'
import { type InvoiceRequest, type InvoiceWish, makeInvoice } from './request.ts'
import { closingFee } from './reserve.ts'
import { type RestoredChannel, restoreRecords } from './restore.ts'
import { directoryIndex, rootOf } from './roots.ts'
import { type TwoWaySwaps, twoWaySwaps } from './swapping.ts'
import { sweepsFromSeed } from './sweepSeed.ts'
import { greetAgain, isElsewhereError, tendDesk } from './tend.ts'
import { handOver, isCovered, wantsTower } from './tower.ts'
import { giveUpWishes, pursueWishes, type TwoWayOutcome, type Wishes } from './wishes.ts'

/** Most two-way channels a wallet has at a time, those that ended included. */
export const twoWayChannelsMax = 200

/** What was received, finally. */
export type Receipt = Extract<KeptNote, { type: 'received' }>

export type OpenedTwoWay =
  | { readonly ok: true; readonly channel: TwoWayChannel }
  | { readonly ok: false; readonly refusal: ChannelRefusal }

export interface TwoWayWorld extends Omit<PenaltyWorld, 'changed' | 'clock' | 'listed' | 'signal'> {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Told of every change, look at the chain and trouble of a channel. */
  readonly changed: (id: ChannelId) => void
  /** What this wallet asks for passing payments on between its channels; `null` where it passes on nothing. */
  readonly hub: HubTerms | null
}

/** How a two-way channel is closed. */
export type TwoWayClose = 'alone' | { readonly feerate?: Feerate }

/** What two-way channels can besides the one front of both kinds. */
export interface TwoWayChannels extends TwoWayPayments, TwoWaySwaps {
  /**
   * Takes the channels of this seed from their copies, those that the store lacks. Nothing of them is broadcast: each is
   * `unsure` until the other side has shown where it stands, and then `open` where copies were required, `restored` elsewhere, or
   * `behind`. [TW29] [TW43] [TW44]
   *
   * Throws `wallet/no-backup` without a place of backups, or where no edge tells the list of channels.
   */
  readonly restore: () => Promise<readonly RestoredChannel[]>
  /**
   * Takes what closings of other sides have paid this seed, found without any record or copy, and says by which transactions.
   * To be called again after the next block where it finds nothing yet.
   */
  readonly sweep: () => Promise<readonly Txid[]>
  /** Everything that was received over a channel, finally, the oldest first: under its name, or the first 16 bytes of its invoice's hash. */
  readonly receipts: (id: ChannelId) => Promise<readonly Receipt[]>
}

/** The two-way channels of one wallet: what its front is made of, and the rest. */
export interface TwoWayDesks extends TwoWayChannels, InvoicePayments {
  /**
   * Invites one opener to make a channel with this wallet. The box is asked about it from now on. Where the store may be evicted and
   * nothing is backed up, the terms' largest capacity is lowered to {@link evictableCapacityMax}.
   */
  readonly invite: (wish: InvitationWish) => Promise<Invitation>
  /** Takes an invitation back that nobody has answered. */
  readonly withdraw: (id: ChannelId) => Promise<Withdrawn>
  /** What a channel would cost, before anything is signed. */
  readonly quote: (wish: TwoWayWish) => ReturnType<typeof quoteTwoWay>
  /**
   * Answers an invitation by a channel that this wallet funds. Coins leave once the other side has signed.
   *
   * Funds at risk: from then on this wallet, or a tower, has to look at the chain once in `delayBlocks`.
   */
  readonly open: (wish: TwoWayWish) => Promise<OpenedTwoWay>
  readonly pay: (
    id: ChannelId,
    amount: Msats,
    options?: { readonly paymentId?: Uint8Array; readonly waitMs?: number },
  ) => Promise<TwoWayOutcome>
  /** A fresh name for a payment, to be told to who shall pay it: see {@link TwoWayDesks.received}. */
  readonly request: () => Uint8Array
  /** Makes an invoice, over the channel that can receive most where none is said. */
  readonly invoice: (wish: InvoiceWish) => Promise<InvoiceRequest>
  /** The payment of that name over a channel, once it is final. */
  readonly received: (id: ChannelId, paymentId: Uint8Array) => Promise<Receipt | null>
  /**
   * Closes together, at a feerate that this side pays, or at that of the day; where it has not got that much, the other side pays.
   * `alone` goes to the chain without the other side. Throws `wallet/channel-not-open`.
   */
  readonly close: (id: ChannelId, how: TwoWayClose) => Promise<TwoWayChannel>
  readonly list: () => readonly TwoWayChannel[]
  readonly find: (id: ChannelId) => TwoWayChannel | null
  /** Looks at the chain for every channel. */
  readonly tend: () => Promise<void>
}

interface State {
  readonly htlcs: Htlcs
  readonly world: PenaltyWorld
  readonly own: TwoWayWorld
  readonly desks: Map<ChannelId, PenaltyDesk>
  readonly wishes: Map<ChannelId, Wishes>
  readonly named: NamedPayments
  /** Channels whose coins are known to have left. */
  readonly sent: Set<ChannelId>
  /** Channels are made one at a time, so that keys and coins are used once. */
  turn: Promise<unknown>
}

/** Takes over every two-way channel in the store, and looks after them until the wallet closes. Throws `store/...`. */
export async function openTwoWayChannels(own: TwoWayWorld): Promise<TwoWayDesks> {
  const world: PenaltyWorld = { ...own, changed: ({ id }) => own.changed(id), listed: await listing(own) }
  const [desks, wishes] = [new Map<ChannelId, PenaltyDesk>(), new Map<ChannelId, Wishes>()]
  const state: State = {
    htlcs: await openHtlcs({ ...own, world, desks, wishes }, own.hub),
    world,
    own,
    desks,
    wishes,
    named: { desks, wishes, store: own.store, asked: new Map() },
    sent: new Set(),
    turn: Promise.resolve(),
  }
  for (const key of (await own.store.keys(penaltyKeys.channels)).slice(0, twoWayChannelsMax))
    begin(state, await claimPenaltyDesk(idOfPenaltyKey(key), world))
  const oneByOne = <value>(make: () => Promise<value>): Promise<value> => {
    const end = state.turn.then(make)
    state.turn = end.catch(() => undefined)
    return end
  }
  return {
    ...twoWayPayments(state.htlcs, (id) => deskOf(state, id)),
    ...twoWaySwaps(state.htlcs, (id) => deskOf(state, id)),
    ...invoicePayments(state.htlcs, (id) => deskOf(state, id)),
    invoice: (wish) => makeInvoice(state.htlcs, (id) => deskOf(state, id), wish),
    invite: (wish) => oneByOne(() => invite(state, wish)),
    withdraw: async (id) => withdrawInvitation(deskOf(state, id)),
    quote: (wish) => quoteTwoWay(world, wish),
    open: (wish) => oneByOne(() => open(state, wish)),
    pay: (id, amount, options = {}) => pay(state, deskOf(state, id), { amount, ...options }),
    request: () => own.random(paymentIdBytes),
    received: async (id, paymentId) => {
      const all = await receipts(state, id)
      return all.find((one) => sameBytes(one.paymentId, paymentId)) ?? null
    },
    receipts: (id) => receipts(state, id),
    close: (id, how) => close(deskOf(state, id), how),
    list: () => [...state.desks.values()].map(describeTwoWay),
    find: (id) => {
      const desk = state.desks.get(id)
      return desk ? describeTwoWay(desk) : null
    },
    restore: () => oneByOne(() => restore(state)),
    sweep: () => sweep(world),
    tend: async () => {
      for (const desk of [...state.desks.values()])
        if (!desk.isElsewhere && isLookedAfter(desk)) await tendDesk(desk, state.sent)
    },
  }
}

/** Reads the channel's box from now on. */
function begin(state: State, desk: PenaltyDesk): void {
  invariant(state.desks.size < twoWayChannelsMax, 'a wallet has so many two-way channels at the most')
  state.desks.set(desk.id, desk)
  const wishes: Wishes = { list: [], asked: null }
  state.wishes.set(desk.id, wishes)
  desk.payments = deskPayments(state.htlcs)
  desk.afterwards = async () => {
    askTower(desk)
    await settleHtlcs(state.htlcs, desk)
    await pursueWishes(wishes, desk)
    askCopies(desk)
  }
  state.own.task(readBox(desk, state.own.signal))
  state.own.task(keepAsking(state, desk, wishes))
}

/** How often it is seen whether the other side is to be asked again: a look at the chain may be long away. */
const askAgainMs = 1_000

/** A word that was lost, either way, is asked for again while somebody waits for what follows. [TW8] [TW26] */
async function keepAsking({ own }: State, desk: PenaltyDesk, wishes: Wishes): Promise<void> {
  const { clock, signal } = own
  while (!desk.isElsewhere && !isOver(desk)) {
    await clock.sleep(askAgainMs, signal)
    const isDue = isGreetingDue(desk) && isWaiting(desk.known)
    if (isDue || wishes.list.length > 0) await greetAgain(desk)
  }
  if (desk.isElsewhere) giveUpWishes(wishes, elsewhere(desk))
}

/** Leaves with the tower what waits for it, beside the turns: no payment waits for that. What fails is tried again after a later turn. */
function askTower(desk: PenaltyDesk): void {
  const { world, watched, known, id, secrets } = desk
  const { tower, clock, store } = world
  const { channel } = known
  if (!tower || !channel || !isLive(channel) || watched.isAsked || isOver(desk)) return
  if (!wantsTower(tower, watched, clock.now())) return
  watched.isAsked = true
  watched.isBehind = false
  const ask = async () => {
    const told = await attempt(desk, () => handOver(tower, channel, { id, secrets, store }))
    watched.isAsked = false
    watched.receipt = told?.receipt ?? watched.receipt
    watched.isBehind ||= !told || told.isBehind
    const now = desk.known.channel
    if (!watched.isHeld || !now || !isLive(now) || !isCovered(tower, watched, now, clock.now())) return
    watched.isHeld = false
    desk.greeting.at = 0 // The other side tells again what was left unanswered. [TW25]
    await inTurn(desk, () => greetNow(desk))
  }
  world.task(
    ask().catch((error) => {
      if (!isElsewhereError(error)) throw error // Otherwise it is known by now.
    }),
  )
}

async function sweep({ keys, chain, coins }: PenaltyWorld): Promise<readonly Txid[]> {
  const sweeps = await sweepsFromSeed({ keys, chain, to: await coins.changeScript() })
  for (const { bytes } of sweeps) await chain.broadcast(bytes)
  return sweeps.map(({ txid }) => txid)
}

async function restore(state: State): Promise<readonly RestoredChannel[]> {
  const { restored, records } = await restoreRecords(state.world, new Set(state.desks.keys()), (copies, writes) =>
    restoreHtlcs(state.htlcs, copies, writes),
  )
  for (const { id, record } of records) begin(state, await openPenaltyDesk(id, state.world, record, 1))
  return restored
}

async function invite(state: State, wish: InvitationWish): Promise<Invitation> {
  checkRoom(state)
  const { id, record } = await storeInvitation(state.world, wish)
  begin(state, await openPenaltyDesk(id, state.world, record, 1))
  return { id, box: record.box, terms: record.terms }
}

async function open(state: State, wish: TwoWayWish): Promise<OpenedTwoWay> {
  checkRoom(state)
  const stored = await storeTwoWay(state.world, wish)
  if (!stored.ok) return stored
  const { id, record, step } = stored
  const desk = await openPenaltyDesk(id, state.world, record, 1)
  begin(state, desk)
  const effects = step.effects.filter(({ type }) => type !== 'persist')
  await inTurn(desk, () => perform(desk, { channel: step.channel, effects }))
  return { ok: true, channel: describeTwoWay(desk) }
}

function checkRoom({ desks }: State): void {
  if (desks.size >= twoWayChannelsMax)
    throw new SdkError('wallet/busy', `The wallet has ${twoWayChannelsMax} two-way channels.`)
}

async function pay(
  state: State,
  desk: PenaltyDesk,
  payment: { readonly amount: Msats; readonly paymentId?: Uint8Array; readonly waitMs?: number },
): Promise<TwoWayOutcome> {
  const { own } = state
  const { amount, paymentId = own.random(paymentIdBytes), waitMs = answerMsDefault } = payment
  if (paymentId.length !== paymentIdBytes)
    throw new SdkError('units/malformed', `A payment id has ${paymentIdBytes} bytes.`)
  const outcome = payOnce(state.named, desk, { type: 'pay', amount, paymentId })
  return (await within(outcome, own, waitMs)) ?? { state: 'pending', paymentId }
}

async function receipts({ world }: State, id: ChannelId): Promise<readonly Receipt[]> {
  const keys = [...(await world.store.keys(penaltyKeys.notes(id)))].sort()
  const stored = await Promise.all(keys.map((key) => world.store.get(key)))
  return stored.flatMap((one) => {
    const note = one && noteFrom(one.bytes)
    return note?.type === 'received' ? [note] : []
  })
}

async function close(desk: PenaltyDesk, how: TwoWayClose): Promise<TwoWayChannel> {
  hurry(desk)
  const fault = await feed(desk, how === 'alone' ? { type: 'force' } : { type: 'close', fee: await feeFor(desk, how) })
  if (fault) {
    // TW29: what this side would broadcast or sign may be an old state.
    const notes = fault === 'from-backup' ? ['It was restored, and may be old: ask the other side to close it.'] : []
    throw new SdkError('wallet/channel-not-open', `The channel cannot be closed now: ${fault}.`, { notes })
  }
  return describeTwoWay(desk)
}

async function feeFor({ known, world }: PenaltyDesk, { feerate }: Exclude<TwoWayClose, 'alone'>): Promise<Sats | null> {
  const { channel } = known
  return channel && isLive(channel) ? closingFee(channel, feerate ?? (await world.chain.feerate())) : null
}

function deskOf({ desks }: State, id: ChannelId): PenaltyDesk {
  const desk = desks.get(id)
  if (!desk) throw new SdkError('wallet/unknown-channel', 'The wallet has no such two-way channel.')
  return desk
}

/** Leaves the list of channels at the edges, whenever it has grown. */
async function listing({ backup, keys, store }: TwoWayWorld): Promise<PenaltyWorld['listed']> {
  if (!backup) return async () => undefined
  const directory = directoryOf(backup, await rootOf(keys, directoryIndex))
  return () => keepDirectory(directory, backup.cipher, store)
}
