import type { Footprint, Place } from './access.ts'
import { placeText } from './explain.ts'
import { intern, opWrite, type PlaceKeys } from './keys.ts'
import { type Plan, planKeys } from './plan.ts'

/** Most groups of places that are weighed: each costs one more planning. */
export const hotPlacesMax = 16

/** What could be done so that transactions stop meeting at places. */
export type HotAdvice =
  /** The places are a sender's own: its transactions can be spread over several accounts. */
  | 'more-senders'
  /** The places are a contract's: use another one of its kind, or send these transactions in another batch. */
  | 'elsewhere'
  /** They hold up nothing: other chains are as long. */
  | 'none'

/** Places that the very same transactions use in the same way, and that make them wait for each other. */
export interface HotPlaces {
  readonly places: readonly Place[]
  /** Transactions that touch them, and the length of the chain in which these have to run: one write a link, or reads together. */
  readonly transactions: number
  readonly chainLength: number
  /** Gas of that chain, the heaviest of each link: no number of workers is done with these transactions sooner. */
  readonly chainGas: number
  /** Gas of those of them that stand on the critical path of the batch. */
  readonly criticalGas: number
  /** How much shorter the critical path would be if nobody met here. */
  readonly winGas: number
  readonly advice: HotAdvice
}

/**
 * The places where the transactions of a batch hold each other up, those first that would win most. At most
 * {@link hotPlacesMax}; transactions of unknown access meet at no place in particular and are none of them.
 *
 * Places that are always used together (a pool's reserves and what it holds of both tokens, a sender's nonce and balance)
 * are one entry, since nothing is won by splitting one of them.
 */
export function hotPlaces(footprints: readonly Footprint[]): readonly HotPlaces[] {
  const keys = intern(footprints)
  const made = planKeys(keys)
  const critical = criticalPathOf(made)
  const groups = groupsOf(keys).sort((one, other) => other.chainGas - one.chainGas)
  const weighed = groups.slice(0, hotPlacesMax).map(({ ids, users, ...chain }): HotPlaces => {
    const winGas = made.criticalPathGas - planKeys(without(keys, ids)).criticalPathGas
    const places = [...ids].map((id) => keys.places[id] as Place)
    const onPath = users.filter((index) => critical.has(index))
    const criticalGas = onPath.reduce((sum, index) => sum + (keys.gas[index] as number), 0)
    return { places, transactions: users.length, ...chain, criticalGas, winGas, advice: adviceFor(places, winGas) }
  })
  return weighed.sort((one, other) => other.winGas - one.winGas || other.chainGas - one.chainGas)
}

/** The entry in words: `5 transactions wait in a chain of 5 (250000 gas) at slot 0x… of 0x…; …`. */
export function hotSentence({ places, transactions, chainLength, chainGas, winGas, advice }: HotPlaces): string {
  const [first, ...more] = places
  const where = first ? placeText(first) + (more.length > 0 ? ` and ${more.length} more` : '') : 'no place'
  const chain = `${transactions} transactions wait in a chain of ${chainLength} (${chainGas} gas) at ${where}`
  switch (advice) {
    case 'more-senders':
      return `${chain}; from several senders the batch would be ${winGas} gas shorter`
    case 'elsewhere':
      return `${chain}; spread over several of its kind, or sent apart, the batch would be ${winGas} gas shorter`
    case 'none':
      return `${chain}; other chains are as long`
  }
}

function adviceFor(places: readonly Place[], winGas: number): HotAdvice {
  if (winGas <= 0) return 'none'
  return places.some(({ kind }) => kind === 'nonce') ? 'more-senders' : 'elsewhere'
}

/** A chain at some places, still by number. */
interface Group {
  readonly ids: Set<number>
  readonly users: readonly number[]
  readonly chainLength: number
  readonly chainGas: number
}

function groupsOf(keys: PlaceKeys): Group[] {
  const uses = usesOf(keys)
  const groups = new Map<string, Group>()
  for (const [id, entries] of uses.entries()) {
    const chain = chainOf(entries, keys)
    if (chain.chainLength < 2) continue
    // Equal lists are told by their text: a hash that a stranger can meet would join what does not belong together.
    const text = entries.join()
    const known = groups.get(text)
    if (known) known.ids.add(id)
    else groups.set(text, { ids: new Set([id]), users: [...new Set(entries.map((entry) => entry >>> 2))], ...chain })
  }
  return [...groups.values()]
}

/** For each place who uses it and how, `index << 2 | op` each. */
function usesOf({ count, placeCount, entries, offsets, unknown }: PlaceKeys): readonly number[][] {
  const uses: number[][] = Array.from({ length: placeCount }, () => [])
  for (let index = 0; index < count; index++) {
    if (unknown[index] === 1) continue
    for (let at = offsets[index] as number; at < (offsets[index + 1] as number); at++) {
      const entry = entries[at] as number
      uses[entry >>> 2]?.push((index << 2) | (entry & 3))
    }
  }
  return uses
}

/** Runs of a place, one after the other: a run takes as long as its heaviest member. */
function chainOf(uses: readonly number[], { gas }: PlaceKeys): { chainLength: number; chainGas: number } {
  let chainLength = 0
  let chainGas = 0
  let heaviest = 0
  let before: number | undefined
  for (const use of uses) {
    const own = gas[use >>> 2] as number
    const op = use & 3
    if (op !== before || op === opWrite) {
      chainLength += 1
      chainGas += heaviest
      heaviest = own
    } else heaviest = Math.max(heaviest, own)
    before = op
  }
  return { chainLength, chainGas: chainGas + heaviest }
}

/** The same transactions, but that they do not meet at some places. */
function without(keys: PlaceKeys, ids: ReadonlySet<number>): PlaceKeys {
  const offsets = new Int32Array(keys.count + 1)
  const entries: number[] = []
  for (let index = 0; index < keys.count; index++) {
    for (let at = keys.offsets[index] as number; at < (keys.offsets[index + 1] as number); at++) {
      const entry = keys.entries[at] as number
      if (!ids.has(entry >>> 2)) entries.push(entry)
    }
    offsets[index + 1] = entries.length
  }
  return { ...keys, entries: Int32Array.from(entries), offsets }
}

/** The transactions of one heaviest chain of waits, from its end back. */
function criticalPathOf({ count, gas, waits: { offsets, targets } }: Plan): ReadonlySet<number> {
  const done = new Float64Array(count)
  const before = new Int32Array(count).fill(-1)
  let last = -1
  for (let index = 0; index < count; index++) {
    for (let at = offsets[index] as number; at < (offsets[index + 1] as number); at++) {
      const target = targets[at] as number
      const heaviest = before[index] as number
      if (heaviest < 0 || (done[target] as number) > (done[heaviest] as number)) before[index] = target
    }
    const earlier = before[index] as number
    done[index] = (gas[index] as number) + (earlier < 0 ? 0 : (done[earlier] as number))
    if (last < 0 || (done[index] as number) > (done[last] as number)) last = index
  }
  const path = new Set<number>()
  for (let at = last; at >= 0; at = before[at] as number) path.add(at)
  return path
}
