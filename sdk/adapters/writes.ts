import { SdkError } from '../errors.ts'
import type { StoredRecord, StoreWrite } from '../ports.ts'

/** Most writes in one commit. */
export const commitWritesMax = 1_024
/** Most bytes in one record. */
export const recordBytesMax = 1_048_576
/** Most bytes in one commit, over all its records. */
export const commitBytesMax = 8 * 1_048_576
/** Longest key, in UTF-16 units. */
export const keyLengthMax = 256

/**
 * Checks a commit and copies its bytes, so that a caller who reuses a buffer changes nothing.
 * Throws `store/malformed-commit` beyond a limit, or when a key is written twice.
 */
export function takeWrites(writes: readonly StoreWrite[]): readonly StoreWrite[] {
  if (writes.length > commitWritesMax) throw malformed(`has more than ${commitWritesMax} writes`)
  const keys = new Set<string>()
  let total = 0
  for (const { key, expected, bytes } of writes) {
    // Text with half a surrogate pair has no UTF-8 form, so two such keys could become one on disk.
    if (key.length < 1 || key.length > keyLengthMax || /\p{Surrogate}/u.test(key))
      throw malformed(`has a key that is not 1 to ${keyLengthMax} characters of well-formed text`)
    if (keys.has(key)) throw malformed('writes one key twice')
    if (!Number.isSafeInteger(expected) || expected < 0) throw malformed('expects a version that is no whole number')
    if (bytes && bytes.length > recordBytesMax) throw malformed(`has a record beyond ${recordBytesMax} bytes`)
    keys.add(key)
    total += bytes?.length ?? 0
  }
  if (total > commitBytesMax) throw malformed(`has more than ${commitBytesMax} bytes`)
  return writes.map(({ key, expected, bytes }) => ({ key, expected, bytes: bytes && Uint8Array.from(bytes) }))
}

/** Demands that `current`, the version now stored under the write's key (0: absent), is the expected one. */
export function requireVersion({ expected }: StoreWrite, current: number): void {
  if (current === expected) return
  throw new SdkError('store/conflict', `The record is at version ${current}, and the commit expected ${expected}.`, {
    notes: ['Somebody else wrote it, such as another tab or process. Read it again before deciding.'],
  })
}

/** Demands the expected version of every write, then applies them all to `records`. */
export function applyWrites(records: Map<string, StoredRecord>, writes: readonly StoreWrite[]): void {
  for (const write of writes) requireVersion(write, records.get(write.key)?.version ?? 0)
  for (const { key, expected, bytes } of writes) {
    if (bytes) records.set(key, { version: expected + 1, bytes })
    else records.delete(key)
  }
}

/** A record for a caller to keep and change. */
export function copyOf(record: StoredRecord | undefined): StoredRecord | undefined {
  return record && { version: record.version, bytes: Uint8Array.from(record.bytes) }
}

/** Keys that start with `prefix`, ascending by UTF-16 unit. */
export function keysWith(prefix: string, keys: Iterable<string>): readonly string[] {
  return [...keys].filter((key) => key.startsWith(prefix)).sort()
}

/** What every call throws once the store was closed. */
export function closedStore(): SdkError {
  return new SdkError('store/unavailable', 'The store is closed.')
}

function malformed(what: string): SdkError {
  return new SdkError('store/malformed-commit', `The commit ${what}.`)
}
