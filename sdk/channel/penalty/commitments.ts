import {
  type BalanceKeys,
  type Commitment,
  type CommitmentHtlc,
  type CommitmentKeys,
  type CommitmentTerms,
  commitmentKey,
  commitmentOf,
  commitmentSecretKey,
  type HtlcKeys,
  type HtlcTransaction,
  htlcTransactions,
  obscuringFactor,
  ownRevocationKey,
  revocationKey,
  revocationSecretKey,
} from '../../bitcoin/bolt3/index.ts'
import { txidOfUnsigned } from '../../bitcoin/transaction.ts'
import { currentEngine } from '../../crypto/engine.ts'
import { sameBytes, sats } from '../../units.ts'
import { type Content, channelDustLimit, type Htlc, untrimmed } from './content.ts'
import { fundingScript } from './opening.ts'
import { type ChannelSecrets, ownPoint, ownSecret } from './secrets.ts'
import type { PeerPoint } from './state.ts'
import { keysOfSide, limitsOf, type Opening, otherSide, type Side } from './terms.ts'

/** One side's signatures on a commitment of the other: of 64 bytes each (r, low s). */
export interface CommitmentSignatures {
  readonly signature: Uint8Array
  /** In the order of the commitment's outputs. */
  readonly htlcs: readonly Uint8Array[]
}

/** An HTLC of a commitment, which knows what it is in the channel. */
export interface ChannelHtlc extends CommitmentHtlc {
  readonly htlc: Htlc
}

/** A commitment of one side, with its keys. */
export interface SideCommitment {
  readonly holder: Side
  readonly content: Content
  readonly terms: CommitmentTerms
  readonly commitment: Commitment<ChannelHtlc>
  readonly keys: CommitmentKeys
}

/**
 * The commitment that a side holds of a content. The point is that side's, of this number; a key that it tells with it is
 * taken where no HTLC has an output. [TW1] [TW3] [TW34]
 */
export function commitmentFor(opening: Opening, holder: Side, content: Content, at: PeerPoint): SideCommitment {
  const terms = termsOf(opening)[holder]
  const hasHtlcs = untrimmed(limitsOf(opening.draft), content.htlcs).length > 0
  const keys = at.key && !hasHtlcs ? keysBy(opening, holder, at.point, at.key) : keysFor(opening, holder, at.point)
  const found = built.get(content)?.find((one) => one.keys === keys && one.terms === terms)
  if (found) return found
  const commitment = commitmentOf(
    terms,
    {
      number: content.number,
      toHolder: content.balance[holder],
      toOther: content.balance[otherSide(holder)],
      htlcs: content.htlcs.map((htlc) => ({
        direction: htlc.by === holder ? 'offered' : 'received',
        amount: htlc.amount,
        paymentHash: htlc.paymentHash,
        expiry: htlc.expiry,
        htlc,
      })),
    },
    keys,
  )
  const made = { holder, content, terms, commitment, keys }
  built.set(content, [...(built.get(content) ?? []), made])
  return made
}

/** Commitments of a content, both sides': each is signed, verified, looked for on the chain and told again. */
const built = /* @__PURE__ */ new WeakMap<Content, readonly SideCommitment[]>()

/** This side's own commitment of a content. [TW1] [TW3] */
export function ownCommitmentFor(
  opening: Opening,
  own: Side,
  content: Content,
  secrets: ChannelSecrets,
): SideCommitment {
  const key = ownKey(opening, own, content.number, secrets)
  return commitmentFor(opening, own, content, { point: ownPoint(secrets, content.number), key })
}

/** The revocation key of this side's own commitment of a number. */
export function ownKey(opening: Opening, own: Side, number: number, secrets: ChannelSecrets): Uint8Array {
  const point = ownPoint(secrets, number)
  const found = derived.get(point)
  if (found?.opening === opening && found.holder === own) return found.balance.revocation
  const peer = keysOfSide(opening, otherSide(own))
  const key = ownRevocationKey(peer.revocation, ownSecret(secrets, number), point)
  derived.set(point, keysOf(opening, own, point, key))
  return key
}

/** True when a key is the one of its point, as BOLT-3 derives it. As dear as a signature. [TW34] */
export function isRevocationKey(opening: Opening, holder: Side, { point, key }: PeerPoint): boolean {
  return key === null || sameBytes(key, keysFor(opening, holder, point).balance.revocation)
}

/** True when the secret of a point gives this side what takes a commitment of this key. [TW34] */
export function isRevokedBy(
  opening: Opening,
  own: Side,
  { point, key }: PeerPoint,
  secret: Uint8Array,
  secrets: ChannelSecrets,
): boolean {
  const base = { secret: secrets.revocation, point: keysOfSide(opening, own).revocation }
  const taker = currentEngine().publicKey(revocationSecretKey(base, { secret, point }))
  return key === null || sameBytes(taker, key)
}

/** The HTLC transactions of a commitment. Asks for its txid, so not to be called where there are no HTLCs. */
export function htlcTransactionsOf(made: SideCommitment): readonly HtlcTransaction<ChannelHtlc>[] {
  if (!made.commitment.outputs.some(({ kind }) => kind === 'htlc')) return []
  const found = second.get(made)
  if (found) return found
  const txid = txidOfUnsigned(made.commitment.unsigned)
  const transactions = htlcTransactions(made.terms, made.commitment, { txid, balance: made.keys.balance })
  second.set(made, transactions)
  return transactions
}

/** HTLC transactions go with their commitment. */
const second = /* @__PURE__ */ new WeakMap<SideCommitment, readonly HtlcTransaction<ChannelHtlc>[]>()

/**
 * Signs a commitment of the other side, and its HTLC transactions.
 *
 * Funds at risk: with it the other side can end the channel at this content, until it has revoked it.
 */
export function signCommitment(made: SideCommitment, secrets: ChannelSecrets, point: Uint8Array): CommitmentSignatures {
  const { sign } = currentEngine()
  const transactions = htlcTransactionsOf(made)
  const key = transactions.length > 0 ? commitmentSecretKey(secrets.htlc, point) : null
  return {
    signature: sign(made.commitment.digest, secrets.funding).slice(0, 64),
    htlcs: key ? transactions.map(({ digest }) => sign(digest, key).slice(0, 64)) : [],
  }
}

/** True when the signatures are the other side's, on this commitment and on each of its HTLC transactions, none left over. */
export function isSignedCommitment(made: SideCommitment, { signature, htlcs }: CommitmentSignatures): boolean {
  const { verify } = currentEngine()
  const { commitment, terms, keys } = made
  if (signature.length !== 64 || !verify(signature, commitment.digest, terms.fundingKeys.other)) return false
  const transactions = htlcTransactionsOf(made)
  if (htlcs.length !== transactions.length) return false
  return transactions.every(({ digest }, at) => {
    const own = htlcs[at] as Uint8Array
    return own.length === 64 && verify(own, digest, keys.htlc().other)
  })
}

/** Terms of both sides' commitments, made once for a channel. */
const terms = /* @__PURE__ */ new WeakMap<Opening, Readonly<Record<Side, CommitmentTerms>>>()

function termsOf(opening: Opening): Readonly<Record<Side, CommitmentTerms>> {
  const known = terms.get(opening)
  if (known) return known
  const { draft, funding } = opening
  const script = fundingScript(opening)
  const of = (holder: Side): CommitmentTerms => {
    const [own, other] = [keysOfSide(opening, holder), keysOfSide(opening, otherSide(holder))]
    return {
      format: 'anchors',
      funding,
      capacity: draft.capacity,
      fundingScript: script,
      feeratePerKw: draft.terms.feeratePerKw,
      funder: holder === 'opener' ? 'holder' : 'other',
      dustLimit: sats(channelDustLimit),
      delay: draft.terms.delayBlocks,
      fundingKeys: { holder: own.funding, other: other.funding },
      otherPaymentKey: other.payment,
      factor: obscuringFactor(keysOfSide(opening, 'opener').payment, keysOfSide(opening, 'accepter').payment),
    }
  }
  const made = { opener: of('opener'), accepter: of('accepter') }
  terms.set(opening, made)
  return made
}

/** Keys of a commitment are derived once, though it is signed, stored, verified and looked for; they go with their point. */
const derived = /* @__PURE__ */ new WeakMap<Uint8Array, KnownKeys>()
/** Keys whose revocation key is the holder's word; they go with that. */
const told = /* @__PURE__ */ new WeakMap<Uint8Array, KnownKeys>()

interface KnownKeys extends CommitmentKeys {
  readonly opening: Opening
  readonly holder: Side
}

/** Keys of a commitment, as BOLT-3 derives them. */
export function keysFor(opening: Opening, holder: Side, point: Uint8Array): CommitmentKeys {
  const found = derived.get(point)
  if (found?.opening === opening && found.holder === holder) return found
  const other = keysOfSide(opening, otherSide(holder))
  const made = keysOf(opening, holder, point, revocationKey(other.revocation, point))
  derived.set(point, made)
  return made
}

function keysBy(opening: Opening, holder: Side, point: Uint8Array, key: Uint8Array): CommitmentKeys {
  const found = derived.get(point) ?? told.get(key)
  if (found?.opening === opening && found.holder === holder && found.balance.revocation === key) return found
  const made = keysOf(opening, holder, point, key)
  told.set(key, made)
  return made
}

function keysOf(opening: Opening, holder: Side, point: Uint8Array, revocation: Uint8Array): KnownKeys {
  const [own, other] = [keysOfSide(opening, holder), keysOfSide(opening, otherSide(holder))]
  const balance: BalanceKeys = { revocation, delayed: commitmentKey(own.delayed, point) }
  let made: HtlcKeys | null = null
  const htlc = () => {
    made ??= { holder: commitmentKey(own.htlc, point), other: commitmentKey(other.htlc, point) }
    return made
  }
  return { balance, htlc, opening, holder }
}
