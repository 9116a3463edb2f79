import { decodeTransaction } from '../../../bitcoin/index.ts'
import { type FeeCoin, isLive, type LiveChannel, otherSide } from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import { type ChannelId, sats } from '../../../units.ts'
import { isOver } from './describe.ts'
import {
  attempt,
  broadcast,
  broadcastSpend,
  greetNow,
  inTurn,
  isWaiting,
  load,
  type PenaltyDesk,
  perform,
  stepNow,
} from './desk.ts'
import { hurry } from './greeting.ts'
import { liftsOf, lookAtFunding, payoutOf, pursueSpent, reserveCoins, type Sighting } from './lookout.ts'
import { closingFee, planFreed, reserveOutput } from './reserve.ts'

/**
 * Looks at the chain, does what is due there, and greets the other side where something is waited for.
 *
 * @param sent - Channels whose coins are known to have left.
 */
export function tendDesk(desk: PenaltyDesk, sent: Set<ChannelId>): Promise<void> {
  return inTurn(desk, async () => {
    try {
      const { channel } = await load(desk)
      if (channel && isLive(channel)) await lookAt(desk, channel)
      await keepReserve(desk)
      await settleCoins(desk, sent)
      await freeReserve(desk)
      await finishClosing(desk)
      if (isWaiting(await load(desk))) await greetNow(desk)
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      if (!isElsewhereError(error)) desk.trouble = error // Stored and waiting: the next look tries again.
    }
    desk.world.changed(desk)
  })
}

/** A turn that nobody waits for: what fails in it, or follows from it, is the channel's trouble, and a later turn tries again. */
async function inQuietTurn(desk: PenaltyDesk, run: () => Promise<void>): Promise<void> {
  try {
    await inTurn(desk, run)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    if (!isElsewhereError(error)) desk.trouble = error
  }
}

/** A turn in which follows what there is to do. What lacks an answer is asked for soon. */
export function wake(desk: PenaltyDesk): Promise<void> {
  return inQuietTurn(desk, async () => hurry(desk))
}

/** Greets the other side again where this is due, between two looks at the chain. [TW26] */
export function greetAgain(desk: PenaltyDesk): Promise<void> {
  return inQuietTurn(desk, async () => {
    if (isWaiting(await load(desk))) await greetNow(desk)
  })
}

async function lookAt(desk: PenaltyDesk, channel: LiveChannel): Promise<void> {
  const { world } = desk
  const sighting = await attempt(desk, () => lookAtFunding(world.chain, channel))
  if (!sighting) return
  const isNew = desk.sighting?.view.height !== sighting.view.height
  desk.sighting = sighting
  await stepNow(desk, { type: 'chain', view: sighting.view })
  const after = (await load(desk)).channel
  if (after && isLive(after) && (sighting.spend || after.phase === 'ending')) await pursueEnd(desk, after, sighting)
  else if (isNew) await attempt(desk, () => reserveOf(desk))
}

/** Coins that blocks hold for the channel's fees. Remembers their sum. [TW46] */
async function reserveOf(desk: PenaltyDesk): Promise<readonly FeeCoin[]> {
  const { world, known } = desk
  const coins = await reserveCoins(world.chain, await world.keys.channelKey(known.index))
  desk.reserve = sats(coins.reduce((sum, { value }) => sum + value, 0n))
  return coins
}

/**
 * TW46: an accepter makes its reserve once the funding is proven, so that nobody has it pay for a channel that never comes. It is stored with
 * the channel, as an opener's funding is, and so made once. Without coins for it, it is tried again with the next block.
 */
async function keepReserve(desk: PenaltyDesk): Promise<void> {
  const { world, sighting } = desk
  const { channel, funding, own, index } = await load(desk)
  if (world.reserve === 'none' || own !== 'accepter' || funding || channel?.phase !== 'open') return
  const now = sighting?.view.height
  if (!channel.session.isFunded || now === undefined || now <= desk.reserveAt) return
  const made = await attempt(desk, async () => {
    // One that a lost wallet has made is there already.
    if ((await reserveOf(desk)).length > 0) return null
    return world.coins.reserve(reserveOutput(await world.keys.channelKey(index)), undefined)
  })
  // A person who said no is not asked again with every block.
  desk.reserveAt = desk.trouble?.code === 'signer/refused' ? Number.POSITIVE_INFINITY : now
  if (!made?.ok) return
  const note = { type: 'funding', transaction: made.transaction } as const
  await perform(desk, { channel, effects: [{ type: 'persist', channel, notes: [note] }] }, made.writes)
}

/** Claims what there is, or lifts the own commitment: again with each look. [TW36] [TW38] [TW39] */
async function pursueEnd(desk: PenaltyDesk, channel: LiveChannel, sighting: Sighting): Promise<void> {
  const { secrets, archive } = desk
  const { chain } = desk.world
  const asked = await attempt(desk, async () => ({ feerate: await chain.feerate(), coins: await reserveOf(desk) }))
  if (!asked) return
  const end = { chain, channel, secrets, archive, to: payoutOf(channel), ...asked }
  const pursued = await attempt(desk, () => pursueSpent(end, sighting))
  if (pursued) {
    desk.resolution = pursued.resolution
    for (const transaction of pursued.transactions) await broadcast(desk, transaction)
    for (const spend of pursued.planned) await broadcastSpend(desk, spend)
  }
  // Nodes hold one of the commitments at the most, and take the child of that one.
  for (const child of liftsOf(end, sighting)) if (await broadcastSpend(desk, child)) break
}

/** Blocks for which the other side, which may have wanted the closing and can pay for it, is left to ask for it. */
const closingPatienceBlocks = 6

/** A closing that neither side asks for, since who wanted it could not pay for it, is asked for by this side. [TW31] */
async function finishClosing(desk: PenaltyDesk): Promise<void> {
  const { channel } = await load(desk)
  const now = desk.sighting?.view.height
  if (channel?.phase !== 'closing' || channel.asked || channel.signed || channel.origin === 'backup' || !now) return
  desk.closingAt ??= now
  const feerate = await attempt(desk, () => desk.world.chain.feerate())
  if (!feerate) return
  const canPeer = closingFee({ ...channel, own: otherSide(channel.own) }, feerate) !== null
  if (canPeer && now < desk.closingAt + closingPatienceBlocks) return
  const fee = closingFee(channel, feerate)
  if (fee) await stepNow(desk, { type: 'close', fee })
}

/** Coins of a funding are gone once it may leave, and free again where it never will. */
async function settleCoins(desk: PenaltyDesk, sent: Set<ChannelId>): Promise<void> {
  const { world } = desk
  const { channel, funding } = await load(desk)
  const transaction = funding && !sent.has(desk.id) ? decodeTransaction(funding) : null
  if (!channel || !transaction?.ok) return
  if (isLive(channel)) await world.coins.markSent(transaction.value.txid)
  else if (channel.phase === 'declined') await world.coins.release(transaction.value.txid)
  else return
  sent.add(desk.id)
}

/** The reserve of a channel that is over goes back to the wallet: once, and again by the next wallet on the store. [TW46] */
async function freeReserve(desk: PenaltyDesk): Promise<void> {
  const { world, known } = desk
  const { channel, index } = known
  if (!channel || !isLive(channel) || !isOver(desk)) return
  const asked = await attempt(desk, async () => ({
    feerate: await world.chain.feerate(),
    coins: await reserveOf(desk),
  }))
  for (const coin of asked?.coins ?? []) {
    const freed = asked && planFreed(coin, payoutOf(channel), asked.feerate)
    if (!freed) continue
    const signature = await world.keys.signChannel({ kind: 'refund', index, digest: freed.digest, paid: sats(0n) })
    await broadcast(desk, freed.sealed(signature))
  }
}

/** True for what a desk says that another wallet has taken over, and what its box says. */
export function isElsewhereError(error: unknown): boolean {
  return error instanceof SdkError && (error.code === 'wallet/channel-elsewhere' || error.notes[0] === 'stale-epoch')
}
