import { resolve } from 'node:path'
import type { Store } from '../ports.ts'
import { type JournalFile, openJournal, refusalOf } from './file/journalFile.ts'
import { closedStore, copyOf, keysWith, takeWrites } from './writes.ts'

export { storeBytesMax } from './file/journalFile.ts'

/**
 * A store in a folder of its own, for Node: a journal that is on the disk (fsync) before a commit resolves.
 *
 * One handle at a time owns the folder, from its first call until {@link Store.close} or the end of its process;
 * others throw `store/unavailable`. A commit that a crash cut off is dropped at the next opening; any other damage
 * throws `store/corrupt` and changes nothing. A `store/unavailable` from a commit means that its end is unknown.
 *
 * Funds at risk: the disk must keep what it has confirmed, and the folder must be on this machine; a network folder
 * may be owned twice. Restoring a copy of the folder brings back an old state.
 *
 * @param folder - Made when missing. Nothing else may be kept in it.
 */
export function file(folder: string): Store {
  let opened: JournalFile | undefined
  let closed = false
  /** The end of the last call; calls take turns. */
  let turn: Promise<unknown> = Promise.resolve()

  function inTurn<value>(run: () => Promise<value>): Promise<value> {
    const end = turn.then(run).catch((error: unknown) => {
      throw refusalOf(error)
    })
    turn = end.catch(() => undefined)
    return end
  }

  async function within<value>(run: (journal: JournalFile) => value | Promise<value>): Promise<value> {
    if (closed) throw closedStore()
    return inTurn(async () => {
      opened ??= await openJournal(resolve(folder))
      return run(opened)
    })
  }

  return {
    get: (key) => within(({ records }) => copyOf(records.get(key))),
    keys: (prefix) => within(({ records }) => keysWith(prefix, records.keys())),
    async commit(writes) {
      const taken = takeWrites(writes)
      await within((journal) => journal.commit(taken))
    },
    async close() {
      if (closed) return
      closed = true
      await inTurn(async () => opened?.close())
    },
  }
}
