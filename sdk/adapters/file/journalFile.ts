import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SdkError } from '../../errors.ts'
import type { StoredRecord, StoreWrite } from '../../ports.ts'
import { applyWrites, commitBytesMax, commitWritesMax, requireVersion } from '../writes.ts'
import { type Change, encodeEntry, journalHead, replay } from './journal.ts'
import { own } from './owner.ts'

/** Most bytes of live records; all of them are held in memory. */
export const storeBytesMax = 128 * 1_048_576
/** What a journal may hold of the past beside its live records before it is written anew. */
const pastBytesMax = 4 * 1_048_576
/** What an entry adds to the bytes of a record and its key, roughly. */
const overheadBytes = 64

/** A journal on disk, owned by this handle, with its records in memory. Calls must not overlap. */
export interface JournalFile {
  readonly records: ReadonlyMap<string, StoredRecord>
  /** Resolves once the commit is on the disk. */
  readonly commit: (writes: readonly StoreWrite[]) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens the journal in `folder`, or begins one. */
export async function openJournal(folder: string): Promise<JournalFile> {
  await makeFolder(folder)
  const giveUp = await own(folder)
  try {
    const records = await readRecords(folder)
    return journalFile(folder, records, await writeAnew(folder, records), giveUp)
  } catch (error) {
    await giveUp()
    throw error
  }
}

interface Written {
  readonly handle: FileHandle
  readonly number: number
  readonly end: number
}

function journalFile(
  folder: string,
  records: Map<string, StoredRecord>,
  opened: Written,
  giveUp: () => Promise<void>,
): JournalFile {
  let { handle, number, end } = opened
  let live = liveBytesOf(records)
  let anewAt = 0
  let doubt: SdkError | undefined

  /** From here on memory and disk may differ, so only opening the store again tells what is true. */
  function stop(error: SdkError): SdkError {
    doubt = error
    return error
  }

  async function append(entry: Uint8Array): Promise<void> {
    // The owner's file should keep everyone else away. If it did not, the journal has grown or was replaced.
    const { size, nlink } = await handle.stat()
    if (size !== end || nlink === 0)
      throw stop(new SdkError('store/conflict', 'Another program has written to the folder. Open the store again.'))
    try {
      for (let at = 0; at < entry.length; )
        at += (await handle.write(entry, at, entry.length - at, end + at)).bytesWritten
    } catch (error) {
      await cutBack(error)
      throw refusalOf(error)
    }
    try {
      await handle.sync()
    } catch (error) {
      // After a failed sync the system may call the same bytes clean: it cannot be tried again (fsync(2)).
      throw stop(unknownEnd(error))
    }
    end += entry.length
  }

  async function cutBack(cause: unknown): Promise<void> {
    try {
      await handle.truncate(end)
      await handle.sync()
    } catch {
      throw stop(unknownEnd(cause))
    }
  }

  /** Failure is no loss: the old journal goes on, and if it was replaced already, the next commit finds out. */
  async function forgetPast(): Promise<void> {
    anewAt = 2 * end
    const old = handle
    try {
      ;({ handle, number, end } = await writeAnew(folder, records))
    } catch {
      return
    }
    anewAt = 0
    await old.close().catch(() => undefined)
  }

  return {
    records,
    async commit(writes) {
      if (doubt) throw doubt
      for (const write of writes) requireVersion(write, records.get(write.key)?.version ?? 0)
      // Deleting what is absent asks for nothing but the check.
      const changes = writes.filter(({ expected, bytes }) => bytes || expected > 0).map(changeOf)
      if (changes.length === 0) return
      const growth = growthOf(records, writes)
      if (growth > 0 && live + growth > storeBytesMax)
        throw new SdkError('store/full', `The store holds its most, ${storeBytesMax} bytes.`)
      await append(encodeEntry(number + 1, changes))
      number += 1
      live += growth
      applyWrites(records, writes)
      if (end > Math.max(anewAt, 2 * live + pastBytesMax)) await forgetPast()
    },
    async close() {
      try {
        await handle.close()
      } finally {
        await giveUp()
      }
    },
  }
}

async function readRecords(folder: string): Promise<Map<string, StoredRecord>> {
  const bytes = await readFile(join(folder, 'journal')).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return journalHead
    throw error
  })
  const read = replay(bytes)
  if (read.whole) return read.records
  throw new SdkError('store/corrupt', `The journal is damaged: ${read.reason}.`, {
    notes: ['Nothing was changed. Keep the folder; a backup of it is the way back.'],
  })
}

/**
 * Writes the records to a new journal, which then takes the place of the old one at once. Also done at each opening:
 * it leaves behind what a crash or a failed sync may have left unsure.
 */
async function writeAnew(folder: string, records: ReadonlyMap<string, StoredRecord>): Promise<Written> {
  const handle = await open(join(folder, 'journal.next'), 'w', 0o600)
  try {
    let number = 0
    let end = 0
    const write = async (bytes: Uint8Array) => {
      await handle.writeFile(bytes)
      end += bytes.length
    }
    await write(journalHead)
    for (const changes of commitsOf(records)) {
      number += 1
      await write(encodeEntry(number, changes))
    }
    await handle.sync()
    await rename(join(folder, 'journal.next'), join(folder, 'journal'))
    // Until the folder is on the disk too, a power cut could bring the old journal back.
    await syncFolder(folder)
    return { handle, number, end }
  } catch (error) {
    await handle.close()
    await rm(join(folder, 'journal.next'), { force: true })
    throw error
  }
}

/** All records, in as few commits as the limits allow. */
function* commitsOf(records: ReadonlyMap<string, StoredRecord>): Generator<readonly Change[]> {
  let changes: Change[] = []
  let bytes = 0
  for (const change of records) {
    if (changes.length === commitWritesMax || bytes + change[1].bytes.length > commitBytesMax) {
      yield changes
      changes = []
      bytes = 0
    }
    changes.push(change)
    bytes += change[1].bytes.length
  }
  if (changes.length > 0) yield changes
}

function changeOf({ key, expected, bytes }: StoreWrite): Change {
  return [key, bytes ? { version: expected + 1, bytes } : undefined]
}

function liveBytesOf(records: ReadonlyMap<string, StoredRecord>): number {
  let total = 0
  for (const [key, { bytes }] of records) total += key.length + bytes.length + overheadBytes
  return total
}

function growthOf(records: ReadonlyMap<string, StoredRecord>, writes: readonly StoreWrite[]): number {
  let growth = 0
  for (const { key, bytes } of writes) {
    const before = records.get(key)
    if (before) growth -= key.length + before.bytes.length + overheadBytes
    if (bytes) growth += key.length + bytes.length + overheadBytes
  }
  return growth
}

/** Makes the folder, and each one above it that is missing, so that a power cut does not take them away again. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no such call, and writes folders at once.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The system's errors in the port's words. */
export function refusalOf(error: unknown): unknown {
  const code = codeOf(error)
  if (error instanceof SdkError || code === undefined) return error
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SdkError('store/full', 'The disk has no more room.', { cause: error })
  return new SdkError('store/unavailable', 'The folder cannot be read or written.', { cause: error })
}

function unknownEnd(cause: unknown): SdkError {
  return new SdkError('store/unavailable', 'The disk failed in the middle of a commit.', {
    notes: ['The end of that commit is unknown. Open the store again, and read before deciding.'],
    cause,
  })
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
}
