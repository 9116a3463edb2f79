import { blake2f } from '../crypto/blake2f.ts'
import { currentEngine, keccak256, sha256 } from '../crypto/engine.ts'
import { modexp } from '../crypto/modexp.ts'
import { ripemd160 } from '../crypto/ripemd160.ts'
import { fromHex, type Hex } from '../units.ts'
import type { Execution } from './execution.ts'
import { noBytes } from './frame.ts'
import { blake2fGas, g1MsmGas, g2MsmGas, modexpGas, modexpSizes, pairingGas } from './precompileGas.ts'
import type { Rules } from './rules.ts'

/** What a precompiled contract answers, or nothing when it fails. It never throws, and its answer is its own bytes. */
export type Precompile = (input: Uint8Array) => Uint8Array | undefined

/**
 * Contracts that need large libraries, handed in by whoever runs the machine, by the number that is their address:
 * 6, 7, 8 (bn254), 10 (KZG), 11 to 17 (BLS12-381), 256 (P-256). What they cost is known here.
 */
export type Precompiles = Readonly<Record<number, Precompile>>

interface PrecompileEntry {
  readonly gas: (input: Uint8Array) => number
  readonly run: Precompile | undefined
}

/** Every precompiled contract of a fork, by its number. */
export type PrecompileTable = ReadonlyMap<number, PrecompileEntry>

export function precompileTable(rules: Rules, handedIn: Precompiles): PrecompileTable {
  const fixed = (gas: number) => () => gas
  const perWord = (base: number, word: number) => (input: Uint8Array) => base + word * Math.ceil(input.length / 32)
  const entries: [number, PrecompileEntry['gas'], Precompile?][] = [
    [0x01, fixed(3_000), ecrecover],
    [0x02, perWord(60, 12), (input) => sha256(input)],
    [0x03, perWord(600, 120), (input) => padTo32(ripemd160(input))],
    [0x04, perWord(15, 3), (input) => input.slice()],
    [0x05, (input) => modexpGas(input, rules.modexp), (input) => runModexp(input, rules.modexp)],
    [0x06, fixed(150)],
    [0x07, fixed(6_000)],
    [0x08, pairingGas({ base: 45_000, pair: 34_000, pairBytes: 192 })],
    [0x09, blake2fGas, runBlake2f],
    [0x0a, fixed(50_000)],
    [0x0b, fixed(375)],
    [0x0c, g1MsmGas],
    [0x0d, fixed(600)],
    [0x0e, g2MsmGas],
    [0x0f, pairingGas({ base: 37_700, pair: 32_600, pairBytes: 384 })],
    [0x10, fixed(5_500)],
    [0x11, fixed(23_800)],
    [0x100, fixed(6_900)],
  ]
  return new Map(entries.map(([number, gas, run]) => [number, { gas, run: run ?? handedIn[number] }]))
}

/**
 * Runs the precompiled contract `number` on `gas`; nothing when it fails and takes all of it. When it was not handed
 * in, `execution.needs` is set, and the answer means nothing.
 */
export function runPrecompile(
  execution: Execution,
  number: number,
  input: Uint8Array,
  gas: number,
): { readonly gas: number; readonly output: Uint8Array } | undefined {
  const entry = execution.precompiles.get(number)
  const price = entry?.gas(input) ?? 0
  if (price > gas) return undefined
  if (!entry?.run) {
    execution.needs = number
    return undefined
  }
  const output = entry.run(input)
  return output && { gas: price, output }
}

const halfOrder: Hex = '0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0'
const order: Hex = '0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'

/** The account that signed; no bytes when nobody did. Takes a high s too, as contracts may. */
function ecrecover(input: Uint8Array): Uint8Array {
  const bytes = padded(input, 0, 128)
  if (bytes.subarray(32, 63).some((byte) => byte !== 0)) return noBytes
  const v = bytes[63] as number
  if (v !== 27 && v !== 28) return noBytes
  const signature = new Uint8Array(65)
  signature.set(bytes.subarray(64, 128))
  signature[64] = v - 27
  // The engine takes low s only; the same point signs with the other s under the other parity.
  if (isAbove(signature.subarray(32, 64), fromHex(halfOrder))) {
    if (!isAbove(fromHex(order), signature.subarray(32, 64))) return noBytes
    subtractFrom(fromHex(order), signature.subarray(32, 64))
    signature[64] = 28 - v
  }
  const key = currentEngine().recover(signature, bytes.subarray(0, 32))
  return key ? padTo32(keccak256(key.subarray(1)).subarray(12)) : noBytes
}

function isAbove(one: Uint8Array, other: Uint8Array): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return (one[at] as number) > (other[at] as number)
  return false
}

/** bytes = from - bytes. */
function subtractFrom(from: Uint8Array, bytes: Uint8Array): void {
  let borrow = 0
  for (let at = from.length - 1; at >= 0; at--) {
    const difference = (from[at] as number) - (bytes[at] as number) - borrow
    bytes[at] = difference & 0xff
    borrow = difference < 0 ? 1 : 0
  }
}

function runModexp(input: Uint8Array, prices: Rules['modexp']): Uint8Array | undefined {
  const sizes = modexpSizes(input)
  const largest = Math.max(sizes.base, sizes.exponent, sizes.modulus)
  if (prices === 'osaka' && largest > 1_024) return undefined // EIP-7823
  if (sizes.modulus === 0) return noBytes
  const base = padded(input, 96, sizes.base)
  const exponent = padded(input, 96 + sizes.base, sizes.exponent)
  return modexp(base, exponent, padded(input, 96 + sizes.base + sizes.exponent, sizes.modulus))
}

function runBlake2f(input: Uint8Array): Uint8Array | undefined {
  const isFinal = input[212]
  return input.length === 213 && (isFinal === 0 || isFinal === 1) ? blake2f(input) : undefined
}

/** `size` bytes from `from` on, zeros for those that are not there. */
function padded(input: Uint8Array, from: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  bytes.set(input.subarray(from, from + size))
  return bytes
}

function padTo32(bytes: Uint8Array): Uint8Array {
  const word = new Uint8Array(32)
  word.set(bytes, 32 - bytes.length)
  return word
}
