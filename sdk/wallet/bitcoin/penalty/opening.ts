import {
  costOf,
  type Draft,
  type DraftFault,
  draftFault,
  firstContent,
  limitsOf,
  openChannel,
  type Step,
  sideKeysOf,
  spendableOf,
  type Terms,
} from '../../../channel/penalty/index.ts'
import { type ChannelId, channelId, inMsats, msats, type Sats, sats, toHex, wholeSats } from '../../../units.ts'
import type { ChannelRefusal } from '../opening.ts'
import { nextChannelIndex } from '../payerRecord.ts'
import { secretsAt } from './claim.ts'
import type { PenaltyWorld } from './desk.ts'
import { encodePenaltyRecord, type Invitation, type PenaltyRecord, penaltyKeys } from './record.ts'
import { feeReserve, reserveOutput } from './reserve.ts'

/**
 * Largest channel where the store may be evicted and no edge keeps a copy: with the record, everything but what the other side is willing to
 * pay out is lost.
 */
export const evictableCapacityMax = /* @__PURE__ */ sats(50_000n)

/** Answers an invitation by a channel that this wallet funds. */
export interface TwoWayWish {
  readonly kind: 'two-way'
  /** What {@link InvitationWish} made, from whoever shall be at the other side. */
  readonly invitation: Invitation
  readonly capacity: Sats
  /** What the other side has from the beginning; nothing where nothing is said. */
  readonly pushed?: Sats
}

/** What a two-way channel will cost, before anything is signed. */
export interface TwoWayQuote {
  readonly kind: 'two-way'
  readonly capacity: Sats
  /** Of the funding transaction. */
  readonly fundingFee: Sats
  /** Kept beside the channel for fees of its end. It comes back when the channel is over, less what was needed: {@link feeReserve}. */
  readonly reserve: Sats
  /** What it costs this side at the most when a side closes alone while nothing is in flight. */
  readonly closeFee: Sats
  /** Most that can be paid over it before anything was received. */
  readonly payable: Sats
  /** Blocks until it pays. */
  readonly confirmationsMin: number
  /** Blocks that a side which closes alone waits for its coins, and within which this wallet or a tower has to look at the chain. */
  readonly delayBlocks: number
}

/** An invitation that this wallet makes. */
export interface InvitationWish {
  /** URL of the edge that has the channel's box. */
  readonly box: string
  /** What is asked of the opener, where {@link termsDefault} is not meant. */
  readonly terms?: Partial<Omit<Terms, 'nodeKey'>>
}

/** What an accepter asks of an opener where nothing is said. */
export const termsDefault = {
  feeratePerKw: 1_000,
  delayBlocks: 1_008,
  confirmationsMin: 3,
  capacityMin: /* @__PURE__ */ sats(20_000n),
  capacityMax: /* @__PURE__ */ sats(10_000_000n),
  amountMin: /* @__PURE__ */ msats(1n),
  inFlightMax: /* @__PURE__ */ inMsats(/* @__PURE__ */ sats(1_000_000n)),
  htlcsMax: 8,
  marginBlocks: 144,
} as const satisfies Omit<Terms, 'nodeKey' | 'network'>

/** A record that is in the store. */
export interface StoredTwoWay {
  readonly id: ChannelId
  readonly record: PenaltyRecord
}

type Refused = { readonly ok: false; readonly refusal: ChannelRefusal }

/** What a channel would cost now, and whether its terms and the coins allow it. Signs nothing. */
export async function quoteTwoWay(
  world: PenaltyWorld,
  wish: TwoWayWish,
): Promise<{ readonly ok: true; readonly quote: TwoWayQuote } | Refused> {
  const judged = await judge(world, wish, (await nextChannelIndex(world.store)).index)
  if (!judged.ok) return judged
  const { draft, fundingFee } = judged
  const { capacity, terms } = draft
  const [limits, content] = [limitsOf(draft), firstContent(draft)]
  return {
    ok: true,
    quote: {
      kind: 'two-way',
      capacity,
      fundingFee,
      reserve: feeReserve,
      closeFee: costOf(limits, content),
      payable: wholeSats(spendableOf(limits, content, 'opener')),
      confirmationsMin: terms.confirmationsMin,
      delayBlocks: terms.delayBlocks,
    },
  }
}

/** A channel as the other side will judge it, and what its funding costs, where the coins are there. */
async function judge(
  world: PenaltyWorld,
  wish: TwoWayWish,
  index: number,
): Promise<{ readonly ok: true; readonly draft: Draft; readonly fundingFee: Sats } | Refused> {
  const made = await draftOf(world, wish, index)
  if (!made.ok) return made
  const { capacity, keys } = made.draft
  const beside = [reserveOutput(keys.funding)] // Any key weighs the same.
  const quoted = await world.coins.quote({ script: fundingLike, value: capacity }, undefined, beside)
  return quoted.ok ? { ...made, fundingFee: quoted.fee } : { ok: false, refusal: quoted }
}

/** The funding output as far as its weight goes: a P2WSH of keys that are not known yet. */
const fundingLike = /* @__PURE__ */ Uint8Array.of(0, 32, ...new Uint8Array(32))

/** Stores a channel that answers an invitation. Nothing is signed, and nothing has left. [TW6] [TW46] */
export async function storeTwoWay(
  world: PenaltyWorld,
  wish: TwoWayWish,
): Promise<({ readonly ok: true; readonly step: Step } & StoredTwoWay) | Refused> {
  const { index, write } = await nextChannelIndex(world.store)
  const judged = await judge(world, wish, index)
  if (!judged.ok) return judged
  const { id, box, terms } = wish.invitation
  const step = openChannel(judged.draft)
  const early = { channel: step.channel, funding: null, isAlone: false, isFromPeer: false, copied: 0 }
  const record: PenaltyRecord = { epoch: 1, index, own: 'opener', box, terms, ...early }
  const stored = { key: penaltyKeys.channel(id), expected: 0, bytes: encodePenaltyRecord(record) }
  await world.store.commit([stored, write])
  return { ok: true, id, record, step }
}

/** Stores an invitation that one opener can answer. */
export async function storeInvitation(world: PenaltyWorld, { box, terms }: InvitationWish): Promise<StoredTwoWay> {
  const asked = { ...termsDefault, ...terms }
  const { index, write } = await nextChannelIndex(world.store)
  const id = channelId(toHex(world.random(32)))
  const most = (await isEvictable(world)) && asked.capacityMax > evictableCapacityMax
  const capacityMax = most ? evictableCapacityMax : asked.capacityMax
  const full = { ...asked, network: world.network, capacityMax, nodeKey: await world.keys.channelKey(index) }
  const early = { channel: null, funding: null, isAlone: false, isFromPeer: false, copied: 0 }
  const record: PenaltyRecord = { epoch: 1, index, own: 'accepter', box, terms: full, ...early }
  const stored = { key: penaltyKeys.channel(id), expected: 0, bytes: encodePenaltyRecord(record) }
  await world.store.commit([stored, write])
  return { id, record }
}

/** Everything of a channel but its outpoint, judged as the other side will judge it. */
async function draftOf(
  world: PenaltyWorld,
  { invitation: { terms }, capacity, pushed = sats(0n) }: TwoWayWish,
  index: number,
): Promise<{ readonly ok: true; readonly draft: Draft } | Refused> {
  const no = (code: ChannelRefusal['code'], detail: string): Refused => ({ ok: false, refusal: { code, detail } })
  if (terms.network !== world.network)
    return no('wrong-network', `The invitation is of ${terms.network}, the wallet of ${world.network}.`)
  if (capacity > evictableCapacityMax && (await isEvictable(world)))
    return no(
      'evictable-store',
      `What is stored here may be cleared: without a backup a channel has at most ${evictableCapacityMax} sat.`,
    )
  const keys = sideKeysOf(await secretsAt(world.keys, index), await world.coins.changeScript())
  const draft: Draft = { terms, capacity, pushed: inMsats(pushed), keys }
  const fault = draftFault(draft, terms)
  return fault ? no(fault, sentenceOf(fault, terms)) : { ok: true, draft }
}

function sentenceOf(fault: DraftFault, { capacityMin, capacityMax }: Terms): string {
  if (fault === 'capacity-out-of-range') return `The other side takes channels of ${capacityMin} to ${capacityMax} sat.`
  if (fault === 'pushed-too-much')
    return 'Too little would be left to this side for the fees and reserve of the channel.'
  return `The other side would not take the channel: ${fault}.`
}

/** True where a channel lives in one place only, which may be cleared without its owner. */
async function isEvictable({ backup, store }: PenaltyWorld): Promise<boolean> {
  return !backup && (await store.persists?.()) === false
}
