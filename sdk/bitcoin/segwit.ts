import { encode as encodeNumber } from 'bitcoinjs-lib/src/script_number'
import { encode as encodeSignature } from 'bitcoinjs-lib/src/script_signature'
import { type Signature, sha256 } from '../crypto/engine.ts'
import { invariant } from '../errors.ts'
import { joinBytes, type Sats } from '../units.ts'
import { op } from './script.ts'
import { type Output, txidBytes, type UnsignedTransaction } from './transaction.ts'

/** What a signature covers: the whole transaction, or its own input and the output at the same place (BIP-143). */
export const sighash = { all: 0x01, singleAnyone: 0x83 } as const

/** One of {@link sighash}. */
export type Sighash = (typeof sighash)[keyof typeof sighash]

/** The output that an input spends, as its signature covers it. */
export interface SpentOutput {
  readonly witnessScript: Uint8Array
  readonly value: Sats
}

/**
 * What ECDSA signs for one input (BIP-143), 32 bytes.
 *
 * @param at - Place of the input; with `singleAnyone`, of its output as well, which then exists.
 */
export function witnessDigest(
  unsigned: UnsignedTransaction,
  at: number,
  { witnessScript, value }: SpentOutput,
  hashType: Sighash = sighash.all,
): Uint8Array {
  const { version, inputs, outputs, locktime } = unsigned
  const input = inputs[at]
  const isAll = hashType === sighash.all
  const covered = isAll ? outputs : outputs.slice(at, at + 1)
  invariant(input && (isAll || covered.length === 1), 'what is signed for is in the transaction')
  invariant(witnessScript.length < 0xfd, 'the scripts of this room are short')
  const outpoints = inputs.map(({ outpoint }) => outpointBytes(outpoint))
  const sequences = inputs.map(({ sequence }) => littleEndian(sequence, 4))
  const message = joinBytes(
    littleEndian(version, 4),
    isAll ? twice(joinBytes(...outpoints)) : nothingHashed,
    isAll ? twice(joinBytes(...sequences)) : nothingHashed,
    outpoints[at] as Uint8Array,
    [witnessScript.length],
    witnessScript,
    littleEndian(value, 8),
    sequences[at] as Uint8Array,
    hashOfOutputs(covered),
    littleEndian(locktime, 4),
    littleEndian(hashType, 4),
  )
  return twice(message)
}

/** The hash of outputs that signatures cover (BIP-143). */
export function hashOfOutputs(outputs: readonly Output[]): Uint8Array {
  const parts = outputs.flatMap(({ script, value }) => [littleEndian(value, 8), [script.length], script])
  return twice(joinBytes(...parts))
}

/** DER with its sighash byte, as scripts take signatures. */
export function derSignature(signature: Signature, hashType: Sighash = sighash.all): Uint8Array {
  return encodeSignature(signature.subarray(0, 64), hashType)
}

/** An outpoint as transactions carry it. */
export function outpointBytes({ txid, index }: UnsignedTransaction['inputs'][number]['outpoint']): Uint8Array {
  return joinBytes(txidBytes(txid), littleEndian(index, 4))
}

/** A whole number, its lowest byte first. */
export function littleEndian(value: bigint | number, size: number): Uint8Array {
  const out = new Uint8Array(size)
  // Money and places are below 2^53, where a number says the same and is far cheaper to take apart.
  const isSafe = value <= Number.MAX_SAFE_INTEGER
  if (isSafe)
    for (let at = 0, rest = Number(value); at < size; at++, rest = Math.floor(rest / 256)) out[at] = rest % 256
  else for (let at = 0, rest = BigInt(value); at < size; at++, rest >>= 8n) out[at] = Number(rest & 0xffn)
  return out
}

/** Pushes a positive number in the shortest way (BIP-62 rule 3). */
export function numberPush(value: number): Uint8Array {
  if (value <= 16) return Uint8Array.of(op.one + value - 1)
  const bytes = encodeNumber(value)
  return joinBytes([bytes.length], bytes)
}

const nothingHashed = /* @__PURE__ */ new Uint8Array(32)

function twice(bytes: Uint8Array): Uint8Array {
  return sha256(sha256(bytes))
}
