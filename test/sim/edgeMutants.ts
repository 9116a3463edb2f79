import type { ChainEvent, ChainStep } from '../../edge/chain.ts'
import type { ChainChange, TxRow } from '../../edge/chainRows.ts'
import type { Outcome } from '../../edge/executor/port.ts'
import type { ShardRow } from '../../edge/shardRows.ts'
import type { MemoryChain } from '../edge/memory.ts'
import type { EdgeMutant } from '../edge/world.ts'

/** Defects of the edge that its laws must notice, each within a few worlds. */
export const edgeMutants: readonly EdgeMutant[] = [
  {
    name: 'the lease is written after the sending',
    chainDoes: (right, rows) => leaveOut(right, rows, ({ status }) => status.state === 'planned'),
  },
  { name: 'alarms are not armed again after a crash', forgetsAlarms: true },
  {
    name: 'a timeout is taken for a failure',
    chainHears: hearing(({ kind }) =>
      kind === 'unknown' ? { kind: 'rejected', code: 'executor-unavailable', detail: 'It timed out.' } : undefined,
    ),
  },
  {
    name: 'an unknown refusal is believed at once',
    chainHears: hearing(({ kind }) => (kind === 'unknown' || kind === 'refused' ? { kind: 'accepted' } : undefined)),
    chainDoes: (right) => ({
      ...right,
      changes: right.changes.map((change) =>
        'put' in change && change.put === 'tx' && change.row.status.state === 'accepted'
          ? { ...change, row: { ...change.row, dueAt: null } }
          : change,
      ),
    }),
  },
  {
    name: 'only keys tell submissions apart, not hashes: bytes that are known are judged anew',
    shardReads: (rows, event) => (event.type === 'submit' ? { ...rows, row: () => undefined } : rows),
  },
  {
    name: 'a reorganisation is not noticed: what was in a block stays there',
    chainReads: (rows) => ({
      ...rows,
      includedFrom: () => [],
      block: (number) => {
        const held = rows.txs().find(({ inclusion }) => inclusion?.blockNumber === number)?.inclusion
        return held ? { number, hash: held.blockHash } : rows.block(number)
      },
    }),
  },
  {
    name: 'a transaction that is reorganised out is not sent again',
    chainReads: (rows) => {
      const stands = ({ inclusion }: TxRow) =>
        inclusion !== null && rows.block(inclusion.blockNumber)?.hash === inclusion.blockHash
      return {
        ...rows,
        includedFrom: () => [],
        includedUpTo: (number, limit) => rows.includedUpTo(number, 9_999).filter(stands).slice(0, limit),
      }
    },
  },
  {
    name: 'a stale nonce is a no, whoever used it',
    chainHears: hearing(({ kind }) =>
      kind === 'stale' ? { kind: 'rejected', code: 'nonce-too-low', detail: 'It was used.' } : undefined,
    ),
  },
  {
    name: 'a nonce counts as used for good when the newest block has used it',
    chainHears: (event) =>
      event.type === 'found'
        ? {
            ...event,
            nonces: new Map([...event.nonces].map(([sender, { latest }]) => [sender, { latest, final: latest }])),
          }
        : event,
  },
  {
    name: 'a transaction is stopped although it may have been sent',
    chainReads: (rows, event) => (event.type === 'cancel' ? { ...rows, tx: (hash) => unsent(rows.tx(hash)) } : rows),
  },
  {
    name: 'news for a shard is forgotten when it is told, not when it is heard',
    chainDoes: (right) => ({
      ...right,
      changes: [
        ...right.changes,
        ...right.effects.flatMap((effect) =>
          effect.type === 'deliver' ? effect.settlements.map(({ hash }) => ({ remove: 'outbox', hash }) as const) : [],
        ),
      ],
    }),
  },
  {
    name: 'an offer counts as taken when it is made',
    shardDoes: (right) => {
      const offered = new Set(
        right.effects.flatMap((effect) => (effect.type === 'offer' ? effect.offers : [])).map(({ hash }) => hash),
      )
      const taken = (row: ShardRow): ShardRow =>
        offered.has(row.hash) ? { ...row, stage: 'offered', dueAt: null } : row
      return {
        ...right,
        changes: right.changes.map((change) =>
          'put' in change && change.put === 'row' ? { ...change, row: taken(change.row) } : change,
        ),
      }
    },
  },
  {
    name: 'an acknowledged transaction is never looked up again',
    chainDoes: (right) => ({
      ...right,
      changes: right.changes.map((change) =>
        'put' in change && change.put === 'tx' && change.row.status.state === 'accepted'
          ? { ...change, row: { ...change.row, dueAt: null } }
          : change,
      ),
    }),
  },
]

/** As if none of its bytes had left. */
function unsent(row: TxRow | undefined): TxRow | undefined {
  return row && row.status.state !== 'included' ? { ...row, status: { state: 'queued' }, attempts: 0 } : row
}

/** Transactions are not written as they should be, and what is counted fits that. */
function leaveOut(right: ChainStep, rows: MemoryChain, isLeftOut: (row: TxRow) => boolean): ChainStep {
  const isOut = (change: ChainChange) => 'put' in change && change.put === 'tx' && isLeftOut(change.row)
  if (!right.changes.some(isOut)) return right
  const { queued, queuedBytes, queuedGas } = rows.head()
  const changes = right.changes.flatMap((change) => {
    if (isOut(change)) return []
    const isHead = 'put' in change && change.put === 'head'
    return isHead ? [{ ...change, row: { ...change.row, queued, queuedBytes, queuedGas } }] : [change]
  })
  return { ...right, changes }
}

/** What comes back from a sending is heard as something else. */
function hearing(as: (outcome: Outcome) => Outcome | undefined): (event: ChainEvent) => ChainEvent {
  return (event) =>
    event.type === 'outcomes'
      ? { ...event, outcomes: event.outcomes.map(([hash, outcome]) => [hash, as(outcome) ?? outcome] as const) }
      : event
}
