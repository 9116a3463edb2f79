import { pointOfSecret, secretIndex, withSecret } from '../../bitcoin/bolt3/index.ts'
import { currentEngine, sha256 } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import { sameBytes } from '../../units.ts'
import {
  commitmentFor,
  isRevocationKey,
  isRevokedBy,
  isSignedCommitment,
  ownCommitmentFor,
  ownKey,
  type SideCommitment,
  signCommitment,
} from './commitments.ts'
import { type Change, type Content, contentAfter, type Htlc, untrimmed } from './content.ts'
import { decline, type Effect, move, moveNoting, type Note, refuse, type Step, send, stay } from './effects.ts'
import { beginClosing, shutdownSaid } from './ending.ts'
import type { Fault, Message, Revocation } from './messages.ts'
import { type ChannelSecrets, ownPoint, ownSecret } from './secrets.ts'
import { type Channel, isLive, type Live, type LiveChannel, ownContent, proposerOf } from './state.ts'
import { limitsOf, type Opening, otherSide, type Side } from './terms.ts'

type Open = Extract<Channel, { phase: 'open' }>
type MessageOf<type extends Message['type']> = Extract<Message, { type: type }>

/** Proposes a batch: signs the other side's next commitment. [TW8] [TW9] [TW13] */
export function onPropose(channel: Channel, changes: readonly Change[], secrets: ChannelSecrets): Step {
  const fault = proposalFault(channel, changes)
  if (fault) return refuse(channel, fault)
  const open = channel as Open
  const { own, opening, base } = open
  const changed = contentAfter(limitsOf(opening.draft), base, own, changes)
  if (!changed.ok) return refuse(channel, changed.fault)
  if (!isKeyRight(open, changed.content)) return refuse(channel, 'wrong-key')
  const next: Open = { ...open, exchange: { state: 'proposed', changes, next: changed.content } }
  return moveNoting(next, addedNotes(opening, own, changes, changed.content), send(commitMessage(next, secrets)))
}

/** Takes a proposal: stores the own next commitment, revokes the one before, and signs the proposer's. [TW10] [TW11] */
export function onCommit(channel: Channel, message: MessageOf<'commit'>, secrets: ChannelSecrets): Step {
  const { number, changes, signatures } = message
  if (channel.phase !== 'open') return decline(channel, number, 'not-open')
  const { own, opening, base, exchange } = channel
  const held = ownContent(channel).number
  // TW25: what was answered is answered again, and changes nothing.
  if (exchange.state === 'answered' && number === held) return stay(channel, send(answerMessage(channel, secrets)))
  if (number <= held) return stay(channel)
  if (number !== held + 1) return decline(channel, number, 'wrong-number')
  if (channel.origin !== 'own') return decline(channel, number, 'from-backup') // TW29: it would revoke.
  if (!channel.session.isFunded) return decline(channel, number, 'funding-unproven') // TW7
  if (proposerOf(channel) === own || exchange.state === 'proposed') return decline(channel, number, 'out-of-turn')
  if (exchange.state === 'answered') return decline(channel, number, 'out-of-order')
  const peer = otherSide(own)
  const changed = contentAfter(limitsOf(opening.draft), base, peer, changes)
  if (!changed.ok) return decline(channel, number, changed.fault)
  const made = ownCommitment(channel, changed.content, secrets)
  if (!isSignedCommitment(made, signatures)) return decline(channel, number, 'wrong-signature')
  if (!isKeyRight(channel, changed.content)) return decline(channel, number, 'wrong-key')
  const next: Open = { ...channel, exchange: { state: 'answered', changes, next: changed.content }, signatures }
  const notes = [
    ...addedNotes(opening, peer, changes, changed.content),
    ...removed(base, own, changes).flatMap(({ htlc, change }): Note[] =>
      change.type === 'fulfil' ? [{ type: 'fulfilled', htlc, preimage: change.preimage }] : [],
    ),
  ]
  return moveNoting(next, notes, send(answerMessage(next, secrets)))
}

/** The proposal was taken: stores the own next commitment and the other side's secret, and revokes the one before. [TW10] */
export function onAnswer(channel: Channel, message: MessageOf<'answer'>, secrets: ChannelSecrets): Step {
  if (!isLive(channel)) return decline(channel, message.number, 'not-open')
  const { exchange } = channel
  if (message.number <= ownContent(channel).number) return stay(channel) // TW25
  if (exchange.state !== 'proposed' || message.number !== exchange.next.number)
    return decline(channel, message.number, 'out-of-order')
  if (channel.phase !== 'open') return decline(channel, message.number, 'not-open')
  if (channel.origin !== 'own') return decline(channel, message.number, 'from-backup') // TW29: it would revoke.
  const revealed = revealedBy(channel, message, secrets)
  if (!revealed) return decline(channel, message.number, 'wrong-secret')
  const made = ownCommitment(channel, exchange.next, secrets)
  if (!isSignedCommitment(made, message.signatures)) return decline(channel, message.number, 'wrong-signature')
  const next = finished({ ...channel, signatures: message.signatures }, exchange.next, revealed)
  const done = next.phase === 'open' ? shutdownSaid(next) : []
  return settle(next, [], secrets, [send(revokeMessage(next, secrets)), ...done])
}

/** The proposer has revoked as well: the update is finished, and what it paid is final. [TW21] */
export function onRevoke(channel: Channel, message: MessageOf<'revoke'>, secrets: ChannelSecrets): Step {
  if (!isLive(channel)) return decline(channel, message.number, 'not-open')
  const { own, base, exchange } = channel
  if (message.number <= base.number) return stay(channel) // TW25
  if (exchange.state !== 'answered' || message.number !== exchange.next.number)
    return decline(channel, message.number, 'out-of-order')
  const revealed = revealedBy(channel, message, secrets)
  if (!revealed) return decline(channel, message.number, 'wrong-secret')
  const peer = otherSide(own)
  const notes: readonly Note[] = exchange.changes.flatMap((change): Note[] => {
    if (change.type === 'pay') {
      const { paymentId, amount } = change
      return [{ type: 'received', paymentId, amount, number: message.number }]
    }
    if (change.type === 'add') {
      const htlc = htlcOf(exchange.next, peer, change.id)
      return htlc ? [{ type: 'offered', htlc }] : [] // A batch may hold what it adds and removes again.
    }
    if (change.type !== 'fail') return []
    const htlc = htlcOf(base, own, change.id)
    return htlc ? [{ type: 'failed', htlc, reason: change.reason }] : []
  })
  return settle(finished(channel, exchange.next, revealed), notes, secrets, [])
}

/** The other side wants the turn: it gets it at once, or when the update in flight is finished. [TW8] */
export function onAsk(channel: Channel, turn: number): Step {
  if (channel.phase !== 'open') return stay(channel)
  const isOwn = proposerOf(channel) === channel.own
  // Who asks for what this side takes for the other's has handed it over, and that was lost.
  const wasHanded = !isOwn && turn === channel.turn + 1
  if (wasHanded || (isOwn && turn === channel.turn)) {
    const taken = { ...channel, turn }
    if (channel.exchange.state === 'idle') return yieldTurn(taken)
    const waiting = { ...taken, session: { ...channel.session, isAsked: true } }
    return wasHanded ? move(waiting) : stay(waiting)
  }
  const wasLost = !isOwn && turn < channel.turn
  return stay(channel, ...(wasLost ? [send({ type: 'yield', turn: channel.turn })] : []))
}

/** The other side has handed the turn over. [TW8] */
export function onYield(channel: Channel, turn: number): Step {
  if (!isLive(channel) || turn !== channel.turn + 1 || proposerOf(channel) === channel.own) return stay(channel)
  return move({ ...channel, turn })
}

/** Hands the turn over, where it is this side's and nothing is in flight. */
export function yieldTurn(channel: LiveChannel): Step {
  if (proposerOf(channel) !== channel.own || channel.exchange.state !== 'idle') return refuse(channel, 'busy')
  const next = { ...channel, turn: channel.turn + 1, session: { ...channel.session, isAsked: false } }
  return move(next, send({ type: 'yield', turn: next.turn }))
}

/** Asks for the turn. */
export function askTurn(channel: Channel): Step {
  if (channel.phase !== 'open') return refuse(channel, 'not-open')
  if (proposerOf(channel) === channel.own) return stay(channel)
  return stay(channel, send({ type: 'ask', turn: channel.turn }))
}

/** Keeps a preimage that takes HTLCs of the other side, on the chain if need be. [TW20] */
export function onLearn(channel: Channel, preimage: Uint8Array): Step {
  if (!isLive(channel)) return refuse(channel, 'not-open')
  const hash = sha256(preimage)
  // One that an update in flight takes away may still stand in the other side's commitment.
  const isWanted = [...channel.base.htlcs, ...ownContent(channel).htlcs].some(
    ({ by, paymentHash }) => by !== channel.own && sameBytes(paymentHash, hash),
  )
  if (!isWanted) return refuse(channel, 'unknown-preimage')
  if (channel.preimages.some((known) => sameBytes(known, preimage))) return stay(channel)
  return move({ ...channel, preimages: [...channel.preimages, preimage] })
}

/** The proposal in flight, as it was first sent: signatures are deterministic. */
export function commitMessage(channel: Live, secrets: ChannelSecrets): Message {
  const { exchange } = channel
  invariant(exchange.state === 'proposed', 'what is proposed is in flight')
  const { changes, next } = exchange
  return { type: 'commit', number: next.number, changes, signatures: signNext(channel, next, secrets) }
}

/** The answer in flight. */
export function answerMessage(channel: Live, secrets: ChannelSecrets): Message {
  const { exchange } = channel
  invariant(exchange.state === 'answered', 'what is answered is in flight')
  const { next } = exchange
  return { type: 'answer', ...revocation(channel, next.number, secrets), signatures: signNext(channel, next, secrets) }
}

/** The revocation that finished the last update. */
export function revokeMessage(channel: Live, secrets: ChannelSecrets): Message {
  const { base } = channel
  invariant(base.number > 0, 'a first commitment takes the place of none')
  return { type: 'revoke', ...revocation(channel, base.number, secrets) }
}

/** This side's commitment of a content, newest or next. */
export function ownCommitment({ own, opening }: Live, content: Content, secrets: ChannelSecrets): SideCommitment {
  return ownCommitmentFor(opening, own, content, secrets)
}

function proposalFault(channel: Channel, changes: readonly Change[]): Fault | null {
  if (channel.phase !== 'open') return 'not-open'
  if (channel.origin !== 'own') return 'from-backup'
  if (!channel.session.isMet) return 'not-met'
  if (!channel.session.isFunded) return 'funding-unproven'
  if (channel.exchange.state !== 'idle') return 'busy'
  if (proposerOf(channel) !== channel.own) return 'out-of-turn'
  const { own, isByPeer } = channel.shutdown
  const isPaying = changes.some(({ type }) => type === 'pay' || type === 'add')
  return isPaying && (own || isByPeer) ? 'done-paying' : null // TW30
}

/** TW10: signing for a number takes the secret of the one before the last: `points.next` came with it. */
function signNext({ own, opening, base, points, secrets: known }: Live, next: Content, secrets: ChannelSecrets) {
  invariant(next.number === base.number + 1, 'TW3: one number after the other')
  invariant(
    base.number === 0 || known.some(({ index }) => index === secretIndex(base.number - 1)),
    'TW10: nothing is signed before the commitment before the last is revoked',
  )
  const made = commitmentFor(opening, otherSide(own), next, points.next)
  return signCommitment(made, secrets, points.next.point)
}

function revocation({ opening, own }: Live, number: number, secrets: ChannelSecrets): Revocation {
  const secret = ownSecret(secrets, number - 1)
  return { number, secret, point: ownPoint(secrets, number + 1), key: ownKey(opening, own, number + 1, secrets) }
}

/** TW34: with an HTLC in it, a commitment's revocation key is not taken at the other side's word. */
function isKeyRight({ own, opening, points }: Live, next: Content): boolean {
  if (untrimmed(limitsOf(opening.draft), next.htlcs).length === 0) return true
  return isRevocationKey(opening, otherSide(own), points.next)
}

interface Revealed {
  readonly secrets: Live['secrets']
  readonly points: Live['points']
}

/**
 * What a revocation by the other side adds; nothing when its secret is not that of its commitment, when it does not take what it
 * should, or when its next point is none. [TW34]
 */
function revealedBy(
  { own, opening, base, points, secrets: known }: Live,
  { secret, point, key }: Revocation,
  secrets: ChannelSecrets,
): Revealed | null {
  const { isSecretKey, isPublicKey } = currentEngine()
  const { current } = points
  if (!isSecretKey(secret) || !sameBytes(pointOfSecret(secret), current.point)) return null
  if (current.key && !isRevokedBy(opening, own, { point: current.point, key: current.key }, secret, secrets))
    return null
  if (!isPublicKey(point) || !isPublicKey(key)) return null
  const revealed = withSecret(known, { index: secretIndex(base.number), secret })
  return revealed ? { secrets: revealed, points: { current: points.next, next: { point, key } } } : null
}

function finished<live extends Live>(channel: live, base: Content, { secrets, points }: Revealed): live {
  const preimages = channel.preimages.filter((preimage) => {
    const hash = sha256(preimage)
    return base.htlcs.some(({ by, paymentHash }) => by !== channel.own && sameBytes(paymentHash, hash))
  })
  return { ...channel, base, exchange: { state: 'idle' }, secrets, points, preimages }
}

/** Ends an update: the turn goes to who asked for it, and closing begins where it was waited for. */
function settle(channel: LiveChannel, notes: readonly Note[], secrets: ChannelSecrets, then: readonly Effect[]): Step {
  const closing = channel.phase === 'open' ? beginClosing(channel, secrets) : null
  if (closing) return moveNoting(closing.channel, notes, ...then, ...closing.effects)
  if (!channel.session.isAsked || proposerOf(channel) !== channel.own) return moveNoting(channel, notes, ...then)
  const next = { ...channel, turn: channel.turn + 1, session: { ...channel.session, isAsked: false } }
  return moveNoting(next, notes, ...then, send({ type: 'yield', turn: next.turn }))
}

function addedNotes(opening: Opening, by: Side, changes: readonly Change[], next: Content): readonly Note[] {
  const added = changes.flatMap((change) => (change.type === 'add' ? [htlcOf(next, by, change.id)] : []))
  const kept = added.filter((htlc) => htlc !== undefined)
  return untrimmed(limitsOf(opening.draft), kept).map((htlc) => ({ type: 'added', htlc, number: next.number }))
}

/** HTLCs of a side that a batch of the other one takes away. */
function removed(base: Content, by: Side, changes: readonly Change[]) {
  return changes.flatMap((change) => {
    const htlc = change.type === 'fulfil' || change.type === 'fail' ? htlcOf(base, by, change.id) : undefined
    return htlc && (change.type === 'fulfil' || change.type === 'fail') ? [{ htlc, change }] : []
  })
}

function htlcOf({ htlcs }: Content, by: Side, id: number): Htlc | undefined {
  return htlcs.find((htlc) => htlc.by === by && htlc.id === id)
}
