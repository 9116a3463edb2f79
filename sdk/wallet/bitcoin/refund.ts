import { decodeFundingScript, refundOf, type SealedSpend, sealRefund } from '../../bitcoin/index.ts'
import { SdkError } from '../../errors.ts'
import type { BitcoinSigner, NodeOutpoint } from '../../ports.ts'
import { type Feerate, type Sats, sameBytes, sats } from '../../units.ts'

/** What a refund needs, beside the seed. */
export interface RefundWish {
  readonly keys: Pick<BitcoinSigner, 'channelKey' | 'signChannel'>
  /** The witness script of the funding output. */
  readonly fundingScript: Uint8Array
  readonly funding: NodeOutpoint
  readonly capacity: Sats
  /** Output script to refund to. */
  readonly payerScript: Uint8Array
  readonly feerate: Feerate
  /** Keys of the seed to look through, from the first. */
  readonly keysMax?: number
}

/** How many channel keys are looked through where nothing is said. */
export const refundKeysDefault = 1_000

/**
 * The refund of a channel whose record is lost, from seed and script alone; nodes take it from the expiry in the
 * script on. `oneway-cltv/1`, OW4.
 *
 * Throws `wallet/unknown-channel` when the script is no funding, or its key is none of the seed's first `keysMax`, and
 * `wallet/fee-too-high` when the fee leaves nothing.
 */
export async function refundFromSeed(wish: RefundWish): Promise<SealedSpend> {
  const { keys, fundingScript, keysMax = refundKeysDefault } = wish
  const script = decodeFundingScript(fundingScript)
  if (!script.ok) throw new SdkError('wallet/unknown-channel', `This is no funding script: ${script.reason}.`)
  const index = await indexOf(keys, script.value.payer, keysMax)
  const unsigned = refundOf(wish)
  if (!unsigned.ok) throw new SdkError('wallet/fee-too-high', `No refund can be made: ${unsigned.reason}.`)
  const { digest } = unsigned.value
  const signature = await keys.signChannel({ kind: 'refund', index, digest, paid: sats(0n) })
  return sealRefund(unsigned.value, signature)
}

async function indexOf(keys: RefundWish['keys'], payerKey: Uint8Array, keysMax: number): Promise<number> {
  for (let index = 0; index < keysMax; index++) if (sameBytes(await keys.channelKey(index), payerKey)) return index
  throw new SdkError('wallet/unknown-channel', `The script's key is none of the first ${keysMax} of this seed.`, {
    notes: ['Is it the right mnemonic? Raise `keysMax` if the wallet has opened more channels.'],
  })
}
