import { fundingWitness, type MutualClosing, mutualClosingOf } from '../../bitcoin/bolt3/index.ts'
import { encodeTransaction } from '../../bitcoin/index.ts'
import { currentEngine, sha256 } from '../../crypto/engine.ts'
import type { Decoded } from '../../errors.ts'
import { type Sats, sameBytes, sats, wholeSats } from '../../units.ts'
import { ownCommitmentFor, type SideCommitment } from './commitments.ts'
import { decline, type Effect, type FundingView, move, refuse, type Step, send, stay } from './effects.ts'
import type { Message } from './messages.ts'
import { fundingScript } from './opening.ts'
import type { ChannelSecrets } from './secrets.ts'
import {
  type Channel,
  type EndCause,
  isLive,
  knownPreimages,
  type LiveChannel,
  ownContent,
  type SignedClosing,
} from './state.ts'
import { keysOfSide, otherSide, type Side } from './terms.ts'

type Open = Extract<Channel, { phase: 'open' }>
type Closing = Extract<Channel, { phase: 'closing' }>
type MessageOf<type extends Message['type']> = Extract<Message, { type: type }>

/** This side wants to close together, or to make a closing at another fee. [TW30] [TW31] */
export function onClose(channel: Channel, fee: Sats | null, secrets: ChannelSecrets): Step {
  if (!isLive(channel)) return refuse(channel, 'not-open')
  if (channel.origin === 'backup') return refuse(channel, 'from-backup')
  if (channel.phase === 'closing') return fee === null ? stay(channel) : askClosing(channel, fee, secrets)
  if (channel.phase !== 'open') return refuse(channel, 'not-open')
  if (fee !== null && fee > shareOf(channel, channel.own)) return refuse(channel, 'fee-too-high')
  const next: Open = { ...channel, shutdown: { ...channel.shutdown, own: { fee } } }
  const closing = beginClosing(next, secrets)
  return closing ? move(closing.channel, ...shutdownSaid(next), ...closing.effects) : move(next, ...shutdownSaid(next))
}

/** The other side is done with paying: so is this one. [TW30] */
export function onShutdown(channel: Channel, secrets: ChannelSecrets): Step {
  if (channel.phase === 'closing') return stay(channel)
  if (channel.phase !== 'open') return decline(channel, 0, 'not-open')
  const { own, isByPeer } = channel.shutdown
  if (isByPeer && own) return stay(channel)
  const next: Open = { ...channel, shutdown: { own: own ?? { fee: null }, isByPeer: true } }
  const told = own ? [] : shutdownSaid(next)
  const closing = beginClosing(next, secrets)
  return closing ? move(closing.channel, ...told, ...closing.effects) : move(next, ...told)
}

/** TW30: who hears it must know of all that was proposed before, so it is not said while a proposal may still be lost. */
export function shutdownSaid({ exchange, shutdown }: Open): Effect[] {
  return shutdown.own && exchange.state !== 'proposed' ? [send({ type: 'shutdown' })] : []
}

/** The closing phase, where both are done and nothing is in flight; nothing where it is too early. [TW31] */
export function beginClosing(channel: Open, secrets: ChannelSecrets): Step | null {
  const { base, exchange, shutdown } = channel
  if (!shutdown.own || !shutdown.isByPeer || exchange.state !== 'idle' || base.htlcs.length > 0) return null
  const { shutdown: _, ...live } = channel
  const { fee } = shutdown.own
  const asked = fee === null ? null : { fee: smaller(fee, shareOf(channel, channel.own)) }
  const next: Closing = { ...live, phase: 'closing', asked, signed: null }
  return { channel: next, effects: closingMessages(next, secrets) }
}

/** The other side asks to sign its closing. It pays for it, so any fee is taken; the signature is stored as a fact first. [TW31] */
export function onClosing(channel: Channel, message: MessageOf<'closing'>, secrets: ChannelSecrets): Step {
  const { number, fee, signature } = message
  if (channel.phase !== 'closing') return decline(channel, number, 'not-open')
  if (number !== channel.base.number) return decline(channel, number, 'wrong-number')
  const peer = otherSide(channel.own)
  const made = closingOf(channel, peer, fee)
  if (!made.ok) return decline(channel, number, 'fee-too-high')
  const { sign, verify } = currentEngine()
  if (!verify(signature, made.value.digest, keysOfSide(channel.opening, peer).funding))
    return decline(channel, number, 'wrong-signature')
  const own = sign(made.value.digest, secrets.funding).slice(0, 64)
  const signed = { fee, closer: peer, transaction: sealed(channel, made.value, { own, peer: signature }) }
  const answer = send({ type: 'closed', number, fee, signature: own })
  return withClosing(channel, signed, channel.asked, answer)
}

/** The other side has signed this side's closing. [TW31] */
export function onClosed(channel: Channel, message: MessageOf<'closed'>, secrets: ChannelSecrets): Step {
  const { number, fee, signature } = message
  if (channel.phase !== 'closing' || number !== channel.base.number || channel.asked?.fee !== fee) return stay(channel)
  const made = closingOf(channel, channel.own, fee)
  const peerKey = keysOfSide(channel.opening, otherSide(channel.own)).funding
  const { sign, verify } = currentEngine()
  if (!made.ok || !verify(signature, made.value.digest, peerKey)) return decline(channel, number, 'wrong-signature')
  const own = sign(made.value.digest, secrets.funding).slice(0, 64)
  const transaction = sealed(channel, made.value, { own, peer: signature })
  return withClosing(channel, { fee, closer: channel.own, transaction }, null)
}

/** Closes alone: from now on nothing is signed, and the own commitment is broadcast until the chain holds a spend. [TW32] */
export function onForce(channel: Channel, secrets: ChannelSecrets, cause: EndCause = 'wish'): Step {
  if (!isLive(channel) || channel.phase === 'behind') return refuse(channel, 'not-open')
  // TW29: an old state would be punished.
  if (channel.origin === 'backup') return refuse(channel, 'from-backup')
  if (channel.phase === 'ending') return stay(channel, ...broadcastOwn(channel, secrets))
  const ending = endingOf(channel, cause)
  return move(ending, ...broadcastOwn(ending, secrets))
}

/** What a block asks for: closing in time, and that a closing once begun gets into the chain. [TW32] [TW33] */
export function pursueEnd(channel: LiveChannel, view: FundingView, secrets: ChannelSecrets): Step {
  if (channel.phase === 'behind' || channel.origin === 'backup') return stay(channel)
  if (view.isSpent) {
    const isOver = channel.phase === 'ending' || channel.phase === 'closing'
    return isOver ? stay(channel) : move(endingOf(channel, 'spent'))
  }
  if (channel.phase === 'ending') return stay(channel, ...broadcastOwn(channel, secrets))
  if (isDeadline(channel, view)) return onForce(channel, secrets, 'deadline')
  if (channel.phase === 'closing' && channel.signed)
    return stay(channel, { type: 'broadcast', transaction: channel.signed.transaction })
  return stay(channel)
}

/** This side's questions that are open in the closing phase. */
export function closingMessages(channel: Closing, secrets: ChannelSecrets): Effect[] {
  const { asked, base, own } = channel
  const made = asked && closingOf(channel, own, asked.fee)
  if (!asked || !made?.ok) return []
  const signature = currentEngine().sign(made.value.digest, secrets.funding).slice(0, 64)
  return [send({ type: 'closing', number: base.number, fee: asked.fee, signature })]
}

/** This side's newest commitment, signed by both: the only one it may broadcast. [TW11] */
export function ownTransaction(channel: LiveChannel, secrets: ChannelSecrets): Uint8Array {
  const made = ownNewest(channel, secrets)
  const { unsigned, digest } = made.commitment
  const own = currentEngine().sign(digest, secrets.funding)
  return encodeTransaction(unsigned, [witnessOf(channel, { own, peer: channel.signatures.signature })])
}

/** This side's newest commitment. */
export function ownNewest(channel: LiveChannel, secrets: ChannelSecrets): SideCommitment {
  return ownCommitmentFor(channel.opening, channel.own, ownContent(channel), secrets)
}

/** Blocks that the other side has to take an HTLC of ours back after its expiry, before this side goes to the chain. */
const graceBlocks = 3

/** TW33: an HTLC that this side can take, or take back, is not left to the other side's good will. */
function isDeadline(channel: LiveChannel, { height }: FundingView): boolean {
  const { marginBlocks } = channel.opening.draft.terms
  const takeable = knownPreimages(channel).map((preimage) => sha256(preimage))
  return [...channel.base.htlcs, ...ownContent(channel).htlcs].some(({ by, expiry, paymentHash }) =>
    by === channel.own
      ? height >= expiry + graceBlocks
      : height >= expiry - marginBlocks && takeable.some((hash) => sameBytes(hash, paymentHash)),
  )
}

function broadcastOwn(channel: LiveChannel, secrets: ChannelSecrets): Effect[] {
  return [{ type: 'broadcast', transaction: ownTransaction(channel, secrets) }]
}

function endingOf(channel: LiveChannel, cause: EndCause): Extract<Channel, { phase: 'ending' }> {
  const { own, opening, base, exchange, signatures, points, secrets, turn, preimages, origin, session } = channel
  const live = { own, opening, base, exchange, signatures, points, secrets, turn, preimages, origin, session }
  return { ...live, phase: 'ending', cause }
}

/** Keeps the closing of the higher fee to be broadcast again, and broadcasts this one. */
function withClosing(channel: Closing, signed: SignedClosing, asked: Closing['asked'], ...answer: Effect[]): Step {
  const before = channel.signed
  const kept = before && before.fee >= signed.fee ? before : signed
  const broadcast: Effect = { type: 'broadcast', transaction: signed.transaction }
  if (kept === before && asked === channel.asked) return stay(channel, ...answer, broadcast)
  return move({ ...channel, signed: kept, asked }, ...answer, broadcast)
}

function askClosing(channel: Closing, fee: Sats, secrets: ChannelSecrets): Step {
  if (!closingOf(channel, channel.own, fee).ok) return refuse(channel, 'fee-too-high')
  const next: Closing = { ...channel, asked: { fee } }
  return move(next, ...closingMessages(next, secrets))
}

function closingOf({ opening, base }: LiveChannel, closer: Side, fee: Sats): Decoded<MutualClosing> {
  const share = (side: Side) => ({
    script: keysOfSide(opening, side).closingScript,
    value: wholeSats(base.balance[side]),
  })
  return mutualClosingOf({
    funding: opening.funding,
    capacity: opening.draft.capacity,
    fundingScript: fundingScript(opening),
    closer: share(closer),
    closee: share(otherSide(closer)),
    fee,
  })
}

function sealed(channel: LiveChannel, closing: MutualClosing, signatures: Signatures): Uint8Array {
  return encodeTransaction(closing.unsigned, [witnessOf(channel, signatures)])
}

interface Signatures {
  readonly own: Uint8Array
  readonly peer: Uint8Array
}

function witnessOf({ opening, own }: LiveChannel, signatures: Signatures): readonly Uint8Array[] {
  return fundingWitness(fundingScript(opening), [
    { publicKey: keysOfSide(opening, own).funding, signature: signatures.own },
    { publicKey: keysOfSide(opening, otherSide(own)).funding, signature: signatures.peer },
  ])
}

function shareOf({ base }: LiveChannel, side: Side): Sats {
  return wholeSats(base.balance[side])
}

function smaller(a: Sats, b: Sats): Sats {
  return sats(a < b ? a : b)
}
