import type { Address, TxHash } from '../../sdk/units.ts'
import { lanesInFlightMax } from '../limits.ts'
import type { Executor, Outcome, Sending } from './port.ts'

/** Outcomes are reported in groups: each report is a commit. */
const reportSize = 32

/** After these the executor counts the nonce as used, and takes the next one. */
const onward: ReadonlySet<Outcome['kind']> = new Set(['accepted', 'included', 'stale'] as const)

/**
 * Forwards lanes through a function that sends one transaction: the order of {@link Executor.forward}, for executors
 * that take one transaction at a time.
 *
 * @param send - Never throws.
 */
export async function forwardLanes(
  lanes: readonly (readonly Sending[])[],
  { until, report }: Parameters<Executor['forward']>[1],
  { send, now }: { readonly send: (sending: Sending) => Promise<Outcome>; readonly now: () => number },
): Promise<void> {
  let outcomes: [TxHash, Outcome][] = []
  let isInDoubt = false
  let next = 0

  const flush = () => {
    const group = outcomes
    outcomes = []
    if (group.length > 0) report(group)
  }
  const sendLane = async (lane: readonly Sending[]) => {
    /** Senders whose last nonce the executor did not take: their next ones would leave a gap. */
    const stuck = new Set<Address>()
    for (const sending of lane) {
      const { hash, sender } = sending
      const stays = isInDoubt || stuck.has(sender) || now() > until
      const outcome: Outcome = stays ? { kind: 'unsent' } : await send(sending)
      if (outcome.kind === 'unknown') isInDoubt = true
      if (!onward.has(outcome.kind)) stuck.add(sender)
      outcomes.push([hash, outcome])
      if (outcomes.length >= reportSize) flush()
    }
  }
  const stream = async () => {
    while (next < lanes.length) {
      const lane = lanes[next++]
      if (lane) await sendLane(lane)
    }
  }
  await Promise.all(Array.from({ length: Math.min(lanesInFlightMax, lanes.length) }, stream))
  flush()
}
