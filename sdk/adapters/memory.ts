import type { Store, StoredRecord } from '../ports.ts'
import { applyWrites, closedStore, copyOf, keysWith, takeWrites } from './writes.ts'

/**
 * A store that lasts as long as its `records`: for tests, simulations and wallets that want to leave no trace.
 *
 * Funds at risk: nothing here survives the process. A channel or an outbox kept so is lost with it.
 *
 * @param records - What is stored. Handles on the same map share it, as tabs share a database.
 */
export function memory(records: Map<string, StoredRecord> = new Map()): Store {
  let closed = false
  const opened = () => {
    if (closed) throw closedStore()
    return records
  }
  return {
    get: async (key) => copyOf(opened().get(key)),
    keys: async (prefix) => keysWith(prefix, opened().keys()),
    commit: async (writes) => applyWrites(opened(), takeWrites(writes)),
    close: async () => {
      closed = true
    },
  }
}
