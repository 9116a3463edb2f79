import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, isBytes, type RlpItem, toBigInt } from '../rlp.ts'

/** Type of a transaction in a block (EIP-2718): 0 legacy, 1 EIP-2930, 2 EIP-1559, 3 EIP-4844, 4 EIP-7702. */
export type TransactionType = 0 | 1 | 2 | 3 | 4

/** A field that is signed over, by its name in JSON-RPC. */
export type FieldName =
  | 'chainId'
  | 'nonce'
  | 'gasPrice'
  | 'maxPriorityFeePerGas'
  | 'maxFeePerGas'
  | 'gas'
  | 'to'
  | 'value'
  | 'input'
  | 'accessList'
  | 'maxFeePerBlobGas'
  | 'blobVersionedHashes'
  | 'authorizationList'

/** What a field holds: a number of so many bytes at the most and no leading zero, or one of the named shapes. */
export type FieldShape =
  | { readonly bytesMax: number }
  | 'recipient'
  | 'bytes'
  | 'accessList'
  | 'hashes'
  | 'authorizations'

const uint64: FieldShape = { bytesMax: 8 }
const uint256: FieldShape = { bytesMax: 32 }

export const shapes: Readonly<Record<FieldName, FieldShape>> = {
  chainId: uint256,
  nonce: uint64,
  gasPrice: uint256,
  maxPriorityFeePerGas: uint256,
  maxFeePerGas: uint256,
  gas: uint64,
  to: 'recipient',
  value: uint256,
  input: 'bytes',
  accessList: 'accessList',
  maxFeePerBlobGas: uint256,
  blobVersionedHashes: 'hashes',
  authorizationList: 'authorizations',
}

const call: readonly FieldName[] = ['gas', 'to', 'value', 'input']
const market: readonly FieldName[] = ['chainId', 'nonce', 'maxPriorityFeePerGas', 'maxFeePerGas', ...call, 'accessList']

/** The signed fields of each type in their order on the wire. The signature follows: v (or y parity), r, s. */
export const layouts: Readonly<Record<TransactionType, readonly FieldName[]>> = {
  0: ['nonce', 'gasPrice', ...call],
  1: ['chainId', 'nonce', 'gasPrice', ...call, 'accessList'],
  2: market,
  3: [...market, 'maxFeePerBlobGas', 'blobVersionedHashes'],
  4: [...market, 'authorizationList'],
}

/** A signed transaction taken apart: every field has its shape, nothing is judged beyond that. */
export interface Wire {
  readonly type: TransactionType
  /** In the order of {@link layouts}. */
  readonly fields: readonly RlpItem[]
  readonly signature: WireSignature
}

interface WireSignature {
  /** `v` of a legacy transaction, y parity of the others. */
  readonly v: bigint
  /** At most 32 bytes each, without leading zeros. */
  readonly r: Uint8Array
  readonly s: Uint8Array
}

/** True for the types this module knows. */
export function isTransactionType(value: number): value is TransactionType {
  return Number.isInteger(value) && value >= 0 && value <= 4
}

/** The bytes that name a transaction type in front of its RLP (EIP-2718); a legacy transaction has none. */
export function enclose(type: TransactionType, items: readonly RlpItem[]): Uint8Array<ArrayBuffer> {
  const body = encodeRlp(items)
  if (type === 0) return body
  const bytes = new Uint8Array(1 + body.length)
  bytes[0] = type
  bytes.set(body, 1)
  return bytes
}

/**
 * Takes signed transaction bytes apart. Never throws; what it returns are views into `bytes`.
 *
 * Refuses unknown types, RLP with a second encoding, a wrong number of fields, numbers too wide or with
 * leading zeros, addresses and keys of a wrong size, and what a type forbids: a creation in types 3 and 4, no
 * blob in type 3 (EIP-4844), no authorization in type 4 (EIP-7702).
 */
export function readWire(bytes: Uint8Array): Decoded<Wire> {
  const type = typeOf(bytes)
  if (typeof type === 'string') return refused(type)
  const read = decodeRlp(type === 0 ? bytes : bytes.subarray(1))
  if (!read.ok) return read
  const layout = layouts[type]
  const items = read.value
  if (isBytes(items) || items.length !== layout.length + 3)
    return refused(`a transaction of type ${type} is a list of ${layout.length + 3} fields`)

  const fields = items.slice(0, layout.length)
  for (const [at, name] of layout.entries()) {
    const misfit = misfitOf(fields[at], shapes[name])
    if (misfit) return refused(`${name} ${misfit}`)
  }
  const [v, r, s] = items.slice(layout.length)
  if (!isQuantity(v, 32) || !isQuantity(r, 32) || !isQuantity(s, 32))
    return refused('the signature is not three numbers of at most 32 bytes without leading zeros')

  const wire: Wire = { type, fields, signature: { v: toBigInt(v), r, s } }
  if (type >= 3 && bytesOf(wire, 'to').length === 0) return refused(`a transaction of type ${type} creates no contract`)
  if (type === 3 && listOf(wire, 'blobVersionedHashes').length === 0) return refused('there is no blob')
  if (type === 4 && listOf(wire, 'authorizationList').length === 0) return refused('there is no authorization')
  return accepted(wire)
}

/** A number field that the type has. */
export function numberOf(wire: Wire, name: FieldName): bigint {
  return toBigInt(bytesOf(wire, name))
}

/** A bytes field that the type has. */
export function bytesOf(wire: Wire, name: FieldName): Uint8Array {
  return wire.fields[layouts[wire.type].indexOf(name)] as Uint8Array
}

/** A list field that the type has. */
export function listOf(wire: Wire, name: FieldName): readonly RlpItem[] {
  return wire.fields[layouts[wire.type].indexOf(name)] as readonly RlpItem[]
}

function typeOf(bytes: Uint8Array): TransactionType | string {
  const first = bytes[0]
  if (first === undefined) return 'there are no bytes'
  if (first >= 0xc0) return 0
  // A type byte of 0 is not a second way to write a legacy transaction.
  if (first > 0 && isTransactionType(first)) return first
  return first < 0x80 ? `transaction type ${first} is not known` : 'the bytes are neither typed nor a list'
}

function misfitOf(item: RlpItem | undefined, shape: FieldShape): string | undefined {
  if (typeof shape === 'object') {
    if (isQuantity(item, shape.bytesMax)) return undefined
    return `is not a number of at most ${shape.bytesMax} bytes without leading zeros`
  }
  switch (shape) {
    case 'recipient':
      return isSized(item, 20) || isSized(item, 0) ? undefined : 'is neither 20 bytes nor empty'
    case 'bytes':
      return item instanceof Uint8Array ? undefined : 'is a list'
    case 'accessList':
      return isListOf(item, isAccessListEntry) ? undefined : 'is not a list of addresses with 32-byte keys (EIP-2930)'
    case 'hashes':
      return isListOf(item, (hash) => isSized(hash, 32)) ? undefined : 'is not a list of 32-byte hashes'
    case 'authorizations':
      return isListOf(item, isAuthorization) ? undefined : 'is not a list of authorizations (EIP-7702)'
  }
}

function isAccessListEntry(item: RlpItem): boolean {
  if (isBytes(item) || item.length !== 2) return false
  return isSized(item[0], 20) && isListOf(item[1], (key) => isSized(key, 32))
}

function isAuthorization(item: RlpItem): boolean {
  if (isBytes(item) || item.length !== 6) return false
  const [chainId, delegate, nonce, yParity, r, s] = item
  if (!isQuantity(chainId, 32) || !isSized(delegate, 20) || !isQuantity(nonce, 8)) return false
  return isQuantity(yParity, 1) && isQuantity(r, 32) && isQuantity(s, 32)
}

function isQuantity(item: RlpItem | undefined, bytesMax: number): item is Uint8Array {
  return item instanceof Uint8Array && item.length <= bytesMax && item[0] !== 0
}

function isSized(item: RlpItem | undefined, size: number): item is Uint8Array {
  return item instanceof Uint8Array && item.length === size
}

function isListOf(item: RlpItem | undefined, holds: (entry: RlpItem) => boolean): boolean {
  return item !== undefined && !isBytes(item) && item.every(holds)
}
