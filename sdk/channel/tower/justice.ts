import { claimOf, revealedSecret, revocationSecretKey, secretIndex } from '../../bitcoin/bolt3/index.ts'
import { feeOf } from '../../bitcoin/index.ts'
import { txidOfUnsigned } from '../../bitcoin/transaction.ts'
import { accepted, type Decoded, invariant, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity } from '../../rlp.ts'
import { type Feerate, feerate, fromHex, height, type Txid, toHex, txid } from '../../units.ts'
import { asBytes, asFixed, asList, asNumber } from '../fields.ts'
import type { Claim } from '../penalty/claims.ts'
import { commitmentFor, keysFor, type SideCommitment } from '../penalty/commitments.ts'
import type { ChannelSecrets } from '../penalty/secrets.ts'
import type { LiveChannel } from '../penalty/state.ts'
import { sweepTransaction, sweepWeightMax } from '../penalty/sweep.ts'
import { keysOfSide, otherSide } from '../penalty/terms.ts'
import { towerRungsMax } from './wire.ts'

/** How justice is signed for a tower. */
export interface JusticePlan {
  /**
   * Where it goes, fixed for good: 34 bytes at the most.
   *
   * Funds at risk: a script of one's own. What is signed to it, anybody who sees the cheater's transaction can broadcast, and nobody
   * can turn.
   */
  readonly to: Uint8Array
  /** Ascending, 1 to 6. The tower begins with the first and climbs while no block takes it. */
  readonly feerates: readonly Feerate[]
}

/** A revoked state with its justice, not sealed yet. */
export interface RevokedState {
  readonly number: number
  /** Of the revoked commitment: what opens the rest. */
  readonly txid: Txid
  /** For each output: a whole signed transaction at each feerate, from the lowest on. */
  readonly outputs: readonly (readonly Uint8Array[])[]
}

/** 2, 8, 32 and 128 sat per vbyte: a market between two of them is met by the higher one, within a factor of four. */
export const justiceFeerates: readonly Feerate[] = /* @__PURE__ */ [2_000, 8_000, 32_000, 128_000].map(feerate)

/**
 * What a step revoked, with transactions that take it: the other side's balance, and each HTLC by itself, since the cheater could
 * take one of them first. Nothing where no commitment was revoked. [TW40]
 *
 * To be stored in the same commit as the step: afterwards the revoked content is known no more.
 *
 * Not in it, since nobody can sign for it before it exists: what the cheater's own HTLC transaction gave, where that is mined before
 * justice. [TW48] This side takes it itself, within the delay. [TW37] Nor what is worth less than its fee.
 */
export function revokedBy(
  before: LiveChannel,
  after: LiveChannel,
  secrets: ChannelSecrets,
  plan: JusticePlan,
): RevokedState | null {
  const { own, opening, base, points } = before
  if (after.base.number === base.number) return null
  invariant(after.base.number === base.number + 1, 'TW3: one number after the other')
  invariant(plan.feerates.length > 0 && plan.feerates.length <= towerRungsMax, 'justice is signed at 1 to 6 feerates')
  const secret = revealedSecret(after.secrets, secretIndex(base.number))
  invariant(secret, 'TW10: what is revoked has told its secret')
  const made = commitmentFor(opening, otherSide(own), base, points.current)
  const { point } = points.current
  const keys = { secret: secrets.revocation, point: keysOfSide(opening, own).revocation }
  const secretKey = revocationSecretKey(keys, { secret, point })
  const { revocation } = keysFor(opening, otherSide(own), point).balance
  const id = txidOfUnsigned(made.commitment.unsigned)
  const claims = claimsOf(made, id, { secretKey, revocation })
  const outputs = claims.map((claim) => signedAt(claim, plan)).filter((rungs) => rungs.length > 0)
  return { number: base.number, txid: id, outputs }
}

type JusticeClaim = Extract<Claim, { output: unknown }>

function claimsOf(
  { commitment }: SideCommitment,
  id: Txid,
  { secretKey, revocation }: { readonly secretKey: Uint8Array; readonly revocation: Uint8Array },
): readonly JusticeClaim[] {
  return commitment.outputs.flatMap(({ kind, value, witnessScript }, index): JusticeClaim[] => {
    if (!witnessScript || (kind !== 'to-holder' && kind !== 'htlc')) return []
    const path =
      kind === 'htlc' ? ({ kind: 'revoked-htlc', revocation } as const) : ({ kind: 'revoked-balance' } as const)
    const output = claimOf({ txid: id, index }, { witnessScript, value }, path)
    return [{ kind: 'justice', output, value, secretKey, from: height(0), deadline: null, htlc: null }]
  })
}

/** One transaction a feerate, as long as it leaves more than dust. */
function signedAt(claim: JusticeClaim, { to, feerates }: JusticePlan): readonly Uint8Array[] {
  const weight = sweepWeightMax([claim], to)
  return feerates.flatMap((feerate) => {
    const made = sweepTransaction([claim], to, feeOf(weight, feerate))
    return made.ok ? [made.value] : []
  })
}

/** Writes a revoked state for its owner's own store. */
export function encodeRevoked({ number, txid, outputs }: RevokedState): Uint8Array {
  return encodeRlp([quantity(number), fromHex(`0x${txid}`), outputs])
}

/** Reads what {@link encodeRevoked} wrote. Never throws. */
export function decodeRevoked(bytes: Uint8Array): Decoded<RevokedState> {
  const rlp = decodeRlp(bytes)
  if (!rlp.ok) return rlp
  const [numberItem, txidItem, outputsItem] = asList(rlp.value, 3) ?? []
  const number = asNumber(numberItem, Number.MAX_SAFE_INTEGER)
  const id = asFixed(txidItem, 32)
  const lists = outputsItem === undefined || outputsItem instanceof Uint8Array ? undefined : outputsItem
  if (number === undefined || !id || !lists) return refused('the state is not of its shape')
  const outputs = lists.map((item) => (item instanceof Uint8Array ? [] : item.map((rung) => asBytes(rung))))
  const isWhole = outputs.every((rungs): rungs is Uint8Array[] => rungs.every((rung) => rung !== undefined))
  return isWhole ? accepted({ number, txid: txid(toHex(id).slice(2)), outputs }) : refused('a transaction is too long')
}
