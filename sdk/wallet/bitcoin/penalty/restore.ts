import type { CopiedForwards } from '../../../channel/hub/index.ts'
import { decodeMessage, encodeMessage, isLive, nothingBeside } from '../../../channel/penalty/index.ts'
import { SdkError } from '../../../errors.ts'
import type { BackupLink, ChannelLink, Cipher, StoreWrite } from '../../../ports.ts'
import type { ChannelId } from '../../../units.ts'
import { within } from '../patience.ts'
import { channelIndexMax, encodeCount, payerKeys } from '../payerRecord.ts'
import { copiesOf, directoryFrom, directoryOf, type Entry, encodeDirectory, openCopy, type Place } from './backup.ts'
import { type Copy, copyFrom } from './copy.ts'
import type { PenaltyWorld } from './desk.ts'
import { encodePenaltyRecord, type PenaltyRecord, penaltyKeys } from './record.ts'
import { directoryIndex, named, rootOf } from './roots.ts'

/**
 * What a restoring wallet found of one channel of its seed.
 *
 * - `restored`: from a copy at an edge and one in the channel's box, the newer of the two. It stays `unsure` until the other
 *   side has shown that the state is the newest, and turns `behind` when it shows that it is not. Where copies were required it then pays on;
 *   elsewhere it is to be closed.
 * - `alone`: from one copy, or from the one that the other side gave back. It stays `unsure`, or turns `behind`: close it by the other side.
 * - `lost`: no copy could be read, or it was made before the channel was funded. What the other side's closing pays this one is
 *   found by `twoWay.sweep`.
 */
export interface RestoredChannel {
  readonly id: ChannelId
  readonly found: 'restored' | 'alone' | 'lost'
}

/** The wallet that was lost may have taken its channels over so often since the copy was made. */
const epochsAhead = 1_000

/**
 * Reads the list of channels and their copies, and stores what the store lacks, in one commit. [TW43] Throws `wallet/no-backup`.
 *
 * @param commit - Stores what is written with what copies say of a hub. [TW53]
 */
export async function restoreRecords(
  world: PenaltyWorld,
  known: ReadonlySet<ChannelId>,
  commit: (copies: readonly CopiedForwards[], writes: readonly StoreWrite[]) => Promise<void>,
): Promise<{
  readonly restored: readonly RestoredChannel[]
  readonly records: readonly { readonly id: ChannelId; readonly record: PenaltyRecord }[]
}> {
  const { backup, keys, store } = world
  if (!backup) throw new SdkError('wallet/no-backup', 'The wallet was given no place of backups.')
  const directory = directoryOf(backup, await rootOf(keys, directoryIndex))
  const lists = await readAll(directory.places, (link) => opened(link, backup.cipher, directory.key))
  const newest = best(lists)
  const entries = newest && directoryFrom(newest.plain)
  if (!newest || !entries) throw new SdkError('wallet/no-backup', 'No edge tells a list of channels of this seed.')
  const missing = entries.filter(({ id }) => !known.has(id))
  const found = await Promise.all(missing.map(async (entry) => ({ entry, ...(await restoreOne(world, entry)) })))
  const copies = found.flatMap(({ entry, copy }) => (copy ? [{ id: entry.id, ...copy }] : []))
  const lost = found.filter(({ copy }) => !copy).map(({ entry }) => entry)
  const [count, before] = await Promise.all([store.get(payerKeys.count), store.get(penaltyKeys.lost)])
  const writes: StoreWrite[] = copies.map(({ id, record }) => {
    return { key: penaltyKeys.channel(id), expected: 0, bytes: encodePenaltyRecord(record) }
  })
  if (!count) {
    // Above the list's number, so that the next list takes its place.
    const next = Math.min(newest.number + 1, channelIndexMax)
    writes.push({ key: payerKeys.count, expected: 0, bytes: encodeCount(next) })
  }
  if (lost.length > 0 || before)
    writes.push({ key: penaltyKeys.lost, expected: before?.version ?? 0, bytes: encodeDirectory(lost) })
  const passed = copies.map(({ id, forwards }) => ({ channel: id, forwards }))
  if (writes.length > 0) await commit(passed, writes)
  return { restored: found.map(({ entry, how }) => ({ id: entry.id, found: how })), records: copies }
}

async function restoreOne(
  world: PenaltyWorld,
  { id, index, own, box }: Entry,
): Promise<{ readonly copy: Copy | null; readonly how: RestoredChannel['found'] }> {
  const { backup, keys } = world
  if (!backup) return { copy: null, how: 'lost' }
  const root = await rootOf(keys, index)
  const { places, key } = copiesOf(backup, { id, own, box, root })
  const copies = await readAll(places, (link) => opened(link, backup.cipher, key))
  const recalled =
    copies.length > 0 ? null : await recall(world, { id, own, box }, { root, key, cipher: backup.cipher })
  const newest = recalled ?? best(copies)
  if (!newest) return { copy: null, how: 'lost' }
  const { record, forwards } = copyFrom(id, newest.plain)
  if (record.index !== index || record.own !== own || !record.channel || !isLive(record.channel))
    return { copy: null, how: 'lost' }
  const isAlone =
    recalled !== null || !copies.some(({ place }) => place.isEdge) || copies.every(({ place }) => place.isEdge)
  const restored: PenaltyRecord = {
    ...record,
    // The other side may give back a copy from before an earlier restore.
    epoch: Math.max(record.epoch, recalled?.epoch ?? 0) + epochsAhead,
    isAlone,
    isFromPeer: recalled !== null,
    copied: newest.number,
  }
  return { copy: { record: restored, forwards }, how: isAlone ? 'alone' : 'restored' }
}

/** So long the other side is waited for, which may be away: a later restore asks again. */
const recallMsMax = 5_000

/**
 * Asks the other side for what this one left with it, by the box alone: nothing else is known of it without a copy. Nothing of the box is
 * acknowledged, so whoever goes on from what is found reads it all. [TW52]
 */
async function recall(
  { boxLink, clock, signal }: PenaltyWorld,
  { id, own, box }: Omit<Entry, 'index'>,
  { root, key, cipher }: { readonly root: Uint8Array; readonly key: Uint8Array; readonly cipher: Cipher },
): Promise<(Opened & { readonly epoch: number }) | null> {
  const side = own === 'opener' ? 'payer' : 'payee'
  const link = boxLink({ box, id, side, token: named(root, `box ${id}`) })
  const patience = new AbortController()
  const end = () => patience.abort()
  signal.addEventListener('abort', end, { once: true })
  const ask = async () => {
    const wish = {
      channel: id,
      from: own,
      message: { type: 'recall' },
      beside: { ...nothingBeside, wish: 'copy' },
    } as const
    // The key of its tag is in what is asked for.
    const bytes = encodeMessage(wish, named(root, 'recall'))
    const { epoch, read } = await say(link, bytes)
    for await (const message of link.receive(read, patience.signal)) {
      const envelope = decodeMessage(message.bytes)
      const returned = envelope.ok && envelope.value.message.type === 'recall' ? envelope.value.beside.returned : null
      const plain = returned && (await openCopy(cipher, key, returned))
      if (returned && plain) return { number: returned.number, plain, epoch }
    }
    return null
  }
  const answer = ask().catch((error) => {
    if (!(error instanceof SdkError)) throw error
    return null // The box is away, or gone, as the copies are.
  })
  try {
    return (await within(answer, { clock, signal }, recallMsMax)) ?? null
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** How often something else may be said between, such as the last words of a wallet that has just been closed. */
const sayTriesMax = 3

/** Leaves a message in the box as it stands, and tells by whom this side was last held, and how far it has read. */
async function say(link: ChannelLink, bytes: Uint8Array): Promise<{ readonly epoch: number; readonly read: number }> {
  for (let attempt = 1; ; attempt++) {
    const { epoch, sent, read } = await link.standing()
    try {
      await link.send({ sequence: sent + 1, bytes, epoch: Math.max(epoch, 1) })
      return { epoch, read }
    } catch (error) {
      const isBetween = error instanceof SdkError && error.notes[0] === 'conflicting-message'
      if (!isBetween || attempt === sayTriesMax) throw error
    }
  }
}

interface Opened {
  readonly number: number
  readonly plain: Uint8Array
}

async function opened(link: BackupLink, cipher: Cipher, key: Uint8Array): Promise<Opened | null> {
  const kept = await link.kept()
  const plain = kept && (await openCopy(cipher, key, kept))
  return kept && plain ? { number: kept.number, plain } : null
}

/** What every place tells that answers, and has something of this seed. */
async function readAll(
  places: readonly Place[],
  read: (link: BackupLink) => Promise<Opened | null>,
): Promise<readonly (Opened & { readonly place: Place })[]> {
  const told = await Promise.allSettled(places.map(async (place) => ({ place, found: await read(place.link) })))
  return told.flatMap((one) => {
    if (one.status === 'fulfilled') return one.value.found ? [{ ...one.value.found, place: one.value.place }] : []
    if (!(one.reason instanceof SdkError)) throw one.reason
    return [] // It is away: another place may have it.
  })
}

function best<copy extends Opened>(copies: readonly copy[]): copy | undefined {
  return [...copies].sort((a, b) => b.number - a.number)[0]
}
