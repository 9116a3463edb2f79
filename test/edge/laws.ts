import type { TxHash } from '../../sdk/units.ts'
import { same } from '../contracts/contract.ts'
import type { World } from './world.ts'

/** What holds after every single event, whatever goes wrong. Throws with the law that does not. */
export function checkWorld(world: World): void {
  const { chain, shards, node, acked, reports } = world
  same(reports, [], '[sound] reports')
  same(node.breaches, [], '[lease] breaches')
  same(world.breaches, [], '[known] breaches')

  const events = chain.events()
  for (const [at, event] of events.entries())
    if (event.sequence !== (events[0]?.sequence ?? 1) + at) throw new Error('[log] the log has a hole')
  if (events.length > 0 && events.at(-1)?.sequence !== chain.head().sequence) throw new Error('[log] the head lags')

  const rowOf = (hash: TxHash) => shards.map((shard) => shard.row(hash)).find((row) => row !== undefined)
  const isUnderWay = (hash: TxHash) => {
    const settlement = chain.outbox(hash)
    return chain.tx(hash) !== undefined || (settlement?.sequence ?? 0) > (rowOf(hash)?.sequence ?? 0)
  }
  for (const hash of acked.keys()) {
    const row = rowOf(hash)
    if (!row) throw new Error(`[kept] ${hash} was acknowledged and is in no row`)
    if (row.stage !== 'offered' || isUnderWay(hash)) continue
    // What lost its nonce ends with the winner.
    if (row.status.state === 'replaced' && isUnderWay(row.status.by)) continue
    throw new Error(`[kept] ${hash} was handed over and nobody has it`)
  }

  const winners = new Map<string, string>()
  for (const { hash, sender, nonce, status } of chain.txs()) {
    if (status.state !== 'included') continue
    const slot = `${sender}/${nonce}`
    if (winners.has(slot)) throw new Error(`[one] ${slot} is included twice`)
    winners.set(slot, hash)
  }

  const txs = chain.txs()
  const queued = txs.filter(({ status }) => status.state === 'queued')
  const sum = (of: (row: (typeof txs)[number]) => number) => queued.reduce((total, row) => total + of(row), 0)
  const { open, queued: count, queuedBytes, queuedGas } = chain.head()
  const counted = {
    open: txs.length,
    count: queued.length,
    queuedBytes: sum(({ size }) => size),
    queuedGas: sum(({ gas }) => gas),
  }
  same({ open, count, queuedBytes, queuedGas }, counted, '[count] of the chain')
  for (const shard of shards)
    same(shard.head().live, shard.rows().filter(({ stage }) => stage !== 'ended').length, '[count] of a shard')
}
