import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcomeOfError } from '../../../edge/executor/verdict.ts'
import { anyText } from '../../anyText.ts'

/** What nodes say, in their own words. The anvil lines were heard from anvil 1.7.1. */
const words: readonly (readonly [node: string, code: number, message: string, meaning: string])[] = [
  ['geth', -32000, 'already known', 'accepted'],
  ['anvil', -32003, 'transaction already imported', 'accepted'],
  ['nethermind', -32010, 'AlreadyKnown', 'accepted'],
  ['besu', -32000, 'Known transaction', 'accepted'],
  ['erigon', -32000, 'INTERNAL_ERROR: existing tx with same hash', 'accepted'],
  ['geth', -32000, 'nonce too low: next nonce 82, tx nonce 81', 'stale'],
  ['anvil', -32003, 'nonce too low', 'stale'],
  ['besu', -32001, 'Nonce too low', 'stale'],
  ['nethermind', -32010, 'OldNonce, Current nonce: 5, nonce of rejected tx: 4.', 'stale'],
  ['geth', -32000, 'insufficient funds for gas * price + value: balance 0, tx cost 1', 'insufficient-funds'],
  ['anvil', -32003, 'Insufficient funds for gas * price + value', 'insufficient-funds'],
  ['nethermind', -32010, 'InsufficientFunds, Account balance: 0, cumulative cost: 1', 'insufficient-funds'],
  ['besu', -32004, 'Upfront cost exceeds account balance', 'insufficient-funds'],
  ['geth', -32000, 'intrinsic gas too low: gas 20000, minimum needed 21000', 'gas-too-low'],
  ['anvil', -32000, 'intrinsic gas too low', 'gas-too-low'],
  ['besu', -32003, 'Intrinsic gas exceeds gas limit', 'gas-too-low'],
  ['anvil', -32000, 'intrinsic gas too high -- tx.gas_limit > env.block.gas_limit', 'gas-too-high'],
  ['geth', -32000, 'transaction gas limit too high (cap: 16777216, tx: 20000000)', 'gas-too-high'],
  ['geth', -32000, 'exceeds block gas limit', 'gas-too-high'],
  ['nethermind', -32010, 'GasLimitExceeded, Gas limit: 30000000, gas limit of rejected tx: 40000000', 'gas-too-high'],
  ['geth', -32000, 'replacement transaction underpriced', 'fee-too-low'],
  ['geth', -32000, 'transaction underpriced: gas tip cap 0, minimum needed 1', 'fee-too-low'],
  ['nethermind', -32010, 'FeeTooLow, FeePerGas needs to be higher than 1', 'fee-too-low'],
  ['anvil', -32003, 'max fee per gas less than block base fee', 'fee-too-low'],
  ['besu', -32009, 'Gas price below current base fee', 'fee-too-low'],
  ['anvil', -32003, 'invalid chain id for signer', 'wrong-chain'],
  ['geth', -32000, 'invalid sender', 'invalid-transaction'],
  ['anvil', -32602, 'Failed to decode transaction', 'invalid-transaction'],
  ['geth', -32000, 'txpool is full', 'unknown'],
  ['reth', -32003, 'txpool is full', 'unknown'],
  ['geth', -32000, 'account limit exceeded', 'unknown'],
  ['geth', -32000, 'in-flight transaction limit reached for delegated accounts', 'unknown'],
  ['nethermind', -32010, 'NonceGap, Future nonce. Expected nonce: 5', 'unknown'],
  ['provider', -32005, 'daily request count exceeded', 'unknown'],
  ['provider', -32603, 'Internal error', 'unknown'],
  ['provider', -32000, 'rate limit reached', 'unknown'],
  ['provider', 429, 'Too Many Requests', 'unknown'],
]

describe('what an executor says about a transaction', () => {
  it.each(words)('%s (%i) "%s" means %s', (_node, code, message, meaning) => {
    const outcome = outcomeOfError(code, message)
    expect(outcome.kind === 'rejected' ? outcome.code : outcome.kind).toBe(meaning)
  })

  it('does not believe words that nobody has listed', () => {
    expect(outcomeOfError(-32000, 'the moon is full')).toEqual({
      kind: 'refused',
      detail: 'The executor says: the moon is full',
    })
  })

  it('passes on printable text of bounded length, whatever is said', () => {
    fc.assert(
      fc.property(fc.integer(), anyText({ maxLength: 300 }), (code, message) => {
        const outcome = outcomeOfError(code, message)
        const detail = 'detail' in outcome ? outcome.detail : ''
        expect(detail).toMatch(/^[\x20-\x7e]{0,240}$/)
      }),
      { numRuns: 30 },
    )
  })
})
