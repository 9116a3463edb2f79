import {
  type ArchivedHtlc,
  type Aside,
  type Beside,
  type Channel,
  type ChannelSecrets,
  channelIdOf,
  draftOf,
  type Effect,
  encodeMessage,
  type Fault,
  type Input,
  isLive,
  type Message,
  type Note,
  type penaltyStep,
  type Resolution,
  type Step,
  sealCoinSpend,
  type Terms,
} from '../../../channel/penalty/index.ts'
import type { Mailbox } from '../../../client/index.ts'
import { SdkError, unreachable } from '../../../errors.ts'
import type { BitcoinSigner, ChannelLink, Clock, Random, Store, StoreWrite } from '../../../ports.ts'
import { type ChannelId, type Height, type Sats, sats } from '../../../units.ts'
import type { FundingSource } from '../opening.ts'
import { type BackupSetting, type Copies, copyNumber, hold, isCopied, isOwnState, unkeptBlocksMax } from './backup.ts'
import type { DeskPayments } from './beside.ts'
import { type Greeting, greeted, isGreetingDue, leave } from './greeting.ts'
import type { PenaltyChain, Sighting } from './lookout.ts'
import { besideOf, type Held as HeldCopy, heldStored, heldWrites, readHeld } from './peerCopy.ts'
import { encodeNote, encodePenaltyRecord, type PenaltyRecord, penaltyKeys, penaltyRecordFrom } from './record.ts'
import { type ReserveMode, reserveOutput } from './reserve.ts'
import { type TowerSetting, towerWrites, type Watched } from './tower.ts'

/** Everything outside of the desks of two-way channels. */
export interface PenaltyWorld {
  readonly network: Terms['network']
  readonly store: Store
  readonly keys: Pick<BitcoinSigner, 'channelKey' | 'channelSecret' | 'signChannel'>
  readonly chain: PenaltyChain
  readonly coins: FundingSource
  readonly clock: Pick<Clock, 'now' | 'sleep'>
  /** Aborts when the wallet closes. */
  readonly signal: AbortSignal
  readonly random: Random
  /** Who watches while the wallet is away; `null` for nobody. */
  readonly tower: TowerSetting | null
  readonly reserve: ReserveMode
  /** Where copies of each state are kept; `null` for nowhere. */
  readonly backup: BackupSetting | null
  /** Leaves the list of channels where copies are kept. */
  readonly listed: () => Promise<void>
  /** The pure step. */
  readonly step: typeof penaltyStep
  /** A side of a channel's box, with nothing remembered of it. [TW52] */
  readonly boxLink: (at: {
    readonly box: string
    readonly id: ChannelId
    readonly side: 'payer' | 'payee'
    readonly token: Uint8Array
  }) => ChannelLink
  /** Opens a side of a channel's box. */
  readonly mailbox: (at: {
    readonly box: string
    readonly id: ChannelId
    readonly side: 'payer' | 'payee'
    readonly token: Uint8Array
    readonly epoch: number
  }) => Mailbox
  /** Runs in the background until the wallet closes. */
  readonly task: (work: Promise<void>) => void
  /** Told of every change that was stored, every look at the chain, and every trouble. */
  readonly changed: (desk: PenaltyDesk) => void
}

/** One two-way channel of the wallet. Its calls take turns, and whatever changes is stored before anything leaves. [TW12] */
export interface PenaltyDesk {
  /** Of its box, and so of the channel in this wallet. */
  readonly id: ChannelId
  readonly world: PenaltyWorld
  /** Of this desk: the record must still hold it, or another wallet has taken the channel over. */
  readonly epoch: number
  readonly mailbox: Mailbox
  readonly secrets: ChannelSecrets
  /** As last stored or read, but for the session, which is of this process. */
  known: PenaltyRecord
  /** `null` after a failed save, whose end may be unknown: the next turn reads the store. */
  version: number | null
  linkKey: Uint8Array | null
  /** HTLCs that commitments had, for justice. [TW22] */
  readonly archive: ArchivedHtlc[]
  /** What the chain showed last, and what is left to be taken of the end. */
  sighting: Sighting | null
  resolution: Resolution | null
  /** What is kept for fees in blocks, as of the last one. */
  reserve: Sats
  /** Height up to which no reserve is tried to be made again; 0 before the first time. */
  reserveAt: number
  /** Height at which the channel was first seen to be closing without a closing. */
  closingAt: Height | null
  readonly watched: Watched
  readonly copies: Copies | null
  /** The other side's own record, sealed. [TW50] */
  held: HeldCopy
  /** The other side comes from a backup, and wants that back. */
  isAskedBack: boolean
  /** When that was last given back to who asked for it by the box alone. */
  recalledAt: number
  /** How the copy that the other side gave back fits the one that this channel was restored from; `null` where it gave none. [TW51] */
  peerCopy: 'older' | 'same' | 'newer' | 'unreadable' | null
  /** Why the last thing that was asked for was not done. */
  fault: Fault | null
  trouble: SdkError | null
  isElsewhere: boolean
  /** Of an invitation: whoever answers it is told no. [TW6] */
  isWithdrawn: boolean
  /** When the other side is greeted again. */
  readonly greeting: Greeting
  /** Height at which this process was first to broadcast the commitment. */
  endingSince: Height | null
  turn: Promise<unknown>
  /** Done after each turn, in it. */
  afterwards: (desk: PenaltyDesk) => Promise<void>
  payments: DeskPayments
}

/** Most notes that one state leaves. */
const notesMax = 255

/** Steps, and does what comes of it in order. `writes` go into the commit of the new state. */
export function feed(desk: PenaltyDesk, input: Input, writes: readonly StoreWrite[] = []): Promise<Fault | null> {
  return inTurn(desk, () => stepNow(desk, input, writes))
}

/** As {@link feed}, for who has the turn already. */
export async function stepNow(
  desk: PenaltyDesk,
  input: Input,
  writes: readonly StoreWrite[] = [],
): Promise<Fault | null> {
  const { channel } = await load(desk)
  if (!channel) return 'not-open'
  return perform(desk, desk.world.step(channel, input, desk.secrets), writes)
}

/** Greets the other side, where this is due. [TW26] */
export async function greetNow(desk: PenaltyDesk): Promise<void> {
  if (!isGreetingDue(desk)) return
  greeted(desk)
  await stepNow(desk, { type: 'reconnected', random: desk.world.random(16) })
}

/** Does what an effect of a step says, after its state was stored. */
export async function perform(
  desk: PenaltyDesk,
  step: Step,
  writes: readonly StoreWrite[] = [],
): Promise<Fault | null> {
  let fault: Fault | null = null
  if (step.effects[0]?.type !== 'persist') desk.known = { ...desk.known, channel: step.channel }
  for (const effect of step.effects) {
    if (effect.type === 'persist') await save(desk, effect, step.channel, writes)
    else fault = (await performOne(desk, effect, step.channel)) ?? fault
  }
  if (fault) desk.fault = fault
  return fault
}

async function performOne(
  desk: PenaltyDesk,
  effect: Exclude<Effect, { type: 'persist' }>,
  channel: Channel,
): Promise<Fault | null> {
  switch (effect.type) {
    case 'send':
      post(desk, channel, effect.message, await besideOf(desk, effect.message))
      return null
    case 'broadcast':
      await broadcastKept(desk, channel, effect.transaction)
      return null
    case 'broadcast-funding':
      if (desk.known.funding) await broadcast(desk, desk.known.funding)
      return null
    case 'fund':
      return fund(desk, effect)
    case 'refused':
      return effect.fault
    default:
      return unreachable(effect)
  }
}

/** Signs the funding, with the reserve for fees beside it; its coins are held by the commit that holds the channel with it. [TW6] [TW46] */
async function fund(desk: PenaltyDesk, { output }: Extract<Effect, { type: 'fund' }>): Promise<Fault | null> {
  const reserved = await attempt(desk, async () => {
    const { keys, coins } = desk.world
    return coins.reserve(output, undefined, [reserveOutput(await keys.channelKey(desk.known.index))])
  })
  if (!reserved) return null // The next greeting asks again.
  if (reserved.ok) return stepNow(desk, { type: 'funding', transaction: reserved.transaction }, reserved.writes)
  desk.trouble = new SdkError('wallet/insufficient-funds', reserved.detail)
  return stepNow(desk, { type: 'abandon' })
}

/**
 * Sends what is stored already. The mailbox keeps the order and tries again by itself, so no turn waits for it; what does
 * not arrive in the end is asked for by a greeting. [TW25]
 */
function post(desk: PenaltyDesk, channel: Channel, message: Message, beside?: Beside): void {
  const { linkKey, known } = desk
  if (!linkKey) return
  const envelope = { channel: channelIdOf(draftOf(channel)), from: known.own, message, ...(beside ? { beside } : {}) }
  const bytes = encodeMessage(envelope, linkKey)
  once(desk, () => {
    // TW32: what has waited for a copy is not said any more by a side that has decided to close alone meanwhile.
    if (channel.phase !== 'ending' && desk.known.channel?.phase === 'ending') return
    inBackground(desk, () => leave(desk, () => desk.mailbox.post(bytes)))
  })
}

/** Says something beside the channel. What is lost is said again by who waits for it. [TW45] */
export function say(desk: PenaltyDesk, aside: Aside): void {
  if (desk.known.channel) post(desk, desk.known.channel, aside)
}

/** TW42: what leaves is of a state that a copy holds. A restored channel tells no more than where it stands. */
function once(desk: PenaltyDesk, release: () => void): void {
  const { copies, version, known, world } = desk
  const isBound = world.backup?.mode === 'required' && version !== null && isOwnState(known)
  const number = isBound ? copyNumber(desk.epoch, version) : 0
  if (!copies || isCopied(copies, number)) release()
  else hold(copies, { number, leave: release })
}

/** Begins what no turn waits for. */
export function inBackground(desk: PenaltyDesk, work: () => Promise<void>): void {
  desk.world.task(
    attempt(desk, work).then(
      () => undefined,
      (error) => {
        if (!desk.isElsewhere) throw error // Otherwise it is known by now.
      },
    ),
  )
}

/**
 * TW42: a commitment that left and that no copy knows of would be revoked by whoever goes on from the copy, and then punished. An edge that
 * does not answer holds it up for some blocks only: HTLCs wait for nobody.
 */
async function broadcastKept(desk: PenaltyDesk, channel: Channel, transaction: Uint8Array): Promise<void> {
  const { sighting, world } = desk
  const tip = sighting?.view.height
  const blocksMax = Math.min(unkeptBlocksMax, Math.floor(draftOf(channel).terms.marginBlocks / 2))
  if (channel.phase === 'ending' && tip !== undefined) desk.endingSince ??= tip
  const isLate = tip !== undefined && desk.endingSince !== null && tip >= desk.endingSince + blocksMax
  if (channel.phase !== 'ending' || isLate) await broadcast(desk, transaction)
  else once(desk, () => inBackground(desk, () => world.chain.broadcast(transaction)))
}

/** Hands a transaction to the nodes, and says whether one took it: otherwise it is tried again at the next look. */
export async function broadcast(desk: PenaltyDesk, transaction: Uint8Array): Promise<boolean> {
  return (await attempt(desk, () => desk.world.chain.broadcast(transaction))) !== null
}

/** Signs a claim's coin by the channel's own key, and broadcasts it. [TW38] */
export async function broadcastSpend(desk: PenaltyDesk, spend: Parameters<typeof sealCoinSpend>[0]): Promise<boolean> {
  const { index } = desk.known
  const signature = await desk.world.keys.signChannel({ kind: 'refund', index, digest: spend.digest, paid: sats(0n) })
  return broadcast(desk, sealCoinSpend(spend, signature))
}

/** What the world answers, or nothing when it does not answer now: that is remembered, and tried again. */
export async function attempt<value>(desk: PenaltyDesk, ask: () => Promise<value>): Promise<value | null> {
  try {
    const answer = await ask()
    desk.trouble = null
    return answer
  } catch (error) {
    if (isStale(error)) throw elsewhere(desk)
    if (!(error instanceof SdkError)) throw error
    desk.trouble = error
    desk.world.changed(desk)
    return null
  }
}

/** The record, as this desk may go on from it. */
export async function load(desk: PenaltyDesk): Promise<PenaltyRecord> {
  if (desk.isElsewhere) throw elsewhere(desk)
  if (desk.version !== null) return desk.known
  const stored = await desk.world.store.get(penaltyKeys.channel(desk.id))
  if (!stored) throw new SdkError('store/corrupt', "The record of a channel is missing in the wallet's store.")
  const known = penaltyRecordFrom(stored.bytes)
  if (known.epoch !== desk.epoch) throw elsewhere(desk)
  desk.held = await readHeld(desk.world.store, desk.id, desk.held.copy)
  desk.known = known
  desk.version = stored.version
  desk.greeting.at = 0
  return known
}

/** Stores the record that takes the place of the one the desk goes on from, in one commit with what belongs to it. */
export async function writeRecord(
  desk: PenaltyDesk,
  next: PenaltyRecord,
  commit: (record: StoreWrite) => Promise<void>,
): Promise<void> {
  const expected = desk.version ?? 0
  desk.version = null
  try {
    await commit({ key: penaltyKeys.channel(desk.id), expected, bytes: encodePenaltyRecord(next) })
  } catch (error) {
    // Whoever wrote meanwhile has a higher epoch: `load` finds that out.
    if (error instanceof SdkError && error.code === 'store/conflict') await load(desk)
    throw error
  }
  desk.known = next
  desk.version = expected + 1
}

async function save(
  desk: PenaltyDesk,
  { notes }: Extract<Effect, { type: 'persist' }>,
  channel: Channel,
  writes: readonly StoreWrite[],
): Promise<void> {
  const before = await load(desk)
  const expected = desk.version ?? 0
  const funding = notes.find((note) => note.type === 'funding')?.transaction ?? before.funding
  const next = { ...before, channel, funding }
  const kept = notes.filter((note): note is Exclude<Note, { type: 'funding' }> => note.type !== 'funding')
  if (kept.length > notesMax) throw new SdkError('store/full', `A state leaves ${kept.length} notes.`)
  const noted = kept.map((note, at) => ({
    key: penaltyKeys.note(desk.id, expected + 1, at),
    expected: 0,
    bytes: encodeNote(note),
  }))
  const revoked = desk.world.tower ? towerWrites(desk.id, desk.secrets, before.channel, channel) : []
  const saved = { before: before.channel, channel, notes: kept, version: expected + 1 }
  await writeRecord(desk, next, (record) =>
    desk.payments.commit(desk, saved, [record, ...noted, ...revoked, ...heldWrites(desk), ...writes]),
  )
  desk.held = heldStored(desk.held)
  if (revoked.length > 0) desk.watched.isBehind = true
  for (const note of kept) if (note.type === 'added') desk.archive.push({ htlc: note.htlc, number: note.number })
  desk.world.changed(desk)
}

/** True for what a box, or a place of backups, says to a wallet that another one has taken over from. */
export function isStale(error: unknown): boolean {
  return error instanceof SdkError && staleCodes.includes(error.notes[0] ?? '')
}

const staleCodes: readonly string[] = ['stale-epoch', 'stale-backup', 'conflicting-backup']

/** The error of a desk that another wallet has taken over. Nothing of it can be stored or sent any more. */
export function elsewhere(desk: PenaltyDesk): SdkError {
  desk.isElsewhere = true
  desk.world.changed(desk)
  return new SdkError('wallet/channel-elsewhere', 'Another tab or device has taken the channel over.', {
    notes: ['Pay there, or open the wallet here again to take the channel back.'],
  })
}

/** One after the other; what follows from a turn is done in it. */
export function inTurn<value>(desk: PenaltyDesk, run: () => Promise<value>): Promise<value> {
  const end = desk.turn.then(async () => {
    const value = await run()
    await desk.afterwards(desk)
    return value
  })
  desk.turn = end.catch(() => undefined)
  return end
}

/** True for a channel of whose other side something is waited for. */
export function isWaiting({ channel }: PenaltyRecord): boolean {
  if (!channel || channel.phase === 'declined') return false
  if (!isLive(channel)) return channel.phase !== 'accepted'
  if (channel.phase === 'ending') return false
  if (channel.exchange.state !== 'idle' || !channel.session.isMet) return true
  if (channel.phase === 'open') return channel.shutdown.own !== null && !channel.shutdown.isByPeer
  return channel.phase === 'funding' || (channel.phase === 'closing' && channel.signed === null)
}
