import { parseAbi } from 'viem'
import type { Address } from '../../../../sdk/units.ts'
import { artifactAt, type Stage } from './stage.ts'

const endless = 2n ** 256n - 1n
const amount = 10n ** 27n
export const tokenAbi = parseAbi([
  'function transfer(address to, uint256 amount) returns (bool)',
  'function approve(address spender, uint256 amount) returns (bool)',
])

/** A token of which every account has some, and lets the spenders take it. */
export function openToken(stage: Stage, spenders: readonly Address[], holders = stage.accounts): Address {
  const { owner, call, deploy } = stage
  const { bytecode } = artifactAt('@uniswap/v2-core/build/ERC20.json')
  const token = deploy({ abi: parseAbi(['constructor(uint256)']), bytecode }, [10n ** 40n])
  for (const holder of holders) {
    call(owner, token, { abi: tokenAbi, functionName: 'transfer', args: [holder, amount] })
    allow(stage, holder, token, spenders)
  }
  return token
}

export function allow({ call }: Stage, holder: Address, token: Address, spenders: readonly Address[]): void {
  for (const spender of spenders)
    call(holder, token, { abi: tokenAbi, functionName: 'approve', args: [spender, endless] })
}
