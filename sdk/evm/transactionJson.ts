import { accepted, type Decoded, refused } from '../errors.ts'
import { quantity, type RlpItem } from '../rlp.ts'
import { fromHex, isHex } from '../units.ts'
import { enclose, type FieldShape, isTransactionType, layouts, readWire, shapes } from './wire.ts'

/**
 * Turns a transaction as JSON-RPC tells it (types 0 to 4, also legacy without a chain id) into its signed bytes,
 * so that a block's transactions root can be computed from what a node answers. Never throws.
 *
 * Nothing is believed: the bytes are what they hash to. Fields that are not signed (`hash`, `from`, the block's)
 * are not looked at. Numbers may carry leading zeros, as some nodes write them; the bytes do not.
 */
export function transactionFromJson(json: unknown): Decoded<Uint8Array> {
  if (!isObject(json)) return refused('the transaction is not an object')
  const type = json.type === undefined ? 0 : Number(numberFrom(json.type))
  if (!isTransactionType(type)) return refused('the type is not a known one')
  const items: RlpItem[] = []
  for (const name of layouts[type]) {
    const item = itemFrom(json[name], shapes[name])
    if (item === undefined) return refused(`${name} is absent or malformed`)
    items.push(item)
  }
  const signature = signatureFrom(json, type === 0 ? ['v'] : ['yParity', 'v'])
  if (!signature) return refused('the signature is absent or malformed')
  const bytes = enclose(type, [...items, ...signature])
  const wire = readWire(bytes)
  return wire.ok ? accepted(bytes) : wire
}

type Json = Readonly<Record<string, unknown>>

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null
}

function itemFrom(json: unknown, shape: FieldShape): RlpItem | undefined {
  if (typeof shape === 'object') return quantityFrom(json)
  switch (shape) {
    case 'recipient':
      return json === null || json === undefined ? new Uint8Array(0) : bytesFrom(json)
    case 'bytes':
      return bytesFrom(json)
    case 'accessList':
      return listFrom(json, accessListEntryFrom)
    case 'hashes':
      return listFrom(json, bytesFrom)
    case 'authorizations':
      return listFrom(json, authorizationFrom)
  }
}

function accessListEntryFrom(json: unknown): RlpItem | undefined {
  if (!isObject(json)) return undefined
  const address = bytesFrom(json.address)
  const keys = listFrom(json.storageKeys, bytesFrom)
  return address && keys && [address, keys]
}

function authorizationFrom(json: unknown): RlpItem | undefined {
  if (!isObject(json)) return undefined
  const [chainId, nonce] = [quantityFrom(json.chainId), quantityFrom(json.nonce)]
  const delegate = bytesFrom(json.address)
  const signature = signatureFrom(json, ['yParity', 'v'])
  return chainId && delegate && nonce && signature && [chainId, delegate, nonce, ...signature]
}

/** v (or parity), r, s; the first of the `names` that is present says the parity. */
function signatureFrom(json: Json, names: readonly string[]): readonly RlpItem[] | undefined {
  const name = names.find((one) => json[one] !== undefined) ?? 'v'
  const [v, r, s] = [quantityFrom(json[name]), quantityFrom(json.r), quantityFrom(json.s)]
  return v && r && s && [v, r, s]
}

function listFrom(json: unknown, read: (entry: unknown) => RlpItem | undefined): readonly RlpItem[] | undefined {
  if (!Array.isArray(json)) return undefined
  const items: RlpItem[] = []
  for (const entry of json) {
    const item = read(entry)
    if (item === undefined) return undefined
    items.push(item)
  }
  return items
}

function bytesFrom(json: unknown): Uint8Array | undefined {
  return isHex(json) ? fromHex(json) : undefined
}

function quantityFrom(json: unknown): Uint8Array | undefined {
  const value = numberFrom(json)
  return value === undefined ? undefined : quantity(value)
}

/** A number of at most 256 bits. */
function numberFrom(json: unknown): bigint | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(json) ? BigInt(json) : undefined
}
