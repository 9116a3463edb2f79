import { batchIdOf, decodeBatch } from '../../../../sdk/batch/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { decodeTransaction } from '../../../../sdk/evm/index.ts'
import type { EvmNode, NodeRefusal, Relay, RelayEvent, RelayItem, TxStatus } from '../../../../sdk/ports.ts'
import { type BatchId, blockHash, type TxHash } from '../../../../sdk/units.ts'
import { problem } from './relay.ts'

const pollMs = 50

/** A relay over one real node, in this process: what a wallet is tried against before there is an edge. */
export function nodeRelay(node: EvmNode): Relay {
  const batches = new Map<BatchId, readonly TxHash[]>()
  const statuses = new Map<TxHash, TxStatus>()

  const look = async (hash: TxHash): Promise<TxStatus> => {
    const before = statuses.get(hash) ?? { state: 'queued' }
    const told = (await node.request('eth_getTransactionReceipt', [hash])) as Record<string, string> | null
    if (!told) return before
    const status: TxStatus = {
      state: 'included',
      window: 1,
      lane: 0,
      blockNumber: Number(told.blockNumber),
      blockHash: blockHash(told.blockHash ?? ''),
      index: Number(told.transactionIndex),
      succeeded: told.status === '0x1',
    }
    statuses.set(hash, status)
    return status
  }

  const take = async (raw: Uint8Array, index: number): Promise<RelayItem> => {
    const decoded = decodeTransaction(raw)
    if (!decoded.ok) return { ok: false, index, problem: problem('invalid-transaction') }
    const { hash } = decoded.value
    if (!statuses.has(hash)) {
      const no = await node.send(raw).then(
        () => undefined,
        (error: SdkError) => (error.cause as NodeRefusal | undefined)?.message ?? 'unreachable',
      )
      if (no && !/already/.test(no)) return { ok: false, index, problem: problem('executor-refused') }
      statuses.set(hash, { state: 'accepted', window: 1, lane: 0 })
    }
    return { ok: true, hash, status: await look(hash) }
  }

  async function* events(batch: BatchId, from: number, signal: AbortSignal): AsyncGenerator<RelayEvent, void> {
    const hashes = batches.get(batch)
    if (!hashes) throw new SdkError('relay/refused', 'The batch is not known.', { notes: ['unknown-batch'] })
    // Transaction n of the batch is included by event n + 1: numbers that stay whenever they are asked for.
    const told = new Set<number>()
    while (!signal.aborted && told.size < hashes.length) {
      for (const [at, hash] of hashes.entries()) {
        const status = await look(hash)
        if (told.has(at) || status.state !== 'included' || told.size !== at) continue
        told.add(at)
        if (at + 1 > from) yield { sequence: at + 1, hash, status }
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
  }

  return {
    submit: async (_chain, envelope) => {
      const decoded = decodeBatch(envelope)
      if (!decoded.ok) return { ok: false, problem: problem('malformed-envelope') }
      const items: RelayItem[] = []
      for (const [index, { raw }] of decoded.value.transactions.entries()) items.push(await take(raw, index))
      const batch = batchIdOf(envelope)
      batches.set(
        batch,
        items.flatMap((item) => (item.ok ? [item.hash] : [])),
      )
      return { ok: true, batch, items }
    },
    status: async (_chain, _sender, hash) => (statuses.has(hash) ? look(hash) : undefined),
    events: (_chain, batch, from, signal) => events(batch, from, signal),
  }
}
