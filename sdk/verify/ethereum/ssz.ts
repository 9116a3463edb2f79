import { sha256 } from '../../crypto/hashes.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { fromHex, isHex, joinBytes, sameBytes } from '../../units.ts'

/**
 * Simple Serialize (consensus-specs, `ssz/simple-serialize.md`), as much of it as light clients meet: numbers, fixed
 * bytes, short byte lists, vectors and containers. One table a container tells the decoder, the hasher and the reader
 * of JSON what it holds.
 */
export type SszType = NumberType | BytesType | DataType | VectorType | ContainerType

/** Little-endian, `size` bytes. In JSON, decimal digits. */
export interface NumberType {
  readonly kind: 'number'
  readonly size: number
}

export interface BytesType {
  readonly kind: 'bytes'
  readonly size: number
}

/** A list of at most `sizeMax` bytes. */
export interface DataType {
  readonly kind: 'data'
  readonly sizeMax: number
}

export interface VectorType<element extends SszType = SszType> {
  readonly kind: 'vector'
  readonly of: element
  readonly count: number
}

/** Fields in their order, under the names that the specification and JSON give them. */
export interface ContainerType<fields extends Fields = Fields> {
  readonly kind: 'container'
  readonly fields: fields
}

export interface Fields {
  readonly [name: string]: SszType
}

/** What a type holds once decoded: bytes at the leaves, all of them views into the input. */
export type SszValue<type extends SszType> =
  type extends ContainerType<infer fields>
    ? { readonly [name in keyof fields]: SszValue<fields[name]> }
    : type extends VectorType<infer element>
      ? readonly SszValue<element>[]
      : Uint8Array

export const uint64 = { kind: 'number', size: 8 } as const
export const uint256 = { kind: 'number', size: 32 } as const
export const root = { kind: 'bytes', size: 32 } as const

export function fixedBytes(size: number) {
  return { kind: 'bytes', size } as const
}

export function byteList(sizeMax: number) {
  return { kind: 'data', sizeMax } as const
}

export function vector<element extends SszType>(of: element, count: number): VectorType<element> {
  return { kind: 'vector', of, count }
}

export function container<const fields extends Fields>(fields: fields): ContainerType<fields> {
  return { kind: 'container', fields }
}

/**
 * Reads exactly one value that fills `bytes`. Never throws.
 *
 * Refuses every encoding but the one: offsets that do not follow one another without a gap, bytes left over, lists
 * beyond their limit.
 */
export function decodeSsz<type extends SszType>(type: type, bytes: Uint8Array): Decoded<SszValue<type>> {
  const read = readValue(type, bytes)
  return typeof read === 'string' ? refused(read) : accepted(read as SszValue<type>)
}

/** The bytes that {@link decodeSsz} reads from a value as beacon nodes write it in JSON. Never throws. */
export function sszFromJson(type: SszType, json: unknown): Decoded<Uint8Array> {
  const written = writeJson(type, json)
  return typeof written === 'string' ? refused(written) : accepted(written)
}

/** Bytes of a type that always has as many, or `null`. */
export function fixedSize(type: SszType): number | null {
  switch (type.kind) {
    case 'number':
    case 'bytes':
      return type.size
    case 'data':
      return null
    case 'vector': {
      const size = fixedSize(type.of)
      return size === null ? null : size * type.count
    }
    case 'container': {
      let total = 0
      for (const field of Object.values(type.fields)) {
        const size = fixedSize(field)
        if (size === null) return null
        total += size
      }
      return total
    }
  }
}

/** The 32 bytes that commit to a value (`hash_tree_root`). */
export function hashTreeRoot<type extends SszType>(type: type, value: SszValue<type>): Uint8Array {
  return rootOf(type, value as Value)
}

/** True when every byte of the value is zero and every list empty: what stands where there is nothing. */
export function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.every((byte) => byte === 0)
  return Object.values(value as object).every(isZero)
}

/**
 * True when `branch` leads from `leaf` to `top`. The generalized index (consensus-specs, `ssz/merkle-proofs.md`) fixes
 * depth and sides, so there is one branch and no other.
 */
export function holdsBranch(proof: {
  readonly leaf: Uint8Array
  readonly branch: readonly Uint8Array[]
  readonly index: number
  readonly top: Uint8Array
}): boolean {
  let { leaf: node, index } = proof
  for (const sibling of proof.branch) {
    if (index <= 1) return false
    node = index % 2 ? hashPair(sibling, node) : hashPair(node, sibling)
    index = Math.floor(index / 2)
  }
  return index === 1 && sameBytes(node, proof.top)
}

/** SHA-256 of two roots. */
export function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  pair.set(left)
  pair.set(right, 32)
  return sha256(pair)
}

const pair = /* @__PURE__ */ new Uint8Array(64)

type Value = Uint8Array | readonly Value[] | { readonly [name: string]: Value }

function readValue(type: SszType, bytes: Uint8Array): Value | string {
  switch (type.kind) {
    case 'number':
    case 'bytes':
      return bytes.length === type.size ? bytes : `${bytes.length} bytes stand where ${type.size} belong`
    case 'data':
      return bytes.length <= type.sizeMax ? bytes : `a list is longer than ${type.sizeMax} bytes`
    case 'vector':
      return readVector(type, bytes)
    case 'container':
      return readContainer(type, bytes)
  }
}

function readVector({ of, count }: VectorType, bytes: Uint8Array): Value | string {
  const size = fixedSize(of) ?? 0
  if (bytes.length !== size * count) return `${bytes.length} bytes stand where ${size * count} belong`
  const values: Value[] = []
  for (let at = 0; at < count; at++) {
    const value = readValue(of, bytes.subarray(at * size, (at + 1) * size))
    if (typeof value === 'string') return value
    values.push(value)
  }
  return values
}

const offsetSize = 4

function readContainer({ fields }: ContainerType, bytes: Uint8Array): Value | string {
  const entries = Object.entries(fields)
  const parts = new Map<string, Uint8Array>()
  const lists: { readonly name: string; readonly start: number }[] = []
  let at = 0
  for (const [name, type] of entries) {
    const size = fixedSize(type)
    const end = at + (size ?? offsetSize)
    if (end > bytes.length) return `the bytes end before ${name}`
    if (size === null) lists.push({ name, start: readUint(bytes.subarray(at, end)) })
    else parts.set(name, bytes.subarray(at, end))
    at = end
  }
  for (const [index, { name, start }] of lists.entries()) {
    const end = lists[index + 1]?.start ?? bytes.length
    // The first one follows the fixed part, each further one the one before: gaps would be a second encoding.
    if ((index === 0 && start !== at) || start > end || end > bytes.length) return `the offset of ${name} is wrong`
    parts.set(name, bytes.subarray(start, end))
  }
  if (lists.length === 0 && at !== bytes.length) return 'bytes follow the last field'
  const value: Record<string, Value> = {}
  for (const [name, type] of entries) {
    const read = readValue(type, parts.get(name) as Uint8Array)
    if (typeof read === 'string') return `${name}: ${read}`
    value[name] = read
  }
  return value
}

/** Reads up to six little-endian bytes exactly; more only where the rest is zero, else more than any safe integer. */
export function readUint(bytes: Uint8Array): number {
  let value = 0
  for (let at = bytes.length - 1; at >= 0; at--) value = value * 256 + (bytes[at] as number)
  return value
}

/** Little-endian bytes of a number. */
export function writeUint(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0, rest = value; at < size; at++, rest = Math.floor(rest / 256)) bytes[at] = rest % 256
  return bytes
}

function rootOf(type: SszType, value: Value): Uint8Array {
  switch (type.kind) {
    case 'number':
    case 'bytes':
      return merkleize(chunksOf(value as Uint8Array), Math.ceil(type.size / 32))
    case 'data': {
      const bytes = value as Uint8Array
      return hashPair(merkleize(chunksOf(bytes), Math.ceil(type.sizeMax / 32)), padded(writeUint(bytes.length, 4)))
    }
    case 'vector':
      return merkleize(
        (value as readonly Value[]).map((element) => rootOf(type.of, element)),
        type.count,
      )
    case 'container': {
      const record = value as { readonly [name: string]: Value }
      const entries = Object.entries(type.fields)
      return merkleize(
        entries.map(([name, field]) => rootOf(field, record[name] as Value)),
        entries.length,
      )
    }
  }
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 32) chunks.push(padded(bytes.subarray(at, at + 32)))
  return chunks
}

function padded(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 32) return bytes
  const chunk = new Uint8Array(32)
  chunk.set(bytes)
  return chunk
}

/** Root of the tree over `chunks`, filled up with zeros to the next power of two from `limit` on. */
function merkleize(chunks: readonly Uint8Array[], limit: number): Uint8Array {
  let layer = chunks
  let zero: Uint8Array = new Uint8Array(32)
  for (let width = 1; width < limit; width *= 2) {
    const next: Uint8Array[] = []
    for (let at = 0; at < layer.length; at += 2) next.push(hashPair(layer[at] as Uint8Array, layer[at + 1] ?? zero))
    layer = next
    zero = hashPair(zero, zero)
  }
  return layer[0] ?? zero
}

function writeJson(type: SszType, json: unknown): Uint8Array | string {
  switch (type.kind) {
    case 'number':
      return writeDecimal(json, type.size)
    case 'bytes':
      return isHex(json, type.size) ? fromHex(json) : `it is not ${type.size} bytes in hexadecimal`
    case 'data':
      return isHex(json) && json.length <= 2 + 2 * type.sizeMax
        ? fromHex(json)
        : `it is not at most ${type.sizeMax} bytes in hexadecimal`
    case 'vector': {
      if (!Array.isArray(json) || json.length !== type.count) return `it is not a list of ${type.count}`
      return joined(json.map((element) => [type.of, writeJson(type.of, element)]))
    }
    case 'container': {
      if (typeof json !== 'object' || json === null) return 'it is not an object'
      const record = json as Readonly<Record<string, unknown>>
      const parts = Object.entries(type.fields).map(([name, field]) => {
        const part = writeJson(field, record[name])
        return [field, typeof part === 'string' ? `${name}: ${part}` : part] as const
      })
      return joined(parts)
    }
  }
}

/** Values one after the other; those without a fixed size behind the rest, an offset in their place. */
function joined(parts: readonly (readonly [SszType, Uint8Array | string])[]): Uint8Array | string {
  const fixed: Uint8Array[] = []
  const lists: Uint8Array[] = []
  let end = parts.reduce((sum, [type]) => sum + (fixedSize(type) ?? offsetSize), 0)
  for (const [type, part] of parts) {
    if (typeof part === 'string') return part
    if (fixedSize(type) !== null) {
      fixed.push(part)
      continue
    }
    fixed.push(writeUint(end, offsetSize))
    lists.push(part)
    end += part.length
  }
  return joinBytes(...fixed, ...lists)
}

function writeDecimal(json: unknown, size: number): Uint8Array | string {
  if (typeof json !== 'string' || !/^(?:0|[1-9][0-9]{0,77})$/.test(json)) return 'it is not a number in decimal digits'
  const bytes = new Uint8Array(size)
  let rest = BigInt(json)
  for (let at = 0; at < size; at++, rest >>= 8n) bytes[at] = Number(rest & 255n)
  return rest === 0n ? bytes : `it does not fit ${size} bytes`
}
