import { verifyAggregates } from '../../crypto/aggregates.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp } from '../../rlp.ts'
import { type BlockHash, toHex } from '../../units.ts'
import type { Machine } from '../../vm/index.ts'
import type { BeaconVerdict } from '../verdict.ts'
import { type Evidence, evidenceShape, type Shown, verifyEvidence } from './evidence.ts'
import { type Committee, decodeBootstrap, decodeUpdate, type LightHeader, type LightUpdate } from './lightData.ts'
import { type BeaconNetwork, periodAt, timeOf } from './network.ts'
import { bytes, count, list, optional, record } from './shapes.ts'
import { proofNodesMax } from './state.ts'
import { advance, claimOf, hasTwoThirds, type LightChain, signersAt, startLightChain, updatesMax } from './sync.ts'
import { type LookBack, lookBack, type Standing, type TrustedBlock, trustBlock, verdictOn } from './trusted.ts'

/** Largest receipt that is read: whole blocks of receipts take some megabytes. */
export const receiptBytesMax = 33_554_432

/** How a block hangs on a committee's signature. */
export interface HeadEvidence {
  readonly kind: 'update' | 'finality-update' | 'optimistic-update'
  /** The update, in SSZ. */
  readonly update: Uint8Array
  /** Of the execution block that it proves, in consensus encoding (RLP). */
  readonly header: Uint8Array
  /** The older block that the answer is of, if it is not that one. */
  readonly lookBack: LookBack | null
}

/** Everything that an answer rests on. Whoever trusts the anchor judges it alone, and without a network. */
export interface ProofReceipt {
  readonly head: HeadEvidence
  readonly level: BeaconVerdict['level']
  readonly evidence: Evidence
}

/** What a receipt is judged from. */
export type ReceiptAnchor =
  /** A chain that the reader follows: it knows the committee of its period and the next one. */
  | { readonly kind: 'chain'; readonly chain: LightChain }
  /** A block that the reader pins, and the messages that lead from it to the receipt's committee. */
  | {
      readonly kind: 'checkpoint'
      readonly network: BeaconNetwork
      readonly root: Uint8Array
      /** In SSZ. */
      readonly bootstrap: Uint8Array
      readonly updates: readonly Uint8Array[]
    }

const nodes = list(bytes, proofNodesMax)
const receiptShape = record({
  version: count,
  level: count,
  kind: count,
  update: bytes,
  header: bytes,
  lookBack: optional(record({ header: bytes, accountProof: nodes, slotProof: nodes })),
  evidence: evidenceShape,
})

const version = 1
const levels = ['finalized', 'optimistic'] as const
const updateKinds = ['update', 'finality-update', 'optimistic-update'] as const

/** The receipt as bytes, to keep and to hand on. */
export function encodeProofReceipt({ head, level, evidence }: ProofReceipt): Uint8Array {
  const { update, header, lookBack } = head
  const [levelAt, kindAt] = [levels.indexOf(level), updateKinds.indexOf(head.kind)]
  return encodeRlp(receiptShape.write({ version, level: levelAt, kind: kindAt, update, header, lookBack, evidence }))
}

/** Reads what {@link encodeProofReceipt} wrote. Form only, never throws. */
export function decodeProofReceipt(bytes: Uint8Array): Decoded<ProofReceipt> {
  if (bytes.length > receiptBytesMax) return refused(`the receipt is longer than ${receiptBytesMax} bytes`)
  const item = decodeRlp(bytes)
  if (!item.ok) return refused(`the receipt is not canonical RLP: ${item.reason}`)
  const read = receiptShape.read(item.value)
  const [level, kind] = [levels[read?.level ?? -1], updateKinds[read?.kind ?? -1]]
  if (!read || read.version !== version || !level || !kind) return refused('the receipt is of no known form')
  const { update, header, lookBack, evidence } = read
  return accepted({ head: { kind, update, header, lookBack }, level, evidence })
}

/**
 * Judges a receipt again: the signature of the committee, the block, and the evidence under it. Offline; never throws.
 *
 * It says nothing of what came later: whether an account still holds as much is for a younger block to tell.
 *
 * @param machine - Of the block's rules, for a receipt of a call.
 */
export function verifyReceipt(
  receipt: Uint8Array,
  { anchor, machine }: { readonly anchor: ReceiptAnchor; readonly machine?: Machine },
): Decoded<Shown & { readonly verdict: BeaconVerdict }> {
  const read = decodeProofReceipt(receipt)
  if (!read.ok) return read
  const { head, level, evidence } = read.value
  const network = anchor.kind === 'chain' ? anchor.chain.network : anchor.network
  const update = decodeUpdate(network, head.kind, head.update)
  if (!update.ok) return refused(`the update: ${update.reason}`)
  const signers = signersFor(anchor, update.value)
  if (!signers.ok) return signers
  if (!verifyAggregates([claimOf(network, signers.value.committee, update.value)]))
    return refused('the committee has not signed it')
  const block = blockOf({ head, level, update: update.value, anchor: signers.value.anchor })
  if (!block.ok) return block
  const held = verifyEvidence({ network, block: block.value, evidence, ...(machine ? { machine } : {}) })
  if (!held.ok) return held
  return accepted({ ...held.value, verdict: verdictOn(block.value, held.value.proven) })
}

/** The block of a level that an update proves, and its ancestor where the answer is of one. */
export function blockOf(told: {
  readonly head: HeadEvidence
  readonly level: BeaconVerdict['level']
  readonly update: LightUpdate
  readonly anchor: Standing['anchor']
}): Decoded<TrustedBlock> {
  const { head, level, update, anchor } = told
  const beacon = headOf(update, level)
  if (!beacon.ok) return beacon
  const standing: Standing = {
    level,
    anchor,
    participation: { signed: update.participants, of: 8 * update.bits.length },
  }
  const trusted = trustBlock({ bytes: head.header, expected: beacon.value, standing })
  return trusted.ok && head.lookBack ? lookBack(trusted.value, head.lookBack) : trusted
}

/** `finalized` needs two thirds; below them, an update makes nothing final, and says nothing safe of its head. */
function headOf(update: LightUpdate, level: BeaconVerdict['level']): Decoded<BlockHash> {
  if (!hasTwoThirds(update)) return refused('two thirds of the committee have not signed it')
  if (level === 'optimistic') return hashOf(update.attested)
  if (update.finality === null || update.finality === 'genesis') return refused('the update makes no block final')
  return hashOf(update.finality)
}

function hashOf({ execution }: LightHeader): Decoded<BlockHash> {
  return execution ? accepted(execution.hash) : refused('the beacon block names no execution block')
}

interface Signers {
  readonly committee: Committee
  readonly anchor: Standing['anchor']
}

function signersFor(anchor: ReceiptAnchor, update: LightUpdate): Decoded<Signers> {
  const known =
    anchor.kind === 'chain' ? accepted({ chain: anchor.chain, start: anchor.chain }) : followed(anchor, update)
  if (!known.ok) return known
  const { chain, start } = known.value
  const committee = signersAt(chain, update.signatureSlot)
  if (!committee) {
    const period = periodAt(chain.network, update.signatureSlot)
    return refused(`the committee of period ${period} is not known from this anchor`)
  }
  if (update.signatureSlot <= update.attested.slot) return refused('it is signed before the block that it attests')
  return accepted({ committee, anchor: anchorAt(start) })
}

/** The anchor that a chain stands for where it begins. */
export function anchorAt({ network, finalized }: LightChain): Standing['anchor'] {
  return { kind: 'checkpoint', network: network.name, slot: finalized.slot, root: toHex(finalized.root) }
}

function followed(
  { network, root, bootstrap, updates }: Extract<ReceiptAnchor, { readonly kind: 'checkpoint' }>,
  update: LightUpdate,
): Decoded<{ readonly chain: LightChain; readonly start: LightChain }> {
  if (updates.length > updatesMax) return refused(`there are more than ${updatesMax} updates`)
  const begun = decodeBootstrap(network, bootstrap)
  if (!begun.ok) return refused(`the bootstrap: ${begun.reason}`)
  const start = startLightChain(network, root, begun.value)
  if (!start.ok) return start
  const read: LightUpdate[] = []
  for (const [at, bytes] of updates.entries()) {
    const one = decodeUpdate(network, 'update', bytes)
    if (!one.ok) return refused(`update ${at}: ${one.reason}`)
    read.push(one.value)
  }
  // No clock is asked: nothing on the way may be younger than what the receipt shows.
  const chain = advance(start.value, read, timeOf(network, update.signatureSlot))
  return chain.ok ? accepted({ chain: chain.value, start: start.value }) : chain
}
