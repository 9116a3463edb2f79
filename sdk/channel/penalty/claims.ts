import {
  type ClaimPath,
  claimOf,
  commitmentSecretKey,
  delayedScript,
  type HtlcTransaction,
  type OutputClaim,
  pointOfSecret,
  revocationSecretKey,
} from '../../bitcoin/bolt3/index.ts'
import { type BitcoinTransaction, outpointKey, p2wsh } from '../../bitcoin/index.ts'
import { sha256 } from '../../crypto/engine.ts'
import { feerate, type Height, height, type Sats, sameBytes } from '../../units.ts'
import type { Classified, ClosedOutput } from './classify.ts'
import { type ChannelHtlc, htlcTransactionsOf, type SideCommitment } from './commitments.ts'
import type { Htlc } from './content.ts'
import { type ChannelSecrets, ownPoint } from './secrets.ts'
import { knownPreimages, type LiveChannel } from './state.ts'
import { isWorthClaiming } from './sweep.ts'
import { keysOfSide } from './terms.ts'

/** A transaction of the chain of most work. The shell has fetched and proven it. */
export interface FoundSpend {
  readonly transaction: BitcoinTransaction
  readonly height: Height
}

/** What the chain holds of a channel's end. */
export interface EndFacts {
  /** Of the best block. */
  readonly height: Height
  /** The transaction that spends the funding. */
  readonly spend: FoundSpend | null
  /** By {@link outpointKey}: what spends that transaction's outputs, and outputs of those spends. */
  readonly spends: ReadonlyMap<string, FoundSpend>
}

interface ClaimTerms {
  readonly value: Sats
  /** Block that can hold it at the earliest. */
  readonly from: Height
  /** From this block on somebody else can have it; `null` where nobody ever can. */
  readonly deadline: Height | null
  /** The HTLC that it settles, or came from. */
  readonly htlc: Htlc | null
  /**
   * Of the key that signs.
   *
   * Funds at risk: takes the output.
   */
  readonly secretKey: Uint8Array
}

/**
 * Something that this side can take, now or later. [TW36] [TW37]
 *
 * - `justice`: of a revoked commitment. `own`: its balance. `preimage`, `expired`: an HTLC of the other side's commitment.
 * - `success`, `timeout`: an HTLC of its own commitment, by the transaction that the other side has signed. It pays no fee:
 *   a coin is put beside it, and what it gives is claimed later as `own`.
 */
export type Claim = ClaimTerms &
  (
    | { readonly kind: 'justice' | 'own' | 'preimage' | 'expired'; readonly output: OutputClaim }
    | {
        readonly kind: 'success' | 'timeout'
        readonly transaction: HtlcTransaction<ChannelHtlc>
        readonly otherSignature: Uint8Array
        readonly preimage: Uint8Array | null
      }
  )

/** Where a channel's end stands. */
export interface Resolution {
  readonly kind: Classified['kind']
  /** Of the commitment that the chain holds; `null` where it holds none of this channel. */
  readonly number: number | null
  readonly claims: readonly Claim[]
  /** Preimages that the chain shows: the other side has taken these HTLCs of this side. [TW21] */
  readonly learned: readonly { readonly htlc: Htlc; readonly preimage: Uint8Array }[]
  /** HTLCs of the other side that this side has taken there, by their preimage. */
  readonly taken: readonly Htlc[]
  /** Nothing is left to be taken by this side, and all that was taken is deep enough. */
  readonly isResolved: boolean
  /** HTLCs that this side has forgotten lie there: it looks on, for what a cheater may make of them. [TW47] */
  readonly isWatching: boolean
}

/** Nothing is mined below it for long: what is not worth its claim here never is. */
const feerateMin = /* @__PURE__ */ feerate(1_000)
/** Blocks after its expiry within which an HTLC of one's own is wanted back. */
const timeoutBlocks = 18
/** Blocks after its expiry for which an HTLC of the other side is watched for a late preimage. */
const latePreimageBlocks = 144

/** What is to be claimed of a channel's end, by what the chain holds of it. Made anew with each block. [TW36] */
export function resolve(
  channel: LiveChannel,
  secrets: ChannelSecrets,
  classified: Classified,
  facts: EndFacts & { readonly spend: FoundSpend },
): Resolution {
  const context = { channel, secrets, facts, at: facts.spend.height }
  const found = classified.outputs.map((output) => settle(context, classified, output))
  const claims = found.flatMap((one) => ('claim' in one ? [one.claim] : []))
  const learned = found.flatMap((one) => ('preimage' in one ? [one.preimage] : []))
  const isLeft = claims.some((claim) => isWorthClaiming(claim, feerateMin)) || found.some((one) => 'isWatched' in one)
  const { confirmationsMin } = channel.opening.draft.terms
  const isDeep = (at: Height) => facts.height - at + 1 >= confirmationsMin
  const spends = [facts.spend, ...facts.spends.values()]
  const taken = classified.outputs.flatMap((output) => (isTaken(context, classified, output) ? [output.htlc] : []))
  return {
    kind: classified.kind,
    number: numberOf(classified),
    claims,
    learned,
    taken,
    isResolved: !isLeft && spends.every((one) => isDeep(one.height)),
    isWatching: classified.outputs.some((output) => output.role === 'forgotten' && !spentBy(facts, output)),
  }
}

function numberOf(classified: Classified): number | null {
  if ('made' in classified) return classified.made.content.number
  return 'number' in classified ? classified.number : null
}

interface Context {
  readonly channel: LiveChannel
  readonly secrets: ChannelSecrets
  readonly facts: EndFacts
  /** Block of the closing transaction. */
  readonly at: Height
}

type Settled =
  | { readonly claim: Claim }
  | { readonly preimage: { readonly htlc: Htlc; readonly preimage: Uint8Array } }
  /** Not this side's now, and may become so. */
  | { readonly isWatched: true }
  | Record<never, never>

const nothing: Settled = {}

function settle(context: Context, classified: Classified, output: ClosedOutput): Settled {
  if (output.role === 'other' || output.role === 'anchor') return nothing
  switch (classified.kind) {
    case 'own':
      if (output.role === 'htlc') return settleOwnHtlc(context, classified.made, output)
      return output.role === 'to-holder' ? delayedClaim(context, output, classified.made.content.number) : nothing
    case 'own-other':
      if (output.role === 'to-holder') return delayedClaim(context, output, classified.number)
      return isHtlc(output) ? settleOwnOther(context, classified, output) : nothing
    case 'peer':
      if (output.role === 'htlc') return settlePeerHtlc(context, peerPoint(context, classified.made), output)
      return output.role === 'to-other' ? balanceClaim(context, output) : nothing
    case 'revoked':
      if (output.role === 'to-other') return balanceClaim(context, output)
      return settleRevoked(context, classified, output)
    case 'newer':
      if (output.role === 'htlc' && classified.point) return settlePeerHtlc(context, classified.point, output)
      return output.role === 'to-other' ? balanceClaim(context, output) : nothing
    case 'unknown':
      return output.role === 'to-other' ? balanceClaim(context, output) : nothing
    default:
      return nothing
  }
}

function isHtlc({ role }: ClosedOutput): boolean {
  return role === 'htlc' || role === 'forgotten'
}

/** This side's balance on the other side's commitment: a block later, by the key that the seed alone gives. */
function balanceClaim({ secrets, facts, at }: Context, output: ClosedOutput): Settled {
  if (spentBy(facts, output)) return nothing
  return take(output, { kind: 'to-other' }, { kind: 'own', from: later(at, 1), secretKey: secrets.payment })
}

/** What this side has of a commitment of its own, or of an HTLC transaction, after its delay. */
function delayedClaim({ channel, secrets, facts, at }: Context, output: Takeable, number: number, since = at): Settled {
  if (spentBy(facts, output)) return nothing
  const delayBlocks = delayOf(channel)
  const secretKey = commitmentSecretKey(secrets.delayed, ownPoint(secrets, number))
  const path = { kind: 'delayed', delay: delayBlocks } as const
  return take(output, path, { kind: 'own', from: later(since, delayBlocks), secretKey })
}

function settleOwnHtlc(
  context: Context,
  made: SideCommitment,
  output: Extract<ClosedOutput, { role: 'htlc' }>,
): Settled {
  const { channel, secrets, facts, at } = context
  const { htlc } = output
  const transactions = htlcTransactionsOf(made)
  const place = transactions.findIndex(({ unsigned }) => unsigned.inputs[0]?.outpoint.index === output.outpoint.index)
  const transaction = transactions[place]
  const otherSignature = channel.signatures.htlcs[place]
  if (!transaction || !otherSignature) return nothing
  const spend = spentBy(facts, output)
  if (spend) {
    const second = secondLevel(spend, output, transaction.witnessScript)
    if (second) return delayedClaim(context, second, made.content.number, spend.height)
    return learnedFrom(spend, output, htlc, channel)
  }
  const secretKey = commitmentSecretKey(secrets.htlc, ownPoint(secrets, made.content.number))
  const common = { transaction, otherSignature, secretKey, htlc, value: output.value }
  if (htlc.by === channel.own) {
    const from = laterOf(later(at, 1), later(htlc.expiry, 1))
    const deadline = later(htlc.expiry, timeoutBlocks)
    return { claim: { kind: 'timeout', preimage: null, from, deadline, ...common } }
  }
  const preimage = preimageOf(channel, htlc)
  if (!preimage) return watched(facts, htlc)
  return { claim: { kind: 'success', preimage, from: later(at, 1), deadline: htlc.expiry, ...common } }
}

/** The other side's point of its commitment of either content that it may hold. */
function peerPoint({ channel: { base, points } }: Context, { content }: SideCommitment): Uint8Array {
  return (content.number === base.number ? points.current : points.next).point
}

function settlePeerHtlc(
  { channel, secrets, facts, at }: Context,
  point: Uint8Array,
  output: Extract<ClosedOutput, { role: 'htlc' }>,
): Settled {
  const { htlc } = output
  const spend = spentBy(facts, output)
  if (spend) return learnedFrom(spend, output, htlc, channel)
  const secretKey = commitmentSecretKey(secrets.htlc, point)
  if (htlc.by === channel.own) {
    const from = laterOf(later(at, 1), later(htlc.expiry, 1))
    const deadline = later(htlc.expiry, timeoutBlocks)
    return take(output, { kind: 'expired', expiry: htlc.expiry }, { kind: 'expired', from, deadline, htlc, secretKey })
  }
  const preimage = preimageOf(channel, htlc)
  if (!preimage) return watched(facts, htlc)
  const terms = { kind: 'preimage', from: later(at, 1), deadline: htlc.expiry, htlc, secretKey } as const
  return take(output, { kind: 'preimage', preimage }, terms)
}

/** TW47: the other side's signature on its HTLC transaction is lost; what one that had left already gave is its own after the delay. */
function settleOwnOther(
  context: Context,
  { keys, number }: Extract<Classified, { kind: 'own-other' }>,
  output: ClosedOutput,
): Settled {
  const { channel, facts } = context
  const spend = spentBy(facts, output)
  const second = spend && secondLevel(spend, output, delayedScript(keys.balance, delayOf(channel)))
  return second ? delayedClaim(context, second, number, spend.height) : nothing
}

/**
 * TW37: all of a revoked commitment is this side's, until the other side's delay has passed. TW47: an HTLC that is forgotten can be taken only
 * once the cheater has been first.
 */
function settleRevoked(
  { channel, secrets, facts, at }: Context,
  { secret, keys }: Extract<Classified, { kind: 'revoked' }>,
  output: ClosedOutput,
): Settled {
  const { opening, own } = channel
  const delayBlocks = delayOf(channel)
  const { revocation } = keys.balance
  const base = { secret: secrets.revocation, point: keysOfSide(opening, own).revocation }
  const secretKey = revocationSecretKey(base, { secret, point: pointOfSecret(secret) })
  const htlc = output.role === 'htlc' ? output.htlc : null
  const spend = spentBy(facts, output)
  if (!spend && output.role === 'forgotten') return nothing
  if (!spend) {
    const path: ClaimPath = htlc ? { kind: 'revoked-htlc', revocation } : { kind: 'revoked-balance' }
    return take(output, path, { kind: 'justice', from: at, deadline: later(at, delayBlocks), htlc, secretKey })
  }
  const second = isHtlc(output) ? secondLevel(spend, output, delayedScript(keys.balance, delayBlocks)) : null
  if (!second || spentBy(facts, second)) return nothing
  const deadline = later(spend.height, delayBlocks)
  return take(second, { kind: 'revoked-balance' }, { kind: 'justice', from: spend.height, deadline, htlc, secretKey })
}

type Takeable = Pick<ClosedOutput, 'outpoint' | 'value' | 'witnessScript'>

function take(
  { outpoint, value, witnessScript }: Takeable,
  path: ClaimPath,
  terms: Partial<ClaimTerms> &
    Pick<ClaimTerms, 'from' | 'secretKey'> & { kind: Exclude<Claim['kind'], 'success' | 'timeout'> },
): Settled {
  const output = claimOf(outpoint, { witnessScript, value }, path)
  return { claim: { deadline: null, htlc: null, value, ...terms, output } }
}

/** What an HTLC transaction of the holder gave: the output beside the input that took the HTLC. */
function secondLevel({ transaction }: FoundSpend, taken: Takeable, witnessScript: Uint8Array): Takeable | null {
  const key = outpointKey(taken.outpoint)
  const index = transaction.inputs.findIndex(({ outpoint }) => outpointKey(outpoint) === key)
  const output = transaction.outputs[index]
  if (!output || !sameBytes(output.script, p2wsh(witnessScript))) return null
  return { outpoint: { txid: transaction.txid, index }, value: output.value, witnessScript }
}

/** True for an HTLC of the other side that a preimage has taken: on a commitment that was not revoked, only this side can. */
function isTaken(
  { channel, facts }: Context,
  { kind }: Classified,
  output: ClosedOutput,
): output is Extract<ClosedOutput, { role: 'htlc' }> {
  const isGood = kind === 'own' || kind === 'peer' || kind === 'newer'
  if (!isGood || output.role !== 'htlc' || output.htlc.by === channel.own) return false
  const spend = spentBy(facts, output)
  return spend !== undefined && preimageIn(spend, output, output.htlc) !== undefined
}

/** The preimage in the witness of who took an HTLC of this side. */
function learnedFrom(spend: FoundSpend, taken: Takeable, htlc: Htlc, { own }: LiveChannel): Settled {
  const preimage = htlc.by === own ? preimageIn(spend, taken, htlc) : undefined
  return preimage ? { preimage: { htlc, preimage } } : nothing
}

function preimageIn({ transaction }: FoundSpend, taken: Takeable, htlc: Htlc): Uint8Array | undefined {
  const key = outpointKey(taken.outpoint)
  const witness = transaction.inputs.find(({ outpoint }) => outpointKey(outpoint) === key)?.witness ?? []
  return witness.find((item) => item.length === 32 && sameBytes(sha256(item), htlc.paymentHash))
}

function preimageOf(channel: LiveChannel, { paymentHash }: Htlc): Uint8Array | undefined {
  return knownPreimages(channel).find((preimage) => sameBytes(sha256(preimage), paymentHash))
}

function watched({ height: tip }: EndFacts, { expiry }: Htlc): Settled {
  return tip < expiry + latePreimageBlocks ? { isWatched: true } : nothing
}

function delayOf({ opening }: LiveChannel): number {
  return opening.draft.terms.delayBlocks
}

function spentBy({ spends }: EndFacts, { outpoint }: Pick<Takeable, 'outpoint'>): FoundSpend | undefined {
  return spends.get(outpointKey(outpoint))
}

function later(at: Height, blocks: number): Height {
  return height(at + blocks)
}

function laterOf(a: Height, b: Height): Height {
  return a > b ? a : b
}
