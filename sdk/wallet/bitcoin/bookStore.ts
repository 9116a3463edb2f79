import { type Account, encodeDescriptor, type Network } from '../../bitcoin/index.ts'
import { conflictPauses, pauseMs } from '../../client/backoff.ts'
import { sha256 } from '../../crypto/engine.ts'
import { SdkError } from '../../errors.ts'
import type { Clock, Random, Store, StoreWrite } from '../../ports.ts'
import { toHex } from '../../units.ts'
import { type Book, emptyBook } from './book.ts'
import { decodeBook, encodeBook } from './bookRecord.ts'

/** Where a book lives, and what waiting for another wallet on the same store takes. */
export interface BookPlace {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly key: string
  /** How many accounts the book is of. */
  readonly accounts: number
}

/** Most times a change is made anew because another wallet on the store was faster. */
export const conflictsMax = 16

/** The key of the book of these accounts: the same for everyone who holds them, and for nobody else. */
export function bookKey(network: Network, accounts: readonly Account[]): string {
  const text = accounts
    .flatMap(({ receive, change }) => [encodeDescriptor(receive), encodeDescriptor(change)])
    .join(' ')
  return `bitcoin/${network}/${toHex(sha256(new TextEncoder().encode(text)).subarray(0, 16)).slice(2)}`
}

/** A book, and the version that a change of it expects. */
export interface LoadedBook {
  readonly book: Book
  readonly version: number
}

/** The book as it is now. Throws `store/corrupt` and what the store throws. */
export async function loadBook({ store, key, accounts }: BookPlace): Promise<LoadedBook> {
  const record = await store.get(key)
  if (!record) return { book: emptyBook, version: 0 }
  const read = decodeBook(record.bytes)
  if (!read.ok || ![0, accounts].includes(read.value.used.length))
    throw new SdkError('store/corrupt', 'The book of the Bitcoin accounts cannot be read.', {
      notes: [
        read.ok ? 'It is of another number of accounts.' : `The reason: ${read.reason}.`,
        'Nothing was changed. Transactions that are on their way stay on their way.',
      ],
    })
  return { book: read.value, version: record.version }
}

/** The write that puts `next` in the place of what was loaded. */
export function bookWrite({ key }: BookPlace, { version }: LoadedBook, next: Book): StoreWrite {
  return { key, expected: version, bytes: encodeBook(next) }
}

/**
 * Reads the book, changes it and stores it, if it changed. [CO3]
 *
 * When another wallet stored something in between, the book is read and changed again, so `change` is called several
 * times and must decide from what it is given alone.
 *
 * @param change - Returns the same book where nothing changed.
 * @returns What `change` told the last time, after it is stored. Throws `store/conflict` (retryable) when others were
 *   faster {@link conflictsMax} times, and whatever `change` throws, with nothing stored.
 */
export async function changeBook<result>(
  place: BookPlace,
  change: (book: Book) => Promise<{ readonly book: Book; readonly result: result }>,
): Promise<result> {
  for (let attempt = 0; ; attempt++) {
    const loaded = await loadBook(place)
    const { book, result } = await change(loaded.book)
    if (book === loaded.book) return result
    try {
      await place.store.commit([bookWrite(place, loaded, book)])
      return result
    } catch (error) {
      const lost = error instanceof SdkError && error.code === 'store/conflict'
      if (!lost || attempt + 1 === conflictsMax) throw error
      await place.clock.sleep(pauseMs(conflictPauses, attempt, place.random))
    }
  }
}
