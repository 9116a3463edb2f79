import type { Footprint } from './access.ts'

/** Transactions of unknown access that one sender has in a batch, unless the caller says otherwise. */
export const unknownsPerSenderMax = 4

/** Which transactions a batch takes, and in which order. */
export interface Arrangement {
  /** Indices of those that are taken, in the order they run in. */
  readonly order: readonly number[]
  /** Indices of those that are for a later batch, in their order. */
  readonly deferred: readonly number[]
}

/**
 * Arranges transactions whose order nobody has promised yet, so that nobody's silence holds up the others: those whose
 * access is unknown conflict with everything, so they come last, and each sender has a few of them at the most.
 *
 * What a sender sends stays in its order: behind a transaction of unknown access its later ones wait at the end too, and
 * behind one that is deferred they are deferred. Everything else stays in the order given. SPEC.md, Q1 to Q3.
 *
 * @param unknownsMax - Of one sender; 0 takes none.
 */
export function arrange(
  footprints: readonly Pick<Footprint, 'source' | 'sender'>[],
  unknownsMax: number = unknownsPerSenderMax,
): Arrangement {
  const unknowns = new Map<string, number>()
  const [head, tail, deferred]: [number[], number[], number[]] = [[], [], []]
  for (const [index, { source, sender }] of footprints.entries()) {
    const before = unknowns.get(sender) ?? 0
    const count = before + (source === 'unknown' ? 1 : 0)
    unknowns.set(sender, count)
    if (count > unknownsMax) deferred.push(index)
    else if (count > 0) tail.push(index)
    else head.push(index)
  }
  return { order: [...head, ...tail], deferred }
}
