import { byteList, container, fixedBytes, root, uint64, uint256, vector } from './ssz.ts'

/** Forks of the beacon chain whose light clients this reads. `phase0` had none. */
export type BeaconFork = 'phase0' | 'altair' | 'bellatrix' | 'capella' | 'deneb' | 'electra' | 'fulu'

const order: readonly BeaconFork[] = ['phase0', 'altair', 'bellatrix', 'capella', 'deneb', 'electra', 'fulu']

/** True when `fork` is `since` or came after it. */
export function isFrom(fork: BeaconFork, since: BeaconFork): boolean {
  return order.indexOf(fork) >= order.indexOf(since)
}

/** consensus-specs, `specs/phase0/beacon-chain.md`. */
export const beaconHeaderType = container({
  slot: uint64,
  proposer_index: uint64,
  parent_root: root,
  state_root: root,
  body_root: root,
})

const capellaPayload = {
  parent_hash: root,
  fee_recipient: fixedBytes(20),
  state_root: root,
  receipts_root: root,
  logs_bloom: fixedBytes(256),
  prev_randao: root,
  block_number: uint64,
  gas_limit: uint64,
  gas_used: uint64,
  timestamp: uint64,
  extra_data: byteList(32),
  base_fee_per_gas: uint256,
  block_hash: root,
  transactions_root: root,
  withdrawals_root: root,
} as const

/** `ExecutionPayloadHeader` of Capella and of Deneb, which Electra and Fulu kept. */
export const capellaPayloadType = container(capellaPayload)
export const denebPayloadType = container({ ...capellaPayload, blob_gas_used: uint64, excess_blob_gas: uint64 })

/** Where a state or block body keeps what light clients prove (consensus-specs, `light-client/sync-protocol.md`). */
export interface Indices {
  readonly finalizedRoot: number
  readonly currentCommittee: number
  readonly nextCommittee: number
}

const altairIndices: Indices = { finalizedRoot: 105, currentCommittee: 54, nextCommittee: 55 }
const electraIndices: Indices = { finalizedRoot: 169, currentCommittee: 86, nextCommittee: 87 }
export const payloadIndex = 25

/** Generalized indices of a state of this fork. */
export function indicesOf(fork: BeaconFork): Indices {
  return isFrom(fork, 'electra') ? electraIndices : altairIndices
}

export function committeeType(size: number) {
  return container({ pubkeys: vector(fixedBytes(48), size), aggregate_pubkey: fixedBytes(48) })
}

export function aggregateType(size: number) {
  return container({ sync_committee_bits: fixedBytes(size / 8), sync_committee_signature: fixedBytes(96) })
}

const altairHeaderType = container({ beacon: beaconHeaderType })
const executionBranch = vector(root, 4)
const capellaHeaderType = container({
  beacon: beaconHeaderType,
  execution: capellaPayloadType,
  execution_branch: executionBranch,
})
const denebHeaderType = container({
  beacon: beaconHeaderType,
  execution: denebPayloadType,
  execution_branch: executionBranch,
})

type LightHeaderType = typeof altairHeaderType | typeof capellaHeaderType | typeof denebHeaderType

/** `LightClientHeader`: before Capella, it held nothing of the execution layer. */
export function lightHeaderType(fork: BeaconFork): LightHeaderType {
  if (!isFrom(fork, 'capella')) return altairHeaderType
  return isFrom(fork, 'deneb') ? denebHeaderType : capellaHeaderType
}

export function bootstrapType(fork: BeaconFork, size: number) {
  return container({
    header: lightHeaderType(fork),
    current_sync_committee: committeeType(size),
    current_sync_committee_branch: vector(root, depthOf(indicesOf(fork).currentCommittee)),
  })
}

export function updateType(fork: BeaconFork, size: number) {
  const { nextCommittee, finalizedRoot } = indicesOf(fork)
  return container({
    attested_header: lightHeaderType(fork),
    next_sync_committee: committeeType(size),
    next_sync_committee_branch: vector(root, depthOf(nextCommittee)),
    finalized_header: lightHeaderType(fork),
    finality_branch: vector(root, depthOf(finalizedRoot)),
    sync_aggregate: aggregateType(size),
    signature_slot: uint64,
  })
}

export function finalityUpdateType(fork: BeaconFork, size: number) {
  return container({
    attested_header: lightHeaderType(fork),
    finalized_header: lightHeaderType(fork),
    finality_branch: vector(root, depthOf(indicesOf(fork).finalizedRoot)),
    sync_aggregate: aggregateType(size),
    signature_slot: uint64,
  })
}

export function optimisticUpdateType(fork: BeaconFork, size: number) {
  return container({
    attested_header: lightHeaderType(fork),
    sync_aggregate: aggregateType(size),
    signature_slot: uint64,
  })
}

function depthOf(index: number): number {
  return Math.floor(Math.log2(index))
}
