import type { Signed } from '../../../../sdk/evm/index.ts'
import type { Address, TxHash } from '../../../../sdk/units.ts'
import { isPaidMore, maxFeeOf } from './fees.ts'
import {
  arrivalsKept,
  blockGasMax,
  blockTransactionsMax,
  pooledBytesMax,
  pooledMax,
  pooledPerSenderMax,
} from './limits.ts'

/** Why a transaction is not taken in beside those that wait. */
export type PoolRefusal = 'already-known' | 'underpriced-replacement' | 'pool-full' | 'sender-full'

/**
 * Transactions that wait for a block: of each sender one a nonce. Nothing here asks for a clock or a state; what was let
 * in is judged again by whoever runs it.
 */
export interface Pool {
  readonly size: () => number
  readonly get: (hash: string) => Signed | undefined
  /** Why it may not come in; nothing when it may. */
  readonly refusal: (signed: Signed) => PoolRefusal | undefined
  /** Takes in what {@link Pool.refusal} says nothing against. What it replaces is gone. */
  readonly add: (signed: Signed) => TxHash | undefined
  readonly remove: (hash: TxHash) => void
  /** Removes what can no longer be run: nonces below the sender's next one. */
  readonly settle: (sender: Address, nextNonce: bigint) => readonly TxHash[]
  /** The nonce after those that wait without a gap. */
  readonly nextNonce: (sender: Address, nonce: bigint) => bigint
  /**
   * What the next block runs: the oldest arrivals that can pay `baseFee`, each sender's nonces in order and without a
   * gap, up to {@link blockTransactionsMax} and {@link blockGasMax}.
   */
  readonly next: (baseFee: bigint, nonceOf: (sender: Address) => bigint) => readonly Signed[]
  readonly all: () => Iterable<Signed>
  /** Arrivals after the one with this number, as far as they are remembered, and the newest number. */
  readonly arrivals: (after: number) => { readonly hashes: readonly TxHash[]; readonly newest: number }
}

export function createPool(): Pool {
  /** In the order of their arrival. */
  const entries = new Map<string, Signed>()
  const senders = new Map<Address, Map<number, Signed>>()
  const arrivals: TxHash[] = []
  let forgotten = 0
  let bytes = 0

  function remove(hash: string): void {
    const signed = entries.get(hash)
    if (!signed) return
    const { from, nonce } = signed.prepared
    entries.delete(hash)
    bytes -= signed.bytes.length
    const nonces = senders.get(from)
    nonces?.delete(nonce)
    if (nonces?.size === 0) senders.delete(from)
  }

  return {
    size: () => entries.size,
    get: (hash) => entries.get(hash),
    all: () => entries.values(),
    remove,
    refusal: (signed) => {
      if (entries.has(signed.hash)) return 'already-known'
      const nonces = senders.get(signed.prepared.from)
      const rival = nonces?.get(signed.prepared.nonce)
      if (rival)
        return isPaidMore(signed.prepared.pricing, rival.prepared.pricing) ? undefined : 'underpriced-replacement'
      if (entries.size >= pooledMax || bytes + signed.bytes.length > pooledBytesMax) return 'pool-full'
      return (nonces?.size ?? 0) >= pooledPerSenderMax ? 'sender-full' : undefined
    },
    add: (signed) => {
      const { from, nonce } = signed.prepared
      const rival = senders.get(from)?.get(nonce)
      if (rival) remove(rival.hash)
      entries.set(signed.hash, signed)
      const nonces = senders.get(from) ?? new Map<number, Signed>()
      senders.set(from, nonces.set(nonce, signed))
      bytes += signed.bytes.length
      arrivals.push(signed.hash)
      if (arrivals.length > 2 * arrivalsKept) forgotten += arrivals.splice(0, arrivalsKept).length
      return rival?.hash
    },
    settle: (sender, nextNonce) => {
      const used = [...(senders.get(sender)?.values() ?? [])].filter(
        ({ prepared }) => BigInt(prepared.nonce) < nextNonce,
      )
      for (const { hash } of used) remove(hash)
      return used.map(({ hash }) => hash)
    },
    nextNonce: (sender, nonce) => {
      const nonces = senders.get(sender)
      let next = nonce
      while (nonces?.has(Number(next))) next += 1n
      return next
    },
    next: (baseFee, nonceOf) => chooseNext(entries.values(), senders, { baseFee, nonceOf }),
    arrivals: (after) => ({
      hashes: arrivals.slice(Math.max(0, after - forgotten)),
      newest: forgotten + arrivals.length,
    }),
  }
}

function chooseNext(
  oldestFirst: Iterable<Signed>,
  senders: ReadonlyMap<Address, ReadonlyMap<number, Signed>>,
  { baseFee, nonceOf }: { readonly baseFee: bigint; readonly nonceOf: (sender: Address) => bigint },
): readonly Signed[] {
  const chosen: Signed[] = []
  const expected = new Map<Address, number>()
  const stuck = new Set<Address>()
  let gas = 0n
  for (const { prepared } of oldestFirst) {
    const { from, nonce } = prepared
    const nonces = senders.get(from)
    let next = expected.get(from) ?? Number(nonceOf(from))
    // Whoever came with a later nonce brings the earlier ones along.
    while (next <= nonce && !stuck.has(from)) {
      const signed = nonces?.get(next)
      if (!signed || maxFeeOf(signed.prepared.pricing) < baseFee) {
        stuck.add(from)
        break
      }
      gas += signed.prepared.gas
      const isFull = chosen.length === blockTransactionsMax || gas > blockGasMax
      if (isFull && chosen.length > 0) return chosen
      chosen.push(signed)
      next += 1
    }
    expected.set(from, next)
  }
  return chosen
}
