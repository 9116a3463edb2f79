import { accepted, type Decoded, invariant, refused } from '../../errors.ts'
import { type Sats, sameBytes } from '../../units.ts'
import type { Level } from '../verdict.ts'
import { type BlockPoint, burialOf, type HeaderChain, tipOf } from './chain.ts'
import { hash256 } from './hash.ts'
import { type InclusionProof, verifyInclusion } from './inclusion.ts'
import type { BitcoinNetwork } from './network.ts'
import type { BitcoinTransaction } from './transaction.ts'

/** An output that is expected, and what shows that it is there. Everything but the expectation may come from a liar. */
export interface OutputClaim {
  /** Own chain of headers, kept up to date. */
  readonly chain: HeaderChain
  /** Header of the block, 80 bytes. */
  readonly header: Uint8Array
  /** The transaction, with witness or without. */
  readonly transaction: Uint8Array
  readonly proof: InclusionProof
  readonly vout: number
  /** What the output must lock to, byte for byte. */
  readonly script: Uint8Array
  /** What it must hold, no more and no less. */
  readonly value: Sats
  /** At least 1, which is the tip. */
  readonly confirmationsMin: number
  /** Who told, by the names the caller has for them; for the verdict. */
  readonly sources?: readonly string[]
}

/** An output that is in the chain. */
export interface ConfirmedOutput {
  readonly transaction: BitcoinTransaction
  readonly vout: number
  readonly block: BlockPoint
  /** Position of the transaction in the block. */
  readonly index: number
}

/** How far the answer is proven. */
export interface ConfirmedVerdict {
  readonly level: Extract<Level, 'confirmed'>
  /** What trust begins with: the base of the chain. */
  readonly anchor: { readonly kind: 'header-chain'; readonly network: BitcoinNetwork } & BlockPoint
  readonly proven: readonly ['output-inclusion']
  readonly sources: readonly string[]
  readonly confirmations: number
  /** Hashes it takes on average to put other blocks in their place. */
  readonly work: bigint
  /** The newest block this was judged by. An old one may mean that newer ones are withheld. */
  readonly tip: BlockPoint & { readonly time: number }
}

/**
 * Proves that an output was made, with exactly this script and amount, and lies deep enough in the chain of most work.
 *
 * Funds at risk: that nobody has spent it since is not proven, and cannot be by inclusion; and a reorganisation deeper
 * than `confirmationsMin` takes it back. Judge `verdict.work` against the amount, and `verdict.tip.time` against the clock.
 *
 * Refuses a block that the best branch does not hold (or no longer, or below its base), fewer confirmations, whatever
 * {@link verifyInclusion} refuses, and an output that is absent or another.
 */
export function verifyOutput(
  claim: OutputClaim,
): Decoded<{ readonly value: ConfirmedOutput; readonly verdict: ConfirmedVerdict }> {
  const { chain, vout, confirmationsMin, sources = [] } = claim
  invariant(confirmationsMin >= 1, 'an output is confirmed at least once')
  const inclusion = verifyInclusion(claim)
  if (!inclusion.ok) return inclusion
  const { header, transaction, index } = inclusion.value
  const burial = burialOf(chain, header.hash)
  if (!burial) return refused('the block is not in the chain of most work, as far as it is kept')
  const { height, confirmations, work } = burial
  if (confirmations < confirmationsMin)
    return refused(`it has ${confirmations} of the ${confirmationsMin} confirmations that are asked for`)
  const output = transaction.outputs[vout]
  if (!output) return refused('the transaction has no such output')
  if (!sameBytes(output.script, claim.script)) return refused('the output has another script')
  if (output.value !== claim.value) return refused(`the output holds ${output.value} sat, not ${claim.value}`)
  const { network, base } = chain
  return accepted({
    value: { transaction, vout, block: { height, hash: header.hash }, index },
    verdict: {
      level: 'confirmed',
      anchor: { kind: 'header-chain', network, height: base.height, hash: hash256(base.header) },
      proven: ['output-inclusion'],
      sources,
      confirmations,
      work,
      tip: tipOf(chain),
    },
  })
}
