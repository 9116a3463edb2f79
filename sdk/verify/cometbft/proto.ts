import { joinBytes } from '../../units.ts'

/**
 * Protocol Buffers, as far as CometBFT hashes and signs them: fields of zero are left out. Only written, never read:
 * what is hashed here comes from values that were judged.
 */

export function varintField(number: number, value: bigint): Uint8Array {
  return value === 0n ? none : joinBytes(varint(BigInt(number << 3)), varint(value))
}

/** Eight bytes, lowest first. */
export function fixed64Field(number: number, value: bigint): Uint8Array {
  if (value === 0n) return none
  const bytes = new Uint8Array(9)
  bytes[0] = (number << 3) | 1
  new DataView(bytes.buffer).setBigInt64(1, value, true)
  return bytes
}

export function bytesField(number: number, value: Uint8Array): Uint8Array {
  return value.length === 0 ? none : messageField(number, value)
}

/** A message that stands there even when it is empty. */
export function messageField(number: number, value: Uint8Array): Uint8Array {
  return joinBytes(varint(BigInt((number << 3) | 2)), lengthDelimited(value))
}

export function lengthDelimited(value: Uint8Array): Uint8Array {
  return joinBytes(varint(BigInt(value.length)), value)
}

const none = /* @__PURE__ */ new Uint8Array(0)

/** Negative numbers take ten bytes, as two's complement in 64 bits. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
