import { secretIndex } from '../../bitcoin/bolt3/index.ts'
import { hmacSha256 } from '../../crypto/engine.ts'
import { invariant } from '../../errors.ts'
import { encodeRlp, quantity } from '../../rlp.ts'
import { sameBytes } from '../../units.ts'
import { type Effect, type FundingView, type Input, move, refuse, type Step, send, stay } from './effects.ts'
import { closingMessages, onForce, shutdownSaid } from './ending.ts'
import { challengeBytes, type Message, type Position } from './messages.ts'
import { type ChannelSecrets, ownSecret } from './secrets.ts'
import { type Channel, type Live, type LiveChannel, ownContent, proposerOf, signedContent } from './state.ts'
import { answerMessage, commitMessage, onYield, revokeMessage } from './update.ts'

/**
 * Greets the other side: tells this side's position and asks for its own. One that had no answer yet is repeated: with other bytes, an
 * answer that takes longer than the pause between two greetings would never fit. [TW25] [TW26]
 */
export function greet(channel: LiveChannel, { random }: Extract<Input, { type: 'reconnected' }>): Step {
  invariant(random.length === challengeBytes, 'a greeting takes 16 bytes')
  const { session } = channel
  const kept = session.isMet ? random : (session.random ?? random)
  const next = { ...channel, session: { ...session, random: kept, isMet: false, isAsked: false } }
  return stay(next, send({ type: 'position', ...positionOf(next), challenge: challengeOf(next), echo: null }))
}

/** The other side tells where it stands. It is judged, answered, and sent what it lacks. [TW25] [TW27] [TW28] */
export function onPosition(channel: LiveChannel, position: Position, secrets: ChannelSecrets): Step {
  const isFresh = isFreshWord(channel, position)
  const fit = fitOf(channel, position, secrets)
  const judged = judgedBy(channel, fit, isFresh, position, secrets)
  const next = judged.channel as LiveChannel
  // A fresh word is asked for where none was had yet, and where more than a repetition would follow.
  const wanted = !isFresh && (fit === 'behind' || (fit === 'fits' && !next.session.isMet)) ? challengeOf(next) : null
  const lacks = fit === 'fits' ? lackedBy(next, position, secrets) : []
  const told = position.challenge || wanted || next.phase !== channel.phase
  const answer = { type: 'position', ...positionOf(next), challenge: wanted, echo: position.challenge } as const
  return { channel: next, effects: [...judged.effects, ...lacks, ...(told ? [send(answer)] : [])] }
}

/**
 * TW27: whoever carries messages can bring an old position again: no more than a repetition hangs on one that does not repeat what was asked
 * for this very state.
 */
export function isFreshWord(channel: LiveChannel, { echo }: Pick<Position, 'echo'>): boolean {
  const challenge = challengeOf(channel)
  return challenge !== null && echo !== null && sameBytes(echo, challenge)
}

/** What follows for this side from where the other one stands. */
function judgedBy(
  channel: LiveChannel,
  fit: Fit,
  isFresh: boolean,
  { number, turn, isBusy }: Position,
  secrets: ChannelSecrets,
): Step {
  if (fit === 'nonsense') return refuse(channel, 'unproven')
  if (fit === 'ahead') return channel.phase === 'behind' ? stay(channel) : move(behindOf(channel))
  if (fit === 'behind') return isFresh ? onPeerBehind(channel, secrets) : stay(channel)
  const turned = onYield(channel, turn)
  if (!isFresh) return turned
  const met = { ...(turned.channel as LiveChannel), session: { ...channel.session, isMet: true } }
  const restored = onMetAgain(met, { number, turn, isBusy })
  if (restored.effects.length > 0) return restored
  return turned.effects.length > 0 ? move(met) : stay(met)
}

/** Where this side stands. */
function positionOf(channel: Live): Omit<Position, 'challenge' | 'echo'> {
  const { base, secrets, turn } = channel
  const index = base.number > 0 ? secretIndex(base.number - 1) : null
  const last = secrets.find((known) => known.index === index)
  return {
    number: ownContent(channel).number,
    revealed: base.number,
    turn,
    isBusy: channel.exchange.state !== 'idle',
    proof: last?.secret ?? new Uint8Array(32),
  }
}

/** TW28: nothing of this side is of any worth any more but what the other one broadcasts. */
function behindOf(channel: LiveChannel): Channel {
  const { own, opening, base, exchange, signatures, points, secrets, turn, preimages, origin, session } = channel
  const live = { own, opening, base, exchange, signatures, points, secrets, turn, preimages, origin, session }
  return { ...live, phase: 'behind' }
}

/** TW28: the other side has lost states, so no update is possible any more: the newest commitment of this side is the truth. */
function onPeerBehind(channel: LiveChannel, secrets: ChannelSecrets): Step {
  if (channel.origin === 'backup' || channel.phase === 'behind') return stay(channel)
  return onForce(channel, secrets, 'peer-behind')
}

/**
 * TW29: a restored side has its newest state when it can neither have proposed nor answered what it does not remember: when the
 * other side has the turn and nothing in flight, or the proposal for the next number is remembered and was not answered.
 */
function onMetAgain(channel: LiveChannel, peer: Pick<Position, 'number' | 'turn' | 'isBusy'>): Step {
  if (channel.origin !== 'backup') return stay(channel)
  // Turns that it does not remember went to and fro after the backup was made.
  const known = peer.turn > channel.turn ? { ...channel, turn: peer.turn } : channel
  const isTurn = proposerOf(known) === known.own
  // What was answered may have been revoked and followed by another proposal, both lost on the way.
  const isUnanswered = known.exchange.state === 'proposed' && peer.number === known.base.number
  const isNewest = isTurn ? isUnanswered : !peer.isBusy
  if (isNewest) return move({ ...known, origin: 'proven' })
  return known === channel ? stay(channel) : move(known)
}

/** How the other side's position fits what this one has signed and revealed. `ahead` is proven, `behind` is its word. */
type Fit = 'fits' | 'ahead' | 'behind' | 'nonsense'

function fitOf(channel: LiveChannel, { number, revealed, proof }: Position, secrets: ChannelSecrets): Fit {
  const { base, exchange } = channel
  const own = ownContent(channel).number
  // TW28: it has a secret that this side does not remember telling. A true one proves that this side has lost states.
  if (revealed > own) return sameBytes(proof, ownSecret(secrets, revealed - 1)) ? 'ahead' : 'nonsense'
  if (number > signedContent(channel).number) return 'nonsense'
  if (number < base.number || revealed < own - 1) return 'behind'
  // Who has this side's last secret holds the commitment that came with it.
  if (exchange.state === 'answered' && revealed === own && number === base.number) return 'nonsense'
  return 'fits'
}

/** What the other side lacks, byte for byte as it was first sent. [TW25] */
function lackedBy(channel: LiveChannel, { number, revealed }: Position, secrets: ChannelSecrets): Effect[] {
  const { base, exchange, phase, origin } = channel
  const own = ownContent(channel).number
  const messages: Message[] = []
  if (phase === 'behind' || phase === 'ending') return [] // TW32
  if (base.number === 0 && (phase === 'open' || (phase === 'funding' && channel.isReady)))
    messages.push({ type: 'ready' })
  if (revealed === own - 1)
    messages.push(exchange.state === 'answered' ? answerMessage(channel, secrets) : revokeMessage(channel, secrets))
  if (phase === 'open' && origin === 'own' && exchange.state === 'proposed' && number === base.number)
    messages.push(commitMessage(channel, secrets))
  const sends = [...messages.map(send), ...(phase === 'open' ? shutdownSaid(channel) : [])]
  return phase === 'closing' ? [...sends, send({ type: 'shutdown' }), ...closingMessages(channel, secrets)] : sends
}

/** Bytes that an answer must repeat, other ones with each update, so that no answer can be kept for later. */
function challengeOf(channel: Live): Uint8Array | null {
  const { random } = channel.session
  const numbers = encodeRlp([quantity(ownContent(channel).number), quantity(channel.base.number)])
  return random && hmacSha256(random, numbers).slice(0, challengeBytes)
}

/** Whether the chain proves the funding, as the session remembers it; what was not taken for lack of it is asked for. [TW7] */
export function seeFunding(channel: LiveChannel, view: FundingView): Step {
  const isFunded = isProven(channel.opening, view)
  if (isFunded === channel.session.isFunded) return stay(channel)
  const next = { ...channel, session: { ...channel.session, isFunded } }
  const challenge = challengeOf(next)
  const asks = isFunded && challenge ? [send({ type: 'position', ...positionOf(next), challenge, echo: null })] : []
  return stay(next, ...asks)
}

/** True while the funding output is deep enough in the chain, and nothing there has spent it. [TW7] */
export function isProven({ draft }: Live['opening'], { fundedAt, height, isSpent }: FundingView): boolean {
  return fundedAt !== null && !isSpent && height - fundedAt + 1 >= draft.terms.confirmationsMin
}
