import { type Address, fromHex, type Hex, type Slot, toHex } from '../../../sdk/units.ts'

/**
 * A place in shared memory where something is written or read, word by word (32 bits). Both ends of it are this program,
 * so nothing is judged; whoever writes makes sure that it fits.
 */
export interface Cursor {
  readonly words: Int32Array
  readonly bytes: Uint8Array
  readonly view: DataView
  /** The next word. */
  at: number
}

export function cursorOn(memory: SharedArrayBuffer): Cursor {
  return { words: new Int32Array(memory), bytes: new Uint8Array(memory), view: new DataView(memory), at: 0 }
}

export function putWord(cursor: Cursor, word: number): void {
  cursor.words[cursor.at++] = word
}

export function takeWord(cursor: Cursor): number {
  return cursor.words[cursor.at++] as number
}

/** Bytes of any length, behind their length. */
export function putBytes(cursor: Cursor, bytes: Uint8Array): void {
  cursor.words[cursor.at++] = bytes.length
  cursor.bytes.set(bytes, 4 * cursor.at)
  cursor.at += wordsFor(bytes.length)
}

/** A copy: what is shared may be written again. */
export function takeBytes(cursor: Cursor): Uint8Array {
  return takeFixed(cursor, takeWord(cursor))
}

/** Bytes whose number both ends know. */
export function putFixed(cursor: Cursor, bytes: Uint8Array): void {
  cursor.bytes.set(bytes, 4 * cursor.at)
  cursor.at += wordsFor(bytes.length)
}

export function takeFixed(cursor: Cursor, size: number): Uint8Array {
  const start = 4 * cursor.at
  cursor.at += wordsFor(size)
  return cursor.bytes.slice(start, start + size)
}

/** A number below 2^256. */
export function putBig(cursor: Cursor, value: bigint): void {
  const { view } = cursor
  const start = 4 * cursor.at
  cursor.at += 8
  if (value < 0x1_0000_0000_0000_0000n) {
    view.setBigUint64(start, value)
    cursor.words.fill(0, cursor.at - 6, cursor.at)
    return
  }
  for (let limb = 0; limb < 4; limb++) view.setBigUint64(start + 8 * limb, (value >> BigInt(64 * limb)) & uint64Max)
}

export function takeBig(cursor: Cursor): bigint {
  const { view } = cursor
  const start = 4 * cursor.at
  cursor.at += 8
  const low = view.getBigUint64(start)
  const high = view.getBigUint64(start + 8)
  const rest = view.getBigUint64(start + 16) | (view.getBigUint64(start + 24) << 64n)
  return rest === 0n && high === 0n ? low : low | (high << 64n) | (rest << 128n)
}

export function putAddress(cursor: Cursor, address: Address): void {
  putFixed(cursor, fromHex(address))
}

export function takeAddress(cursor: Cursor): Address {
  return toHex(takeFixed(cursor, 20)) as Address
}

export function putSlot(cursor: Cursor, slot: Slot | Hex): void {
  putFixed(cursor, fromHex(slot))
}

export function takeSlot(cursor: Cursor): Slot {
  return toHex(takeFixed(cursor, 32)) as Slot
}

export function putList<item>(cursor: Cursor, items: readonly item[], put: (item: item) => void): void {
  putWord(cursor, items.length)
  for (const item of items) put(item)
}

export function takeList<item>(cursor: Cursor, take: () => item): item[] {
  const count = takeWord(cursor)
  const items: item[] = []
  for (let at = 0; at < count; at++) items.push(take())
  return items
}

export function wordsFor(byteCount: number): number {
  return (byteCount + 3) >>> 2
}

const uint64Max = 0xffff_ffff_ffff_ffffn
