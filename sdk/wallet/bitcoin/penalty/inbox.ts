import {
  acceptChannel,
  adoptedFrom,
  type Beside,
  type Channel,
  channelIdOf,
  decodeMessage,
  draftFault,
  draftOf,
  type Envelope,
  encodeMessage,
  isAuthentic,
  isFreshWord,
  isLive,
  type Message,
  nothingBeside,
  sideKeysOf,
} from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import { openCopy } from './backup.ts'
import { type Copy, copyFrom } from './copy.ts'
import {
  attempt,
  elsewhere,
  greetNow,
  inBackground,
  inTurn,
  isStale,
  load,
  type PenaltyDesk,
  perform,
  stepNow,
  writeRecord,
} from './desk.ts'
import { heard, hurry } from './greeting.ts'
import { declineLate, linkKeyOfOpener } from './invitation.ts'
import { hearBeside } from './peerCopy.ts'
import type { PenaltyRecord } from './record.ts'
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
    if (message.type === 'recall') return giveBack(desk, envelope.value)
    if (!channel) return message.type === 'open' ? answer(desk, envelope.value, message) : undefined
    if (!desk.linkKey || envelope.value.channel !== channelIdOf(draftOf(channel))) return
    if (!isAuthentic(envelope.value, desk.linkKey)) return
    if (message.type === 'order' || message.type === 'ordered' || message.type === 'push')
      return desk.payments.hear(desk, message)
    // Where this side is to close for the other one, it asks first, and that is not put off.
    if (envelope.value.beside.wish === 'closing') hurry(desk)
    else heard(desk)
    hearBeside(desk, envelope.value.beside)
    const known = await takeBack(desk, channel, envelope.value.beside)
    const { tower, clock } = desk.world
    if (tower && isHeldBack(tower, desk.watched, known, message, clock.now())) {
      desk.watched.isHeld = true // It is proposed again when it is asked for. [TW41]
      return
    }
    const step = desk.world.step(known, { type: 'message', message }, desk.secrets)
    if (desk.known.isAlone && isTrusting(known, step.channel)) return
    await perform(desk, step)
    await resume(desk)
    if (envelope.value.beside.wish === 'closing') await closeFor(desk, known, message)
  })
}

/**
 * TW51: a side that came from a backup takes what it left with the other side, where that is newer than what it came from. It stays a backup, and
 * one whose newest state nobody else shows.
 */
async function takeBack(desk: PenaltyDesk, channel: Channel, { returned }: Beside): Promise<Channel> {
  const { world, copies, known } = desk
  if (!returned || !world.backup || !copies || !isLive(channel) || channel.origin !== 'backup') return channel
  const plain = await openCopy(world.backup.cipher, copies.key, returned)
  const read = plain && readCopy(desk, plain)
  const copy = read?.record
  // What opens is of this seed and channel; it must be of this very opening as well.
  const fits =
    copy?.channel && copy.index === known.index && channelIdOf(draftOf(copy.channel)) === channelIdOf(draftOf(channel))
  const adopted = fits && copy.channel ? adoptedFrom(channel, copy.channel) : null
  if (!adopted) desk.peerCopy = 'unreadable'
  else if (returned.number <= known.copied) desk.peerCopy = returned.number < known.copied ? 'older' : 'same'
  else {
    const record = { ...known, channel: adopted, isAlone: true, isFromPeer: true, copied: returned.number }
    await adopt(desk, record, read?.forwards ?? [])
  }
  return desk.known.channel ?? channel
}

function readCopy({ id }: PenaltyDesk, plain: Uint8Array): Copy | null {
  try {
    return copyFrom(id, plain)
  } catch (error) {
    if (error instanceof SdkError && error.code === 'store/corrupt') return null
    throw error
  }
}

/** Nothing is proposed, or proven, by what is read: so it is stored as it is, without what follows from a step. */
async function adopt(desk: PenaltyDesk, record: PenaltyRecord, forwards: Copy['forwards']): Promise<void> {
  await writeRecord(desk, record, (write) => desk.payments.restored(desk, forwards, [write]))
  desk.peerCopy = 'newer'
  desk.world.changed(desk)
}

/** TW51: the other side can only wait for this one to close. Its word is asked for afresh, since whoever carries it can bring an old one again. */
async function closeFor(desk: PenaltyDesk, asked: Channel, message: Message): Promise<void> {
  if (message.type !== 'position' || !isLive(asked) || asked.origin === 'backup') return
  if (isFreshWord(asked, message)) await stepNow(desk, { type: 'force' })
  else await greetNow(desk)
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

/** Who asks by the box alone is answered so often at the most. */
const recallMsMin = 1_000

/**
 * Gives back what the other side left, where it has lost all but its seed: without its channel it has no key for a tag, so nothing shows who asks,
 * and only its seed opens what is given. [TW52]
 */
function giveBack(desk: PenaltyDesk, { channel, beside }: Pick<Envelope, 'channel' | 'beside'>): void {
  const { held, id, known, linkKey, mailbox, world } = desk
  const now = world.clock.now()
  if (channel !== id || beside.wish !== 'copy' || !held.copy || !linkKey || now < desk.recalledAt + recallMsMin) return
  desk.recalledAt = now
  const answer = {
    channel: id,
    from: known.own,
    message: { type: 'recall' },
    beside: { ...nothingBeside, returned: held.copy },
  } as const
  inBackground(desk, () => mailbox.post(encodeMessage(answer, linkKey)))
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
  envelope: Envelope,
  { draft }: Extract<Message, { type: 'open' }>,
): Promise<void> {
  const { world, known, secrets } = desk
  if (known.own !== 'accepter' || draftFault(draft, known.terms)) return
  const linkKey = await linkKeyOfOpener(desk, envelope, draft)
  if (!linkKey) return
  if (world.reserve === 'required' && !(await hasReserve(desk))) return // The opener asks again.
  desk.linkKey = linkKey
  await perform(desk, acceptChannel(draft, sideKeysOf(secrets, await world.coins.changeScript())))
}
