import { SdkError } from '../errors.ts'
import { type Wei, wei } from '../units.ts'
import type { Prepared, Pricing } from './transaction.ts'

/** The least, in percent, by which nodes want every fee of a replacement raised (geth's `pricebump`, and others'). */
export const bumpPercentMin = 10

/** Gas that a transfer to oneself needs under every fork. */
const cancellationGas = 21_000n

export interface Bump {
  /** At least {@link bumpPercentMin}. A whole number. */
  readonly percent: number
  /** The base fee that is to be met now, in wei, with whatever headroom the caller wants. */
  readonly baseFeePerGas?: bigint
}

/**
 * The same transaction at higher fees, to take the place of the first under the same nonce.
 *
 * Nodes replace what waits in their pool only when fee cap and priority fee both rise by a tenth (or the gas price,
 * where there is but one), and by one wei at the least. Fees are rounded up to that, and raised further to cover
 * `baseFeePerGas` and the tip on top.
 *
 * Funds at risk: either of the two can be executed, never both. What the first paid for stays wanted until one is.
 *
 * Throws `units/out-of-range` for a percentage below the minimum, and where a fee leaves 256 bits.
 */
export function bump(prepared: Prepared, { percent, baseFeePerGas = 0n }: Bump): Prepared {
  if (!Number.isSafeInteger(percent) || percent < bumpPercentMin)
    throw new SdkError('units/out-of-range', `A replacement needs fees at least ${bumpPercentMin} percent higher.`)
  const { pricing } = prepared
  return { ...prepared, pricing: bumpPricing(pricing, percent, baseFeePerGas) }
}

/**
 * A transfer of nothing to oneself under the same nonce, at higher fees: once it is executed, the first can never be.
 *
 * Funds at risk: it is a race. Until the cancellation is final, the first may still win. Authorizations
 * (EIP-7702) that the first carried are not taken back by this: anyone who saw them can still put them on chain.
 */
export function cancellation(prepared: Prepared, by: Bump): Prepared {
  const { pricing, ...bumped } = bump(prepared, by)
  // A delegated sender would run its code here; too little gas for that still uses up the nonce.
  return {
    ...bumped,
    to: prepared.from,
    value: wei(0n),
    data: new Uint8Array(0),
    gas: cancellationGas,
    pricing: bare(pricing),
  }
}

function bumpPricing(pricing: Pricing, percent: number, baseFee: bigint): Pricing {
  if ('gasPrice' in pricing) return { ...pricing, gasPrice: atLeast(raise(pricing.gasPrice, percent), baseFee) }
  const maxPriorityFeePerGas = raise(pricing.maxPriorityFeePerGas, percent)
  const maxFeePerGas = atLeast(raise(pricing.maxFeePerGas, percent), baseFee + maxPriorityFeePerGas)
  return { ...pricing, maxFeePerGas, maxPriorityFeePerGas }
}

function raise(fee: Wei, percent: number): Wei {
  const raised = (fee * BigInt(100 + percent) + 99n) / 100n
  return wei(raised > fee ? raised : fee + 1n)
}

function atLeast(fee: Wei, least: bigint): Wei {
  return fee < least ? wei(least) : fee
}

/** The same fees without a list or authorizations. */
function bare(pricing: Pricing): Pricing {
  switch (pricing.type) {
    case 'legacy':
      return pricing
    case 'eip2930':
      return { ...pricing, accessList: [] }
    case 'eip1559':
    case 'eip7702': {
      const { maxFeePerGas, maxPriorityFeePerGas } = pricing
      return { type: 'eip1559', maxFeePerGas, maxPriorityFeePerGas, accessList: [] }
    }
  }
}
