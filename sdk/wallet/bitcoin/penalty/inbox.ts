import {
  acceptChannel,
  type Channel,
  channelIdOf,
  decodeMessage,
  draftFault,
  draftOf,
  isAuthentic,
  isLive,
  linkKeyOf,
  type Message,
  sideKeysOf,
} from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import { attempt, elsewhere, hurry, inTurn, isStale, load, type PenaltyDesk, perform } from './desk.ts'
import { declineLate } from './invitation.ts'
import { feeReserve, reserveOutput } from './reserve.ts'
import { isHeldBack } from './tower.ts'

/** Reads the channel's box until the signal aborts, or another wallet has taken the channel over. */
export async function readBox(desk: PenaltyDesk, signal: AbortSignal): Promise<void> {
  try {
    await desk.mailbox.read((message) => takeMessage(desk, message), signal)
  } catch (error) {
    if (isStale(error)) elsewhere(desk)
    else if (!desk.isElsewhere) throw error
  }
}

/** Takes a message from the box. What is not the other side's is dropped without an answer. [TW24] */
function takeMessage(desk: PenaltyDesk, bytes: Uint8Array): Promise<void> {
  return inTurn(desk, async () => {
    const envelope = decodeMessage(bytes)
    if (!envelope.ok || envelope.value.from === desk.known.own) return
    const { channel } = await load(desk)
    const { message } = envelope.value
    if (!channel) return message.type === 'open' ? answer(desk, envelope.value, message) : undefined
    if (!desk.linkKey || envelope.value.channel !== channelIdOf(draftOf(channel))) return
    if (!isAuthentic(envelope.value, desk.linkKey)) return
    if (message.type === 'order' || message.type === 'ordered' || message.type === 'push')
      return desk.payments.hear(desk, message)
    hurry(desk)
    const { tower, clock } = desk.world
    if (tower && isHeldBack(tower, desk.watched, channel, message, clock.now())) {
      desk.watched.isHeld = true // It is proposed again when it is asked for. [TW41]
      return
    }
    const step = desk.world.step(channel, { type: 'message', message }, desk.secrets)
    if (desk.known.isAlone && isTrusting(channel, step.channel)) return
    await perform(desk, step)
    await resume(desk)
  })
}

/** TW44: with one copy alone, the other side's word that it is the newest changes nothing; that it is not, does. */
function isTrusting(before: Channel, after: Channel): boolean {
  return isLive(before) && isLive(after) && before.origin === 'backup' && after.origin === 'proven'
}

/**
 * TW43: where nothing ever left that no copy holds, a restored side can have proposed and broadcast nothing that it does not remember, so
 * it is an own one again once the other side has shown that it fits. [TW29]
 */
async function resume(desk: PenaltyDesk): Promise<void> {
  const { known, world } = desk
  const { channel, isAlone } = known
  if (world.backup?.mode !== 'required' || isAlone || !channel || !isLive(channel)) return
  if (channel.origin === 'own' || channel.phase === 'behind' || !channel.session.isMet) return
  const own: Channel = { ...channel, origin: 'own' }
  await perform(desk, { channel: own, effects: [{ type: 'persist', channel: own, notes: [] }] })
}

function answer(...[desk, envelope, message]: Parameters<typeof accept>): Promise<void> {
  return desk.isWithdrawn ? declineLate(desk, envelope, message) : accept(desk, envelope, message)
}

/** TW46: whether the wallet can pay for the reserve of a channel that it accepts. What it lacks is said. */
async function hasReserve(desk: PenaltyDesk): Promise<boolean> {
  const { keys, coins } = desk.world
  const quoted = await attempt(desk, async () => {
    return coins.quote(reserveOutput(await keys.channelKey(desk.known.index)), undefined)
  })
  if (quoted && !quoted.ok)
    desk.trouble = new SdkError(
      'wallet/insufficient-funds',
      `An opener waits for a reserve of ${feeReserve} sat: ${quoted.detail}`,
    )
  return quoted?.ok === true
}

/** The first opener that answers an invitation within its terms gets the channel. [TW6] */
async function accept(
  desk: PenaltyDesk,
  envelope: Parameters<typeof isAuthentic>[0],
  { draft }: Extract<Message, { type: 'open' }>,
): Promise<void> {
  const { world, known, secrets } = desk
  const id = channelIdOf(draft)
  if (desk.known.own !== 'accepter' || envelope.channel !== id || draftFault(draft, known.terms)) return
  const linkKey = linkKeyOf(await world.keys.channelSecret(known.index, draft.keys.funding), id)
  if (!isAuthentic(envelope, linkKey)) return
  if (world.reserve === 'required' && !(await hasReserve(desk))) return // The opener asks again.
  desk.linkKey = linkKey
  await perform(desk, acceptChannel(draft, sideKeysOf(secrets, await world.coins.changeScript())))
}
