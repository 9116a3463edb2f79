import { createHash } from 'node:crypto'
import { invariant } from '../../errors.ts'
import type { StoredRecord } from '../../ports.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem, toBigInt } from '../../rlp.ts'
import { commitBytesMax, commitWritesMax, keyLengthMax } from '../writes.ts'

/**
 * A journal, version 1: {@link journalHead}, then entries, one a commit.
 *
 * An entry is `mark (4) || size of body (4, big-endian) || check (16) || body`. The check is the first half of
 * sha256 over size and body. The body is `rlp([number, [change, ...]])`; numbers count the entries from 1. A change
 * is `[key, version, bytes]` for a record as it is from here on, or `[key]` for its deletion.
 */
export const journalHead: Uint8Array = /* @__PURE__ */ new TextEncoder().encode('lanekit journal 1\n')

const mark = /* @__PURE__ */ Uint8Array.of(0x9e, 0x4c, 0x4b, 0xe1)
const sizeAt = 4
const checkAt = 8
const bodyAt = 24
/** Largest body of a commit within the store's limits; a key takes at most three bytes a unit. */
const bodyBytesMax = commitBytesMax + commitWritesMax * (3 * keyLengthMax + 32)

/** What a commit made of one record: its new version and bytes, or nothing. */
export type Change = readonly [key: string, record: StoredRecord | undefined]

/** A journal, read. */
export type Replay =
  | {
      readonly whole: true
      readonly records: Map<string, StoredRecord>
      /** Number of the last entry. */
      readonly number: number
      /** Where the last whole entry ends. What follows was never acknowledged. */
      readonly end: number
    }
  | { readonly whole: false; readonly reason: string }

/** One commit as bytes. */
export function encodeEntry(number: number, changes: readonly Change[]): Uint8Array {
  const body = encodeRlp([
    quantity(number),
    changes.map(([key, record]) => (record ? [utf8(key), quantity(record.version), record.bytes] : [utf8(key)])),
  ])
  invariant(body.length <= bodyBytesMax, 'an entry holds no more than a commit may')
  const entry = new Uint8Array(bodyAt + body.length)
  entry.set(mark)
  new DataView(entry.buffer).setUint32(sizeAt, body.length)
  entry.set(body, bodyAt)
  entry.set(checkOf(entry), checkAt)
  return entry
}

/**
 * Reads a journal. Never throws.
 *
 * A commit is acknowledged only after its entry is on the disk, and the next entry is written after that: so a
 * crash can damage the last entry alone, and damage at the end is dropped. Damage with a whole entry after it, or
 * more of it than one entry, is no crash, and makes the journal not whole.
 */
export function replay(journal: Uint8Array): Replay {
  if (!startsWith(journal, journalHead, 0)) return notWhole('it is no journal of version 1')
  const records = new Map<string, StoredRecord>()
  let end = journalHead.length
  let number = 0
  while (end < journal.length) {
    const body = bodyFrom(journal, end)
    if (!body) break
    number += 1
    if (!applyEntry(records, body, number)) return notWhole(`entry ${number} does not follow from those before it`)
    end += bodyAt + body.length
  }
  if (journal.length - end > bodyAt + bodyBytesMax) return notWhole(`more than one entry is damaged after ${number}`)
  for (let at = end + 1; at < journal.length; at++) {
    at = journal.indexOf(mark[0] as number, at)
    if (at < 0) break
    if (bodyFrom(journal, at)) return notWhole(`the entry after ${number} is damaged, and whole ones follow it`)
  }
  return { whole: true, records, number, end }
}

/** The body of the entry at `at`, when it is whole. */
function bodyFrom(journal: Uint8Array, at: number): Uint8Array | undefined {
  if (!startsWith(journal, mark, at) || at + bodyAt > journal.length) return undefined
  const size = new DataView(journal.buffer, journal.byteOffset + at).getUint32(sizeAt)
  if (size > bodyBytesMax || at + bodyAt + size > journal.length) return undefined
  const entry = journal.subarray(at, at + bodyAt + size)
  return startsWith(entry, checkOf(entry), checkAt) ? entry.subarray(bodyAt) : undefined
}

/** By the platform's own hash: it reads the parts as they lie, and a journal of megabytes is checked when it is opened. */
function checkOf(entry: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update(entry.subarray(sizeAt, checkAt)).update(entry.subarray(bodyAt))
  return hash.digest().subarray(0, bodyAt - checkAt)
}

/** Applies an entry whose check fits. False when it is not the one that comes next. */
function applyEntry(records: Map<string, StoredRecord>, body: Uint8Array, number: number): boolean {
  const decoded = decodeRlp(body)
  if (!decoded.ok || !isList(decoded.value)) return false
  const [stated, changes] = decoded.value
  if (!(stated instanceof Uint8Array) || toBigInt(stated) !== BigInt(number)) return false
  return isList(changes) && changes.every((change) => isList(change) && applyChange(records, change))
}

function applyChange(records: Map<string, StoredRecord>, change: readonly RlpItem[]): boolean {
  const [name, version, bytes] = change
  if (!(name instanceof Uint8Array)) return false
  const key = new TextDecoder('utf-8', { ignoreBOM: true }).decode(name)
  if (change.length === 1) return records.delete(key)
  if (change.length !== 3 || !(version instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return false
  const next = Number(toBigInt(version))
  const previous = records.get(key)?.version
  // A record that is new here may come from a compacted journal, at any version.
  if (!Number.isSafeInteger(next) || next < 1 || (previous !== undefined && next !== previous + 1)) return false
  records.set(key, { version: next, bytes: Uint8Array.from(bytes) })
  return true
}

function isList(item: RlpItem | undefined): item is readonly RlpItem[] {
  return Array.isArray(item)
}

function startsWith(bytes: Uint8Array, start: Uint8Array, at: number): boolean {
  return at + start.length <= bytes.length && start.every((byte, index) => bytes[at + index] === byte)
}

function notWhole(reason: string): Replay {
  return { whole: false, reason }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
