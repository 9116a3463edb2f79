import type { Plan } from '../../../sdk/batch/index.ts'

/**
 * Who may be run right behind whom, on what that one leaves, before it is committed: a transaction that waits for those of
 * one chain alone, and for its last one, goes on with that chain. Any other one begins a chain, and is run when all that
 * it waits for is committed.
 *
 * @param isTogether - Whether two may stand in one chain.
 * @returns For each transaction the next one of its chain; -1 at the end.
 */
export function chainsOf({ count, waits }: Plan, isTogether: (one: number, other: number) => boolean): Int32Array {
  const next = new Int32Array(count).fill(-1)
  const chainOf = new Int32Array(count)
  for (let index = 0; index < count; index++) {
    const [from, to] = [waits.offsets[index] as number, waits.offsets[index + 1] as number]
    chainOf[index] = index
    if (from === to) continue
    const last = waits.targets[to - 1] as number // They ascend.
    const chain = chainOf[last] as number
    let isAlone = next[last] === -1 && isTogether(last, index)
    for (let at = from; at < to && isAlone; at++) isAlone = chainOf[waits.targets[at] as number] === chain
    if (!isAlone) continue
    chainOf[index] = chain
    next[last] = index
  }
  return next
}
