import {
  type CopiedForwards,
  decodeHub,
  emptyHub,
  encodeHub,
  type Forward,
  forwardsOver,
  type Hub,
  type HubInput,
  type HubTerms,
  hubChanges,
  hubPreimages,
  hubStep,
  isWaitingFor,
  withCopies,
} from '../../../channel/hub/index.ts'
import { type Change, type Htlc, isLive, type LiveChannel, type Way } from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import type { Store, StoreWrite } from '../../../ports.ts'
import { type ChannelId, height, msats, sameBytes } from '../../../units.ts'
import type { Saved } from './beside.ts'
import { type PenaltyDesk, stepNow } from './desk.ts'
import { takeBlocks } from './invoices.ts'
import { nodeKeyOf } from './node.ts'
import { proposedBy } from './payments.ts'
import { penaltyKeys } from './record.ts'

/** Most orders of one channel: beyond them the oldest ends. [HB9] */
export const ordersPerChannelMax = 64

/** What a wallet passes on between its two-way channels. Its record is written by one at a time. [HB2] */
export interface HubDesk {
  readonly store: Store
  /** `null` where nothing more is taken; what is on its way is finished. */
  readonly terms: HubTerms | null
  /** 16 bytes of this wallet's: another one that opens the store writes its own. */
  readonly owner: Uint8Array
  known: Hub
  /** `null` after a failed write: the next one reads the store. */
  version: number | null
  turn: Promise<unknown>
  /** What is proposed of it in each channel: told apart from this wallet's own payments. */
  readonly proposing: Map<ChannelId, readonly Change[]>
  /** Channels that have something to do by what has become of another. */
  readonly moved: (channels: ReadonlySet<ChannelId>) => void
}

/** Of a wallet that was a hub before. */
const closedTerms: HubTerms = { fee: msats(0n), deltaBlocks: 0, leftBlocksMin: 0, forwardsMax: 0 }

/**
 * Takes over the hub's record; nothing where the wallet is no hub and never was. Its version rises, so that whoever had it before can
 * write it no more.
 */
export async function openHub(
  store: Store,
  { terms, owner, isNeeded = terms !== null }: Pick<HubDesk, 'terms' | 'owner'> & { readonly isNeeded?: boolean },
  moved: HubDesk['moved'],
): Promise<HubDesk | null> {
  const stored = await store.get(penaltyKeys.hub)
  if (!isNeeded && !stored) return null
  const known = stored ? hubFrom(stored.bytes).hub : emptyHub
  const expected = stored?.version ?? 0
  await store.commit([{ key: penaltyKeys.hub, expected, bytes: encodeOwned(owner, known) }])
  return { store, terms, owner, known, version: expected + 1, turn: Promise.resolve(), proposing: new Map(), moved }
}

/**
 * Stores a channel's state with what the hub makes of it, in one commit. [HB2]
 *
 * @param isOwn - HTLCs that this wallet takes itself.
 */
export async function commitWithHub(
  hub: HubDesk,
  desk: PenaltyDesk,
  saved: Saved,
  writes: readonly StoreWrite[],
  isOwn: (htlc: Htlc) => boolean,
): Promise<void> {
  const { id, known, sighting } = desk
  const notes = saved.notes.filter((note) => note.type !== 'offered' || !isOwn(note.htlc))
  const tip = sighting?.view.height ?? height(0) // What came too late is found out before it is offered on.
  const changes = proposedBy(saved.before, saved.channel).filter((change) => hub.proposing.get(id)?.includes(change))
  const inputs: HubInput[] = []
  if (notes.length > 0) inputs.push({ type: 'noted', channel: id, own: known.own, notes, tip })
  if (changes.length > 0) inputs.push({ type: 'proposed', channel: id, changes })
  for (const note of notes)
    if (note.type === 'fulfilled' && note.htlc.by === known.own)
      inputs.push({ type: 'withdraw', paymentHash: note.htlc.paymentHash })
  const inputsOf = (now: Hub) => {
    // Another channel may have said meanwhile that it is too late.
    const isWaiting = (change: Change) => now.forwards.some((one) => isWaitingFor(one, id, change))
    if (changes.every((change) => change.type !== 'add' || isWaiting(change))) return inputs
    throw new SdkError('wallet/busy', 'What was to be passed on is not any more.', { retryable: true })
  }
  await changeHub(hub, inputsOf, writes)
}

/** Steps, and stores the hub with `writes`, where either is anything new. */
export function changeHub(
  hub: HubDesk,
  inputsOf: (known: Hub) => readonly HubInput[],
  writes: readonly StoreWrite[] = [],
): Promise<void> {
  const terms = hub.terms ?? closedTerms
  return storeHub(
    hub,
    (before) => inputsOf(before).reduce((known, input) => hubStep(known, input, terms), before),
    writes,
  )
}

/** Stores what copies of channels say of a hub, in one commit with the channels. [HB11] [TW53] */
export function restoreHub(
  hub: HubDesk,
  copies: readonly CopiedForwards[],
  writes: readonly StoreWrite[],
): Promise<void> {
  return storeHub(hub, (before) => withCopies(before, copies), writes)
}

/** What is on its way over a channel, as it is stored; `null` while the hub's record is to be read again. [TW53] */
export function passedOver({ known, version }: HubDesk, id: ChannelId): readonly Forward[] | null {
  return version === null ? null : forwardsOver(known, id)
}

function storeHub(hub: HubDesk, nextOf: (before: Hub) => Hub, writes: readonly StoreWrite[]): Promise<void> {
  const end = hub.turn.then(async () => {
    if (hub.version === null) {
      const stored = await hub.store.get(penaltyKeys.hub)
      const now = stored && hubFrom(stored.bytes)
      if (!stored || !now || !sameBytes(now.owner, hub.owner)) throw takenOver()
      hub.known = now.hub
      hub.version = stored.version
    }
    const before = hub.known
    const next = nextOf(before)
    if (isSame(before, next)) {
      if (writes.length > 0) await hub.store.commit(writes)
      return
    }
    const expected: number = hub.version
    try {
      await hub.store.commit([...writes, { key: penaltyKeys.hub, expected, bytes: encodeOwned(hub.owner, next) }])
    } catch (error) {
      hub.version = null
      // Of what was a channel's as well, its own record tells who wrote meanwhile.
      const isTaken = writes.length === 0 && error instanceof SdkError && error.code === 'store/conflict'
      throw isTaken ? takenOver() : error
    }
    hub.known = next
    hub.version = expected + 1
    const changed = next.forwards.filter((one) => !before.forwards.includes(one))
    if (changed.length > 0) hub.moved(new Set(changed.flatMap(({ from, to }) => [from, to])))
  })
  hub.turn = end.catch(() => undefined)
  return end
}

/** Tells the hub what has become of a channel, and the channel what the hub knows. [HB4] [HB6] */
export async function settleHub(hub: HubDesk, desk: PenaltyDesk): Promise<void> {
  const { id, known, sighting, resolution } = desk
  const { channel } = known
  if (hub.version === null) await changeHub(hub, () => [])
  if (!channel || !isLive(channel) || !sighting || hub.known.forwards.length === 0) return
  const isEnded = resolution?.isResolved === true
  // What an ended channel still says of its HTLCs is over.
  const live: LiveChannel = isEnded
    ? { ...channel, base: { ...channel.base, htlcs: [] }, exchange: { state: 'idle' } }
    : channel
  const inputs: HubInput[] = isNewest(desk, channel) ? [{ type: 'resumed', channel: id }] : []
  if (resolution) inputs.push({ type: 'resolved', channel: id, own: known.own, resolution })
  // What a backup does not know of may be there: a newer copy may say so. [TW51]
  if (channel.origin !== 'backup' || isEnded)
    inputs.push({ type: 'swept', channel: id, live, tip: sighting.view.height })
  await changeHub(hub, () => inputs)
  for (const preimage of hubPreimages(hub.known, id, channel)) await stepNow(desk, { type: 'learn', preimage })
}

/**
 * HB11: true for a channel that has offered nothing but what its state says: an own one, or one that ended before the other side showed where
 * it stood, where no message left before a copy was kept. [TW42]
 */
function isNewest({ world, known, resolution }: PenaltyDesk, channel: LiveChannel): boolean {
  if (channel.origin === 'own') return true
  return world.backup?.mode === 'required' && !known.isAlone && resolution?.isResolved === true
}

/** What the hub has to propose in a channel. */
export function changesOfHub(hub: HubDesk, id: ChannelId, channel: LiveChannel): readonly Change[] {
  const changes = hubChanges(hub.known, id, channel)
  hub.proposing.set(id, changes)
  return changes
}

/** The payment that an HTLC of a channel pays for. */
export function forwardOf({ known }: HubDesk, id: ChannelId, { by, id: number }: Htlc): Forward | undefined {
  return known.forwards.find(({ from, htlc }) => from === id && htlc.by === by && htlc.id === number)
}

/** Takes an order of a channel, where no other one has the hash. True when it stands. [HB9] */
export async function takeOrder(hub: HubDesk, to: ChannelId, paymentHash: Uint8Array): Promise<boolean> {
  if (!hub.terms) return false
  await changeHub(hub, ({ orders }) => {
    if (orders.some((one) => sameBytes(one.paymentHash, paymentHash))) return []
    const own = orders.filter((one) => one.to === to)
    const oldest = own.length >= ordersPerChannelMax ? own[0] : undefined
    const ended: HubInput[] = oldest ? [{ type: 'withdraw', paymentHash: oldest.paymentHash }] : []
    return [...ended, { type: 'order', order: { paymentHash, to } }]
  })
  return hub.known.orders.some((one) => one.to === to && sameBytes(one.paymentHash, paymentHash))
}

/** How what goes to a channel is passed on. */
export function wayTo({ terms }: HubDesk, to: LiveChannel): Way | null {
  if (!terms) return null
  const { fee, deltaBlocks, leftBlocksMin } = terms
  const leftBlocks = Math.max(leftBlocksMin, to.opening.draft.terms.marginBlocks + takeBlocks)
  return { node: nodeKeyOf(to, to.own), fee, deltaBlocks, leftBlocks }
}

function takenOver(): SdkError {
  return new SdkError('wallet/channel-elsewhere', 'Another tab or device has taken the hub over.')
}

function isSame(one: Hub, other: Hub): boolean {
  return isSameList(one.orders, other.orders) && isSameList(one.forwards, other.forwards)
}

function isSameList<value>(one: readonly value[], other: readonly value[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at])
}

const ownerBytes = 16

function encodeOwned(owner: Uint8Array, hub: Hub): Uint8Array {
  const bytes = encodeHub(hub)
  const owned = new Uint8Array(ownerBytes + bytes.length)
  owned.set(owner)
  owned.set(bytes, ownerBytes)
  return owned
}

function hubFrom(bytes: Uint8Array): { readonly owner: Uint8Array; readonly hub: Hub } {
  const hub = decodeHub(bytes.subarray(ownerBytes))
  if (hub.ok) return { owner: bytes.slice(0, ownerBytes), hub: hub.value }
  throw new SdkError('store/corrupt', `The hub in the wallet's store is damaged: ${hub.reason}.`)
}
