import { bls12_381 } from '@noble/curves/bls12-381.js'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import type { Decoded } from '../../../../sdk/errors.ts'
import type { Header } from '../../../../sdk/evm/block.ts'
import { type Hex, toHex } from '../../../../sdk/units.ts'
import {
  type BeaconFork,
  beaconHeaderType,
  capellaPayloadType,
  denebPayloadType,
  indicesOf,
  isFrom,
} from '../../../../sdk/verify/ethereum/containers.ts'
import { type LightMessage, lightMessageFromJson } from '../../../../sdk/verify/ethereum/lightData.ts'
import { type BeaconNetwork, forkAt, minimalPreset, periodAt } from '../../../../sdk/verify/ethereum/network.ts'
import {
  container,
  decodeSsz,
  fixedBytes,
  hashPair,
  hashTreeRoot,
  sszFromJson,
  vector,
  writeUint,
} from '../../../../sdk/verify/ethereum/ssz.ts'

/** A chain of 64 slots a period that goes through four forks in its first periods. */
export const testNetwork: BeaconNetwork = {
  name: 'test',
  chainId: 1,
  preset: minimalPreset,
  genesisValidatorsRoot: new Uint8Array(32).fill(9),
  genesisTime: 1_000_000,
  secondsPerSlot: 6,
  forks: [
    { fork: 'altair', epoch: 0, version: 0x01000001 },
    { fork: 'capella', epoch: 8, version: 0x03000001 },
    { fork: 'deneb', epoch: 16, version: 0x04000001 },
    { fork: 'electra', epoch: 24, version: 0x05000001 },
    { fork: 'fulu', epoch: 32, version: 0x06000001 },
  ],
  blobSteps: [],
}

const size = minimalPreset.committeeSize
const { G1 } = bls12_381
const order = bls12_381.fields.Fr.ORDER
const suite = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'
const none: Hex = `0x${'00'.repeat(32)}`

interface Members {
  readonly secrets: readonly bigint[]
  readonly json: { readonly pubkeys: readonly Hex[]; readonly aggregate_pubkey: Hex }
  readonly root: Uint8Array
}

const committees = new Map<string, Members>()

/** The committee of a period; `branch` tells histories that differ apart. */
export function membersOf(period: number, branch = 0): Members {
  const name = `${period}/${branch}`
  const known = committees.get(name)
  if (known) return known
  const secrets = Array.from({ length: size }, (_, at) => BigInt(1 + at + 1_000 * period + 100_000 * branch))
  // Secrets follow one another, so each key is the one before and the generator.
  const keys = [G1.Point.BASE.multiply(secrets[0] as bigint)]
  while (keys.length < size) keys.push((keys.at(-1) as typeof G1.Point.BASE).add(G1.Point.BASE))
  const sum = keys.reduce((all, key) => all.add(key), G1.Point.ZERO)
  const json = { pubkeys: keys.map((key) => toHex(key.toBytes())), aggregate_pubkey: toHex(sum.toBytes()) }
  const type = container({ pubkeys: vector(fixedBytes(48), size), aggregate_pubkey: fixedBytes(48) })
  const members = { secrets, json, root: rootFromJson(type, json) }
  committees.set(name, members)
  return members
}

/** A beacon block: what its header says, and what its state and body commit to. */
export interface TestBlock {
  readonly slot: number
  readonly fork: BeaconFork
  readonly header: object
  readonly root: Uint8Array
  readonly proofs: {
    readonly current: readonly Hex[]
    readonly next: readonly Hex[]
    readonly finality: readonly Hex[]
  }
  readonly finalized: TestBlock | null
  readonly branch: number
}

/** A block at a slot, the execution block in it, and the older one that it calls final. */
export function testBlock(told: {
  readonly network?: BeaconNetwork
  readonly slot: number
  readonly finalized?: TestBlock | null
  readonly execution?: { readonly header: Header; readonly hash: Hex }
  readonly branch?: number
}): TestBlock {
  const { network = testNetwork, slot, finalized = null, branch = 0 } = told
  const { fork } = forkAt(network, slot)
  const period = periodAt(network, slot)
  const indices = indicesOf(fork)
  const state = tree(
    new Map([
      [indices.currentCommittee, membersOf(period, branch).root],
      [indices.nextCommittee, membersOf(period + 1, branch).root],
      [indices.finalizedRoot, finalized?.root ?? new Uint8Array(32)],
    ]),
  )
  const payload = payloadOf(slot, told.execution)
  const type = isFrom(fork, 'deneb') ? denebPayloadType : capellaPayloadType
  const body = tree(new Map([[25, rootFromJson(type, payload)]]))
  const beacon = {
    slot: String(slot),
    proposer_index: '3',
    parent_root: none,
    state_root: toHex(state.root),
    body_root: isFrom(fork, 'capella') ? toHex(body.root) : toHex(new Uint8Array(32).fill(branch + 1)),
  }
  const header = isFrom(fork, 'capella') ? { beacon, execution: payload, execution_branch: body.prove(25) } : { beacon }
  return {
    slot,
    fork,
    header,
    root: rootFromJson(beaconHeaderType, beacon),
    proofs: {
      current: state.prove(indices.currentCommittee),
      next: state.prove(indices.nextCommittee),
      finality: state.prove(indices.finalizedRoot),
    },
    finalized,
    branch,
  }
}

/** What a signature is made with, where it is not what an honest node would tell. */
export interface Signing {
  readonly network?: BeaconNetwork
  readonly signatureSlot?: number
  /** Places that did not sign. */
  readonly absent?: readonly number[]
  /** Whose committee signs. */
  readonly signers?: Members
  readonly version?: number
}

/** Messages about a block, as beacon nodes write them in JSON. */
export function updateJson(block: TestBlock, signing: Signing = {}): Readonly<Record<string, unknown>> {
  const { network = testNetwork } = signing
  const period = periodAt(network, block.slot)
  return {
    attested_header: block.header,
    next_sync_committee: membersOf(period + 1, block.branch).json,
    next_sync_committee_branch: block.proofs.next,
    ...finalityJson(block),
    ...signatureJson(block, signing),
  }
}

export function finalityUpdateJson(block: TestBlock, signing: Signing = {}): Readonly<Record<string, unknown>> {
  return { attested_header: block.header, ...finalityJson(block), ...signatureJson(block, signing) }
}

export function optimisticUpdateJson(block: TestBlock, signing: Signing = {}): Readonly<Record<string, unknown>> {
  return { attested_header: block.header, ...signatureJson(block, signing) }
}

export function bootstrapJson(block: TestBlock, network = testNetwork): Readonly<Record<string, unknown>> {
  return {
    header: block.header,
    current_sync_committee: membersOf(periodAt(network, block.slot), block.branch).json,
    current_sync_committee_branch: block.proofs.current,
  }
}

/** The SSZ of a message. */
export function message(kind: LightMessage, json: unknown, network = testNetwork): Uint8Array {
  return must(lightMessageFromJson(network, kind, json))
}

export function must<value>(decoded: Decoded<value>): value {
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.value
}

function finalityJson({ finalized, fork, proofs }: TestBlock) {
  // An older header in the form of the younger fork, as nodes answer it.
  const header = finalized ? inForm(finalized.header, finalized.fork, fork) : null
  return {
    finalized_header: header ?? emptyHeader(fork),
    finality_branch: finalized ? proofs.finality : proofs.finality.map(() => none),
  }
}

function inForm(header: object, from: BeaconFork, to: BeaconFork): object {
  if (!isFrom(to, 'capella')) return header
  if (!isFrom(from, 'capella')) return { ...emptyHeader(to), ...header }
  if (isFrom(from, 'deneb') || !isFrom(to, 'deneb')) return header
  const { execution } = header as { readonly execution: object }
  return { ...header, execution: { ...execution, blob_gas_used: '0', excess_blob_gas: '0' } }
}

function emptyHeader(fork: BeaconFork): object {
  const beacon = { slot: '0', proposer_index: '0', parent_root: none, state_root: none, body_root: none }
  if (!isFrom(fork, 'capella')) return { beacon }
  const execution = Object.fromEntries(
    Object.entries(payloadOf(0)).map(([name, value]) => [
      name,
      value.startsWith('0x') ? (name === 'extra_data' ? '0x' : `0x${'00'.repeat((value.length - 2) / 2)}`) : '0',
    ]),
  )
  return { beacon, execution, execution_branch: Array.from({ length: 4 }, () => none) }
}

function signatureJson(block: TestBlock, signing: Signing) {
  const { network = testNetwork, signatureSlot = block.slot + 1, absent = [] } = signing
  const signers = signing.signers ?? membersOf(periodAt(network, signatureSlot), block.branch)
  const version = signing.version ?? forkAt(network, Math.max(1, signatureSlot) - 1).version
  const named = new Uint8Array(32)
  new DataView(named.buffer).setUint32(0, version)
  const domain = new Uint8Array(32)
  domain[0] = 7
  domain.set(hashPair(named, network.genesisValidatorsRoot).subarray(0, 28), 4)
  const secret = signers.secrets.reduce((sum, one, at) => (absent.includes(at) ? sum : sum + one), 0n) % order
  const bits = new Uint8Array(size / 8)
  for (let at = 0; at < size; at++)
    if (!absent.includes(at)) bits[at >> 3] = (bits[at >> 3] as number) | (1 << (at & 7))
  return {
    sync_aggregate: {
      sync_committee_bits: toHex(bits),
      sync_committee_signature: secret === 0n ? toHex(infinity()) : signed(hashPair(block.root, domain), secret),
    },
    signature_slot: String(signatureSlot),
  }
}

function signed(root: Uint8Array, secret: bigint): Hex {
  const { longSignatures } = bls12_381
  return toHex(longSignatures.hash(root, suite).multiplyUnsafe(secret).toBytes())
}

function infinity(): Uint8Array {
  const bytes = new Uint8Array(96)
  bytes[0] = 0xc0
  return bytes
}

type Payload = Readonly<Record<string, string>>

function payloadOf(slot: number, execution?: { readonly header: Header; readonly hash: Hex }): Payload {
  const header = execution?.header
  return {
    parent_hash: header?.parentHash ?? none,
    fee_recipient: header?.miner ?? `0x${'11'.repeat(20)}`,
    state_root: header ? toHex(header.stateRoot) : none,
    receipts_root: header ? toHex(header.receiptsRoot) : none,
    logs_bloom: `0x${'00'.repeat(256)}`,
    prev_randao: none,
    block_number: String(header?.number ?? slot),
    gas_limit: '30000000',
    gas_used: '0',
    timestamp: String(header?.timestamp ?? slot),
    extra_data: '0x6c616e65',
    base_fee_per_gas: '7',
    block_hash: execution?.hash ?? toHex(sha256(writeUint(slot, 8))),
    transactions_root: none,
    withdrawals_root: none,
    blob_gas_used: '0',
    excess_blob_gas: '0',
  }
}

function rootFromJson(type: Parameters<typeof sszFromJson>[0], json: unknown): Uint8Array {
  return hashTreeRoot(type, must(decodeSsz(type, must(sszFromJson(type, json)))))
}

/** A tree with these leaves, by their generalized indices, and zeros everywhere else. */
function tree(leaves: ReadonlyMap<number, Uint8Array>) {
  const nodeAt = (index: number): Uint8Array => {
    const leaf = leaves.get(index)
    if (leaf) return leaf
    const isAbove = [...leaves.keys()].some((one) => isBelow(one, index))
    return isAbove ? hashPair(nodeAt(2 * index), nodeAt(2 * index + 1)) : new Uint8Array(32)
  }
  return {
    root: nodeAt(1),
    prove: (index: number): readonly Hex[] => {
      const branch: Hex[] = []
      for (let at = index; at > 1; at >>= 1) branch.push(toHex(nodeAt(at ^ 1)))
      return branch
    },
  }
}

function isBelow(one: number, other: number): boolean {
  let at = one
  while (at > other) at >>= 1
  return at === other && one !== other
}
