import { memory } from '../../../sdk/adapters/memory.ts'
import type { StoredRecord } from '../../../sdk/ports.ts'
import { runContract } from '../../contracts/run.ts'
import { storeContract } from '../../contracts/store.ts'

let records = new Map<string, StoredRecord>()

runContract(
  storeContract('memory', {
    open: async () => {
      records = new Map()
      return memory(records)
    },
    reopen: async () => memory(records),
    handles: 'many',
    histories: 300,
  }),
)
