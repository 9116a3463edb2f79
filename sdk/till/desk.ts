import {
  bestClosing,
  type ChainView,
  channelIdOf,
  closingFee,
  closingTransaction,
  depositHeight,
  type Envelope,
  encodeMessage,
  encodePayee,
  type Fault,
  isAuthentic,
  isSignedClosing,
  linkKeyOf,
  type Mark,
  type Opening,
  type Payee,
  type PayeeEffect,
  type PayeeEvent,
  type PayerMessage,
  type payeeStep,
  type Update,
} from '../channel/index.ts'
import { SdkError, unreachable } from '../errors.ts'
import type { StoreWrite } from '../ports.ts'
import { type ChannelId, type Sats, sats } from '../units.ts'
import { offerFor } from './goods.ts'
import type { Deposit, TillWorld } from './ports.ts'
import { depositedFrom, encodeDeposited, keys, payeeFrom } from './records.ts'

/** What all desks of a till share. */
export interface DeskWorld extends TillWorld {
  /** The payee's pure step. */
  readonly step: typeof payeeStep
  /** Most that may be paid beyond what a deposited closing pays. [OW25] */
  readonly undepositedMax: Sats
  /** How old a view may be when a message is judged by it. */
  readonly viewMsMax: number
}

/** One channel at the till. Its calls take turns, and whatever changes is stored before anything else comes of it. */
export interface Desk {
  readonly id: ChannelId
  readonly world: DeskWorld
  /** `null` before the first turn, and after a failed save, whose end may be unknown: the next turn reads the store. */
  loaded: Loaded | null
  seen: { readonly view: ChainView; readonly at: number } | null
  linkKey: Uint8Array | null
  /** The end of the last call. */
  turn: Promise<unknown>
}

/** What is stored of one channel, as its desk last read or wrote it. */
interface Loaded {
  readonly channel: Payee
  readonly version: number
  /** What the deposited closing pays. */
  readonly deposited: Mark
  readonly depositVersion: number
}

/** The desk of a stored channel. */
export function openDesk(id: ChannelId, world: DeskWorld): Desk {
  return { id, world, loaded: null, seen: null, linkKey: null, turn: Promise.resolve() }
}

/** True for a message that the payer of this channel sent. [OW26] */
export function isFromPeer(desk: Desk, envelope: Envelope): Promise<boolean> {
  return inTurn(desk, async () => isAuthentic(envelope, await linkKey(desk)))
}

/** The key of a channel's messages. */
export async function linkKeyFor({ signer }: TillWorld, opening: Opening): Promise<Uint8Array> {
  const { payerKey, terms } = opening
  return linkKeyOf(await signer.sharedSecret({ payeeKey: terms.payeeKey, payerKey }), channelIdOf(opening))
}

/** Takes an authentic message and answers it. The fault is what was refused. */
export function takeMessage(desk: Desk, message: PayerMessage): Promise<Fault | null> {
  return inTurn(desk, async () => {
    const view = await recentView(desk)
    switch (message.type) {
      case 'open':
        return feed(desk, { type: 'open', view })
      case 'update':
        return takeUpdate(desk, message.update, view)
      case 'close': {
        const { channel } = await load(desk)
        const feeMin = closingFee(channel.opening, await desk.world.chain.feerate())
        return feed(desk, { ...message, view, feeMin })
      }
      default:
        return unreachable(message)
    }
  })
}

/** Looks at the chain, does what is due, and leaves the best closing with the box. */
export function watchDesk(desk: Desk): Promise<{ readonly channel: Payee; readonly view: ChainView }> {
  return inTurn(desk, async () => {
    const view = await freshView(desk)
    await cover(desk, 0n)
    return { channel: (await load(desk)).channel, view }
  })
}

/** Ends the channel with its best update. */
export function closeDesk(desk: Desk): Promise<void> {
  return inTurn(desk, async () => {
    await feed(desk, { type: 'end' })
  })
}

/** The fully signed closing of the best update; nothing before the first. */
export function bestCloseAt(desk: Desk): Promise<Deposit | null> {
  return inTurn(desk, () => bestClose(desk))
}

/** The stored channel. */
export function channelAt(desk: Desk): Promise<Payee> {
  return inTurn(desk, async () => (await load(desk)).channel)
}

/** Deletes what is stored of the channel, in one commit with `others`. The desk is of no use after. */
export function removeDesk(desk: Desk, others: readonly StoreWrite[]): Promise<void> {
  return inTurn(desk, async () => {
    const { version, depositVersion } = await load(desk)
    desk.loaded = null
    await desk.world.store.commit([
      { key: keys.channel(desk.id), expected: version, bytes: null },
      { key: keys.deposit(desk.id), expected: depositVersion, bytes: null },
      ...others,
    ])
  })
}

function inTurn<value>(desk: Desk, run: () => Promise<value>): Promise<value> {
  const end = desk.turn.then(run)
  desk.turn = end.catch(() => undefined)
  return end
}

async function load(desk: Desk): Promise<Loaded> {
  if (desk.loaded) return desk.loaded
  const { store } = desk.world
  const record = await store.get(keys.channel(desk.id))
  const deposit = await store.get(keys.deposit(desk.id))
  if (!record) throw new SdkError('store/corrupt', 'The record of a channel is missing in the store.')
  desk.loaded = {
    channel: payeeFrom(record.bytes),
    version: record.version,
    deposited: deposit ? depositedFrom(deposit.bytes) : { number: 0, paid: sats(0n) },
    depositVersion: deposit?.version ?? 0,
  }
  return desk.loaded
}

async function linkKey(desk: Desk): Promise<Uint8Array> {
  desk.linkKey ??= await linkKeyFor(desk.world, (await load(desk)).channel.opening)
  return desk.linkKey
}

async function commit(desk: Desk, writes: readonly StoreWrite[], next: Loaded): Promise<void> {
  desk.loaded = null
  await desk.world.store.commit(writes)
  desk.loaded = next
}

/** Steps, and does what comes of it in order. `others` are stored in the same commit as the channel. */
async function feed(desk: Desk, event: PayeeEvent, others: readonly StoreWrite[] = []): Promise<Fault | null> {
  const { channel } = await load(desk)
  let fault: Fault | null = null
  for (const effect of desk.world.step(channel, event).effects) fault = (await perform(desk, effect, others)) ?? fault
  return fault
}

async function perform(desk: Desk, effect: PayeeEffect, others: readonly StoreWrite[]): Promise<Fault | null> {
  const { chain, link, undepositedMax } = desk.world
  switch (effect.type) {
    case 'persist': {
      const before = await load(desk)
      const write = { key: keys.channel(desk.id), expected: before.version, bytes: encodePayee(effect.channel) }
      const next = { ...before, channel: effect.channel, version: before.version + 1 }
      await commit(desk, [write, ...others], next)
      return null
    }
    case 'send':
      if (effect.message.type === 'ack') await cover(desk, undepositedMax) // OW25: what is acknowledged is covered.
      await link.send(desk.id, encodeMessage(effect.message, await linkKey(desk)))
      return null
    case 'broadcast':
      await chain.broadcast(effect.transaction)
      return null
    case 'sign': {
      const { fee, payerSignature, digest } = effect
      const signatures = { fee, payerSignature, payeeSignature: await sign(desk, digest) }
      return feed(desk, { type: 'signed', signatures })
    }
    case 'refused':
      return effect.fault
    default:
      return unreachable(effect)
  }
}

async function takeUpdate(desk: Desk, update: Update, view: ChainView): Promise<Fault | null> {
  const { price, writes } = await offerFor(desk.world.store, update, desk.world.clock.now())
  return feed(desk, { type: 'update', update, price, view }, writes)
}

async function sign(desk: Desk, digest: Uint8Array): Promise<Uint8Array> {
  const { channel } = await load(desk)
  const paid = channel.best?.paid ?? sats(0n)
  const publicKey = channel.opening.terms.payeeKey
  return (await desk.world.signer.sign({ channelId: desk.id, publicKey, digest, paid })).slice(0, 64)
}

/** What the chain shows, not older than a message may be judged by. */
async function recentView(desk: Desk): Promise<ChainView> {
  const { seen, world } = desk
  const age = seen ? world.clock.now() - seen.at : -1
  // A clock that was set back makes the view old, not young.
  return seen && age >= 0 && age <= world.viewMsMax ? seen.view : freshView(desk)
}

/** What the chain shows now. It is taken as an event before anything is judged by it. */
async function freshView(desk: Desk): Promise<ChainView> {
  const at = desk.world.clock.now()
  const view = await desk.world.chain.view((await load(desk)).channel.opening)
  desk.seen = { view, at }
  await feed(desk, { type: 'chain', view })
  return view
}

async function bestClose(desk: Desk): Promise<Deposit | null> {
  const { channel } = await load(desk)
  const { opening, best } = channel
  const wanted = bestClosing(channel)
  if (!best || !wanted) return null
  const { fee, payerSignature, digest } = wanted
  const signatures = { fee, payerSignature, payeeSignature: await sign(desk, digest) }
  if (!isSignedClosing(opening, best.paid, signatures))
    throw new SdkError('signer/wrong-signature', "The signature is not that of the till's key on this closing.")
  const transaction = closingTransaction(opening, best.paid, signatures)
  const { number, paid } = best
  return { channelId: desk.id, number, paid, transaction, broadcastHeight: depositHeight(opening) }
}

/** Leaves the best closing with the box when more than `most` is paid beyond the last one. [OW25] */
async function cover(desk: Desk, most: bigint): Promise<void> {
  const { channel, deposited } = await load(desk)
  const isCovered = !channel.best || channel.best.paid - deposited.paid <= most
  const deposit = isCovered || channel.phase === 'closed' ? null : await bestClose(desk)
  if (!deposit) return
  await desk.world.link.deposit(deposit)
  const before = await load(desk)
  const { number, paid } = deposit
  const write = {
    key: keys.deposit(desk.id),
    expected: before.depositVersion,
    bytes: encodeDeposited({ number, paid }),
  }
  const depositVersion = before.depositVersion + 1
  await commit(desk, [write], { ...before, deposited: { number, paid }, depositVersion })
}
