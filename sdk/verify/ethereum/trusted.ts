import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, decodeHeader, type Header } from '../../evm/block.ts'
import { type Address, type BlockHash, type Slot, sameBytes, toHex } from '../../units.ts'
import type { BeaconVerdict, Claim } from '../verdict.ts'
import { type ProvenAccount, slotOf, verifyAccount, verifySlot } from './state.ts'

/** Blocks whose hashes the history contract serves (EIP-2935). */
export const historyWindow = 8_191
/** Keeps the hashes of the last {@link historyWindow} blocks in its storage (EIP-2935). */
export const historyContract = '0x0000f90827f1c53a10cb7a02335b175320002935' as Address

/** What a block hangs on: a verdict, but for what is proven of the answer itself. */
export type Standing = Omit<BeaconVerdict, 'proven' | 'sources' | 'block'>

/** An execution block that there is a reason to trust, and its header. */
export interface TrustedBlock {
  readonly hash: BlockHash
  readonly header: Header
  /** The header in consensus encoding (RLP). */
  readonly bytes: Uint8Array
  readonly standing: Standing
  /** `ancestry` for a block that was not signed itself. */
  readonly proven: readonly Claim[]
}

/**
 * A block that is trusted by its hash, once its header is at hand. Never throws.
 *
 * @param expected - As the beacon chain proves it (`execution.hash` of a light header).
 */
export function trustBlock(told: {
  readonly bytes: Uint8Array
  readonly expected: BlockHash
  readonly standing: Standing
}): Decoded<TrustedBlock> {
  const { bytes, expected, standing } = told
  const hash = blockHashOf(bytes)
  if (hash !== expected) return refused('the header is not the one that the beacon chain commits to')
  const header = decodeHeader(bytes)
  return header.ok ? accepted({ hash, header: header.value, bytes, standing, proven: [] }) : header
}

/** What shows that a block is an ancestor: the slot of the history contract that holds its hash. */
export interface LookBack {
  /** Of the ancestor, in consensus encoding (RLP). */
  readonly header: Uint8Array
  readonly accountProof: readonly Uint8Array[]
  readonly slotProof: readonly Uint8Array[]
}

/**
 * An ancestor of a trusted block, at most {@link historyWindow} blocks before it (EIP-2935; from Prague on). Never throws.
 */
export function lookBack(
  head: TrustedBlock,
  { header: bytes, accountProof, slotProof }: LookBack,
): Decoded<TrustedBlock> {
  const header = decodeHeader(bytes)
  if (!header.ok) return header
  const { number } = header.value
  const account = verifyAccount({ stateRoot: head.header.stateRoot, address: historyContract, proof: accountProof })
  if (!account.ok) return account
  if (!account.value) return refused('the chain keeps no history of its hashes (EIP-2935)')
  const expected = historyHash(head, { account: account.value, number, proof: slotProof })
  if (!expected.ok) return expected
  const hash = blockHashOf(bytes)
  if (hash !== toHex(expected.value)) return refused('the header is not that of the ancestor of this number')
  return accepted({ hash, header: header.value, bytes, standing: head.standing, proven: ['ancestry'] })
}

/** The slot that holds the hash of a block. */
export function historySlot(number: number): Slot {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(28, number % historyWindow)
  return slotOf(bytes)
}

/** The hash of the ancestor of this number, as the history contract keeps it. */
export function historyHash(
  head: Pick<TrustedBlock, 'header'>,
  told: { readonly account: ProvenAccount; readonly number: number; readonly proof: readonly Uint8Array[] },
): Decoded<Uint8Array> {
  const { account, number, proof } = told
  // Further back, the slot holds the hash of another block.
  if (number >= head.header.number || number < head.header.number - historyWindow)
    return refused(`block ${number} is not among the ${historyWindow} before block ${head.header.number}`)
  const word = verifySlot({ storageRoot: account.storageRoot, slot: historySlot(number), proof })
  if (!word.ok) return word
  return sameBytes(word.value, new Uint8Array(32)) ? refused(`the history holds no hash of block ${number}`) : word
}

/** What is said of an answer under a trusted block. */
export function verdictOn(
  block: TrustedBlock,
  proven: readonly Claim[],
  sources: readonly string[] = [],
): BeaconVerdict {
  const { hash, header, standing } = block
  const at = { number: header.number, hash, timestamp: Number(header.timestamp) }
  return { ...standing, block: at, proven: [...proven, ...block.proven], sources }
}
