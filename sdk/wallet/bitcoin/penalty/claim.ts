import {
  type Channel,
  type ChannelSecrets,
  channelIdOf,
  channelSecrets,
  draftOf,
  linkKeyOf,
} from '../../../channel/penalty/index.ts'
import { currentEngine } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import { type ChannelId, sats } from '../../../units.ts'
import { copiesOf } from './backup.ts'
import { noPayments } from './beside.ts'
import type { PenaltyDesk, PenaltyWorld } from './desk.ts'
import { firstGreeting } from './greeting.ts'
import { readHeld } from './peerCopy.ts'
import { encodePenaltyRecord, noteFrom, type PenaltyRecord, penaltyKeys, penaltyRecordFrom } from './record.ts'
import { named, rootOf } from './roots.ts'

/** How often another wallet may come between while a channel is claimed. */
const claimsMax = 5

/**
 * Takes a stored channel over: raises its epoch, so that whoever had it before can store and send nothing more.
 *
 * Throws `store/...`, `signer/refused` and `keys/locked`.
 */
export async function claimPenaltyDesk(id: ChannelId, world: PenaltyWorld): Promise<PenaltyDesk> {
  for (let attempt = 1; ; attempt++) {
    const stored = await world.store.get(penaltyKeys.channel(id))
    if (!stored) throw new SdkError('wallet/unknown-channel', 'The store has no such channel.')
    const before = penaltyRecordFrom(stored.bytes)
    const known = { ...before, epoch: before.epoch + 1 }
    try {
      const bytes = encodePenaltyRecord(known)
      await world.store.commit([{ key: penaltyKeys.channel(id), expected: stored.version, bytes }])
    } catch (error) {
      if (!(error instanceof SdkError && error.code === 'store/conflict') || attempt === claimsMax) throw error
      continue
    }
    return openPenaltyDesk(id, world, known, stored.version + 1)
  }
}

/** The desk of a channel whose record this wallet has just written. */
export async function openPenaltyDesk(
  id: ChannelId,
  world: PenaltyWorld,
  known: PenaltyRecord,
  version: number,
): Promise<PenaltyDesk> {
  const { index, epoch, own, box } = known
  const root = await rootOf(world.keys, index)
  const side = own === 'opener' ? 'payer' : 'payee'
  const desk: PenaltyDesk = {
    id,
    world,
    epoch,
    mailbox: world.mailbox({ box, id, side, token: named(root, `box ${id}`), epoch }),
    secrets: channelSecrets(named(root, 'seed')),
    known,
    version,
    linkKey: null,
    archive: [],
    sighting: null,
    resolution: null,
    reserve: sats(0n),
    reserveAt: 0,
    closingAt: null,
    // What an earlier wallet left in the store waits as well.
    watched: { receipt: null, isBehind: true, isAsked: false, isHeld: false },
    copies: world.backup && copiesOf(world.backup, { id, own, box, root }),
    held: await readHeld(world.store, id),
    isAskedBack: false,
    recalledAt: 0,
    peerCopy: null,
    fault: null,
    trouble: null,
    isElsewhere: false,
    isWithdrawn: !known.channel && (await world.store.get(penaltyKeys.withdrawn(id))) !== undefined,
    greeting: firstGreeting(),
    endingSince: null,
    turn: Promise.resolve(),
    afterwards: async () => undefined,
    payments: noPayments,
  }
  root.fill(0)
  for (const key of await world.store.keys(penaltyKeys.notes(id))) {
    const stored = await world.store.get(key)
    const note = stored && noteFrom(stored.bytes)
    if (note?.type === 'added') desk.archive.push({ htlc: note.htlc, number: note.number })
  }
  if (known.channel) desk.linkKey = await linkKeyFor(desk, known.channel)
  return desk
}

/** The secrets of a channel before there is a desk of it. */
export async function secretsAt(
  keys: Pick<PenaltyWorld['keys'], 'channelKey' | 'channelSecret'>,
  index: number,
): Promise<ChannelSecrets> {
  return channelSecrets(named(await rootOf(keys, index), 'seed'))
}

async function linkKeyFor(desk: PenaltyDesk, channel: Channel): Promise<Uint8Array> {
  const { known, secrets, world } = desk
  const draft = draftOf(channel)
  const shared =
    known.own === 'accepter'
      ? await world.keys.channelSecret(known.index, draft.keys.funding)
      : currentEngine().sharedSecret(secrets.funding, draft.terms.nodeKey)
  return linkKeyOf(shared, channelIdOf(draft))
}
