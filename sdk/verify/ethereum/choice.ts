import type { LightUpdate } from './lightData.ts'
import { type BeaconNetwork, periodAt } from './network.ts'
import { finalizedSlotOf, hasTwoThirds } from './sync.ts'

/**
 * True when `one` is worth more than `other` to who wants to know a period's committee (consensus-specs,
 * `is_better_update`): first two thirds, then the committee of its own period, then finality, then members, then age.
 */
export function isBetterUpdate(network: BeaconNetwork, one: LightUpdate, other: LightUpdate): boolean {
  if (hasTwoThirds(one) !== hasTwoThirds(other)) return hasTwoThirds(one)
  if (!hasTwoThirds(one) && one.participants !== other.participants) return one.participants > other.participants
  for (const has of [namesOwnCommittee, hasFinality, hasOwnFinality]) {
    const [first, second] = [has(network, one), has(network, other)]
    if (first !== second) return first
  }
  if (one.participants !== other.participants) return one.participants > other.participants
  if (one.attested.slot !== other.attested.slot) return one.attested.slot < other.attested.slot
  return one.signatureSlot < other.signatureSlot
}

function namesOwnCommittee(network: BeaconNetwork, { next, attested, signatureSlot }: LightUpdate): boolean {
  return next !== null && periodAt(network, attested.slot) === periodAt(network, signatureSlot)
}

function hasFinality(_: BeaconNetwork, { finality }: LightUpdate): boolean {
  return finality !== null
}

function hasOwnFinality(network: BeaconNetwork, update: LightUpdate): boolean {
  if (update.finality === null) return false
  return periodAt(network, finalizedSlotOf(update)) === periodAt(network, update.attested.slot)
}
