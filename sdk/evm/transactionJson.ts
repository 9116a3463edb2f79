import { accepted, type Decoded, refused } from '../errors.ts'
import { isBytes, quantity, type RlpItem, toBigInt } from '../rlp.ts'
import { type Address, fromHex, type Hex, isHex, type TxHash, toHex } from '../units.ts'
import {
  bytesOf,
  enclose,
  type FieldShape,
  isTransactionType,
  layouts,
  listOf,
  numberOf,
  readWire,
  shapes,
  type Wire,
} from './wire.ts'

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

/** What names a transaction beside its bytes. */
export interface TransactionNames {
  readonly hash: TxHash
  readonly from: Address
}

/** What a transaction's signature covers, and the signature, as JSON-RPC tells them (execution-apis). */
export function transactionJson(wire: Wire, { hash, from }: TransactionNames): Json {
  const { v, r, s } = wire.signature
  return {
    hash,
    type: quantityHex(BigInt(wire.type)),
    from,
    ...Object.fromEntries(layouts[wire.type].map((name) => [name, fieldJson(wire, name)])),
    ...(wire.type === 0 ? chainJson(v) : { yParity: quantityHex(v) }),
    v: quantityHex(v),
    r: quantityHex(toBigInt(r)),
    s: quantityHex(toBigInt(s)),
  }
}

/** A transaction that is in no block yet, as `eth_getTransactionByHash` tells it. */
export function pooledTransactionJson(wire: Wire, names: TransactionNames): Json {
  const gasPrice = quantityHex(numberOf(wire, wire.type < 2 ? 'gasPrice' : 'maxFeePerGas'))
  return { ...transactionJson(wire, names), gasPrice, blockHash: null, blockNumber: null, transactionIndex: null }
}

/** EIP-155. */
function chainJson(v: bigint): Json {
  return v >= 35n ? { chainId: quantityHex((v - 35n) / 2n) } : {}
}

function fieldJson(wire: Wire, name: (typeof layouts)[0][number]): unknown {
  const shape = shapes[name]
  if (typeof shape === 'object') return quantityHex(numberOf(wire, name))
  switch (shape) {
    case 'recipient': {
      const bytes = bytesOf(wire, name)
      return bytes.length === 0 ? null : toHex(bytes)
    }
    case 'bytes':
      return toHex(bytesOf(wire, name))
    case 'hashes':
      return listOf(wire, name).map(hexOf)
    case 'accessList':
      return listOf(wire, name).map((entry) => {
        const [account, keys] = entry as readonly [RlpItem, readonly RlpItem[]]
        return { address: hexOf(account), storageKeys: keys.map(hexOf) }
      })
    case 'authorizations':
      return listOf(wire, name).map((entry) => {
        const [chainId, account, nonce, yParity, r, s] = entry as readonly Uint8Array[]
        const number = (bytes: Uint8Array | undefined) => quantityHex(toBigInt(bytes ?? new Uint8Array(0)))
        return {
          chainId: number(chainId),
          address: toHex(account as Uint8Array),
          nonce: number(nonce),
          yParity: number(yParity),
          r: number(r),
          s: number(s),
        }
      })
  }
}

function hexOf(item: RlpItem): Hex {
  return isBytes(item) ? toHex(item) : '0x'
}

function quantityHex(value: bigint): Hex {
  return `0x${value.toString(16)}`
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
