import { type CopiedForwards, type HubTerms, keyOfPush, openPushWith } from '../../../channel/hub/index.ts'
import { type Aside, type Change, isLive, type LiveChannel, type Way } from '../../../channel/penalty/index.ts'
import { sha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import type { Clock, StoreWrite } from '../../../ports.ts'
import { type ChannelId, type Hex, type Msats, sameBytes, toHex } from '../../../units.ts'
import type { DeskPayments, Saved } from './beside.ts'
import { isOver } from './describe.ts'
import { elsewhere, type PenaltyDesk, type PenaltyWorld, say } from './desk.ts'
import {
  changeHub,
  changesOfHub,
  commitWithHub,
  forwardOf,
  type HubDesk,
  openHub,
  passedOver,
  restoreHub,
  settleHub,
  takeOrder,
  wayTo,
} from './hub.ts'
import { answersOf, invoiceOf, invoiceWrites, keepInvoice, offeredTo, takenOnChain } from './invoices.ts'
import { sentWrites } from './named.ts'
import { nodeKeyOf, peerKeyOf, sharedByNode } from './node.ts'
import {
  type HtlcOutcome,
  outcomeOf,
  paymentOf,
  paymentWrites,
  type Settled,
  settledByChain,
  settledWrites,
} from './payments.ts'
import { isElsewhereError, wake } from './tend.ts'
import type { Wishes } from './wishes.ts'

/** Payments by hash over the two-way channels of a wallet. */
export interface Htlcs {
  readonly world: PenaltyWorld
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly desks: ReadonlyMap<ChannelId, PenaltyDesk>
  readonly wishes: ReadonlyMap<ChannelId, Wishes>
  /** `null` where the wallet is none, and has nothing of one to finish. */
  hub: HubDesk | null
  readonly moved: HubDesk['moved']
  /** Who waits for what becomes of a payment. */
  readonly waiting: Map<Hex, Set<(outcome: HtlcOutcome) => void>>
  /** Payments that wait to be offered: a hash is paid once. */
  readonly wishing: Set<Hex>
  /** Of changes that are proposed for this wallet's own payments. */
  readonly fees: WeakMap<Change, Msats>
  /** Who waits for the answer to an order or a push, by channel and hash. */
  readonly asked: Map<string, (way: Way | null) => void>
  /** Pushes that this hub has passed on, and that their payees have not ordered yet. */
  readonly pushed: Map<Hex, { readonly from: ChannelId; readonly to: ChannelId }>
  /** Orders that came of pushes, the oldest first: they must not crowd out what payees ask for themselves. */
  readonly pushOrders: Map<ChannelId, readonly Uint8Array[]>
}

/** Most pushes that wait for their payees, and most of their orders in one channel. */
const pushedMax = 64
const pushOrdersMax = 16
/** For so long a push is waited for. */
const pushSeconds = 600

/** Takes over what the store holds of a hub. Throws `store/...`. */
export async function openHtlcs(
  parts: Pick<Htlcs, 'world' | 'clock' | 'signal' | 'desks' | 'wishes'>,
  terms: HubTerms | null,
): Promise<Htlcs> {
  const moved = (channels: ReadonlySet<ChannelId>) => {
    for (const id of channels) {
      const desk = parts.desks.get(id)
      if (desk && !desk.isElsewhere && !isOver(desk)) parts.world.task(wake(desk))
    }
  }
  return {
    ...parts,
    moved,
    hub: await openHub(parts.world.store, { terms, owner: parts.world.random(16) }, moved),
    waiting: new Map(),
    wishing: new Set(),
    fees: new WeakMap(),
    asked: new Map(),
    pushed: new Map(),
    pushOrders: new Map(),
  }
}

/** What a desk asks of payments by hash. */
export function deskPayments(htlcs: Htlcs): DeskPayments {
  return {
    commit: (desk, saved, writes) => commit(htlcs, desk, saved, writes),
    hear: (desk, aside) => fenced(desk, () => hear(htlcs, desk, aside)),
    changes: (desk, channel) => changesIn(htlcs, desk, channel),
    passed: ({ id }) => (htlcs.hub ? passedOver(htlcs.hub, id) : []),
    restored: (desk, forwards, writes) =>
      fenced(desk, () => restoreHtlcs(htlcs, [{ channel: desk.id, forwards }], writes)),
  }
}

/** Stores channels that came from copies with what the lost wallet had on its way over them, in one commit. [HB11] [TW53] */
export async function restoreHtlcs(
  htlcs: Htlcs,
  copies: readonly CopiedForwards[],
  writes: readonly StoreWrite[],
): Promise<void> {
  const { world, moved } = htlcs
  const told = copies.filter(({ forwards }) => forwards.length > 0)
  if (told.length > 0)
    htlcs.hub ??= await openHub(world.store, { terms: null, owner: world.random(16), isNeeded: true }, moved)
  if (htlcs.hub) await restoreHub(htlcs.hub, told, writes)
  else if (writes.length > 0) await world.store.commit(writes)
}

/** Who has lost the hub to another wallet has lost its channels as well. */
async function fenced(desk: PenaltyDesk, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw isElsewhereError(error) ? elsewhere(desk) : error
  }
}

/** Done after each turn: what the chain or another channel says. */
export async function settleHtlcs(htlcs: Htlcs, desk: PenaltyDesk): Promise<void> {
  const { hub, world } = htlcs
  if (hub) await fenced(desk, () => settleHub(hub, desk))
  const { channel, own } = desk.known
  if (!desk.resolution || !channel || !isLive(channel)) return
  const { writes, settled } = await settledWrites(
    world.store,
    { id: desk.id, own },
    settledByChain(channel, desk.resolution),
  )
  const all = [...writes, ...(await takenOnChain(desk, channel))]
  if (all.length > 0) await world.store.commit(all)
  await tell(htlcs, settled)
}

async function commit(htlcs: Htlcs, desk: PenaltyDesk, saved: Saved, writes: readonly StoreWrite[]): Promise<void> {
  const { hub, world, fees } = htlcs
  const payments = await paymentWrites(desk, saved, (change) => fees.get(change))
  const sent = await sentWrites(world.store, saved)
  const all = [...writes, ...sent, ...(await invoiceWrites(desk, saved)), ...payments.writes]
  if (hub) {
    const own = new Set<string>()
    for (const note of saved.notes) {
      if (note.type !== 'offered') continue
      const { paymentHash } = note.htlc
      if (await invoiceOf(world.store, paymentHash)) own.add(toHex(paymentHash))
    }
    await commitWithHub(hub, desk, saved, all, ({ paymentHash }) => own.has(toHex(paymentHash)))
  } else await world.store.commit(all)
  await tell(htlcs, payments.settled)
}

/** Tells those who wait what has become of payments: as it is stored. */
async function tell({ waiting, world }: Htlcs, settled: readonly Settled[]): Promise<void> {
  for (const { htlc } of settled) {
    const name = toHex(htlc.paymentHash)
    const listeners = waiting.get(name)
    const stored = listeners && (await paymentOf(world.store, htlc.paymentHash))
    if (!stored) continue
    waiting.delete(name)
    for (const listener of listeners) listener(outcomeOf(htlc.paymentHash, stored.record))
  }
}

async function changesIn(htlcs: Htlcs, desk: PenaltyDesk, channel: LiveChannel): Promise<readonly Change[]> {
  const { hub, world } = htlcs
  const offered = offeredTo(channel)
  if (!hub) return answersOf(desk, channel, offered)
  const own = []
  for (const htlc of offered) {
    if (forwardOf(hub, desk.id, htlc)) continue
    // A hub that has lost its record must not give back what it may be paying elsewhere: it is left to run out.
    const isKnown = channel.preimages.some((one) => sameBytes(sha256(one), htlc.paymentHash))
    if (isKnown || (await invoiceOf(world.store, htlc.paymentHash))) own.push(htlc)
  }
  return [...(await answersOf(desk, channel, own)), ...changesOfHub(hub, desk.id, channel)]
}

async function hear(htlcs: Htlcs, desk: PenaltyDesk, aside: Aside): Promise<void> {
  const { channel } = desk.known
  if (channel?.phase !== 'open' || channel.origin !== 'own') return
  switch (aside.type) {
    case 'order':
      return onOrder(htlcs, desk, channel, aside.paymentHash)
    case 'ordered':
      return htlcs.asked.get(askedName(desk.id, aside.paymentHash))?.(aside.way)
    case 'push':
      return onPush(htlcs, desk, channel, aside)
  }
}

/** HB9: the payee's hub takes its order, where nobody else has that hash. */
async function onOrder(htlcs: Htlcs, desk: PenaltyDesk, channel: LiveChannel, paymentHash: Uint8Array): Promise<void> {
  const { hub, pushed, desks } = htlcs
  const push = pushed.get(toHex(paymentHash))
  const way = hub && (await takeOrder(hub, desk.id, paymentHash)) ? wayTo(hub, channel) : null
  say(desk, { type: 'ordered', paymentHash, way })
  if (!hub || !way || push?.to !== desk.id) return
  pushed.delete(toHex(paymentHash))
  const orders = [...(htlcs.pushOrders.get(desk.id) ?? []), paymentHash]
  htlcs.pushOrders.set(desk.id, orders.slice(-pushOrdersMax))
  const oldest = orders.length > pushOrdersMax ? orders[0] : undefined
  if (oldest) await changeHub(hub, () => [{ type: 'withdraw', paymentHash: oldest }])
  const payer = desks.get(push.from)
  if (payer) say(payer, { type: 'ordered', paymentHash, way })
}

/** HB8: a push is this side's own, or goes to whom it is for. */
async function onPush(
  htlcs: Htlcs,
  desk: PenaltyDesk,
  channel: LiveChannel,
  push: Extract<Aside, { type: 'push' }>,
): Promise<void> {
  const { hub, desks, pushed } = htlcs
  const { payee, paymentHash } = push
  if (sameBytes(payee, nodeKeyOf(channel, channel.own))) return takePush(htlcs, desk, push)
  const to = [...desks.values()].find(({ id, known }) => {
    return id !== desk.id && known.channel?.phase === 'open' && sameBytes(peerKeyOf(known.channel), payee)
  })
  const next = to?.known.channel
  if (!hub?.terms || !to || next?.phase !== 'open') return say(desk, { type: 'ordered', paymentHash, way: null })
  if (hub.known.orders.some((one) => one.to === to.id && sameBytes(one.paymentHash, paymentHash)))
    return say(desk, { type: 'ordered', paymentHash, way: wayTo(hub, next) })
  if (pushed.size >= pushedMax) pushed.delete(pushed.keys().next().value as Hex)
  pushed.set(toHex(paymentHash), { from: desk.id, to: to.id })
  say(to, push)
}

/** Keeps the preimage that a payer has chosen, and orders its hash. */
async function takePush(
  { world, clock, desks }: Htlcs,
  desk: PenaltyDesk,
  push: Extract<Aside, { type: 'push' }>,
): Promise<void> {
  if (!(await invoiceOf(world.store, push.paymentHash))) {
    const key = keyOfPush(push)
    const preimage = key.ok ? openPushWith(push, await sharedByNode(desk, key.value)) : key
    if (!preimage.ok) return // Nobody can pay by it.
    const nowSeconds = Math.floor(clock.now() / 1_000)
    const endsAtSeconds = nowSeconds + pushSeconds
    const record = {
      kind: 'push',
      preimage: preimage.value,
      amount: null,
      endsAtSeconds,
      state: { kind: 'open' },
    } as const
    try {
      await keepInvoice(world.store, push.paymentHash, record, { nowSeconds, isOver: (id) => isGone(desks, id) })
    } catch (error) {
      if (!(error instanceof SdkError && error.code === 'wallet/busy')) throw error
      return // The payer asks again.
    }
  }
  say(desk, { type: 'order', paymentHash: push.paymentHash })
}

/** True for a channel of which nothing more can be taken. */
export function isGone(desks: Htlcs['desks'], id: ChannelId): boolean {
  const desk = desks.get(id)
  return !desk || isOver(desk)
}

/** Name of a question in {@link Htlcs.asked}. */
export function askedName(id: ChannelId, paymentHash: Uint8Array): string {
  return `${id} ${toHex(paymentHash)}`
}
