import { type Outpoint, type Output, outpointKey, p2wpkh } from '../../../bitcoin/index.ts'
import {
  type ArchivedHtlc,
  type ChannelSecrets,
  type Classified,
  type ClosedOutput,
  type CoinSpend,
  classify,
  type EndFacts,
  type FeeCoin,
  type FoundSpend,
  type FundingView,
  fundingOutput,
  keysOfSide,
  type LiveChannel,
  pursueClaims,
  pursueCommitment,
  type Resolution,
  resolve,
} from '../../../channel/penalty/index.ts'
import type { BitcoinClient } from '../../../client/index.ts'
import { type Feerate, type Height, height, sameBytes, sats, type Txid, txid } from '../../../units.ts'

/** What two-way channels ask of Bitcoin's chain: each part proven, as a `BitcoinClient` does it. */
export interface PenaltyChain extends Pick<BitcoinClient, 'sync' | 'inclusion' | 'spend' | 'broadcast' | 'feerate'> {
  /** Outpoints that nodes tell of on a script; none of it is believed. */
  readonly coinsOf: (script: Uint8Array) => Promise<readonly Outpoint[]>
}

/** What one look at the chain shows of a channel. */
export interface Sighting {
  readonly view: FundingView
  readonly spend: FoundSpend | null
}

/** Looks at the funding output of a channel. [TW7] */
export async function lookAtFunding(chain: PenaltyChain, { opening }: LiveChannel): Promise<Sighting> {
  const wanted = fundingOutput(opening)
  const { funding } = opening
  const [tip, held, spend] = await Promise.all([
    chain.sync(),
    provenOutput(chain, funding),
    chain.spend({ outpoint: funding, script: wanted.script }),
  ])
  const isRight = held && held.output.value === wanted.value && sameBytes(held.output.script, wanted.script)
  const view = { height: tip.height, fundedAt: isRight ? held.height : null, isSpent: spend !== null }
  return { view, spend }
}

/** What a look at the end of a channel leaves to be done. */
export interface Pursued {
  readonly resolution: Resolution
  /** To be broadcast now, again with each block. */
  readonly transactions: readonly Uint8Array[]
  /** To be signed by their coin, and broadcast. */
  readonly planned: readonly CoinSpend[]
}

/** What the end of a channel is looked at with. */
export interface EndWorld {
  readonly chain: PenaltyChain
  readonly channel: LiveChannel
  readonly secrets: ChannelSecrets
  readonly archive: readonly ArchivedHtlc[]
  readonly feerate: Feerate
  /** Where claims pay. */
  readonly to: Uint8Array
  readonly coins: readonly FeeCoin[]
}

/** Claims of a channel whose funding is spent, made anew at each look. [TW36] [TW37] */
export async function pursueSpent(world: EndWorld, { view, spend }: Sighting): Promise<Pursued | null> {
  if (!spend) return null
  const { chain, channel, secrets, archive, feerate, to, coins } = world
  const classified = classify(channel, secrets, spend.transaction, archive)
  const facts = await endFacts(chain, view.height, spend, classified)
  const resolution = resolve(channel, secrets, classified, facts)
  const { transactions, planned } = pursueClaims(resolution, { tip: view.height, feerate, to, coins })
  return { resolution, transactions, planned }
}

/** Children for a commitment that no block holds; none where it needs none, or no coin is there. [TW38] */
export function liftsOf(
  { channel, secrets, feerate, coins }: EndWorld,
  { view, spend }: Sighting,
): readonly CoinSpend[] {
  const [coin] = coins
  const isWaiting = channel.phase === 'ending' && !spend && view.fundedAt !== null
  return isWaiting && coin ? pursueCommitment(channel, secrets, { tip: view.height, feerate, coin }) : []
}

/** Coins on a script that blocks hold: the wallet's reserve for fees. [TW38] */
export async function reserveCoins(chain: PenaltyChain, publicKey: Uint8Array): Promise<readonly FeeCoin[]> {
  const script = p2wpkh(publicKey)
  const told = (await chain.coinsOf(script)).slice(0, reserveCoinsMax)
  const found = await Promise.all(
    told.map(async (outpoint) => ({ outpoint, held: await provenOutput(chain, outpoint) })),
  )
  return found.flatMap(({ outpoint, held }) =>
    held && sameBytes(held.output.script, script)
      ? [{ outpoint, value: held.output.value, publicKey, changeScript: script }]
      : [],
  )
}

/** Most coins that are looked at for one channel: one for each HTLC and for the commitment. */
const reserveCoinsMax = 20

/** What spends the outputs of a closing transaction that are the channel's, and the outputs of those spends. */
async function endFacts(
  chain: PenaltyChain,
  tip: Height,
  spend: FoundSpend,
  { outputs }: Classified,
): Promise<EndFacts & { readonly spend: FoundSpend }> {
  const spends = new Map<string, FoundSpend>()
  const find = async (outpoint: Outpoint, { script }: Output) => {
    const found = await chain.spend({ outpoint, script })
    if (found) spends.set(outpointKey(outpoint), found)
    return found
  }
  const isClaimed = ({ role }: ClosedOutput) => role !== 'other' && role !== 'anchor'
  await Promise.all(
    outputs.filter(isClaimed).map(async ({ outpoint }) => {
      const first = await find(outpoint, spend.transaction.outputs[outpoint.index] as Output)
      if (!first) return
      // An HTLC transaction has its output where its input is.
      const at = first.transaction.inputs.findIndex((input) => outpointKey(input.outpoint) === outpointKey(outpoint))
      const output = first.transaction.outputs[at]
      if (output) await find({ txid: first.transaction.txid, index: at }, output)
    }),
  )
  return { height: tip, spend, spends }
}

/** An output that a block holds, or nothing. */
export async function provenOutput(
  chain: PenaltyChain,
  { txid: id, index }: { readonly txid: Txid; readonly index: number },
): Promise<{ readonly output: Output; readonly height: Height } | null> {
  const proven = await chain.inclusion(txid(id))
  const output = proven?.value.transaction.outputs[index]
  if (!proven || !output) return null
  return { output: { script: output.script, value: sats(output.value) }, height: height(proven.value.block.height) }
}

/** Where this side's closing and claims pay. */
export function payoutOf({ opening, own }: LiveChannel): Uint8Array {
  return keysOfSide(opening, own).closingScript
}
