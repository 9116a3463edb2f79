import { funderCost } from '../../bitcoin/bolt3/index.ts'
import { isPayout, type Network, type Outpoint } from '../../bitcoin/index.ts'
import { currentEngine } from '../../crypto/engine.ts'
import { inMsats, type Msats, type Sats, sameBytes, sats } from '../../units.ts'

/** The format of these channels. Part of every identity, so that two formats never share one. */
export const penaltyFormat = 'penalty-p2wsh/1'

/** The two sides: who opened the channel and pays its fees, and who took it. */
export type Side = 'opener' | 'accepter'

/** What an accepter asks of every opener. [TW4] */
export interface Terms {
  readonly network: Network
  /** 33 bytes: the accepter's, for all its channels. Messages are sealed by it. [TW24] */
  readonly nodeKey: Uint8Array
  /** Satoshi for 1,000 weight units of every commitment, fixed now, paid by the opener. More is added by anchor outputs. */
  readonly feeratePerKw: number
  /** Blocks that a side waits for its own after it has broadcast its commitment. */
  readonly delayBlocks: number
  /** Depth at which the funding is believed, and the end. At least 1. */
  readonly confirmationsMin: number
  readonly capacityMin: Sats
  readonly capacityMax: Sats
  /** Least that a payment moves. At least 1 msat. */
  readonly amountMin: Msats
  /** Most that each side may have offered in HTLCs at once. */
  readonly inFlightMax: Msats
  /** Most HTLCs that each side may have offered at once. */
  readonly htlcsMax: number
  /** A side goes to the chain so long before an HTLC expires that it knows the preimage of. At least 1. */
  readonly marginBlocks: number
}

/** Public keys of one side, of this channel alone. */
export interface SideKeys {
  /** All 33 bytes, compressed: of the funding, and the basepoints of BOLT-3. */
  readonly funding: Uint8Array
  readonly revocation: Uint8Array
  readonly payment: Uint8Array
  readonly delayed: Uint8Array
  readonly htlc: Uint8Array
  /** Per-commitment points of its commitments 0 and 1. */
  readonly points: readonly [Uint8Array, Uint8Array]
  /** Where a closing pays it: fixed now, so that nobody who comes to its keys later can turn it. */
  readonly closingScript: Uint8Array
}

/** A channel as its opener wishes it. */
export interface Draft {
  readonly terms: Terms
  readonly capacity: Sats
  /** What the accepter has from the beginning, out of the opener's coins. */
  readonly pushed: Msats
  readonly keys: SideKeys
}

/** A channel's fixed facts. [TW5] */
export interface Opening {
  readonly draft: Draft
  /** The accepter's. */
  readonly accepterKeys: SideKeys
  readonly funding: Outpoint
}

/** What every content of a channel is held to. The reserve and the dust follow from the capacity, so nobody can set them to nothing. */
export interface Limits extends Pick<Terms, 'feeratePerKw' | 'amountMin' | 'inFlightMax' | 'htlcsMax'> {
  /** What a side keeps, to have something to lose. [TW15] */
  readonly reserve: Sats
  /** Most that HTLCs without an output may add up to. [TW17] */
  readonly dustExposureMax: Msats
}

/** Why a draft is not taken. */
export type DraftFault = (typeof draftFaults)[number]

/** By their number on the wire: only ever added to. */
export const draftFaults = [
  'other-terms',
  'malformed-draft',
  'capacity-out-of-range',
  'pushed-too-much',
  'busy',
  'withdrawn',
] as const

/** Most that terms may allow: a record holds both sides' HTLCs, and stays below 4 KB. */
export const htlcsMaxMax = 8
/** Lowest feerate that nodes relay, in satoshi for 1,000 weight units: 1 sat per vbyte, rounded up. */
export const feeratePerKwMin = 253
const feeratePerKwMax = 100_000
const delayBlocksMax = 2_016
const marginBlocksMax = 2_016
const confirmationsMax = 144

/** The other side. */
export function otherSide(side: Side): Side {
  return side === 'opener' ? 'accepter' : 'opener'
}

/** The limits of a draft: the reserve is a hundredth of the capacity, dust at most that and 5,000 sat. [TW15] [TW17] */
export function limitsOf({ terms, capacity }: Draft): Limits {
  const { feeratePerKw, amountMin, inFlightMax, htlcsMax } = terms
  const hundredth = capacity / 100n
  const reserve = sats(hundredth > reserveMin ? hundredth : reserveMin)
  const dust = hundredth < dustExposureMax ? hundredth : dustExposureMax
  return { feeratePerKw, amountMin, inFlightMax, htlcsMax, reserve, dustExposureMax: inMsats(sats(dust)) }
}

/** Above the dust limit of every script, so that a side that keeps it has an output. */
const reserveMin = 1_000n
const dustExposureMax = 5_000n

/** A side's keys. */
export function keysOfSide({ draft, accepterKeys }: Pick<Opening, 'draft' | 'accepterKeys'>, side: Side): SideKeys {
  return side === 'opener' ? draft.keys : accepterKeys
}

/** Costs of a commitment with every HTLC that the terms allow: what the opener must be able to pay at any time. */
export function costMax({ feeratePerKw, htlcsMax }: Pick<Terms, 'feeratePerKw' | 'htlcsMax'>): Sats {
  return funderCost({ format: 'anchors', feeratePerKw }, 2 * htlcsMax)
}

/** Why a draft is outside the ranges of its own terms, or nothing. */
export function rangeFault(draft: Draft): DraftFault | null {
  const { terms, capacity, pushed, keys } = draft
  if (termsFault(terms) || keysFault(keys) || sameBytes(keys.funding, terms.nodeKey)) return 'malformed-draft'
  if (capacity < terms.capacityMin || capacity > terms.capacityMax) return 'capacity-out-of-range'
  // The opener can pay for the dearest commitment that the terms allow, and keeps its reserve.
  const kept = inMsats(costMax(terms)) + inMsats(limitsOf(draft).reserve)
  return pushed + kept > inMsats(capacity) ? 'pushed-too-much' : null
}

/** Why terms contradict themselves, or nothing. */
export function termsFault(terms: Terms): string | null {
  const { feeratePerKw, delayBlocks, confirmationsMin, marginBlocks, htlcsMax, amountMin, inFlightMax } = terms
  if (!currentEngine().isPublicKey(terms.nodeKey)) return "the node's key is no point"
  if (!within(feeratePerKw, feeratePerKwMin, feeratePerKwMax)) return 'the feerate is out of range'
  if (!within(delayBlocks, 2, delayBlocksMax)) return 'the delay is out of range'
  if (!within(confirmationsMin, 1, confirmationsMax)) return 'the funding would be believed without a block, or never'
  if (!within(marginBlocks, 1, marginBlocksMax)) return 'the margin is out of range'
  if (!within(htlcsMax, 0, htlcsMaxMax)) return 'too many HTLCs are allowed'
  if (amountMin < 1n || inFlightMax < 0n) return 'the amounts are out of range'
  return terms.capacityMin > terms.capacityMax ? 'no capacity is allowed' : null
}

/** Why a side's keys are none, or nothing. */
export function keysFault(keys: SideKeys): string | null {
  const { funding, revocation, payment, delayed, htlc, points, closingScript } = keys
  const all = [funding, revocation, payment, delayed, htlc, ...points]
  if (!all.every((key) => currentEngine().isPublicKey(key))) return 'a key is no point'
  return isPayout(closingScript) ? null : 'the closing script is not standard'
}

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
