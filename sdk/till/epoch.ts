import { asList, asNumber } from '../channel/fields.ts'
import { SdkError } from '../errors.ts'
import type { Clock, Store } from '../ports.ts'
import { decodeRlp, encodeRlp, quantity } from '../rlp.ts'

const epochKey = 'till/epoch'
/** How many tills may come up on one store at the same moment. */
const raisesMax = 16
const version = 1

/**
 * Takes a store's boxes over: the epoch of this till, above that of every till before it on the store. [TP6]
 *
 * It is at least the time in milliseconds, so that a till on a store that was restored, or lost, is above the one that
 * wrote to the boxes before.
 */
export async function raiseEpoch(store: Store, clock: Pick<Clock, 'now'>): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const record = await store.get(epochKey)
    const epoch = Math.max((record ? epochFrom(record.bytes) : 0) + 1, Math.floor(clock.now()))
    const bytes = encodeRlp([quantity(version), quantity(epoch)])
    try {
      await store.commit([{ key: epochKey, expected: record?.version ?? 0, bytes }])
      return epoch
    } catch (error) {
      const isRace = error instanceof SdkError && error.code === 'store/conflict'
      if (!isRace || attempt >= raisesMax) throw error
    }
  }
}

/** The epoch of the till that took the store over last; 0 before the first. */
export async function currentEpoch(store: Store): Promise<number> {
  const record = await store.get(epochKey)
  return record ? epochFrom(record.bytes) : 0
}

function epochFrom(bytes: Uint8Array): number {
  const item = decodeRlp(bytes)
  const parts = item.ok ? asList(item.value, 2) : undefined
  const epoch = asNumber(parts?.[1], Number.MAX_SAFE_INTEGER - 1)
  if (asNumber(parts?.[0], version) !== version || epoch === undefined)
    throw new SdkError('store/corrupt', "The till's epoch in the store is damaged.")
  return epoch
}
