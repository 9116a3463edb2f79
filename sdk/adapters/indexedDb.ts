import { get, promisifyRequest, type UseStore } from 'idb-keyval'
import { SdkError } from '../errors.ts'
import type { Store, StoredRecord, StoreWrite } from '../ports.ts'
import { closedStore, keysWith, requireVersion, takeWrites } from './writes.ts'

const formatVersion = 1
const table = 'records'

/**
 * A store in the browser's IndexedDB, shared between tabs: the version check happens inside the transaction that
 * writes, so a tab that lost a race throws `store/conflict` and has changed nothing.
 *
 * Every transaction asks for strict durability, since the default answers before the bytes are on the disk (Firefox
 * since 40, Chrome since 121). Any other end of a commit than success, `store/conflict` or `store/full` is unknown:
 * read before deciding.
 *
 * Funds at risk: a browser that does not know the option (Firefox before 126) may bring an old state back after a
 * power cut, and any browser may evict the whole database of a site that was granted no persistent storage.
 *
 * @param name - Of the database; one wallet, one name.
 */
export function indexedDb(name: string): Store {
  const connection = connect(name)
  let closed = false

  async function within<value>(run: (use: UseStore) => Promise<value>): Promise<value> {
    if (closed) throw closedStore()
    try {
      return await run(connection.use)
    } catch (error) {
      throw refusalOf(error)
    }
  }

  return {
    get: (key) => within(async (use) => recordOf(await get<unknown>(key, use))),
    keys: (prefix) => within((use) => use('readonly', (records) => keysFrom(records, prefix))),
    async commit(writes) {
      const taken = takeWrites(writes)
      await within((use) => use('readwrite', (records) => commit(records, taken)))
    },
    persists: () => persists(),
    async close() {
      closed = true
      await connection.close()
    },
  }
}

/** Persistent storage (Storage Standard, `StorageManager`): granted to the whole site, and asked for where it is not. */
async function persists(): Promise<boolean> {
  const storage = globalThis.navigator?.storage as Partial<StorageManager> | undefined
  if (!storage?.persisted || !storage.persist) return false
  return (await storage.persisted()) || (await storage.persist())
}

/**
 * Opens the database when first used, and again after the browser has closed it. It stands in for idb-keyval's
 * own `createStore`, which asks for no durability.
 */
function connect(name: string): { readonly use: UseStore; readonly close: () => Promise<void> } {
  let current: Promise<IDBDatabase> | undefined

  function forget(opening: Promise<IDBDatabase>) {
    if (current === opening) current = undefined
  }

  function connection(): Promise<IDBDatabase> {
    if (current) return current
    const opening = open(name)
    current = opening
    opening.then(
      (database) => {
        database.onclose = () => forget(opening)
        database.onversionchange = () => {
          // Another tab deletes or upgrades the database, and would wait for this connection.
          database.close()
          forget(opening)
        }
      },
      () => forget(opening),
    )
    return opening
  }

  return {
    async use(mode, callback) {
      const opening = connection()
      const database = await opening
      try {
        return await callback(database.transaction(table, mode, { durability: 'strict' }).objectStore(table))
      } catch (error) {
        // Some browsers close a connection without telling; the next call opens another.
        if (error instanceof DOMException && error.name === 'InvalidStateError') forget(opening)
        throw error
      }
    },
    async close() {
      const database = await current?.catch(() => undefined)
      database?.close()
      current = undefined
    },
  }
}

function open(name: string): Promise<IDBDatabase> {
  if (!globalThis.indexedDB) throw new SdkError('store/unavailable', 'This platform has no IndexedDB here.')
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, formatVersion)
    let blocked = false
    request.onupgradeneeded = () => request.result.createObjectStore(table)
    request.onblocked = () => {
      blocked = true
      reject(new SdkError('store/unavailable', 'Another tab holds an older form of the database.', { retryable: true }))
    }
    request.onsuccess = () => {
      if (blocked) request.result.close()
      else resolve(request.result)
    }
    request.onerror = () => reject(request.error)
  })
}

/** Reads every version, then writes everything, in one transaction. Resolves when the browser calls it complete. */
function commit(records: IDBObjectStore, writes: readonly StoreWrite[]): Promise<void> {
  const { transaction } = records
  return new Promise((resolve, reject) => {
    let refusal: unknown
    let unread = writes.length
    transaction.oncomplete = () => resolve()
    // Not on `error`: the transaction has no error of its own before it aborts.
    transaction.onabort = () => reject(refusal ?? transaction.error)
    for (const write of writes) {
      const request = records.get(write.key)
      request.onsuccess = () => {
        try {
          requireVersion(write, recordOf(request.result)?.version ?? 0)
          unread -= 1
          if (unread === 0) writeAll(records, writes)
        } catch (error) {
          refusal = error
          transaction.abort()
        }
      }
    }
  })
}

function writeAll(records: IDBObjectStore, writes: readonly StoreWrite[]): void {
  for (const { key, expected, bytes } of writes) {
    if (bytes) records.put({ version: expected + 1, bytes } satisfies StoredRecord, key)
    else records.delete(key)
  }
}

async function keysFrom(records: IDBObjectStore, prefix: string): Promise<readonly string[]> {
  const keys = await promisifyRequest(records.getAllKeys(IDBKeyRange.lowerBound(prefix)))
  return keysWith(
    prefix,
    keys.filter((key) => typeof key === 'string'),
  )
}

/** What the database holds under a key, if this store wrote it. */
function recordOf(value: unknown): StoredRecord | undefined {
  if (value === undefined) return undefined
  const { version, bytes } = Object(value) as { readonly version?: unknown; readonly bytes?: unknown }
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 0 && bytes instanceof Uint8Array)
    return { version, bytes }
  throw new SdkError('store/corrupt', 'The database holds a value that this store did not write.')
}

/** The browser's errors in the port's words; a transaction that the browser ended without a reason has `null`. */
function refusalOf(error: unknown): unknown {
  if (error !== null && !(error instanceof DOMException)) return error
  if (error?.name === 'QuotaExceededError')
    return new SdkError('store/full', 'The browser gives this site no more room.', { cause: error })
  return new SdkError('store/unavailable', 'The database cannot be reached.', {
    retryable: true,
    notes: ['If this was a commit, its end is unknown: read before deciding.'],
    cause: error,
  })
}
