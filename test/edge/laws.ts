import type { TxHash } from '../../sdk/units.ts'
import { same } from '../contracts/contract.ts'
import type { World } from './world.ts'

/** What holds after every single event, whatever goes wrong. Throws with the law that does not. */
export function checkWorld(world: World): void {
  const { chain, shards, node, acked, reports } = world
  if (reports.length > 0) same(reports, [], '[sound] reports')
  if (node.breaches.length > 0) same(node.breaches, [], '[lease] breaches')
  if (world.breaches.length > 0) same(world.breaches, [], '[known] breaches')

  const events = chain.events()
  const [first, last] = [events[0], events.at(-1)]
  // Each is appended by a step that has checked it against the one before.
  if (first && last && last.sequence - first.sequence + 1 !== events.length) throw new Error('[log] the log has a hole')
  if (last && last.sequence !== chain.head().sequence) throw new Error('[log] the head lags')

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
  const told = { open, count, queuedBytes, queuedGas }
  for (const name of ['open', 'count', 'queuedBytes', 'queuedGas'] as const)
    if (told[name] !== counted[name]) same(told, counted, '[count] of the chain')
  for (const shard of shards) {
    const live = shard.rows().filter(({ stage }) => stage !== 'ended').length
    if (shard.head().live !== live) same(shard.head().live, live, '[count] of a shard')
  }
}
