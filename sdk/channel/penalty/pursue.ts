import { dustLimit, feeOf } from '../../bitcoin/index.ts'
import { sha256 } from '../../crypto/engine.ts'
import { type Feerate, type Height, type Sats, sameBytes, sats, wholeSats } from '../../units.ts'
import type { Claim, Resolution } from './claims.ts'
import { commitmentFor, type SideCommitment } from './commitments.ts'
import { ownNewest } from './ending.ts'
import type { ChannelSecrets } from './secrets.ts'
import { knownPreimages, type LiveChannel } from './state.ts'
import {
  blocksLeft,
  type CoinSpend,
  claimFee,
  claimsPerTransactionMax,
  type FeeCoin,
  htlcWeightMax,
  isWorthClaiming,
  planAnchorChild,
  planHtlcClaim,
  sweepTransaction,
  sweepWeightMax,
  unconfirmed,
} from './sweep.ts'
import { otherSide } from './terms.ts'

/** What is to be broadcast now, again with each block. */
export interface Pursuit {
  /** Signed, each by itself. */
  readonly transactions: readonly Uint8Array[]
  /** To be signed by their coins. */
  readonly planned: readonly CoinSpend[]
  /** HTLCs of this side's commitment for which no coin is there. The wallet keeps one for each. [TW38] */
  readonly lacking: number
}

type SelfPaying = Extract<Claim, { output: unknown }>
type WithCoin = Extract<Claim, { transaction: unknown }>

/**
 * Transactions that take everything that can be taken in the next block. [TW36] [TW38] What has a deadline goes by itself, the rest
 * together. What is worth less than its fee is left alone.
 *
 * @param wish.coins - In blocks, each used for one claim, in this order at every call.
 */
export function pursueClaims(
  { claims }: Pick<Resolution, 'claims'>,
  wish: {
    readonly tip: Height
    readonly feerate: Feerate
    /** Output script of the wallet's. */
    readonly to: Uint8Array
    readonly coins: readonly FeeCoin[]
  },
): Pursuit {
  const { tip, feerate, to } = wish
  const ready = claims.filter(({ from }) => from <= tip + 1)
  const own = ready.filter((claim): claim is SelfPaying => 'output' in claim)
  const together = own.filter(({ deadline }) => deadline === null).slice(0, claimsPerTransactionMax)
  const groups = [...own.filter(({ deadline }) => deadline !== null).map((claim) => [claim]), together]
  const transactions = groups.flatMap((group) => {
    const [first] = group
    if (!first) return []
    const value = sats(group.reduce((sum, claim) => sum + claim.value, 0n))
    const weight = sweepWeightMax(group, to)
    const leftMin = dustLimit(to)
    const fee = claimFee({ weight, value, leftMin, feerate, blocksLeft: blocksLeft(first.deadline, tip) })
    const made = sweepTransaction(group, to, fee)
    return made.ok ? [made.value] : []
  })
  const withCoin = ready
    .filter((claim): claim is WithCoin => 'transaction' in claim)
    .filter((claim) => isWorthClaiming(claim, feerate))
  const planned = withCoin.flatMap((claim, at) => {
    const coin = wish.coins[at]
    const made = coin && planHtlcClaim(claim, coin, coinFee(claim, coin, wish))
    return made?.ok ? [made.value] : []
  })
  return { transactions, planned, lacking: withCoin.length - planned.length }
}

/**
 * Children that lift what no block holds yet to a feerate: this side's newest commitment, and those of the other side that may wait in its
 * place, which is as good. At most one of their parents is with the nodes, and they share the coin: broadcast them in this order until
 * one is taken. The nearer the expiry of an HTLC that this side can take, or has to take back, the more they pay, up to half of that. [TW38]
 */
export function pursueCommitment(channel: LiveChannel, secrets: ChannelSecrets, wish: LiftWish): readonly CoinSpend[] {
  const { opening, own, base, exchange, points } = channel
  const peer = otherSide(own)
  const theirs = [commitmentFor(opening, peer, base, points.current)]
  if (exchange.state !== 'idle') theirs.push(commitmentFor(opening, peer, exchange.next, points.next))
  return [ownNewest(channel, secrets), ...theirs].flatMap((made) => liftOf(channel, made, secrets, wish) ?? [])
}

interface LiftWish {
  readonly tip: Height
  readonly feerate: Feerate
  readonly coin: FeeCoin
}

/** A child of one commitment; nothing where it needs none. */
function liftOf(
  channel: LiveChannel,
  made: SideCommitment,
  secrets: ChannelSecrets,
  { tip, feerate, coin }: LiftWish,
): CoinSpend | null {
  const { fee, weight } = unconfirmed(made)
  const takeable = knownPreimages(channel).map((preimage) => sha256(preimage))
  const urgent = made.content.htlcs.filter(
    ({ by, paymentHash }) => by === channel.own || takeable.some((hash) => sameBytes(hash, paymentHash)),
  )
  const wanted = urgent.map(({ amount, expiry }) =>
    claimFee({ weight, value: wholeSats(amount), feerate, blocksLeft: blocksLeft(expiry, tip) }),
  )
  const most = wanted.reduce((most, one) => (one > most ? one : most), feeOf(weight, feerate))
  if (most <= fee) return null
  const anchor = made.holder === channel.own ? 'holder-anchor' : 'other-anchor'
  const child = planAnchorChild(made, secrets, coin, { anchor, feerate, feeMin: sats(most - fee) })
  return child.ok ? child.value : null
}

function coinFee(
  claim: WithCoin,
  { changeScript }: FeeCoin,
  { feerate, tip }: { readonly feerate: Feerate; readonly tip: Height },
): Sats {
  const weight = htlcWeightMax(claim, changeScript)
  return claimFee({ weight, value: claim.value, feerate, blocksLeft: blocksLeft(claim.deadline, tip) })
}
