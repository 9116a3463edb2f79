import { accepted, type Decoded, refused } from '../../errors.ts'
import { toBigInt } from '../../rlp.ts'
import { hash256 } from './hash.ts'

/** Bytes of one header. */
export const headerSize = 80
/** Bytes of a hash. */
export const hashSize = 32
/** Where in a header the hash of the one before it stands. */
export const previousAt = 4

/** A block header, taken apart. Hashes are 32 bytes in wire order; explorers show them reversed. */
export interface BitcoinHeader {
  /** Identity of the block: hash256 of {@link bytes}. */
  readonly hash: Uint8Array
  /** Signed: versions are compared as numbers, and a set top bit makes one negative. */
  readonly version: number
  /** Hash of the header before it; zeros in block 0. */
  readonly previous: Uint8Array
  readonly merkleRoot: Uint8Array
  /** Seconds since 1970, by the miner's word. */
  readonly time: number
  /** Target in compact form. */
  readonly bits: number
  readonly nonce: number
  /** The 80 bytes themselves. */
  readonly bytes: Uint8Array
}

/** Reads 80 bytes as a header; they are copied. Any 80 bytes are one: nothing is said of work or of a chain. */
export function decodeHeader(bytes: Uint8Array): Decoded<BitcoinHeader> {
  if (bytes.length !== headerSize) return refused(`a header has ${headerSize} bytes, these are ${bytes.length}`)
  const own = bytes.slice()
  const view = new DataView(own.buffer)
  return accepted({
    hash: hash256(own),
    version: view.getInt32(0, true),
    previous: own.subarray(previousAt, previousAt + hashSize),
    merkleRoot: own.subarray(36, 68),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
    bytes: own,
  })
}

/** Time and bits of one of several headers that stand one after the other. */
export function stampOf(headers: Uint8Array, index: number): { readonly time: number; readonly bits: number } {
  const at = index * headerSize + 68
  return { time: readUint32(headers, at), bits: readUint32(headers, at + 4) }
}

/**
 * The target that compact bits stand for: a mantissa of 23 bits and a sign, times a power of 256.
 * Refuses what consensus does: negative, zero, or beyond 256 bits.
 */
export function decodeTarget(bits: number): Decoded<bigint> {
  const exponent = bits >>> 24
  const mantissa = BigInt(bits & 0x7fffff)
  const shift = BigInt(8 * (exponent - 3))
  const target = shift < 0n ? mantissa >> -shift : mantissa << shift
  if (target === 0n) return refused('the target is zero')
  if (bits & 0x800000) return refused('the target is negative')
  if (target >> 256n) return refused('the target has more than 256 bits')
  return accepted(target)
}

/** The compact form of a positive target. Its top three bytes are kept, so most targets lose their low end. */
export function encodeTarget(target: bigint): number {
  let exponent = Math.ceil(target.toString(2).length / 8)
  const shift = BigInt(8 * (exponent - 3))
  let mantissa = Number(shift < 0n ? target << -shift : target >> shift)
  if (mantissa & 0x800000) {
    // The top bit is the sign, so the mantissa makes room for it.
    mantissa >>>= 8
    exponent += 1
  }
  return ((exponent << 24) | mantissa) >>> 0
}

/** Hashes it takes on average to meet a target: 2^256 / (target + 1), rounded down. */
export function workOf(target: bigint): bigint {
  return (1n << 256n) / (target + 1n)
}

/** True when the header's hash, as a number, is at most its own target. That the target is the right one is the chain's to say. */
export function meetsOwnTarget(header: BitcoinHeader): boolean {
  const target = decodeTarget(header.bits)
  return target.ok && hashNumber(header.hash) <= target.value
}

/** A hash as the number that is compared with a target: wire order is lowest byte first. */
export function hashNumber(hash: Uint8Array): bigint {
  return toBigInt(hash.slice().reverse())
}

function readUint32(bytes: Uint8Array, at: number): number {
  const [low, mid] = [bytes[at] as number, bytes[at + 1] as number]
  return (low | (mid << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0
}
