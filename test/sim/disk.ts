import { applyWrites, copyOf, keysWith, takeWrites } from '../../sdk/adapters/writes.ts'
import { SdkError } from '../../sdk/errors.ts'
import type { Store, StoredRecord, StoreWrite } from '../../sdk/ports.ts'
import { call, type SimNode, type World } from './world.ts'

/** What survives a crash. */
export interface Disk {
  records: Map<string, StoredRecord>
  /** Told of every commit that has happened. */
  readonly onCommit: (writes: readonly StoreWrite[]) => void
}

/** The store of a process, on its disk: real rules, and a commit that can be lost, happen unseen, or be the last thing done. */
export function storeOn(world: World, node: SimNode, disk: Disk): Store {
  return {
    get: async (key) => copyOf(disk.records.get(key)),
    keys: async (prefix) => keysWith(prefix, disk.records.keys()),
    commit: async (writes) => {
      const taken = takeWrites(writes)
      await call(world, node, 'disk', () => {
        applyWrites(disk.records, taken)
        disk.onCommit(taken)
      })
    },
    close: async () => {
      throw new SdkError('store/unavailable', 'Nobody closes this.')
    },
  }
}

/** A copy of a disk, to be put back later. */
export function copyDisk({ records }: Disk): Map<string, StoredRecord> {
  return new Map(records)
}
