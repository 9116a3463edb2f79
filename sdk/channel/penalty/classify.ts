import {
  anchorScript,
  type CommitmentKeys,
  commitmentNumberOf,
  delayedScript,
  offeredHtlcScript,
  pointOfSecret,
  receivedHtlcScript,
  revealedSecret,
  secretIndex,
  toOtherScript,
} from '../../bitcoin/bolt3/index.ts'
import { type BitcoinTransaction, type Outpoint, p2wsh } from '../../bitcoin/index.ts'
import { txidOfUnsigned } from '../../bitcoin/transaction.ts'
import { type Sats, sameBytes, toHex } from '../../units.ts'
import { commitmentFor, keysFor, type SideCommitment } from './commitments.ts'
import type { Htlc } from './content.ts'
import { ownNewest } from './ending.ts'
import { type ChannelSecrets, ownPoint } from './secrets.ts'
import { type LiveChannel, signedContent } from './state.ts'
import { keysOfSide, type Opening, otherSide, type Side } from './terms.ts'

/** An HTLC that some commitment had, and the number from which on commitments had it. [TW22] */
export interface ArchivedHtlc {
  readonly htlc: Htlc
  readonly number: number
}

/**
 * What an output of a closing transaction is. `other`: of no script that this channel has. `forgotten`: an HTLC that this side knows
 * nothing of any more, since a backup has lost it. [TW47]
 */
export type OutputRole =
  | { readonly role: 'to-holder' | 'to-other' | 'other' | 'forgotten' }
  | { readonly role: 'anchor'; readonly of: Side }
  | { readonly role: 'htlc'; readonly htlc: Htlc }

/** One output of the transaction that took the funding. */
export type ClosedOutput = OutputRole & {
  readonly outpoint: Outpoint
  readonly value: Sats
  /** Empty for `other` and `forgotten`. */
  readonly witnessScript: Uint8Array
}

/**
 * What took the funding. [TW35]
 *
 * - `closing`: what both signed to end the channel.
 * - `own`, `peer`: a commitment that is not revoked; `made` knows all of it.
 * - `revoked`: an old commitment of the other side, whose secret this side has.
 * - `newer`: a commitment of the other side that this side does not know: it has lost states. `point`: of that commitment, where this side
 *   has it, so that it knows HTLCs there again.
 * - `own-other`: a commitment of this side that is not the newest it knows: an old one, which the other side may take, or one that
 *   it does not remember.
 * - `unknown`: nothing that this channel could have signed.
 */
export type Classified = { readonly outputs: readonly ClosedOutput[] } & (
  | { readonly kind: 'closing' | 'unknown' }
  | { readonly kind: 'newer'; readonly number: number; readonly point: Uint8Array | null }
  | { readonly kind: 'own-other'; readonly number: number; readonly keys: CommitmentKeys }
  | { readonly kind: 'own' | 'peer'; readonly made: SideCommitment }
  | { readonly kind: 'revoked'; readonly number: number; readonly secret: Uint8Array; readonly keys: CommitmentKeys }
)

/** Tells what a transaction that spends the funding is, and what each of its outputs. [TW35] */
export function classify(
  channel: LiveChannel,
  secrets: ChannelSecrets,
  spend: BitcoinTransaction,
  archive: readonly ArchivedHtlc[],
): Classified {
  const { opening, own, base, exchange } = channel
  const peer = otherSide(own)
  const contents = exchange.state === 'idle' ? [base] : [base, exchange.next]
  const points = [channel.points.current, channel.points.next] as const
  const known: readonly (readonly ['own' | 'peer', SideCommitment])[] = [
    ['own', ownNewest(channel, secrets)],
    ...contents.map((content, at) => {
      const point = points[at] as (typeof points)[0]
      return ['peer', commitmentFor(opening, peer, content, point)] as const
    }),
  ]
  for (const [kind, made] of known)
    if (txidOfUnsigned(made.commitment.unsigned) === spend.txid) return { kind, made, outputs: outputsOf(made, spend) }
  const number = commitmentNumberOf(spend, known[0]?.[1].terms.factor ?? 0)
  if (number === undefined) {
    const isClosing = isClosingOf(opening, spend)
    return { kind: isClosing ? 'closing' : 'unknown', outputs: described(spend, new Map()) }
  }
  // TW47: what commitments have now, older ones may have had.
  const present = contents.flatMap(({ htlcs }) => htlcs.map((htlc) => ({ htlc, number: 0 })))
  return revokedOr(channel, secrets, { spend, number, archive: [...archive, ...present] })
}

/** An old commitment of either side, or one that this side does not know. */
function revokedOr(channel: LiveChannel, secrets: ChannelSecrets, found: Found): Classified {
  const { opening, own, base } = channel
  const { spend, number } = found
  const peer = otherSide(own)
  const secret = number < base.number ? revealedSecret(channel.secrets, secretIndex(number)) : undefined
  if (secret) {
    const keys = keysFor(opening, peer, pointOfSecret(secret))
    const outputs = described(spend, scriptsOf(opening, peer, keys, found))
    if (outputs.some(isTelling)) return { kind: 'revoked', number, secret, keys, outputs: outputs.map(forgotten) }
  }
  const ownKeys = keysFor(opening, own, ownPoint(secrets, number))
  const ownOutputs = described(spend, scriptsOf(opening, own, ownKeys, found))
  if (ownOutputs.some(isTelling))
    return { kind: 'own-other', number, keys: ownKeys, outputs: ownOutputs.map(forgotten) }
  // Its balance there is under a key that the seed alone gives, whatever else it says.
  const toUs = toOtherScript(keysOfSide(opening, own).payment)
  const outputs = described(spend, new Map([[toHex(p2wsh(toUs)), { role: 'to-other', witnessScript: toUs }]]))
  if (number <= signedContent(channel).number) return { kind: 'unknown', outputs }
  // TW47: the point of the next one came with the last update.
  const isNext = channel.exchange.state === 'idle' && number === base.number + 1
  if (!isNext) return { kind: 'newer', number, point: null, outputs }
  const { point } = channel.points.next
  const scripts = scriptsOf(opening, peer, keysFor(opening, peer, point), found)
  return { kind: 'newer', number, point, outputs: described(spend, scripts) }
}

/** TW47: all that a commitment has beside what is known by its keys alone are HTLCs. */
function forgotten(output: ClosedOutput): ClosedOutput {
  return output.role === 'other' ? { ...output, role: 'forgotten' } : output
}

interface Found {
  readonly spend: BitcoinTransaction
  readonly number: number
  readonly archive: readonly ArchivedHtlc[]
}

/** True for an output that shows whose commitment it is: both sides' commitments of a number have the same anchors alone. */
function isTelling({ role }: ClosedOutput): boolean {
  return role === 'to-holder' || role === 'to-other' || role === 'htlc'
}

type Scripts = ReadonlyMap<string, OutputRole & { readonly witnessScript: Uint8Array }>

/** Every script that an old commitment of a holder can have, by its output script. [TW22] */
function scriptsOf(opening: Opening, holder: Side, keys: CommitmentKeys, { archive, number }: Found): Scripts {
  const { balance } = keys
  const other = otherSide(holder)
  const all: (OutputRole & { readonly witnessScript: Uint8Array })[] = [
    { role: 'to-holder', witnessScript: delayedScript(balance, opening.draft.terms.delayBlocks) },
    { role: 'to-other', witnessScript: toOtherScript(keysOfSide(opening, other).payment) },
    ...[holder, other].map((of) => ({
      role: 'anchor' as const,
      of,
      witnessScript: anchorScript(keysOfSide(opening, of).funding),
    })),
  ]
  for (const { htlc, number: since } of archive) {
    if (since > number) continue
    const terms = {
      format: 'anchors',
      revocation: balance.revocation,
      keys: keys.htlc(),
      paymentHash: htlc.paymentHash,
    } as const
    const witnessScript = htlc.by === holder ? offeredHtlcScript(terms) : receivedHtlcScript(terms, htlc.expiry)
    all.push({ role: 'htlc', htlc, witnessScript })
  }
  return new Map(all.map((one) => [toHex(p2wsh(one.witnessScript)), one]))
}

function described({ txid, outputs }: BitcoinTransaction, scripts: Scripts): readonly ClosedOutput[] {
  return outputs.map(({ script, value }, index) => {
    const known = scripts.get(toHex(script)) ?? { role: 'other' as const, witnessScript: new Uint8Array(0) }
    return { ...known, outpoint: { txid, index }, value }
  })
}

/** Outputs of a commitment that this side has made itself. */
function outputsOf({ holder, commitment }: SideCommitment, { txid }: BitcoinTransaction): readonly ClosedOutput[] {
  return commitment.outputs.map((output, index) => {
    const witnessScript = output.witnessScript ?? new Uint8Array(0)
    const common = { outpoint: { txid, index }, value: output.value, witnessScript }
    switch (output.kind) {
      case 'htlc':
        return { ...common, role: 'htlc', htlc: output.htlc.htlc }
      case 'holder-anchor':
        return { ...common, role: 'anchor', of: holder }
      case 'other-anchor':
        return { ...common, role: 'anchor', of: otherSide(holder) }
      default:
        return { ...common, role: output.kind }
    }
  })
}

/** True for a transaction that pays nobody but both sides at their fixed scripts. */
function isClosingOf(opening: Opening, { outputs, inputs }: BitcoinTransaction): boolean {
  const scripts = (['opener', 'accepter'] as const).map((side) => keysOfSide(opening, side).closingScript)
  return inputs.length === 1 && outputs.every(({ script }) => scripts.some((one) => sameBytes(one, script)))
}
