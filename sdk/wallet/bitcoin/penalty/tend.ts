import { decodeTransaction } from '../../../bitcoin/index.ts'
import { isLive, type LiveChannel } from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import type { ChannelId } from '../../../units.ts'
import {
  attempt,
  broadcast,
  broadcastSpend,
  greetNow,
  inTurn,
  isWaiting,
  load,
  type PenaltyDesk,
  stepNow,
} from './desk.ts'
import { liftsOf, lookAtFunding, payoutOf, pursueSpent, reserveCoins, type Sighting } from './lookout.ts'

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
      await settleCoins(desk, sent)
      if (isWaiting(await load(desk))) await greetNow(desk)
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      if (!isElsewhereError(error)) desk.trouble = error // Stored and waiting: the next look tries again.
    }
  })
}

async function lookAt(desk: PenaltyDesk, channel: LiveChannel): Promise<void> {
  const { world } = desk
  const sighting = await attempt(desk, () => lookAtFunding(world.chain, channel))
  if (!sighting) return
  desk.sighting = sighting
  await stepNow(desk, { type: 'chain', view: sighting.view })
  const after = (await load(desk)).channel
  if (!after || !isLive(after) || (!sighting.spend && after.phase !== 'ending')) return
  await pursueEnd(desk, after, sighting)
}

/** Claims what there is, or lifts the own commitment: again with each look. [TW36] [TW38] [TW39] */
async function pursueEnd(desk: PenaltyDesk, channel: LiveChannel, sighting: Sighting): Promise<void> {
  const { world, secrets, archive, known } = desk
  const { chain } = world
  const asked = await attempt(desk, async () => ({
    feerate: await chain.feerate(),
    coins: await reserveCoins(chain, await world.keys.channelKey(known.index)),
  }))
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

/** True for what a desk says that another wallet has taken over, and what its box says. */
export function isElsewhereError(error: unknown): boolean {
  return error instanceof SdkError && (error.code === 'wallet/channel-elsewhere' || error.notes[0] === 'stale-epoch')
}
