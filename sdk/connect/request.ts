import { accepted, type Decoded, refused } from '../errors.ts'
import type { Authorization, Fees } from '../evm/index.ts'
import { type Address, address, type ChainId, fromHex, isHex, wei } from '../units.ts'
import type { Order } from '../wallet/index.ts'

/** Most authorizations that one request may carry. */
const authorizationsMax = 256

/**
 * Reads the transaction object of `eth_sendTransaction` (EIP-1474) as an order. Never throws.
 *
 * Gas, fees and nonce that are given are kept. An access list that is given is advice: the wallet attaches the one
 * that pays. Refuses blobs, a chain other than `chain`, and fields that contradict each other.
 */
export function orderFromRequest(json: unknown, chain: ChainId): Decoded<Order> {
  if (typeof json !== 'object' || json === null) return refused('the transaction is not an object')
  const fields = json as Readonly<Record<string, unknown>>
  const id = count(fields.chainId)
  if (fields.chainId != null && id !== chain) return refused(`the transaction is not for chain ${chain}`)
  if (fields.blobVersionedHashes != null || fields.blobs != null) return refused('blobs are not carried')
  const value = amount(fields.value ?? '0x0')
  const data = fields.data ?? fields.input ?? '0x'
  if (fields.data != null && fields.input != null && fields.data !== fields.input)
    return refused('data and input differ')
  const gas = amount(fields.gas)
  const nonce = count(fields.nonce)
  if (value === undefined || !isHex(data)) return refused('value or data is malformed')
  if ((fields.gas != null && gas === undefined) || (fields.nonce != null && nonce === undefined))
    return refused('gas or nonce is malformed')
  const [from, to] = [account(fields.from), account(fields.to)]
  if (from === undefined || to === undefined) return refused('an account is malformed')
  const pricing = readPricing(fields)
  if (!pricing.ok) return pricing
  const common = {
    stage: 'draft',
    from,
    value: wei(value),
    data: fromHex(data),
    ...(gas === undefined ? {} : { gas }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(pricing.value.fees ? { fees: pricing.value.fees } : {}),
  } as const
  const { type } = pricing.value
  if (type === 'legacy') return accepted({ ...common, type, to, accessList: 'never' })
  if (type !== 'eip7702') return accepted({ ...common, type, to, accessList: 'auto' })
  const authorizations = readAuthorizations(fields.authorizationList)
  if (!authorizations || to === null) return refused('the authorizations are malformed, or nobody is called with them')
  return accepted({ ...common, type, to, accessList: 'auto', authorizations })
}

const types: ReadonlyMap<unknown, Order['type']> = new Map([
  ['0x0', 'legacy'],
  ['0x1', 'eip2930'],
  ['0x2', 'eip1559'],
  ['0x4', 'eip7702'],
])

function readPricing(fields: Readonly<Record<string, unknown>>): Decoded<{ type: Order['type']; fees: Fees | null }> {
  const [price, cap, tip] = [fields.gasPrice, fields.maxFeePerGas, fields.maxPriorityFeePerGas]
  const usual = fields.authorizationList != null ? 'eip7702' : price != null ? 'legacy' : 'eip1559'
  const type = fields.type == null ? usual : types.get(fields.type)
  if (!type) return refused('the type is not 0, 1, 2 or 4')
  const hasOnePrice = type === 'legacy' || type === 'eip2930'
  if (hasOnePrice ? cap != null || tip != null : price != null) return refused('the fees do not fit the type')
  if (price != null) {
    const gasPrice = amount(price)
    return gasPrice === undefined
      ? refused('gasPrice is malformed')
      : accepted({ type, fees: { gasPrice: wei(gasPrice) } })
  }
  if (cap == null && tip == null) return accepted({ type, fees: null })
  const maxFeePerGas = amount(cap)
  const maxPriorityFeePerGas = amount(tip)
  if (maxFeePerGas === undefined || maxPriorityFeePerGas === undefined)
    return refused('maxFeePerGas and maxPriorityFeePerGas are given together or not at all')
  return accepted({ type, fees: { maxFeePerGas: wei(maxFeePerGas), maxPriorityFeePerGas: wei(maxPriorityFeePerGas) } })
}

function readAuthorizations(json: unknown): readonly Authorization[] | undefined {
  if (!Array.isArray(json) || json.length === 0 || json.length > authorizationsMax) return undefined
  const read = json.map(readAuthorization)
  return read.every((one) => one !== undefined) ? read : undefined
}

function readAuthorization(json: unknown): Authorization | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const fields = json as Readonly<Record<string, unknown>>
  const [chainId, nonce] = [count(fields.chainId), amount(fields.nonce)]
  const [r, s, parity] = [amount(fields.r), amount(fields.s), amount(fields.yParity)]
  const delegate = account(fields.address)
  if (chainId === undefined || nonce === undefined || r === undefined || s === undefined || !delegate) return undefined
  if (parity !== 0n && parity !== 1n) return undefined
  const digits = (scalar: bigint) => scalar.toString(16).padStart(64, '0')
  return { chainId, delegate, nonce, signature: fromHex(`0x${digits(r)}${digits(s)}0${parity}`) }
}

/** An account, `null` when none is named, nothing when it is malformed. */
function account(json: unknown): Address | null | undefined {
  if (json === undefined || json === null) return null
  return isHex(json, 20) ? address(json) : undefined
}

function amount(json: unknown): bigint | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(json) ? BigInt(json) : undefined
}

function count(json: unknown): number | undefined {
  const value = amount(json)
  return value !== undefined && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}
