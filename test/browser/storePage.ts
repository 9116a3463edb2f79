import { indexedDb } from '../../sdk/adapters/indexedDb.ts'
import { storeContract } from '../contracts/store.ts'

/** Histories in the page: each commit waits for the disk. */
const histories = 15
let places = 0

const contract = storeContract('IndexedDB in Chromium', {
  open: async () => {
    places += 1
    return indexedDb(`contract-${places}`)
  },
  reopen: async () => indexedDb(`contract-${places}`),
  handles: 'many',
  histories,
})

/** What the test asks the page for. */
export interface StorePage {
  readonly titles: readonly string[]
  /** Checks one rule; the reason when it is broken. */
  readonly check: (title: string) => Promise<string | null>
  /** Strict commits of a record of 600 bytes, one after the other, in a second. */
  readonly commitsPerSecond: () => Promise<number>
  /** The durability that transactions of the adapter were opened with. */
  readonly durabilities: () => readonly string[]
}

const durabilities: string[] = []
const transaction = IDBDatabase.prototype.transaction
IDBDatabase.prototype.transaction = function (...args: Parameters<typeof transaction>) {
  const opened = transaction.apply(this, args)
  durabilities.push(opened.durability)
  return opened
}

const page: StorePage = {
  titles: contract.rules.map(({ title }) => title),
  async check(title) {
    try {
      await contract.rules.find((rule) => rule.title === title)?.check()
      return null
    } catch (error) {
      return String(error)
    }
  },
  async commitsPerSecond() {
    const store = indexedDb('pace')
    const bytes = new Uint8Array(600)
    const until = performance.now() + 1_000
    let commits = 0
    while (performance.now() < until) {
      await store.commit([{ key: 'channel', expected: commits, bytes }])
      commits += 1
    }
    await store.close()
    return commits
  },
  durabilities: () => [...new Set(durabilities)],
}
Object.assign(globalThis, { storePage: page })
