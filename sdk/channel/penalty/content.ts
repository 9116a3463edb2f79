import { funderCost, isTrimmed } from '../../bitcoin/bolt3/index.ts'
import { sha256 } from '../../crypto/engine.ts'
import { invariant, unreachable } from '../../errors.ts'
import { type Height, inMsats, type Msats, msats, type Sats, sameBytes, sats } from '../../units.ts'
import { type Draft, type Limits, otherSide, type Side } from './terms.ts'

/** A payment that waits for its preimage. Its identity in a channel is the side that offered it and its number there. [TW14] */
export interface Htlc {
  readonly by: Side
  /** From 0, counted for each side. */
  readonly id: number
  readonly amount: Msats
  /** 32 bytes: SHA-256 of the preimage. */
  readonly paymentHash: Uint8Array
  /** From this height on the side that offered it may take it back on the chain. */
  readonly expiry: Height
}

/** What a proposer changes, one at a time. */
export type Change =
  /** Pays at once, without a hash. */
  | { readonly type: 'pay'; readonly amount: Msats; readonly paymentId: Uint8Array }
  | ({ readonly type: 'add' } & Omit<Htlc, 'by'>)
  /** Takes an HTLC of the other side by its preimage. */
  | { readonly type: 'fulfil'; readonly id: number; readonly preimage: Uint8Array }
  /** Gives an HTLC of the other side back. */
  | { readonly type: 'fail'; readonly id: number; readonly reason: FailReason }

/** Why an HTLC is given back. */
export type FailReason = (typeof failReasons)[number]

/** By their number in encodings: only ever added to. */
export const failReasons = ['unknown-payment', 'wrong-amount', 'expires-too-soon', 'no-way-on', 'expired'] as const

/** Length of a payment's id. */
export const paymentIdBytes = 16

/** What both commitments of one number say. Amounts and HTLCs add up to the capacity. [TW2] [TW3] */
export interface Content {
  readonly number: number
  readonly balance: Readonly<Record<Side, Msats>>
  /** In the order they were added. */
  readonly htlcs: readonly Htlc[]
  /** How many each side has ever added: the id of its next. */
  readonly added: Readonly<Record<Side, number>>
}

/** Why a batch of changes is not taken. `reserve`: a side would be left with less than its reserve and what its commitment costs. */
export type ChangeFault = (typeof changeFaults)[number]

/** By their number in encodings: only ever added to. */
export const changeFaults = [
  'empty-batch',
  'batch-too-large',
  'unknown-htlc',
  'wrong-id',
  'wrong-preimage',
  'below-minimum',
  'too-many-htlcs',
  'too-much-in-flight',
  'insufficient',
  'reserve',
  'dust-exposure',
] as const

/** The content after a batch, or why there is none. */
export type Changed =
  | { readonly ok: true; readonly content: Content }
  | { readonly ok: false; readonly fault: ChangeFault }

/** Dust limit of both sides: what every kind of output is relayed at. [TW1] */
export const channelDustLimit = 354n

/** Most changes in a batch: every HTLC removed, and as many added. */
export const changesMax = 32

/**
 * The content after a batch of `by`, by rules that both sides know: what an honest side proposes, no honest side refuses.
 * [TW13] [TW15] [TW16] [TW17] [TW18]
 */
export function contentAfter(limits: Limits, before: Content, by: Side, changes: readonly Change[]): Changed {
  if (changes.length === 0) return no('empty-batch')
  if (changes.length > changesMax) return no('batch-too-large')
  let content: Content = { ...before, number: before.number + 1 }
  for (const change of changes) {
    const changed = changedBy(limits, content, by, change)
    if (!changed.ok) return changed
    content = changed.content
  }
  const fault = limitFault(limits, before, content)
  return fault ? no(fault) : { ok: true, content }
}

/** All that a content holds, in msat. */
export function sumOf({ balance, htlcs }: Content): bigint {
  return htlcs.reduce((sum, { amount }) => sum + amount, balance.opener + balance.accepter)
}

/** What the opener pays for a commitment of this content: fee and anchors. */
export function costOf(limits: Limits, { htlcs }: Content): Sats {
  return funderCost({ format: 'anchors', feeratePerKw: limits.feeratePerKw }, untrimmed(limits, htlcs).length)
}

/** HTLCs that have an output of their own. */
export function untrimmed(limits: Limits, htlcs: readonly Htlc[]): readonly Htlc[] {
  return htlcs.filter((htlc) => !isDust(limits, htlc))
}

/** Satoshis that a commitment of this content gives to the fee beyond its own: HTLCs too small for an output, and fractions. */
export function dustOf(limits: Limits, { htlcs }: Content): Msats {
  return msats(htlcs.filter((htlc) => isDust(limits, htlc)).reduce((sum, { amount }) => sum + amount, 0n))
}

/** What a side may still spend: its balance beyond its reserve, and beyond what its commitment costs it. [TW15] */
export function spendableOf(limits: Limits, content: Content, side: Side): Msats {
  const free = freeOf(limits, content, side) - inMsats(limits.reserve)
  return msats(free > 0n ? free : 0n)
}

/** What commitments 0 say. */
export function firstContent({ capacity, pushed }: Draft): Content {
  const balance = { opener: msats(inMsats(capacity) - pushed), accepter: pushed }
  return { number: 0, balance, htlcs: [], added: { opener: 0, accepter: 0 } }
}

function changedBy(limits: Limits, content: Content, by: Side, change: Change): Changed {
  const peer = otherSide(by)
  switch (change.type) {
    case 'pay':
      if (change.amount < limits.amountMin) return no('below-minimum')
      return moved(content, by, peer, change.amount)
    case 'add': {
      const { id, amount, paymentHash, expiry } = change
      if (id !== content.added[by]) return no('wrong-id')
      if (amount < limits.amountMin) return no('below-minimum')
      if (amount > content.balance[by]) return no('insufficient')
      const htlcs = [...content.htlcs, { by, id, amount, paymentHash, expiry }]
      const added = { ...content.added, [by]: id + 1 }
      return taken({ ...content, balance: reduced(content.balance, by, amount), htlcs, added })
    }
    case 'fulfil':
    case 'fail': {
      const htlc = content.htlcs.find((one) => one.by === peer && one.id === change.id)
      if (!htlc) return no('unknown-htlc')
      if (change.type === 'fulfil' && !sameBytes(sha256(change.preimage), htlc.paymentHash)) return no('wrong-preimage')
      const goesTo = change.type === 'fulfil' ? by : peer
      const balance = { ...content.balance, [goesTo]: msats(content.balance[goesTo] + htlc.amount) }
      return taken({ ...content, balance, htlcs: content.htlcs.filter((one) => one !== htlc) })
    }
    default:
      return unreachable(change)
  }
}

function limitFault(limits: Limits, before: Content, after: Content): ChangeFault | null {
  for (const side of ['opener', 'accepter'] as const) {
    const offered = after.htlcs.filter(({ by }) => by === side)
    if (offered.length > limits.htlcsMax) return 'too-many-htlcs'
    if (offered.reduce((sum, { amount }) => sum + amount, 0n) > limits.inFlightMax) return 'too-much-in-flight'
    const [free, freeBefore] = [freeOf(limits, after, side), freeOf(limits, before, side)]
    // A side that starts below its reserve may stay there, and never goes further down.
    if (free < inMsats(limits.reserve) && free < freeBefore) return 'reserve'
  }
  return dustOf(limits, after) > limits.dustExposureMax ? 'dust-exposure' : null
}

/** A side's balance less what its commitment costs it. */
function freeOf(limits: Limits, content: Content, side: Side): bigint {
  return content.balance[side] - (side === 'opener' ? inMsats(costOf(limits, content)) : 0n)
}

function isDust({ feeratePerKw }: Limits, { by, amount }: Htlc): boolean {
  // With anchors and one dust limit, both commitments trim the same.
  const direction = by === 'opener' ? 'offered' : 'received'
  return isTrimmed({ format: 'anchors', feeratePerKw, dustLimit: sats(channelDustLimit) }, { direction, amount })
}

function moved(content: Content, from: Side, to: Side, amount: Msats): Changed {
  if (amount > content.balance[from]) return no('insufficient')
  const balance = reduced(content.balance, from, amount)
  return taken({ ...content, balance: { ...balance, [to]: msats(balance[to] + amount) } })
}

function reduced(balance: Content['balance'], side: Side, amount: Msats): Content['balance'] {
  invariant(amount <= balance[side], 'TW2: nobody gives more than it has')
  return { ...balance, [side]: msats(balance[side] - amount) }
}

function taken(content: Content): Changed {
  return { ok: true, content }
}

function no(fault: ChangeFault): Changed {
  return { ok: false, fault }
}
