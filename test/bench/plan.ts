import type { Access, Footprint, Place } from '../../sdk/batch/access.ts'
import {
  type BinaryKeys,
  checkPlan,
  declare,
  intern,
  internBinary,
  type Keys,
  opWrite,
  type PlaceKeys,
  plan,
  planKeys,
  schedule,
} from '../../sdk/batch/index.ts'
import { type Address, address, slot } from '../../sdk/units.ts'
import type { Figure } from './run.ts'
import { templates } from './templates.ts'

const transactionCount = 100_000
const rounds = 15
const peer = 'a map of hex texts'

/**
 * Planning 100,000 transactions: from ids, from binary keys, and from places in hex.
 * The peer plans the same transactions the plain way, from the same input, in turn with ours. `ratio` says how many
 * times faster ours is.
 */
export async function* run(): AsyncIterable<Figure> {
  const loads = { mixed, uniform: () => slots(createUniform), zipf: () => slots(createZipf) }
  for (const [name, makeLoad] of Object.entries(loads)) {
    yield* fromNumbers(name, intern(makeLoad()))
    yield* fromPlaces(name, makeLoad())
  }
  yield* templates()
}

function* fromNumbers(name: string, { places: _, ...keys }: PlaceKeys): Iterable<Figure> {
  const binary = binaryOf(keys)
  const best = bestOf({
    ids: () => planKeys(keys),
    binary: () => planKeys(internBinary(binary, [0x5eed, 0x1234])),
    peer: () => planByMap(keys, (entry) => Buffer.from(binary.bytes.buffer, 52 * entry, 52).toString('hex')),
  })
  yield figure(`${name}: plan from ids`, best.ids, 'ms')
  yield beside(`${name}: plan from binary keys`, best.binary, best.peer)
  const made = planKeys(keys)
  const { check, assign } = bestOf({ check: () => checkPlan(made, keys), assign: () => schedule(made, 8) })
  yield figure(`${name}: check`, check, 'ms')
  yield figure(`${name}: schedule on 8 workers`, assign, 'ms')
  yield figure(`${name}: places per transaction`, keys.entries.length / keys.count, '')
  yield figure(`${name}: lanes`, made.lanes.length, '')
  const largest = made.lanes.reduce((most, lane) => Math.max(most, lane.length), 0)
  yield figure(`${name}: share of the largest lane`, largest / made.count, '')
  for (const workers of [2, 8, 32])
    yield figure(`${name}: ideal speed-up on ${workers} workers`, schedule(made, workers).idealSpeedup, 'x')
}

function* fromPlaces(name: string, footprints: readonly Footprint[]): Iterable<Figure> {
  const keys = intern(footprints)
  const listed = footprints.flatMap(({ reads, writes, credits }) => [...reads, ...writes, ...credits])
  const textOf = (place: Place | undefined) =>
    place?.kind === 'slot' ? place.address + place.slot : `${place?.address}${place?.kind}`
  const best = bestOf({ places: () => plan(footprints), peer: () => planByMap(keys, (entry) => textOf(listed[entry])) })
  yield beside(`${name}: plan from places in hex`, best.places, best.peer)
}

function figure(name: string, value: number, unit: string): Figure {
  return { name, value, unit, peer: null, peerValue: null, ratio: null }
}

function beside(name: string, value: number, peerValue: number): Figure {
  return { name, value, unit: 'ms', peer, peerValue, ratio: peerValue / value }
}

/** Shortest time of each, in milliseconds, the rivals in turn. The peer gains nothing by more rounds than three. */
function bestOf<name extends string>(rivals: Record<name, () => unknown>): Record<name, number> {
  const names = Object.keys(rivals) as name[]
  const best = Object.fromEntries(names.map((name) => [name, Number.POSITIVE_INFINITY])) as Record<name, number>
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      if (name === 'peer' && round >= 3) continue
      const start = performance.now()
      rivals[name]()
      best[name] = Math.min(best[name], performance.now() - start)
    }
  }
  return best
}

/** Token transfers 55 %, swaps over pools of very unequal use 30 %, plain payments 15 %. */
function mixed(): Footprint[] {
  const chance = createChance(7)
  const account = () => accountOf(Math.floor(chance() * transactionCount))
  const pickToken = createZipf(200, chance)
  const pickPool = createZipf(1_000, chance)
  return Array.from({ length: transactionCount }, () => {
    const sender = account()
    const own = [at('nonce', sender), at('balance', sender)]
    const kind = chance()
    if (kind < 0.55) {
      const token = tokens + pickToken()
      const moved = [slotAt(token, number(sender)), slotAt(token, number(account()))]
      return footprintOf(sender, { reads: [at('code', accountOf(token))], writes: [...own, ...moved] }, 50_000)
    }
    if (kind < 0.85) {
      const pool = pools + pickPool()
      const token = tokens + (pool % 200)
      const moved = [slotAt(pool, 0), slotAt(token, pool), slotAt(token, number(sender))]
      const reads = [at('code', accountOf(router)), at('code', accountOf(pool))]
      return footprintOf(sender, { reads, writes: [...own, ...moved] }, 130_000)
    }
    const payee = account()
    return footprintOf(sender, { reads: [at('code', payee)], writes: own, credits: [at('balance', payee)] }, 21_000)
  })
}

/** Seven slots each, every second one written, drawn by `createPick`. */
function slots(createPick: (below: number, chance: () => number) => () => number): Footprint[] {
  const chance = createChance(7)
  const pick = createPick(4 * transactionCount, chance)
  return Array.from({ length: transactionCount }, () => {
    const picked = Array.from({ length: 7 }, () => slotAt(tokens, pick()))
    const written = picked.map(() => chance() < 0.5)
    const access = { reads: picked.filter((_, one) => !written[one]), writes: picked.filter((_, one) => written[one]) }
    return footprintOf(accountOf(0), access, 50_000)
  })
}

/** Accounts by number: people from 0, then tokens, pools and one router. */
const tokens = 1_000_000
const pools = 2_000_000
const router = 3_000_000

function accountOf(n: number): Address {
  return address(`0x${n.toString(16).padStart(40, '0')}`)
}

function number(account: Address): number {
  return Number(account)
}

function at(kind: 'nonce' | 'balance' | 'code', account: Address): Place {
  return { kind, address: account }
}

function slotAt(account: number, n: number): Place {
  return { kind: 'slot', address: accountOf(account), slot: slot(`0x${n.toString(16).padStart(64, '0')}`) }
}

function footprintOf(sender: Address, access: Partial<Access>, gas: number): Footprint {
  return { sender, ...declare({ reads: [], writes: [], credits: [], ...access }, gas, 'trace') }
}

/** Mulberry32: the same numbers on every machine. */
function createChance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function createUniform(below: number, chance: () => number): () => number {
  return () => Math.floor(chance() * below)
}

/** The n-th is drawn in proportion to 1 / n. */
function createZipf(below: number, chance: () => number): () => number {
  const sums = new Float64Array(below)
  for (let n = 0, sum = 0; n < below; n++) {
    sum += 1 / (n + 1)
    sums[n] = sum
  }
  return () => {
    const goal = chance() * (sums[below - 1] as number)
    let low = 0
    for (let high = below - 1; low < high; ) {
      const middle = (low + high) >> 1
      if ((sums[middle] as number) < goal) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Each place as 52 bytes that only look like account and slot: random, as hashes are. */
function binaryOf({ entries, offsets, gas, unknown, placeCount }: Keys): BinaryKeys {
  const keyBytes = 52
  const chance = createChance(11)
  const keys = Uint8Array.from({ length: keyBytes * placeCount }, () => 256 * chance())
  const bytes = new Uint8Array(keyBytes * entries.length)
  entries.forEach((entry, index) => {
    const id = entry >>> 2
    bytes.set(keys.subarray(keyBytes * id, keyBytes * (id + 1)), keyBytes * index)
  })
  return { bytes, keyBytes, ops: Uint8Array.from(entries, (entry) => entry & 3), offsets, gas, unknown }
}

/** The peer: one map from text to the last users of a place, sets of waits, lanes by walking up. */
function planByMap({ count, offsets, entries, gas }: Keys, textOf: (entry: number) => string) {
  interface Use {
    op: number
    now: number[]
    before: number[]
  }
  const uses = new Map<string, Use>()
  const waits: number[][] = []
  const parent: number[] = []
  const done: number[] = []
  const rootOf = (index: number): number => {
    let root = index
    while (parent[root] !== root) root = parent[root] as number
    return root
  }
  for (let index = 0; index < count; index++) {
    const waitsFor = new Set<number>()
    for (let entry = offsets[index] as number; entry < (offsets[index + 1] as number); entry++) {
      const key = textOf(entry)
      const op = (entries[entry] as number) & 3
      const use = uses.get(key)
      if (use === undefined) uses.set(key, { op, now: [index], before: [] })
      else {
        if (op === opWrite || use.op !== op) {
          use.before = use.now
          use.now = [index]
          use.op = op
        } else use.now.push(index)
        for (const target of use.before) waitsFor.add(target)
      }
    }
    waits.push([...waitsFor].sort((one, other) => one - other))
    parent.push(index)
    let ready = 0
    for (const target of waitsFor) {
      ready = Math.max(ready, done[target] as number)
      const one = rootOf(index)
      const other = rootOf(target)
      parent[Math.max(one, other)] = Math.min(one, other)
    }
    done.push(ready + (gas[index] as number))
  }
  const lanes = new Map<number, number[]>()
  for (let index = 0; index < count; index++) {
    const lane = lanes.get(rootOf(index))
    if (lane) lane.push(index)
    else lanes.set(rootOf(index), [index])
  }
  return { waits, lanes, criticalPathGas: done.reduce((most, one) => Math.max(most, one), 0) }
}
