import { conflictPauses, pauseMs } from '../client/backoff.ts'
import { SdkError } from '../errors.ts'
import type { Clock, Random, Store, StoreWrite } from '../ports.ts'
import { type Address, address, type ChainId } from '../units.ts'
import { emptyOutbox, type Outbox } from './outbox.ts'
import { decodeOutbox, encodeOutbox } from './outboxRecord.ts'

/** Where outboxes live, and what waiting for another wallet on the same store takes. */
export interface OutboxPlace {
  readonly store: Store
  readonly chain: ChainId
  readonly clock: Clock
  readonly random: Random
}

/** Most times a change is made anew because another wallet on the store was faster. */
export const conflictsMax = 16

/** A change of several outboxes, and what its caller is told. */
export interface Change<result> {
  readonly outboxes: readonly Outbox[]
  readonly result: result
}

/** Every account that has an outbox for this chain. */
export async function accountsWithOutbox({ store, chain }: OutboxPlace): Promise<readonly Address[]> {
  const prefix = prefixOf(chain)
  const keys = await store.keys(prefix)
  return keys.map((key) => address(key.slice(prefix.length)))
}

/** The outboxes of these accounts as they are now. Throws `store/corrupt` and what the store throws. */
export async function readOutboxes(place: OutboxPlace, accounts: readonly Address[]): Promise<readonly Outbox[]> {
  return (await load(place, accounts)).map(({ outbox }) => outbox)
}

/**
 * Reads the outboxes of these accounts, changes them and stores what changed: all of it or nothing. [OB2]
 *
 * When another wallet stored something in between, everything is read and changed again, so `change` is called
 * several times and must decide from what it is given alone. [OB3]
 *
 * @param change - Returns the outboxes in the order given; the same object where nothing changed.
 * @returns What `change` told the last time, after it is stored. Throws `store/conflict` (retryable) when others
 *   were faster {@link conflictsMax} times, and whatever `change` throws, with nothing stored.
 */
export async function changeOutboxes<result>(
  place: OutboxPlace,
  accounts: readonly Address[],
  change: (outboxes: readonly Outbox[]) => Change<result> | Promise<Change<result>>,
): Promise<result> {
  for (let attempt = 0; ; attempt++) {
    const loaded = await load(place, accounts)
    const { outboxes, result } = await change(loaded.map(({ outbox }) => outbox))
    const writes: StoreWrite[] = loaded.flatMap(({ outbox, version }, at) => {
      const next = outboxes[at]
      if (!next || next === outbox) return []
      return [{ key: keyOf(place.chain, outbox.account), expected: version, bytes: encodeOutbox(next) }]
    })
    if (writes.length === 0) return result
    try {
      await place.store.commit(writes)
      return result
    } catch (error) {
      const lost = error instanceof SdkError && error.code === 'store/conflict'
      if (!lost || attempt + 1 === conflictsMax) throw error
      await place.clock.sleep(pauseMs(conflictPauses, attempt, place.random))
    }
  }
}

interface Loaded {
  readonly outbox: Outbox
  readonly version: number
}

function load({ store, chain }: OutboxPlace, accounts: readonly Address[]): Promise<readonly Loaded[]> {
  return Promise.all(
    accounts.map(async (account) => {
      const record = await store.get(keyOf(chain, account))
      if (!record) return { outbox: emptyOutbox(chain, account), version: 0 }
      const read = decodeOutbox(record.bytes)
      if (!read.ok || read.value.account !== account || read.value.chain !== chain)
        throw new SdkError('store/corrupt', `The outbox of ${account} cannot be read.`, {
          notes: [
            read.ok ? 'The record belongs to another account or chain.' : `The reason: ${read.reason}.`,
            'Nothing was changed. Transactions that are on their way stay on their way.',
          ],
        })
      return { outbox: read.value, version: record.version }
    }),
  )
}

function prefixOf(chain: ChainId): string {
  return `outbox/${chain}/`
}

function keyOf(chain: ChainId, account: Address): string {
  return `${prefixOf(chain)}${account}`
}
