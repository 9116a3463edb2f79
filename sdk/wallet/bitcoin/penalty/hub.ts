import {
  decodeHub,
  emptyHub,
  encodeHub,
  type Forward,
  type Hub,
  type HubInput,
  type HubTerms,
  hubChanges,
  hubPreimages,
  hubStep,
  isWaitingFor,
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
  { terms, owner }: Pick<HubDesk, 'terms' | 'owner'>,
  moved: HubDesk['moved'],
): Promise<HubDesk | null> {
  const stored = await store.get(penaltyKeys.hub)
  if (!terms && !stored) return null
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
  const end = hub.turn.then(async () => {
    if (hub.version === null) {
      const stored = await hub.store.get(penaltyKeys.hub)
      const now = stored && hubFrom(stored.bytes)
      if (!stored || !now || !sameBytes(now.owner, hub.owner)) throw takenOver()
      hub.known = now.hub
      hub.version = stored.version
    }
    const before = hub.known
    const terms = hub.terms ?? closedTerms
    const next = inputsOf(before).reduce((known, input) => hubStep(known, input, terms), before)
    if (isSame(before, next)) {
      if (writes.length > 0) await hub.store.commit(writes)
      return
    }
    const expected: number = hub.version
    hub.version = null
    try {
      await hub.store.commit([...writes, { key: penaltyKeys.hub, expected, bytes: encodeOwned(hub.owner, next) }])
    } catch (error) {
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
  if (!channel || !isLive(channel) || !sighting || hub.known.forwards.length === 0) return
  const isEnded = resolution?.isResolved === true
  // What an ended channel still says of its HTLCs is over.
  const live: LiveChannel = isEnded
    ? { ...channel, base: { ...channel.base, htlcs: [] }, exchange: { state: 'idle' } }
    : channel
  const inputs: HubInput[] = resolution ? [{ type: 'resolved', channel: id, own: known.own, resolution }] : []
  inputs.push({ type: 'swept', channel: id, live, tip: sighting.view.height })
  await changeHub(hub, () => inputs)
  for (const preimage of hubPreimages(hub.known, id, channel)) await stepNow(desk, { type: 'learn', preimage })
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
