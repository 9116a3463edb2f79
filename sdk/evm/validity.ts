import { isHex } from '../units.ts'
import type { Authorization, Prepared, Pricing } from './transaction.ts'

const uint64Max = (1n << 64n) - 1n
const uint256Max = (1n << 256n) - 1n

/** The most a unit of gas may cost under this pricing, in wei. */
function feeCap(pricing: Pricing): bigint {
  return 'gasPrice' in pricing ? pricing.gasPrice : pricing.maxFeePerGas
}

/**
 * Why no chain would ever take this transaction, as a sentence, or nothing.
 *
 * Holds whatever the fork and the state: field ranges, nonce below 2^53 (and so below EIP-2681's limit),
 * priority fee within the fee cap (EIP-1559), gas times fee cap below 2^256, and the shape of authorizations
 * (EIP-7702). Both doors of the codec go through here, so whatever can be sealed can be decoded.
 */
export function malformation(prepared: Omit<Prepared, 'from'>): string | undefined {
  const { chainId, to, nonce, gas, value, pricing } = prepared
  if (!isCount(chainId) || chainId === 0) return 'the chain id is not a whole number from 1 to 2^53 - 1'
  if (to !== null && !isHex(to, 20)) return 'the recipient is not an address'
  if (!isCount(nonce)) return 'the nonce is not a whole number from 0 to 2^53 - 1'
  if (!isWithin(gas, uint64Max)) return 'the gas limit is not within 64 bits'
  if (!isWithin(value, uint256Max)) return 'the value is not within 256 bits'
  return malformedPricing(pricing, gas) ?? malformedAuthorizations(prepared)
}

function malformedPricing(pricing: Pricing, gas: bigint): string | undefined {
  const cap = feeCap(pricing)
  if (!isWithin(cap, uint256Max)) return 'the fee is not within 256 bits'
  if ('maxPriorityFeePerGas' in pricing) {
    if (!isWithin(pricing.maxPriorityFeePerGas, uint256Max)) return 'the priority fee is not within 256 bits'
    if (pricing.maxPriorityFeePerGas > cap) return 'the priority fee is higher than the fee cap'
  }
  if (gas * cap > uint256Max) return 'gas times fee is beyond 256 bits'
  if (pricing.type === 'legacy') return undefined
  const isListed = pricing.accessList.every(
    ({ address, slots }) => isHex(address, 20) && slots.every((key) => isHex(key, 32)),
  )
  return isListed ? undefined : 'the access list does not hold addresses and 32-byte slots'
}

function malformedAuthorizations({ to, pricing }: Omit<Prepared, 'from'>): string | undefined {
  if (pricing.type !== 'eip7702') return undefined
  if (to === null) return 'a transaction with authorizations creates no contract'
  if (pricing.authorizations.length === 0) return 'there is no authorization'
  for (const authorization of pricing.authorizations) {
    const reason = malformedWish(authorization)
    if (reason) return reason
    if (authorization.signature.length !== 65) return "an authorization's signature is not 65 bytes"
  }
  return undefined
}

/** Why what an authorization signs over (EIP-7702) cannot be encoded, or nothing. */
export function malformedWish({ chainId, delegate, nonce }: Omit<Authorization, 'signature'>): string | undefined {
  if (!isCount(chainId)) return "an authorization's chain id is not a whole number from 0 to 2^53 - 1"
  if (!isHex(delegate, 20)) return "an authorization's delegate is not an address"
  if (!isWithin(nonce, uint64Max)) return "an authorization's nonce is not within 64 bits"
  return undefined
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isWithin(value: bigint, max: bigint): boolean {
  return value >= 0n && value <= max
}
