import { asBytes, asFixed, asList, asName, asNumber } from '../../../channel/fields.ts'
import { isLive, type Side } from '../../../channel/penalty/index.ts'
import { hmacSha256 } from '../../../crypto/index.ts'
import { SdkError } from '../../../errors.ts'
import type { BackupLink, Cipher, KeptBackup, Store } from '../../../ports.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../../rlp.ts'
import { type ChannelId, channelId, fromHex, toHex } from '../../../units.ts'
import { channelIndexMax, countFrom, payerKeys, peerBytesMax } from '../payerRecord.ts'
import { idOfPenaltyKey, type PenaltyRecord, penaltyKeys, penaltyRecordFrom } from './record.ts'
import { named } from './roots.ts'

/**
 * Where the newest state of each two-way channel is kept besides the wallet's store: at edges of the wallet's choice, and in the
 * channel's own box, which is where the other side has it. Everything is sealed by a key of the seed.
 */
export interface BackupSetting {
  /** One side of a box on an edge: `httpBackups()`. */
  readonly link: (at: {
    readonly box: string
    readonly id: ChannelId
    readonly side: 'payer' | 'payee'
    readonly token: Uint8Array
  }) => BackupLink
  /** URLs. They hold the list of channels too: a restored wallet has to be told one of them. */
  readonly edges: readonly [string, ...string[]]
  readonly cipher: Cipher
  /**
   * `required`: no message leaves before one of `edges` has the state that it is of, and no commitment, but one that has waited for
   * {@link unkeptBlocksMax} blocks. [TW42]
   *
   * Funds at risk: say `required` while restoring only where the lost wallet had it too. [TW43]
   */
  readonly mode: 'wanted' | 'required'
}

/** The copies of one channel, in this process. */
export interface Copies {
  readonly places: readonly Place[]
  /** Seals them. */
  readonly key: Uint8Array
  /** The newest state as it is left everywhere: one number is sealed once, and is the same bytes then. */
  sealed: KeptBackup | null
  /** Number of the newest state that was left with the other side. [TW50] */
  toldPeer: number
  /** They are being asked. */
  isAsked: boolean
  /** What is of a state that no edge has yet. [TW42] */
  readonly held: Held[]
}

/** A message, or a commitment on its way to the chain: either may leave once the state of that number is kept. */
export interface Held {
  readonly number: number
  readonly leave: () => void
}

/** One place, and the newest state that it is known to have. */
export interface Place {
  readonly link: BackupLink
  readonly isEdge: boolean
  number: number
}

/** Most that waits for a copy. What is dropped is asked for by a greeting, or comes with the next block. [TW25] [TW32] */
const heldMax = 16
/** Blocks that closing alone waits for an edge that does not answer, and never more than half of the channel's margin. */
export const unkeptBlocksMax = 6
/** Epochs and versions in one number that only rises: a wallet that takes over starts above every state of the one before. */
const versionEnd = 2 ** 32
const epochEnd = 2 ** 21

/** Number of the copy of a record. Throws `store/full` where a channel was opened two million times. */
export function copyNumber(epoch: number, version: number): number {
  if (epoch >= epochEnd || version >= versionEnd) throw new SdkError('store/full', 'A channel has no number left.')
  return epoch * versionEnd + version
}

/** The places of one channel. */
export function placesOf(
  { link, edges }: BackupSetting,
  {
    id,
    own,
    box,
    root,
  }: { readonly id: ChannelId; readonly own: Side; readonly box: string; readonly root: Uint8Array },
): readonly Place[] {
  // At an edge under a name that the other side does not know, or it could claim the place first. [CB1]
  const name = channelId(toHex(named(root, 'backup name')))
  const token = named(root, 'backup token')
  const side = own === 'opener' ? 'payer' : 'payee'
  return [
    ...edges.map((edge) => ({ link: link({ box: edge, id: name, side: 'payer', token }), isEdge: true, number: 0 })),
    { link: link({ box, id, side, token: named(root, `box ${id}`) }), isEdge: false, number: 0 },
  ]
}

/** The copies of one channel. */
export function copiesOf(
  setting: BackupSetting,
  at: { readonly id: ChannelId; readonly own: Side; readonly box: string; readonly root: Uint8Array },
): Copies {
  const key = named(at.root, 'backup key')
  return { places: placesOf(setting, at), key, sealed: null, toldPeer: 0, isAsked: false, held: [] }
}

/** True where an edge has the state of that number. */
export function isCopied({ places }: Copies, number: number): boolean {
  return places.some((place) => place.isEdge && place.number >= number)
}

/** Lets go what waited for a state that an edge has by now. */
export function release(copies: Copies): void {
  while (copies.held[0] && isCopied(copies, copies.held[0].number)) copies.held.shift()?.leave()
}

/** Keeps something until an edge has its state. */
export function hold({ held }: Copies, one: Held): void {
  held.push(one)
  if (held.length > heldMax) held.shift()
}

/** True for a record whose copies may be replaced: one that came from a backup may be older than what is kept. [TW43] */
export function isOwnState({ channel }: PenaltyRecord): boolean {
  return !channel || !isLive(channel) || channel.origin === 'own'
}

/** A copy before it is sealed. */
export interface PlainCopy {
  readonly number: number
  readonly plain: Uint8Array
}

/** Leaves a copy at every place that lacks it. Throws what a place threw, after all of them were asked. */
export async function keepCopies(copies: Copies, cipher: Cipher, copy: PlainCopy): Promise<void> {
  await keepAt(copies.places, await sealedCopy(copies, cipher, copy))
}

/** A copy as it is left with places and with the other side: the newest is sealed once. */
export async function sealedCopy(
  copies: Pick<Copies, 'key' | 'sealed'>,
  cipher: Cipher,
  { number, plain }: PlainCopy,
): Promise<KeptBackup> {
  if (copies.sealed?.number === number) return copies.sealed
  const sealed = { number, bytes: await sealCopy(cipher, copies.key, { number, plain }) }
  if (!copies.sealed || copies.sealed.number < number) copies.sealed = sealed
  return sealed
}

async function keepAt(places: readonly Place[], { number, bytes }: KeptBackup): Promise<void> {
  const behind = places.filter((place) => place.number < number)
  const told = await Promise.allSettled(
    behind.map(async (place) => {
      await place.link.keep({ number, bytes })
      place.number = number
    }),
  )
  for (const one of told) if (one.status === 'rejected') throw one.reason
}

/** A line of the list of channels. */
export interface Entry {
  readonly index: number
  readonly id: ChannelId
  readonly own: Side
  readonly box: string
}

/** The list of channels at the edges, under a name and a token of the seed. */
export function directoryOf({ link, edges }: BackupSetting, root: Uint8Array): Pick<Copies, 'places' | 'key'> {
  const id = channelId(toHex(named(root, 'directory name')))
  const at = { id, side: 'payer', token: named(root, 'directory token') } as const
  const places = edges.map((edge) => ({ link: link({ box: edge, ...at }), isEdge: true, number: 0 }))
  return { places, key: named(root, 'directory key') }
}

/** Leaves the list of channels at each edge that lacks it, as many as the wallet has used keys. Throws where no edge has it then. */
export async function keepDirectory(
  { places, key }: Pick<Copies, 'places' | 'key'>,
  cipher: Cipher,
  store: Store,
): Promise<void> {
  const count = await store.get(payerKeys.count)
  const number = count ? countFrom(count.bytes) : 0
  if (places.every((place) => place.number >= number)) return
  const lost = await store.get(penaltyKeys.lost)
  const entries: Entry[] = [...((lost && directoryFrom(lost.bytes)) ?? [])]
  for (const name of await store.keys(penaltyKeys.channels)) {
    const stored = await store.get(name)
    if (stored) entries.push({ ...penaltyRecordFrom(stored.bytes), id: idOfPenaltyKey(name) })
  }
  const plain = encodeDirectory(entries.sort((a, b) => a.index - b.index))
  try {
    await keepAt(places, { number, bytes: await sealCopy(cipher, key, { number, plain }) })
  } catch (error) {
    if (!places.some((place) => place.number >= number)) throw error // One that has it is enough for now.
  }
}

const sides: readonly Side[] = ['opener', 'accepter']
const entriesMax = 1_000
const version = 1

/** Reads back by {@link directoryFrom}. */
export function encodeDirectory(entries: readonly Entry[]): Uint8Array {
  const boxes = [...new Set(entries.map(({ box }) => box))]
  const lines = entries.map(({ index, id, own, box }): RlpItem => {
    return [quantity(index), fromHex(id), quantity(sides.indexOf(own)), quantity(boxes.indexOf(box))]
  })
  return encodeRlp([quantity(version), boxes.map((box) => new TextEncoder().encode(box)), lines])
}

/** Reads a list of channels, or nothing. */
export function directoryFrom(bytes: Uint8Array): readonly Entry[] | undefined {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 3) : undefined
  const [kind, boxes, lines] = parts ?? []
  if (asNumber(kind, version) !== version || !Array.isArray(boxes) || !Array.isArray(lines)) return undefined
  if (lines.length > entriesMax) return undefined
  const entries = lines.map((line: RlpItem): Entry | undefined => {
    const fields = asList(line, 4)
    const index = asNumber(fields?.[0], channelIndexMax)
    const id = asFixed(fields?.[1], 32)
    const own = asName(fields?.[2], sides)
    const box = asBytes(boxes[asNumber(fields?.[3], entriesMax) ?? entriesMax], peerBytesMax)
    if (index === undefined || !id || !own || !box) return undefined
    return { index, id: channelId(toHex(id)), own, box: new TextDecoder().decode(box) }
  })
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}

const nonceBytes = 12

/** The same bytes for the same content, so that one that is left again is the same backup: the nonce is made of the content. */
async function sealCopy(cipher: Cipher, key: Uint8Array, { number, plain }: PlainCopy): Promise<Uint8Array> {
  const associated = encodeRlp(quantity(number))
  const nonce = hmacSha256(named(key, 'nonce'), encodeRlp([associated, plain])).slice(0, nonceBytes)
  const sealed = await cipher.seal({ key: named(key, 'seal'), nonce, bytes: plain, associated })
  return Uint8Array.of(...nonce, ...sealed)
}

/** What was sealed under that number, or nothing: neither its content nor its number can be another one's. */
export function openCopy(
  cipher: Cipher,
  key: Uint8Array,
  { number, bytes }: KeptBackup,
): Promise<Uint8Array | undefined> {
  const sealed = bytes.slice(nonceBytes)
  const associated = encodeRlp(quantity(number))
  if (sealed.length === 0) return Promise.resolve(undefined)
  return cipher.open({ key: named(key, 'seal'), nonce: bytes.slice(0, nonceBytes), bytes: sealed, associated })
}
