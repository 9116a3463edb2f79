import { invariant, SdkError } from '../../sdk/errors.ts'
import type { TxHash } from '../../sdk/units.ts'
import type { Health } from './health.ts'
import type { Executor, Outcome, Sending } from './port.ts'

/**
 * Several executors of one chain as one: each question goes to the first that answers, and what one of them left in
 * doubt is sent again, as the same bytes, by the next. The chain's nonces make that harmless.
 *
 * @param members - In the order of preference; at least one.
 * @param now - In milliseconds since 1970, the clock of a lease's end.
 */
export function severalExecutors(members: readonly Executor[], health: Health, now: () => number): Executor {
  invariant(members.length > 0, 'a chain has an executor')
  const ask = async <value>(question: (executor: Executor) => Promise<value>): Promise<value> => {
    let last: unknown
    for (const index of health.order()) {
      try {
        const answer = await question(memberOf(members, index))
        health.took(index)
        return answer
      } catch (error) {
        if (!(error instanceof SdkError)) throw error
        // A refusal is an answer: it tells nothing against the executor, and another one may know better.
        if (error.code === 'node/refused') health.took(index)
        else health.failed(index)
        last = error
      }
    }
    throw last
  }
  return {
    nonces: (senders, at) => ask((executor) => executor.nonces(senders, at)),
    find: (hashes) => ask((executor) => executor.find(hashes)),
    head: () => ask((executor) => executor.head()),
    block: (number) => ask((executor) => executor.block(number)),
    inclusions: (block, wanted) => ask((executor) => executor.inclusions(block, wanted)),
    forward: (lanes, options) => forward(lanes, options, { members, health, now }),
  }
}

function memberOf(members: readonly Executor[], index: number): Executor {
  const member = members[index]
  invariant(member, 'health knows as many executors as there are')
  return member
}

/** Each round sends what the ones before left in doubt or did not start; every sending is reported once. */
async function forward(
  lanes: readonly (readonly Sending[])[],
  { until, report }: Parameters<Executor['forward']>[1],
  {
    members,
    health,
    now,
  }: { readonly members: readonly Executor[]; readonly health: Health; readonly now: () => number },
): Promise<void> {
  /** Sent before, with no answer. */
  const doubtful = new Set<TxHash>()
  let left = lanes
  const order = health.order()
  for (const [round, index] of order.entries()) {
    const open = new Map<TxHash, Outcome>()
    await memberOf(members, index).forward(left, {
      until,
      report: (outcomes) => {
        const settled: (readonly [TxHash, Outcome])[] = []
        for (const [hash, outcome] of outcomes) {
          const believed = doubtful.has(hash) ? inDoubt(outcome) : outcome
          if (believed.kind === 'unknown' || believed.kind === 'unsent') open.set(hash, believed)
          else settled.push([hash, believed])
        }
        if (settled.length > 0) report(settled)
      },
    })
    const isUnanswered = [...open.values()].some(({ kind }) => kind === 'unknown')
    if (isUnanswered) health.failed(index)
    else health.took(index)
    for (const [hash, { kind }] of open) if (kind === 'unknown') doubtful.add(hash)
    left = left.map((lane) => lane.filter(({ hash }) => open.has(hash))).filter((lane) => lane.length > 0)
    const isLast = round === order.length - 1 || !isUnanswered || now() > until
    if (left.length === 0) return
    if (!isLast) continue
    report([...open.keys()].map((hash) => [hash, { kind: doubtful.has(hash) ? 'unknown' : 'unsent' }] as const))
    return
  }
}

/** Of bytes that may have arrived before: a no may be the consequence of that, so only a yes counts. */
function inDoubt(outcome: Outcome): Outcome {
  return outcome.kind === 'accepted' || outcome.kind === 'included' || outcome.kind === 'stale'
    ? outcome
    : { kind: 'unknown' }
}
