import { filterIdleMs, filtersMax, logsBlocksMax } from '../limits.ts'
import { logsBetween, logsFor } from '../logs.ts'
import type { LogsWish } from '../params.ts'
import { type Answer, codes, type Methods, method, no, told } from '../rpc.ts'
import { quantityHex } from '../shapes.ts'
import { blockOf, type NodeWorld } from '../world.ts'

/** What a filter watches, and up to where it has told. */
type Filter = { touchedAt: number; next: number } & (
  | { readonly kind: 'logs'; readonly wish: LogsWish }
  | { readonly kind: 'blocks' | 'pooled' }
)

/** Logs, and filters that tell what is new. A filter that nobody asks for a while is gone. */
export function logMethods(world: NodeWorld): Methods {
  const { archive, pool, now } = world
  const filters = new Map<string, Filter>()
  let last = 0

  function install(filter: Filter): Answer {
    for (const [id, { touchedAt }] of filters) if (touchedAt + filterIdleMs < now()) filters.delete(id)
    if (filters.size >= filtersMax) return no(codes.limit, `there are ${filtersMax} filters already`)
    last += 1
    filters.set(quantityHex(last), filter)
    return told(quantityHex(last))
  }
  function find(id: unknown): Filter | undefined {
    const filter = typeof id === 'string' ? filters.get(id.toLowerCase()) : undefined
    if (filter) filter.touchedAt = now()
    return filter
  }
  const head = () => archive.head().block.header.number
  const unknown = no(codes.server, 'filter not found')
  return {
    eth_getLogs: method(
      (params) => params.logs(0),
      (wish) => answerOf(logsFor(world, wish)),
    ),
    eth_newFilter: method(
      (params) => params.logs(0),
      (wish) => install({ kind: 'logs', wish, next: firstOf(world, wish), touchedAt: now() }),
    ),
    eth_newBlockFilter: () => install({ kind: 'blocks', next: head() + 1, touchedAt: now() }),
    eth_newPendingTransactionFilter: () => install({ kind: 'pooled', next: pool.arrivals(0).newest, touchedAt: now() }),
    eth_uninstallFilter: (params) => told(filters.delete(String(params[0]).toLowerCase())),
    eth_getFilterLogs: (params) => {
      const filter = find(params[0])
      return filter?.kind === 'logs' ? answerOf(logsFor(world, filter.wish)) : unknown
    },
    eth_getFilterChanges: (params) => {
      const filter = find(params[0])
      return filter ? changesOf(world, filter) : unknown
    },
  }
}

function answerOf(found: ReturnType<typeof logsFor>): Answer {
  return 'error' in found ? found : told(found)
}

/** Logs are told from the next block on, unless a later start is asked for. */
function firstOf({ archive }: NodeWorld, { from }: LogsWish): number {
  const next = archive.head().block.header.number + 1
  return from.kind === 'number' && from.number > next ? from.number : next
}

function changesOf(world: NodeWorld, filter: Filter): Answer {
  const { archive, pool } = world
  const head = archive.head().block.header.number
  switch (filter.kind) {
    case 'pooled': {
      const { hashes, newest } = pool.arrivals(filter.next)
      filter.next = newest
      return told(hashes)
    }
    case 'blocks': {
      const first = Math.max(filter.next, archive.oldest())
      filter.next = head + 1
      const numbers = Array.from({ length: Math.max(0, head - first + 1) }, (_, at) => first + at)
      return told(numbers.flatMap((number) => archive.at(number)?.block.hash ?? []))
    }
    case 'logs': {
      const end = endOf(world, filter.wish)
      const to = Math.min(head, end, filter.next + logsBlocksMax - 1)
      if (to < filter.next) return told([])
      const found = logsBetween(world, filter.wish, { from: filter.next, to })
      if (!('error' in found)) filter.next = to + 1
      return answerOf(found)
    }
  }
}

/** The last block a filter watches: a name of the newest block means all that come. */
function endOf(world: NodeWorld, { to }: LogsWish): number {
  if (to.kind === 'number') return to.number
  if (to.kind === 'tag' && to.tag !== 'earliest') return Number.MAX_SAFE_INTEGER
  return blockOf(world, to)?.block.header.number ?? 0
}
