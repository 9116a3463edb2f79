import { describe, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { findBitcoind } from '../../bitcoind.ts'

/** `LANEKIT_CHAIN_STORIES=all` tells stories of the chain at every state number, to every judge. */
export const isThorough = process.env.LANEKIT_CHAIN_STORIES === 'all'

/**
 * Tells stories to a real bitcoind, by the policy that Knots comes with, which takes less than Core's. The ledger judges where there is
 * none: it holds to one suite with bitcoind (test/edge/ledger), so to have both is only for thorough runs.
 */
export function toldToJudges(
  what: string,
  stories: (name: string, start: () => Promise<BitcoinBackend>) => void,
): void {
  const found = findBitcoind()
  const { binary } = found
  if (binary === null || isThorough) stories('ledger', () => startBitcoin({ bitcoind: null }))
  if (binary === null)
    describe(`${what}: bitcoind`, () => {
      it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
    })
  else
    for (const policy of isThorough ? (['own', 'core'] as const) : (['own'] as const))
      stories(`bitcoind, ${policy} policy`, () => startBitcoin({ bitcoind: binary, lifetimeMs: 600_000, policy }))
}
