import { channelIdOf, creditOf, type Payee } from '../channel/index.ts'
import type { Store, StoreWrite } from '../ports.ts'
import { type Sats, sats } from '../units.ts'
import { encodeTotals, keys, type Totals, totalsFrom } from './records.ts'

/** What came in. `paid` is `spent` and `credit` together, always. */
export interface Income {
  readonly channels: number
  /** Sum of what the best updates pay. */
  readonly paid: Sats
  /** Sum of the prices charged. */
  readonly spent: Sats
  /** Paid and not yet spent. */
  readonly credit: Sats
  /** What the chain gave the payee, of channels that have ended. */
  readonly settled: Sats
}

/** Sums over channels that are at the till, and those in the archive. */
export async function incomeOf(store: Store, channels: readonly Payee[]): Promise<Income> {
  const { totals } = await storedTotals(store)
  const sum = channels.reduce(withChannel, totals)
  return { ...sum, credit: sats(sum.paid - sum.spent) }
}

/** What moves a channel out of what is watched, and its sums into the totals. */
export async function archiveWrites(store: Store, channel: Payee): Promise<readonly StoreWrite[]> {
  const id = channelIdOf(channel.opening)
  const record = await store.get(keys.channel(id))
  const { totals, version } = await storedTotals(store)
  return [
    { key: keys.archived(id), expected: 0, bytes: record?.bytes ?? null },
    { key: keys.totals, expected: version, bytes: encodeTotals(withChannel(totals, channel)) },
  ]
}

async function storedTotals(store: Store): Promise<{ readonly totals: Totals; readonly version: number }> {
  const record = await store.get(keys.totals)
  const none = { channels: 0, paid: sats(0n), spent: sats(0n), settled: sats(0n) }
  return { totals: record ? totalsFrom(record.bytes) : none, version: record?.version ?? 0 }
}

function withChannel(sum: Totals, channel: Payee): Totals {
  const settled = channel.phase === 'closed' ? channel.ending.toPayee : 0n
  return {
    channels: sum.channels + 1,
    paid: sats(sum.paid + channel.spent + creditOf(channel)),
    spent: sats(sum.spent + channel.spent),
    settled: sats(sum.settled + settled),
  }
}
