import { accepted, type Decoded, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp } from '../../rlp.ts'
import { joinBytes, sameBytes } from '../../units.ts'
import { type Committee, decodeCommittee, decodeLightHeader, type LightHeader } from './lightData.ts'
import type { BeaconNetwork } from './network.ts'
import { bytes, count, list, optional, record } from './shapes.ts'
import type { LightChain } from './sync.ts'

const forms = ['altair', 'capella', 'deneb'] as const
const version = 1
const headerShape = record({ form: count, ssz: bytes, root: bytes })
const committeeShape = record({ ssz: bytes, root: bytes })
const snapshotShape = record({
  version: count,
  chain: bytes,
  finalized: headerShape,
  optimistic: headerShape,
  current: committeeShape,
  next: optional(committeeShape),
  participants: list(count, 2),
})

/** A chain as bytes, to store: 50 KB with both committees of mainnet. */
export function encodeLightChain(chain: LightChain): Uint8Array {
  const { network, finalized, optimistic, current, next, participants } = chain
  return encodeRlp(
    snapshotShape.write({
      version,
      chain: network.genesisValidatorsRoot,
      finalized: headerOf(finalized),
      optimistic: headerOf(optimistic),
      current: committeeOf(current),
      next: next && committeeOf(next),
      participants: [participants.before, participants.now],
    }),
  )
}

/**
 * Reads what {@link encodeLightChain} wrote. Never throws. Every root is worked out again from what it is the root of,
 * so a header or committee that has changed on disk is refused.
 *
 * Funds at risk: who can write the store can choose the chain, roots and all.
 */
export function decodeLightChain(network: BeaconNetwork, stored: Uint8Array): Decoded<LightChain> {
  const item = decodeRlp(stored)
  const read = item.ok ? snapshotShape.read(item.value) : undefined
  if (!read || read.version !== version) return refused('the snapshot is of no known form')
  if (!sameBytes(read.chain, network.genesisValidatorsRoot)) return refused('the snapshot is of another chain')
  const finalized = readHeader(network, read.finalized)
  if (!finalized.ok) return finalized
  const optimistic = readHeader(network, read.optimistic)
  if (!optimistic.ok) return optimistic
  const current = readCommittee(network, read.current)
  if (!current.ok) return current
  const next = read.next ? readCommittee(network, read.next) : accepted(null)
  if (!next.ok) return next
  const [before, now] = read.participants
  if (before === undefined || now === undefined) return refused('the snapshot is of no known form')
  return accepted({
    network,
    finalized: finalized.value,
    optimistic: optimistic.value,
    current: current.value,
    next: next.value,
    participants: { before, now },
  })
}

function headerOf({ form, ssz, root }: LightHeader) {
  return { form: forms.indexOf(form), ssz, root }
}

function committeeOf({ keys, aggregate, root }: Committee): { readonly ssz: Uint8Array; readonly root: Uint8Array } {
  return { ssz: joinBytes(...keys, aggregate), root }
}

function readHeader(network: BeaconNetwork, stored: ReturnType<typeof headerOf>): Decoded<LightHeader> {
  const form = forms[stored.form]
  const header = form ? decodeLightHeader(network, form, stored.ssz) : refused('a header is of no known form')
  if (!header.ok) return header
  return sameBytes(header.value.root, stored.root)
    ? header
    : refused('a header does not have the root it was stored by')
}

function readCommittee(network: BeaconNetwork, stored: ReturnType<typeof committeeOf>): Decoded<Committee> {
  const committee = decodeCommittee(network, stored.ssz)
  if (!committee.ok) return committee
  if (!sameBytes(committee.value.root, stored.root))
    return refused('a committee does not have the root it was stored by')
  return committee
}
