import { claimOf, toOtherScript } from '../../../bitcoin/bolt3/index.ts'
import { decodeTransaction, p2wsh } from '../../../bitcoin/index.ts'
import { type Claim, pursueClaims } from '../../../channel/penalty/index.ts'
import { currentEngine } from '../../../crypto/index.ts'
import { invariant } from '../../../errors.ts'
import type { BitcoinSigner } from '../../../ports.ts'
import { height, sameBytes, sats, type Txid } from '../../../units.ts'
import { secretsAt } from './claim.ts'
import { type PenaltyChain, provenOutput } from './lookout.ts'

/** Keys in a row without a coin after which no more are looked at. */
export const sweepGapDefault = 20
/** Most keys and coins that one sweep looks at. */
const keysMax = 10_000
const coinsMax = 1_000

/**
 * Transactions that take what closings of other sides have paid this seed: the balance there is on a script of the seed's alone,
 * whatever state was broadcast. [TW28] (BOLT-3, `to_remote`, with anchors.) Nothing needs to be known of the channels.
 *
 * Throws `node/...`, `signer/refused` and `keys/locked`.
 */
export async function sweepsFromSeed(wish: {
  readonly keys: Pick<BitcoinSigner, 'channelKey' | 'channelSecret'>
  readonly chain: PenaltyChain
  /** Output script of the wallet's. */
  readonly to: Uint8Array
  readonly gap?: number
}): Promise<readonly { readonly txid: Txid; readonly bytes: Uint8Array }[]> {
  const { chain, to, gap = sweepGapDefault } = wish
  const [tip, feerate] = await Promise.all([chain.sync(), chain.feerate()])
  const claims: Claim[] = []
  for (let index = 0, last = -1; index <= last + gap && index < keysMax && claims.length < coinsMax; index++) {
    const found = await claimsAt(wish, index)
    if (found.length > 0) last = index
    claims.push(...found)
  }
  const { transactions } = pursueClaims({ claims }, { tip: tip.height, feerate, to, coins: [] })
  return transactions.map((bytes) => {
    const made = decodeTransaction(bytes)
    invariant(made.ok, 'a transaction of our own can be read')
    return { txid: made.value.txid, bytes }
  })
}

async function claimsAt(
  { keys, chain }: Parameters<typeof sweepsFromSeed>[0],
  index: number,
): Promise<readonly Claim[]> {
  const { payment } = await secretsAt(keys, index)
  const witnessScript = toOtherScript(currentEngine().publicKey(payment))
  const script = p2wsh(witnessScript)
  const told = (await chain.coinsOf(script)).slice(0, coinsMax)
  const found = await Promise.all(
    told.map(async (outpoint) => ({ outpoint, held: await provenOutput(chain, outpoint) })),
  )
  return found.flatMap(({ outpoint, held }): Claim[] => {
    if (!held || !sameBytes(held.output.script, script)) return []
    const value = sats(held.output.value)
    const output = claimOf(outpoint, { witnessScript, value }, { kind: 'to-other' })
    // With anchors it waits for a block.
    return [
      { kind: 'own', from: height(held.height + 1), deadline: null, htlc: null, value, output, secretKey: payment },
    ]
  })
}
