import { invariant, unreachable } from '../../errors.ts'
import { inMsats } from '../../units.ts'
import { sumOf } from './content.ts'
import { type Input, refuse, type Step, stay } from './effects.ts'
import { onClose, onClosed, onClosing, onForce, onShutdown } from './ending.ts'
import type { Message } from './messages.ts'
import { greet, onPosition } from './position.ts'
import type { ChannelSecrets } from './secrets.ts'
import { greetEarly, onAccept, onChain, onDecline, onFund, onFunded, onFunding, onOpen, onReady } from './setup.ts'
import { type Channel, isLive, type Live, ownContent } from './state.ts'
import { askTurn, onAnswer, onAsk, onCommit, onLearn, onPropose, onRevoke, onYield, yieldTurn } from './update.ts'

/**
 * Pure step of one side. A changed channel is persisted before anything else is done with it. [TW12]
 *
 * @param secrets - Of this side and channel. Equal channels, inputs and secrets give equal steps, signatures included.
 */
export function penaltyStep(channel: Channel, input: Input, secrets: ChannelSecrets): Step {
  const step = decide(channel, input, secrets)
  checkStep(channel, step)
  return step
}

function decide(channel: Channel, input: Input, secrets: ChannelSecrets): Step {
  switch (input.type) {
    case 'message':
      return onMessage(channel, input.message, secrets)
    case 'reconnected':
      return isLive(channel) ? greet(channel, input) : greetEarly(channel, secrets)
    case 'funding':
      return onFunding(channel, input.transaction, secrets)
    case 'abandon':
      return onDecline(channel, 'abandoned')
    case 'propose':
      return onPropose(channel, input.changes, secrets)
    case 'ask':
      return askTurn(channel)
    case 'yield':
      return channel.phase === 'open' ? yieldTurn(channel) : refuse(channel, 'not-open')
    case 'learn':
      return onLearn(channel, input.preimage)
    case 'close':
      return onClose(channel, input.fee, secrets)
    case 'force':
      return onForce(channel, secrets)
    case 'chain':
      return onChain(channel, input.view, secrets)
    default:
      return unreachable(input)
  }
}

function onMessage(channel: Channel, message: Message, secrets: ChannelSecrets): Step {
  // TW29: what may be an old state takes nothing but the word of where the other side stands.
  if (isLive(channel) && channel.origin === 'backup' && message.type !== 'position') return stay(channel)
  switch (message.type) {
    case 'open':
      return onOpen(channel)
    case 'accept':
      return onAccept(channel, message.keys)
    case 'decline':
      return onDecline(channel, message.fault)
    case 'fund':
      return onFund(channel, message, secrets)
    case 'funded':
      return onFunded(channel, message, secrets)
    case 'ready':
      return onReady(channel)
    case 'commit':
      return onCommit(channel, message, secrets)
    case 'answer':
      return onAnswer(channel, message, secrets)
    case 'revoke':
      return onRevoke(channel, message, secrets)
    case 'ask':
      return onAsk(channel, message.turn)
    case 'yield':
      return onYield(channel, message.turn)
    case 'position':
      return isLive(channel) ? onPosition(channel, message, secrets) : stay(channel)
    case 'shutdown':
      return onShutdown(channel, secrets)
    case 'closing':
      return onClosing(channel, message, secrets)
    case 'closed':
      return onClosed(channel, message, secrets)
    case 'refused':
      return stay(channel) // TW23: the other side's word changes nothing.
    case 'recall': // TW52: it changes nothing.
    case 'order':
    case 'ordered':
    case 'push':
      return stay(channel) // TW45
    default:
      return unreachable(message)
  }
}

function checkStep(before: Channel, { channel: after, effects }: Step): void {
  const isStored = effects[0]?.type === 'persist' && effects[0].channel === after
  invariant(isStored || isSameRecord(before, after), 'TW12: a changed channel is persisted first')
  invariant(
    effects.slice(1).every(({ type }) => type !== 'persist'),
    'TW12: one record a step',
  )
  if (isLive(after)) checkLive(after)
  if (!isLive(before)) return
  invariant(isLive(after), 'a channel with commitments keeps them')
  checkChange(before, after)
  for (const effect of effects) if (effect.type === 'send') checkSent(after, effect.message)
  const isOver = (channel: Channel) => channel.phase === 'ending' || channel.phase === 'behind'
  invariant(!isOver(before) || isOver(after), 'TW32: a channel that ends is never open again')
}

function checkLive({ base, exchange, opening, secrets }: Live): void {
  const capacity = inMsats(opening.draft.capacity)
  invariant(sumOf(base) === capacity, 'TW2: balances and HTLCs add up to the capacity')
  if (exchange.state !== 'idle') {
    invariant(exchange.next.number === base.number + 1, 'TW3: one number after the other')
    invariant(sumOf(exchange.next) === capacity, 'TW2: balances and HTLCs add up to the capacity')
  }
  // The newest secret stands first among those of odd numbers, and so on: their count is the logarithm of their number.
  const newest = Math.min(...secrets.map(({ index }) => index))
  invariant(base.number === 0 || newest === 2 ** 48 - base.number, 'TW10: every commitment but the last is revoked')
}

function checkChange(before: Live, after: Live): void {
  const [held, holds] = [ownContent(before), ownContent(after)]
  invariant(holds.number === held.number || holds.number === held.number + 1, 'TW3: own numbers rise by one')
  invariant(after.base.number >= before.base.number, 'TW3: what is finished stays finished')
  invariant(after.turn >= before.turn, 'TW8: turns only rise')
  invariant(after.origin === before.origin || after.origin === 'proven', 'TW29: a backup is not trusted as before')
  invariant(after.origin !== 'proven' || holds.number === held.number, 'TW29: no commitment is revoked that may be out')
  invariant(holds === held || after.signatures !== before.signatures, 'TW11: a commitment is held with its signatures')
  if (before.exchange.state !== 'idle' && after.base === before.base)
    invariant(after.exchange === before.exchange, 'TW13: a number is signed for one content')
}

/** What is signed and revealed is that of the stored channel. */
function checkSent(after: Live, message: Message): void {
  if (message.type === 'commit')
    invariant(
      after.exchange.state === 'proposed' && after.exchange.next.number === message.number,
      'TW12: what is signed is stored',
    )
  if (message.type === 'answer' || message.type === 'revoke')
    invariant(ownContent(after).number === message.number, 'TW11: a secret is told when the next commitment is held')
}

/** True when nothing that is stored differs. */
function isSameRecord(a: Channel, b: Channel): boolean {
  if (a === b) return true
  const { session: _, ...one } = a as Partial<Live> & Channel
  const { session: __, ...other } = b as Partial<Live> & Channel
  const names = Object.keys(one) as (keyof typeof one)[]
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
