import { decodeTransaction, type Outpoint } from '../../bitcoin/index.ts'
import { sameBytes } from '../../units.ts'
import {
  type CommitmentSignatures,
  commitmentFor,
  isSignedCommitment,
  ownCommitmentFor,
  signCommitment,
} from './commitments.ts'
import { firstContent } from './content.ts'
import { decline, type Effect, type FundingView, move, moveNoting, refuse, type Step, send, stay } from './effects.ts'
import { pursueEnd } from './ending.ts'
import type { Message } from './messages.ts'
import { fundingOutput } from './opening.ts'
import { isProven, seeFunding } from './position.ts'
import type { ChannelSecrets } from './secrets.ts'
import { type Channel, isLive, type Live, type LiveChannel, noSession } from './state.ts'
import { type Draft, keysOfSide, type Opening, otherSide, type Side, type SideKeys } from './terms.ts'

type MessageOf<type extends Message['type']> = Extract<Message, { type: type }>
type Funding = Extract<Channel, { phase: 'funding' }>

/** The opener's channel as it begins: the caller has judged the draft. [TW6] */
export function openChannel(draft: Draft): Step {
  return move({ phase: 'offered', own: 'opener', draft }, send({ type: 'open', draft }))
}

/** The accepter's channel as it begins: the caller has judged the draft. [TW6] */
export function acceptChannel(draft: Draft, keys: SideKeys): Step {
  return move({ phase: 'accepted', own: 'accepter', draft, keys }, send({ type: 'accept', keys }))
}

/** The opener asks once more: its answer was lost. */
export function onOpen(channel: Channel): Step {
  return channel.phase === 'accepted' ? stay(channel, send({ type: 'accept', keys: channel.keys })) : stay(channel)
}

/** The accepter's keys have come. [TW6] */
export function onAccept(channel: Channel, keys: SideKeys): Step {
  if (channel.phase !== 'offered') return stay(channel)
  const next: Channel = { ...channel, phase: 'taken', accepterKeys: keys }
  return move(next, fund(next))
}

/** It came to nothing: the funding has not left. */
export function onDecline(channel: Channel, fault: MessageOf<'decline'>['fault'] | 'abandoned'): Step {
  const { phase } = channel
  if (phase !== 'offered' && phase !== 'taken' && phase !== 'signing')
    return fault === 'abandoned' ? refuse(channel, 'not-open') : stay(channel)
  return move({ phase: 'declined', own: channel.own, draft: channel.draft, fault })
}

/** The funding transaction is signed, and stays here until the accepter has signed this side's first commitment. [TW6] */
export function onFunding(channel: Channel, transaction: Uint8Array, secrets: ChannelSecrets): Step {
  if (channel.phase !== 'taken') return refuse(channel, 'not-open')
  const { draft, accepterKeys } = channel
  const outpoint = outpointIn(transaction, draft, accepterKeys)
  if (!outpoint) return refuse(channel, 'wrong-funding')
  const opening: Opening = { draft, accepterKeys, funding: outpoint }
  const next = { phase: 'signing', own: 'opener', draft, opening } as const
  return moveNoting(next, [{ type: 'funding', transaction }], send(fundMessage(opening, secrets)))
}

/** The opener names the funding and has signed the accepter's first commitment. [TW6] */
export function onFund(channel: Channel, message: MessageOf<'fund'>, secrets: ChannelSecrets): Step {
  const { funding, signature } = message
  if (isLive(channel) && channel.own === 'accepter' && channel.base.number === 0)
    return stay(channel, send(fundedMessage(channel.opening, secrets))) // TW25: it was lost.
  if (channel.phase !== 'accepted') return stay(channel)
  const opening: Opening = { draft: channel.draft, accepterKeys: channel.keys, funding }
  const live = firstLive(opening, 'accepter', signature, secrets)
  if (!live) return decline(channel, 0, 'wrong-signature')
  const next: Funding = { ...live, phase: 'funding', isReady: false, isPeerReady: false }
  return move(next, send(fundedMessage(opening, secrets)))
}

/** The accepter has signed: now the coins are safe, and the funding may leave. [TW6] */
export function onFunded(channel: Channel, { signature }: MessageOf<'funded'>, secrets: ChannelSecrets): Step {
  if (channel.phase !== 'signing') return stay(channel)
  const { opening } = channel
  const live = firstLive(opening, 'opener', signature, secrets)
  if (!live) return decline(channel, 0, 'wrong-signature')
  const next: Funding = { ...live, phase: 'funding', isReady: false, isPeerReady: false }
  return move(next, { type: 'broadcast-funding' })
}

/** The other side sees the funding deep enough. [TW7] */
export function onReady(channel: Channel): Step {
  if (channel.phase !== 'funding' || channel.isPeerReady) return stay(channel)
  const next: Funding = { ...channel, isPeerReady: true }
  return move(next.isReady ? opened(next) : next)
}

/** What a block says of a channel. [TW7] [TW32] [TW33] */
export function onChain(channel: Channel, view: FundingView, secrets: ChannelSecrets): Step {
  if (!isLive(channel)) return stay(channel)
  const seen = seeFunding(channel, view)
  const next = seen.channel as LiveChannel
  const step = next.phase === 'funding' && !view.isSpent ? pursueFunding(next, view) : pursueEnd(next, view, secrets)
  // TW39: a reorganization may have lost it, in any phase. What was funded once is the channel's, so a backup may bring it too.
  const isLost = view.fundedAt === null && !view.isSpent && channel.own === 'opener'
  const lost: Effect[] = isLost ? [{ type: 'broadcast-funding' }] : []
  return { ...step, effects: [...step.effects, ...lost, ...seen.effects] }
}

function pursueFunding(channel: Funding, view: FundingView): Step {
  if (channel.isReady || !isProven(channel.opening, view)) return stay(channel)
  const next: Funding = { ...channel, isReady: true }
  return move(next.isPeerReady ? opened(next) : next, send({ type: 'ready' }))
}

/** What a channel without commitments says again. */
export function greetEarly(channel: Exclude<Channel, LiveChannel>, secrets: ChannelSecrets): Step {
  switch (channel.phase) {
    case 'offered':
      return stay(channel, send({ type: 'open', draft: channel.draft }))
    case 'taken':
      return stay(channel, fund(channel))
    case 'signing':
      return stay(channel, send(fundMessage(channel.opening, secrets)))
    default:
      return stay(channel)
  }
}

function opened(channel: Funding): Channel {
  const { phase: _, isReady: __, isPeerReady: ___, ...live } = channel
  return { ...live, phase: 'open', shutdown: { own: null, isByPeer: false } }
}

function fund(channel: Extract<Channel, { phase: 'taken' }>): Effect {
  return { type: 'fund', output: fundingOutput(channel) }
}

function fundMessage(opening: Opening, secrets: ChannelSecrets): Message {
  return { type: 'fund', funding: opening.funding, signature: signFirst(opening, 'accepter', secrets).signature }
}

function fundedMessage(opening: Opening, secrets: ChannelSecrets): Message {
  return { type: 'funded', signature: signFirst(opening, 'opener', secrets).signature }
}

/** The signature on a side's commitment 0, by the other one. */
function signFirst(opening: Opening, holder: Side, secrets: ChannelSecrets): CommitmentSignatures {
  const [point] = keysOfSide(opening, holder).points
  const made = commitmentFor(opening, holder, firstContent(opening.draft), { point, key: null })
  return signCommitment(made, secrets, point)
}

/** A channel at its first content, if the other side's signature is on this side's commitment. */
function firstLive(opening: Opening, own: Side, signature: Uint8Array, secrets: ChannelSecrets): Live | null {
  const base = firstContent(opening.draft)
  const signatures = { signature, htlcs: [] }
  if (!isSignedCommitment(ownCommitmentFor(opening, own, base, secrets), signatures)) return null
  const [current, next] = keysOfSide(opening, otherSide(own)).points
  return {
    own,
    opening,
    base,
    exchange: { state: 'idle' },
    signatures,
    points: { current: { point: current, key: null }, next: { point: next, key: null } },
    secrets: [],
    turn: 0,
    preimages: [],
    origin: 'own',
    session: noSession,
  }
}

function outpointIn(transaction: Uint8Array, draft: Draft, accepterKeys: SideKeys): Outpoint | null {
  const decoded = decodeTransaction(transaction)
  if (!decoded.ok) return null
  const wanted = fundingOutput({ draft, accepterKeys })
  const index = decoded.value.outputs.findIndex(
    ({ script, value }) => value === wanted.value && sameBytes(script, wanted.script),
  )
  const isSigned = decoded.value.inputs.every(({ witness }) => witness.length > 0)
  return index >= 0 && isSigned ? { txid: decoded.value.txid, index } : null
}
