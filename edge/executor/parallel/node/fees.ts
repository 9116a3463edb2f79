import type { Header, Pricing } from '../../../../sdk/evm/index.ts'
import { baseFeeOf } from '../../../../sdk/evm/minedJson.ts'
import { replacementPercentMin } from './limits.ts'

/** The most a unit of gas may cost, in wei. */
export function maxFeeOf(pricing: Pricing): bigint {
  return 'gasPrice' in pricing ? pricing.gasPrice : pricing.maxFeePerGas
}

/** The most of it that may go to the block's recipient. */
export function maxTipOf(pricing: Pricing): bigint {
  return 'gasPrice' in pricing ? pricing.gasPrice : pricing.maxPriorityFeePerGas
}

/** Whether both fees are as much higher as a replacement's must be. */
export function isPaidMore(one: Pricing, other: Pricing): boolean {
  const isRaised = (fee: bigint, before: bigint) => fee * 100n >= before * replacementPercentMin && fee > before
  return isRaised(maxFeeOf(one), maxFeeOf(other)) && isRaised(maxTipOf(one), maxTipOf(other))
}

/** EIP-1559: how many times its target a block may hold, and by what part of itself the base fee moves at the most. */
const elasticity = 2n
const changeMax = 8n

/** The base fee of the block after this one (EIP-1559), in wei. */
export function nextBaseFee(header: Header): bigint {
  const base = baseFeeOf(header)
  const target = header.gasLimit / elasticity
  if (header.gasUsed === target) return base
  if (header.gasUsed > target) {
    const rise = (base * (header.gasUsed - target)) / target / changeMax
    return base + (rise > 1n ? rise : 1n)
  }
  return base - (base * (target - header.gasUsed)) / target / changeMax
}
