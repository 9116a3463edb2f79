import { type AggregateClaim, verifyAggregates } from '../../crypto/aggregates.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { sameBytes } from '../../units.ts'
import type { Bootstrap, Committee, LightHeader, LightUpdate } from './lightData.ts'
import { type BeaconNetwork, forkAt, periodAt, slotAt, timeOf } from './network.ts'
import { hashPair } from './ssz.ts'

/** Longest time that a committee's word may be old when it is followed: after it, its members may have left. */
export const headAgeSecondsMaxDefault = 14 * 24 * 60 * 60
/** Most updates that one step takes: what one answer of a beacon node may hold. */
export const updatesMax = 128

/** What a light client knows of a beacon chain. It never changes: a step returns another one. */
export interface LightChain {
  readonly network: BeaconNetwork
  /** The youngest block that is final by what was proven. Never goes back. */
  readonly finalized: LightHeader
  /** Signs in the period of `finalized`. */
  readonly current: Committee
  /** Signs in the period after it, once known. */
  readonly next: Committee | null
  /** The youngest block that enough members signed, final or not. */
  readonly optimistic: LightHeader
  /** How many took part in the signatures of the best update of the period before and of this one. */
  readonly participants: { readonly before: number; readonly now: number }
}

/**
 * Begins at a block that is trusted (consensus-specs, `initialize_light_client_store`).
 *
 * Funds at risk: the block is believed. One that is older than {@link headAgeSecondsMaxDefault} could be followed by a
 * history that members signed after they left; {@link isStale} tells.
 *
 * @param trusted - Root of the beacon block: 32 bytes, from where the user has reason to believe it.
 */
export function startLightChain(
  network: BeaconNetwork,
  trusted: Uint8Array,
  { header, committee }: Bootstrap,
): Decoded<LightChain> {
  if (!sameBytes(header.root, trusted)) return refused('the bootstrap is of another block than the checkpoint')
  const participants = { before: 0, now: 0 }
  return accepted({ network, finalized: header, current: committee, next: null, optimistic: header, participants })
}

/** True when what is known is so old that no committee of it should be believed any more, or is of the future. */
export function isStale(
  { network, finalized }: LightChain,
  {
    nowSeconds,
    ageSecondsMax = headAgeSecondsMaxDefault,
  }: { readonly nowSeconds: number; readonly ageSecondsMax?: number },
): boolean {
  const age = nowSeconds - timeOf(network, finalized.slot)
  return age > ageSecondsMax || age < -network.secondsPerSlot
}

/**
 * Takes updates in their order (consensus-specs, `process_light_client_update`), and judges all their signatures by
 * one product of pairings: that every committee signed. Keep one as evidence only after a step of its own.
 *
 * Refuses the first that breaks a rule, none of those after it being looked at: a signature of the future or from
 * before its block, of a period whose committee is not known, by nobody, or that does not hold; a committee other than
 * the one known; and what tells nothing new.
 *
 * A step never forces progress: without two thirds of a committee, the chain stays where it is.
 *
 * @param nowSeconds - Of the caller's clock, since 1970. A clock that is ahead lets signatures of the future in.
 */
export function advance(chain: LightChain, updates: readonly LightUpdate[], nowSeconds: number): Decoded<LightChain> {
  if (updates.length > updatesMax) return refused(`there are more than ${updatesMax} updates`)
  const slot = slotAt(chain.network, nowSeconds)
  const claims: AggregateClaim[] = []
  let next = chain
  for (const [at, update] of updates.entries()) {
    const claim = judge(next, update, slot)
    if (!claim.ok) return refused(named(updates, at, claim.reason))
    claims.push(claim.value)
    next = take(next, update).chain
  }
  if (claims.length === 0 || verifyAggregates(claims)) return accepted(next)
  const culprit = claims.findIndex((claim) => !verifyAggregates([claim]))
  return refused(named(updates, Math.max(0, culprit), 'the committee has not signed it'))
}

function named(updates: readonly LightUpdate[], at: number, reason: string): string {
  return updates.length === 1 ? reason : `update ${at}: ${reason}`
}

/** `validate_light_client_update`, but for the pairing: the claim that it comes down to. */
export function judge(chain: LightChain, update: LightUpdate, slot: number): Decoded<AggregateClaim> {
  const { network, finalized, next } = chain
  const { attested, signatureSlot } = update
  if (update.participants < 1) return refused('nobody signed it')
  if (signatureSlot > slot)
    return refused('it is signed in the future: the clock is behind, or the signature is made up')
  if (signatureSlot <= attested.slot) return refused('it is signed before the block that it attests')
  const signers = signersAt(chain, signatureSlot)
  if (!signers) return refused('no committee of its period is known')
  const period = periodAt(network, finalized.slot)
  const attestedPeriod = periodAt(network, attested.slot)
  const isNew = attested.slot > finalized.slot || (!next && update.next !== null && attestedPeriod === period)
  if (!isNew) return refused('it tells nothing younger than what is final')
  if (next && update.next && attestedPeriod === period && !sameBytes(next.root, update.next.root))
    return refused('it names another next committee than the one that is known')
  return accepted(claimOf(network, signers, update))
}

/** True when two thirds of a committee that this chain knows signed the update, whether or not it tells anything new. */
export function isSigned(chain: LightChain, update: LightUpdate): boolean {
  const signers = signersAt(chain, update.signatureSlot)
  if (!signers || update.signatureSlot <= update.attested.slot || !hasTwoThirds(update)) return false
  return verifyAggregates([claimOf(chain.network, signers, update)])
}

/** The committee that signs in a slot, where the chain knows it. */
export function signersAt({ network, finalized, current, next }: LightChain, slot: number): Committee | null {
  const ahead = periodAt(network, slot) - periodAt(network, finalized.slot)
  if (ahead === 0) return current
  return ahead === 1 ? next : null
}

/** What the members said to have signed must have signed (consensus-specs, `compute_signing_root`). */
export function claimOf(network: BeaconNetwork, signers: Committee, update: LightUpdate): AggregateClaim {
  const { bits, participants, signature, signatureSlot } = update
  const has = (bit: number) => (_: unknown, at: number) => (((bits[at >> 3] as number) >> (at & 7)) & 1) === bit
  const fewAreAbsent = 2 * participants > signers.keys.length
  return {
    plus: fewAreAbsent ? [signers.aggregate] : signers.keys.filter(has(1)),
    minus: fewAreAbsent ? signers.keys.filter(has(0)) : [],
    // The fork of the slot before the signature's, whatever fork the attested block is of.
    message: hashPair(update.attested.root, domainAt(network, Math.max(signatureSlot, 1) - 1)),
    signature,
  }
}

/** True when two thirds of the places signed. */
export function hasTwoThirds({ bits, participants }: LightUpdate): boolean {
  return 3 * participants >= 2 * 8 * bits.length
}

/** `apply_light_client_update` and what comes around it, for an update that was judged. */
export function take(
  chain: LightChain,
  update: LightUpdate,
): { readonly chain: LightChain; readonly applied: boolean } {
  const { network, optimistic } = chain
  const participants = { ...chain.participants, now: Math.max(chain.participants.now, update.participants) }
  const threshold = Math.floor(Math.max(participants.before, participants.now) / 2)
  const isSafe = update.participants > threshold && update.attested.slot > optimistic.slot
  const seen = { ...chain, participants, optimistic: isSafe ? update.attested : optimistic }
  const finalSlot = finalizedSlotOf(update)
  const provesCommittee =
    !chain.next &&
    update.next !== null &&
    update.finality !== null &&
    periodAt(network, finalSlot) === periodAt(network, update.attested.slot)
  if (!hasTwoThirds(update) || !(finalSlot > chain.finalized.slot || provesCommittee))
    return { chain: seen, applied: false }
  return { chain: apply(seen, update, update.finality === 'genesis' ? null : update.finality), applied: true }
}

/** Takes over what an update proves, `final` being the block that it makes final. */
export function apply(chain: LightChain, update: LightUpdate, final: LightHeader | null): LightChain {
  const period = periodAt(chain.network, chain.finalized.slot)
  const finalPeriod = periodAt(chain.network, final?.slot ?? 0)
  const turned = turn(chain, update, finalPeriod === period + 1)
  if (!final || final.slot <= chain.finalized.slot) return turned
  return { ...turned, finalized: final, optimistic: final.slot > chain.optimistic.slot ? final : chain.optimistic }
}

function turn(chain: LightChain, update: LightUpdate, isNextPeriod: boolean): LightChain {
  if (!chain.next) return { ...chain, next: update.next }
  if (!isNextPeriod) return chain
  const participants = { before: chain.participants.now, now: 0 }
  return { ...chain, current: chain.next, next: update.next, participants }
}

/** The slot of the block that the update calls final; 0 when it calls none so. */
export function finalizedSlotOf({ finality }: LightUpdate): number {
  return finality === null || finality === 'genesis' ? 0 : finality.slot
}

/** `compute_domain` of sync committees at a slot. */
function domainAt(network: BeaconNetwork, slot: number): Uint8Array {
  const { version } = forkAt(network, slot)
  const named = new Uint8Array(32)
  new DataView(named.buffer).setUint32(0, version)
  const domain = new Uint8Array(32)
  domain[0] = 7 // DOMAIN_SYNC_COMMITTEE
  domain.set(hashPair(named, network.genesisValidatorsRoot).subarray(0, 28), 4)
  return domain
}
