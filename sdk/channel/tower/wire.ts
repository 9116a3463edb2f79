import { hmacSha256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, invariant, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp, type RlpItem } from '../../rlp.ts'
import { fromHex, type Hex, type Txid } from '../../units.ts'
import { asFixed } from '../fields.ts'

/** The format of what a tower keeps. Part of every key and receipt. */
export const towerFormat = 'lanekit tower/1'

/** Outputs of one commitment that can be taken: its balance, and the HTLCs of both sides. */
export const towerOutputsMax = 17
/** Feerates that one output's justice is signed at. */
export const towerRungsMax = 6
/** Longest sealed justice transaction: of the balance output it has less than 300 bytes. */
export const sealedBytesMax = 420
const hintBytes = 16
const nonceBytes = 12
/** Of AES-GCM. */
export const sealTagBytes = 16

/**
 * One revoked state as a tower is given it. Without the txid, of which the hint is one half, nobody can open it: so the tower learns
 * what it may do when it is time to do it, and before that neither amounts nor keys.
 */
export interface SealedState {
  /** Of the revoked commitment. */
  readonly number: number
  /** First 16 bytes of its txid, in wire order. */
  readonly hint: Uint8Array
  /** For each output that can be taken: its justice transaction, sealed, at each feerate from the lowest on. */
  readonly outputs: readonly (readonly Uint8Array[])[]
}

/** What a tower looks a transaction up by: the first 16 bytes of its txid, in wire order. */
export function hintOf(txid: Txid): Uint8Array {
  return wireOrder(txid).slice(0, hintBytes)
}

/** The key, 32 bytes, that opens what was left for a transaction: only who knows all of its txid has it. */
export function stateKey(txid: Txid): Uint8Array {
  return hmacSha256(wireOrder(txid), new TextEncoder().encode(`${towerFormat} key`))
}

/** The nonce of AES-256-GCM, made of what is sealed: equal transactions give equal bytes, and others never meet its nonce. */
export function sealNonce(key: Uint8Array, transaction: Uint8Array): Uint8Array {
  return hmacSha256(key, transaction).slice(0, nonceBytes)
}

/** What is sealed, as it is carried. */
export function sealedBytes(nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  invariant(nonce.length === nonceBytes, 'a nonce of AES-GCM has 12 bytes')
  const bytes = new Uint8Array(nonceBytes + ciphertext.length)
  bytes.set(nonce)
  bytes.set(ciphertext, nonceBytes)
  return bytes
}

/** Takes apart what {@link sealedBytes} made. */
export function sealedParts(bytes: Uint8Array): { readonly nonce: Uint8Array; readonly ciphertext: Uint8Array } {
  return { nonce: bytes.slice(0, nonceBytes), ciphertext: bytes.slice(nonceBytes) }
}

/** Writes a state; its number is carried beside it. */
export function encodeSealed({ hint, outputs }: Omit<SealedState, 'number'>): Uint8Array {
  invariant(hint.length === hintBytes && outputs.length <= towerOutputsMax, 'a state has a hint and few outputs')
  return encodeRlp([hint, outputs])
}

/** Reads a state. Never throws. */
export function decodeSealed(bytes: Uint8Array): Decoded<Omit<SealedState, 'number'>> {
  const rlp = decodeRlp(bytes)
  if (!rlp.ok) return rlp
  const [hintItem, outputsItem, ...rest] = listOf(rlp.value) ?? []
  const hint = asFixed(hintItem, hintBytes)
  const list = listOf(outputsItem)
  if (!hint || !list || rest.length > 0) return refused('a state is a hint and a list of outputs')
  if (list.length > towerOutputsMax) return refused('a state has too many outputs')
  const outputs: (readonly Uint8Array[])[] = []
  for (const item of list) {
    const rungs = listOf(item)
    if (!rungs || rungs.length === 0 || rungs.length > towerRungsMax) return refused('an output has 1 to 6 feerates')
    const sealed = rungs.filter(
      (rung): rung is Uint8Array =>
        rung instanceof Uint8Array && rung.length > nonceBytes + sealTagBytes && rung.length <= sealedBytesMax,
    )
    if (sealed.length < rungs.length) return refused('a sealed transaction is too short or too long')
    outputs.push(sealed.map((rung) => rung.slice()))
  }
  return accepted({ hint, outputs })
}

function listOf(item: RlpItem | undefined): readonly RlpItem[] | undefined {
  return item === undefined || item instanceof Uint8Array ? undefined : item
}

function wireOrder(txid: Txid): Uint8Array {
  return fromHex(`0x${txid}` as Hex).reverse()
}
