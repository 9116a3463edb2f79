import { sameBytes } from '../../units.ts'
import type { LightChain, LightUpdate } from '../../verify/ethereum/index.ts'
import type { Told } from '../panel.ts'

/** Two signed histories that cannot both be true, and who told them: the updates are the evidence. */
export interface Conflict {
  readonly kind: 'finalized-block' | 'next-committee'
  readonly nodes: readonly [number, number]
  readonly updates: readonly [readonly LightUpdate[], readonly LightUpdate[]]
}

/** A step of one source from a common chain. */
export interface Step {
  readonly chain: LightChain
  readonly updates: readonly LightUpdate[]
}

/** What contradicts between two steps that both hold: a block of one slot, or the committee of one period. */
export function conflictOf(one: Told<Step>, other: Told<Step>): Conflict | null {
  const [first, second] = [one.value, other.value]
  const kind = kindOf(first, second)
  return kind && { kind, nodes: [one.node, other.node], updates: [first.updates, second.updates] }
}

function kindOf(one: Step, other: Step): Conflict['kind'] | null {
  const finals = other.updates.flatMap(({ finality }) =>
    finality === null || finality === 'genesis' ? [] : [finality],
  )
  for (const { finality } of one.updates) {
    if (finality === null || finality === 'genesis') continue
    if (finals.some((final) => final.slot === finality.slot && !sameBytes(final.root, finality.root)))
      return 'finalized-block'
  }
  const [first, second] = [one.chain, other.chain]
  const isOnePeriod = sameBytes(first.current.root, second.current.root)
  if (isOnePeriod && first.next && second.next && !sameBytes(first.next.root, second.next.root)) return 'next-committee'
  return null
}
