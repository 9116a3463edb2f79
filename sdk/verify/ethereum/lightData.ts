import { accepted, type Decoded, refused } from '../../errors.ts'
import { type BlockHash, blockHash, joinBytes, toHex } from '../../units.ts'
import {
  beaconHeaderType,
  bootstrapType,
  capellaPayloadType,
  committeeType,
  denebPayloadType,
  finalityUpdateType,
  indicesOf,
  isFrom,
  lightHeaderType,
  optimisticUpdateType,
  payloadIndex,
  updateType,
} from './containers.ts'
import { type BeaconNetwork, forkAt } from './network.ts'
import {
  decodeSsz,
  hashTreeRoot,
  holdsBranch,
  isZero,
  readUint,
  type SszType,
  type SszValue,
  sszFromJson,
  writeUint,
} from './ssz.ts'

/** Largest message that is read. An update of the mainnet preset takes 26 KB. */
export const lightMessageBytesMax = 65_536

/** A block of the execution layer, as a beacon block commits to it. */
export interface ExecutionPoint {
  readonly hash: BlockHash
  readonly number: number
  readonly stateRoot: Uint8Array
  readonly receiptsRoot: Uint8Array
  /** In seconds since 1970. */
  readonly timestamp: number
  /** `hash_tree_root` of the payload header, as the fork of its slot has it. */
  readonly root: Uint8Array
}

/** A beacon block header, and the execution block that it provably holds. */
export interface LightHeader {
  readonly slot: number
  /** `hash_tree_root`: what the block is known by. */
  readonly root: Uint8Array
  readonly parentRoot: Uint8Array
  readonly stateRoot: Uint8Array
  /** Nothing before Capella. */
  readonly execution: ExecutionPoint | null
  /** As it was sent: SSZ of `LightClientHeader`. */
  readonly ssz: Uint8Array
  readonly form: HeaderForm
}

type HeaderForm = 'altair' | 'capella' | 'deneb'

/** The members who sign for a period. */
export interface Committee {
  /** Compressed keys in their places, 48 bytes each. A member may have several places. */
  readonly keys: readonly Uint8Array[]
  /** Sum of all keys: proven with them, so signatures need not add up hundreds. */
  readonly aggregate: Uint8Array
  /** `hash_tree_root`. */
  readonly root: Uint8Array
}

/** Where a light client begins: a block, and who signs in its period. */
export interface Bootstrap {
  readonly header: LightHeader
  readonly committee: Committee
}

/** What a committee has signed, with all that its block proves. Only the signature is still to be judged. */
export interface LightUpdate {
  readonly attested: LightHeader
  /** The next period's committee, if the update carries it. */
  readonly next: Committee | null
  /** What the attested state calls final, if the update says; `genesis` stands for the block before all. */
  readonly finality: LightHeader | 'genesis' | null
  /** Whose keys signed: one bit a place, the lowest first. */
  readonly bits: Uint8Array
  readonly participants: number
  /** 96 bytes. */
  readonly signature: Uint8Array
  readonly signatureSlot: number
}

/** Kinds of messages of a light client. */
export type LightMessage = 'bootstrap' | 'update' | 'finality-update' | 'optimistic-update'

/**
 * Reads a bootstrap in SSZ. Never throws.
 *
 * Refuses whatever is not exactly of the form of its slot's fork, an execution block that the beacon block does not
 * hold, and a committee that its state does not.
 */
export function decodeBootstrap(network: BeaconNetwork, bytes: Uint8Array): Decoded<Bootstrap> {
  const size = network.preset.committeeSize
  const typed = typeFor(network, 'bootstrap', bytes)
  if (!typed.ok) return typed
  const read = decodeSsz(bootstrapType(typed.value, size), bytes)
  if (!read.ok) return read
  const header = readHeader(network, read.value.header)
  if (!header.ok) return header
  const committee = readCommittee(size, read.value.current_sync_committee)
  const held = holdsBranch({
    leaf: committee.root,
    branch: read.value.current_sync_committee_branch,
    index: indicesOf(forkAt(network, header.value.slot).fork).currentCommittee,
    top: header.value.stateRoot,
  })
  return held ? accepted({ header: header.value, committee }) : refused('the block does not commit to the committee')
}

/**
 * Reads an update of any kind in SSZ. Never throws.
 *
 * Refuses what {@link decodeBootstrap} would, and a finalized block or a committee that the attested state does not
 * commit to. What it does not carry is nothing, never zeros.
 */
export function decodeUpdate(
  network: BeaconNetwork,
  kind: Exclude<LightMessage, 'bootstrap'>,
  bytes: Uint8Array,
): Decoded<LightUpdate> {
  const size = network.preset.committeeSize
  const typed = typeFor(network, kind, bytes)
  if (!typed.ok) return typed
  const fork = typed.value
  if (kind === 'update') {
    const read = decodeSsz(updateType(fork, size), bytes)
    return read.ok ? readUpdate(network, read.value) : read
  }
  if (kind === 'finality-update') {
    const read = decodeSsz(finalityUpdateType(fork, size), bytes)
    return read.ok ? readUpdate(network, read.value) : read
  }
  const read = decodeSsz(optimisticUpdateType(fork, size), bytes)
  return read.ok ? readUpdate(network, read.value) : read
}

/** The SSZ of a message as beacon nodes write it in JSON, which is then decoded like any other. Never throws. */
export function lightMessageFromJson(network: BeaconNetwork, kind: LightMessage, json: unknown): Decoded<Uint8Array> {
  const fields = fieldsOf(fieldsOf(json)?.[kind === 'bootstrap' ? 'header' : 'attested_header'])
  const slot = fieldsOf(fields?.beacon)?.slot
  if (typeof slot !== 'string' || !/^[0-9]{1,16}$/.test(slot)) return refused('the message names no slot')
  const { fork } = forkAt(network, Number(slot))
  if (!isFrom(fork, 'altair')) return refused('its slot is before the first light clients')
  return sszFromJson(typeOf(kind, fork, network.preset.committeeSize), json)
}

/** Reads a committee as it was stored. Never throws. */
export function decodeCommittee(network: BeaconNetwork, bytes: Uint8Array): Decoded<Committee> {
  const size = network.preset.committeeSize
  const read = decodeSsz(committeeType(size), bytes)
  return read.ok ? accepted(readCommittee(size, read.value)) : read
}

/** Reads a header as it was stored or carried in a receipt. Never throws. */
export function decodeLightHeader(network: BeaconNetwork, form: HeaderForm, bytes: Uint8Array): Decoded<LightHeader> {
  const read = decodeSsz(lightHeaderType(form), bytes)
  return read.ok ? readHeader(network, read.value) : read
}

function typeOf(kind: LightMessage, fork: Parameters<typeof updateType>[0], size: number): SszType {
  switch (kind) {
    case 'bootstrap':
      return bootstrapType(fork, size)
    case 'update':
      return updateType(fork, size)
    case 'finality-update':
      return finalityUpdateType(fork, size)
    case 'optimistic-update':
      return optimisticUpdateType(fork, size)
  }
}

/** The fork of a message. Its first field is the header that its slot stands in, or from Capella on the offset of it. */
function typeFor(network: BeaconNetwork, kind: LightMessage, bytes: Uint8Array) {
  if (bytes.length > lightMessageBytesMax) return refused(`the message is longer than ${lightMessageBytesMax} bytes`)
  const size = network.preset.committeeSize
  const altair = decodeSsz(typeOf(kind, 'altair', size), bytes)
  const start = altair.ok ? 0 : readUint(bytes.subarray(0, 4))
  const slot = readUint(bytes.subarray(start, start + 8))
  if (start + 8 > bytes.length || !Number.isSafeInteger(slot)) return refused('the message has no slot')
  const { fork } = forkAt(network, slot)
  return isFrom(fork, 'altair') ? accepted(fork) : refused('its slot is before the first light clients')
}

type HeaderValue = SszValue<ReturnType<typeof lightHeaderType>>

function readHeader(network: BeaconNetwork, value: HeaderValue): Decoded<LightHeader> {
  const { beacon } = value
  const slot = readUint(beacon.slot)
  if (!Number.isSafeInteger(slot)) return refused('the slot is beyond any number')
  const execution = readExecution(network, slot, value)
  if (!execution.ok) return execution
  return accepted({
    slot,
    root: hashTreeRoot(beaconHeaderType, beacon),
    parentRoot: beacon.parent_root,
    stateRoot: beacon.state_root,
    execution: execution.value,
    ...formOf(value),
  })
}

/** The bytes of a header and the type they are of. */
function formOf(value: HeaderValue): Pick<LightHeader, 'form' | 'ssz'> {
  const beacon = Object.values(value.beacon)
  if (!('execution' in value)) return { form: 'altair', ssz: joinBytes(...beacon) }
  const form = 'excess_blob_gas' in value.execution ? 'deneb' : 'capella'
  const { extra_data: extra } = value.execution
  const fixed = Object.entries(value.execution).map(([name, bytes]) =>
    name === 'extra_data' ? writeUint(form === 'deneb' ? 584 : 568, 4) : bytes,
  )
  return { form, ssz: joinBytes(...beacon, writeUint(244, 4), ...value.execution_branch, ...fixed, extra) }
}

/** `is_valid_light_client_header`: an older header in a newer form has zeros in what its own fork did not know. */
function readExecution(network: BeaconNetwork, slot: number, value: HeaderValue): Decoded<ExecutionPoint | null> {
  const { fork } = forkAt(network, slot)
  if (!('execution' in value))
    return isFrom(fork, 'capella') ? refused('the header of this slot names no execution block') : accepted(null)
  const { execution, execution_branch: branch } = value
  if (!isFrom(fork, 'capella'))
    return isZero(execution) && isZero(branch)
      ? accepted(null)
      : refused('a header before Capella names an execution block')
  const known = isFrom(fork, 'deneb')
  if (known && !('blob_gas_used' in execution)) return refused('the header has the form of an older fork')
  if (!known && 'blob_gas_used' in execution && !(isZero(execution.blob_gas_used) && isZero(execution.excess_blob_gas)))
    return refused('a header before Deneb tells blob gas')
  const root =
    known && 'blob_gas_used' in execution
      ? hashTreeRoot(denebPayloadType, execution)
      : hashTreeRoot(capellaPayloadType, execution)
  if (!holdsBranch({ leaf: root, branch, index: payloadIndex, top: value.beacon.body_root }))
    return refused('the beacon block does not hold the execution block')
  const [number, timestamp] = [readUint(execution.block_number), readUint(execution.timestamp)]
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(timestamp))
    return refused('the number or time of the execution block is beyond any number')
  return accepted({
    hash: blockHash(toHex(execution.block_hash)),
    number,
    stateRoot: execution.state_root,
    receiptsRoot: execution.receipts_root,
    timestamp,
    root,
  })
}

function readCommittee(size: number, value: SszValue<ReturnType<typeof committeeType>>): Committee {
  return { keys: value.pubkeys, aggregate: value.aggregate_pubkey, root: hashTreeRoot(committeeType(size), value) }
}

type UpdateValue = SszValue<ReturnType<typeof updateType>>
type SomeUpdate = Pick<UpdateValue, 'attested_header' | 'sync_aggregate' | 'signature_slot'> & Partial<UpdateValue>

function readUpdate(network: BeaconNetwork, value: SomeUpdate): Decoded<LightUpdate> {
  const attested = readHeader(network, value.attested_header)
  if (!attested.ok) return refused(`the attested header: ${attested.reason}`)
  const finality = readFinality(network, attested.value, value)
  if (!finality.ok) return finality
  const next = readNext(network, attested.value, value)
  if (!next.ok) return next
  const signatureSlot = readUint(value.signature_slot)
  if (!Number.isSafeInteger(signatureSlot)) return refused('the slot of the signature is beyond any number')
  const { sync_committee_bits: bits, sync_committee_signature: signature } = value.sync_aggregate
  return accepted({
    attested: attested.value,
    next: next.value,
    finality: finality.value,
    bits,
    participants: countBits(bits),
    signature,
    signatureSlot,
  })
}

function readFinality(
  network: BeaconNetwork,
  attested: LightHeader,
  { finalized_header: told, finality_branch: branch }: SomeUpdate,
): Decoded<LightUpdate['finality']> {
  if (!told || !branch) return accepted(null)
  const isNothing = isZero(Object.values(told.beacon)) && (!('execution' in told) || isZero(told.execution))
  if (isZero(branch)) return isNothing ? accepted(null) : refused('a finalized header comes without its proof')
  const header = isNothing ? undefined : readHeader(network, told)
  if (header && !header.ok) return refused(`the finalized header: ${header.reason}`)
  if (header && header.value.slot > attested.slot)
    return refused('the finalized block is younger than the attested one')
  const index = indicesOf(forkAt(network, attested.slot).fork).finalizedRoot
  // Until the first epoch is final, the state names a block of zeros.
  const leaf = header ? header.value.root : new Uint8Array(32)
  if (!holdsBranch({ leaf, branch, index, top: attested.stateRoot }))
    return refused('the attested block does not commit to the finalized one')
  return accepted(header ? header.value : 'genesis')
}

function readNext(
  network: BeaconNetwork,
  attested: LightHeader,
  { next_sync_committee: told, next_sync_committee_branch: branch }: SomeUpdate,
): Decoded<Committee | null> {
  if (!told || !branch) return accepted(null)
  if (isZero(branch)) return isZero(told) ? accepted(null) : refused('a committee comes without its proof')
  const committee = readCommittee(network.preset.committeeSize, told)
  const index = indicesOf(forkAt(network, attested.slot).fork).nextCommittee
  return holdsBranch({ leaf: committee.root, branch, index, top: attested.stateRoot })
    ? accepted(committee)
    : refused('the attested block does not commit to the next committee')
}

function countBits(bits: Uint8Array): number {
  let count = 0
  for (const byte of bits) for (let rest = byte; rest > 0; rest &= rest - 1) count += 1
  return count
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : undefined
}
