import type { ChainEvent } from '../../edge/chain.ts'
import type { Outcome } from '../../edge/executor/port.ts'
import type { ShardRow } from '../../edge/shardRows.ts'
import type { EdgeMutant } from '../edge/world.ts'

/** Defects of the edge that its laws must notice, each within a few worlds. */
export const edgeMutants: readonly EdgeMutant[] = [
  {
    name: 'the lease is written after the sending',
    chainDoes: (right) =>
      right.effects.some(({ type }) => type === 'forward')
        ? {
            ...right,
            changes: right.changes.filter(
              (change) => !('put' in change && change.put === 'tx' && change.row.status.state === 'planned'),
            ),
          }
        : right,
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
    name: 'the hash is not the identity: bytes that are known are judged anew',
    shardReads: (rows, event) => (event.type === 'submit' ? { ...rows, row: () => undefined } : rows),
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

/** What comes back from a sending is heard as something else. */
function hearing(as: (outcome: Outcome) => Outcome | undefined): (event: ChainEvent) => ChainEvent {
  return (event) =>
    event.type === 'outcomes'
      ? { ...event, outcomes: event.outcomes.map(([hash, outcome]) => [hash, as(outcome) ?? outcome] as const) }
      : event
}
