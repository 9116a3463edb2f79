import 'fake-indexeddb/auto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { indexedDb } from '../../../sdk/adapters/indexedDb.ts'
import { refusalOf } from '../../contracts/contract.ts'
import { runContract } from '../../contracts/run.ts'
import { contentsOf, put, record, storeContract } from '../../contracts/store.ts'

let opened = 0

runContract(
  storeContract('indexedDb', {
    open: async () => {
      opened += 1
      return indexedDb(`store ${opened}`)
    },
    reopen: async () => indexedDb(`store ${opened}`),
    handles: 'many',
    histories: 50,
  }),
)

describe('indexedDb', () => {
  const fresh = () => {
    opened += 1
    return indexedDb(`store ${opened}`)
  }
  /** Lets every later write of a transaction succeed, and then ends the transaction as the browser would. */
  const failAfterWriting = (name: string | null) =>
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
      const request = this.add(value, key)
      const { transaction } = this
      request.addEventListener('success', () =>
        (transaction as unknown as { _abort(name: string | null): void })._abort(name),
      )
      return request
    })

  afterEach(() => {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  })

  it('asks for strict durability in every transaction', async () => {
    const store = fresh()
    await store.commit([])
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await store.commit([put('a', 0, 'one')])
    await store.get('a')
    expect(transaction.mock.calls.length).toBe(2)
    for (const [, , options] of transaction.mock.calls) expect(options).toEqual({ durability: 'strict' })
  })

  it('writes a commit in one transaction, checks included', async () => {
    const store = fresh()
    await store.commit([])
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await store.commit([put('a', 0, 'one'), put('b', 0, 'one'), put('c', 0, 'one')])
    expect(transaction).toHaveBeenCalledOnce()
    expect(transaction).toHaveBeenCalledWith('records', 'readwrite', expect.anything())
  })

  it.each([
    ['QuotaExceededError', 'store/full'],
    ['UnknownError', 'store/unavailable'],
    [null, 'store/unavailable'],
  ])('does not answer before the transaction is complete: %s then is %s, and nothing stored', async (name, code) => {
    const store = fresh()
    await store.commit([])
    failAfterWriting(name)
    expect(await refusalOf(store.commit([put('a', 0, 'x'), put('b', 0, 'x')]))).toBe(code)
    vi.restoreAllMocks()
    expect(await contentsOf(store)).toEqual({})
    await store.commit([put('a', 0, 'one')])
    expect(await store.get('a')).toEqual(record(1, 'one'))
  })

  it('reports a value it did not write, and neither reads nor overwrites it', async () => {
    const store = fresh()
    await store.commit([put('a', 0, 'one')])
    for (const value of ['text', null, { version: 0, bytes: new Uint8Array(1) }, { version: 1, bytes: [1] }]) {
      await plant(`store ${opened}`, 'b', value)
      expect(await refusalOf(store.get('b'))).toBe('store/corrupt')
      expect(await refusalOf(store.commit([put('a', 1, 'x'), put('b', 0, 'x')]))).toBe('store/corrupt')
    }
    expect(await store.get('a')).toEqual(record(1, 'one'))
  })

  it('makes way for another tab that deletes the database, and starts anew', async () => {
    const store = fresh()
    await store.commit([put('a', 0, 'one')])
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(`store ${opened}`)
      request.onsuccess = resolve
      request.onblocked = () => reject(new Error('The store holds on to its connection.'))
    })
    expect(await store.get('a')).toBeUndefined()
    await store.commit([put('a', 0, 'two')])
  })

  it('opens another connection after the browser closed one without telling', async () => {
    const store = fresh()
    await store.commit([put('a', 0, 'one')])
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
      throw new DOMException('The database connection is closing.', 'InvalidStateError')
    })
    const open = vi.spyOn(IDBFactory.prototype, 'open')
    expect(await refusalOf(store.get('a'))).toBe('store/unavailable')
    expect(await store.get('a')).toEqual(record(1, 'one'))
    expect(open).toHaveBeenCalledOnce()
  })

  it('says so when a newer program has upgraded the database, or another tab blocks the opening', async () => {
    const newer = await openRaw('newer', 2)
    newer.close()
    expect(await refusalOf(indexedDb('newer').get('a'))).toBe('store/unavailable')

    vi.spyOn(IDBFactory.prototype, 'open').mockImplementationOnce(() => {
      const request = new EventTarget() as IDBOpenDBRequest
      queueMicrotask(() => request.onblocked?.(new Event('blocked') as IDBVersionChangeEvent))
      return request
    })
    const store = fresh()
    expect(await refusalOf(store.get('a'))).toBe('store/unavailable')
    expect(await store.get('a')).toBeUndefined()
  })

  it('asks for persistent storage once it is not granted, and says what came of it', async () => {
    const store = fresh()
    vi.stubGlobal('navigator', {})
    expect(await store.persists?.()).toBe(false)
    const storage = { persisted: vi.fn(async () => false), persist: vi.fn(async () => true) }
    vi.stubGlobal('navigator', { storage })
    expect(await store.persists?.()).toBe(true)
    storage.persist.mockResolvedValue(false)
    expect(await store.persists?.()).toBe(false)
    storage.persisted.mockResolvedValue(true)
    expect(await store.persists?.()).toBe(true)
    expect(storage.persist).toHaveBeenCalledTimes(2)
    await store.close()
  })

  it('says so where there is no IndexedDB', async () => {
    vi.stubGlobal('indexedDB', undefined)
    const store = fresh()
    expect(await refusalOf(store.get('a'))).toBe('store/unavailable')
    await store.close()
  })
})

function openRaw(name: string, version?: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

async function plant(name: string, key: string, value: unknown): Promise<void> {
  const database = await openRaw(name)
  await new Promise((resolve) => {
    const transaction = database.transaction('records', 'readwrite')
    transaction.objectStore('records').put(value, key)
    transaction.oncomplete = resolve
  })
  database.close()
}
