import { InvariantError, SdkError } from '../../sdk/errors.ts'
import type { Random } from './random.ts'

/** What can go wrong, drawn from the seed of a world: the chance that it does at each call, message or block. */
export interface Faults {
  /** A call over the network is lost. */
  readonly drop: number
  /** It happens, and its answer is lost. */
  readonly lostAnswer: number
  /** It happens once more, later: so calls overtake each other. */
  readonly double: number
  readonly delay: number
  /** The way to a place is cut for some time. */
  readonly partition: number
  /** The caller dies, just before or just after the call has happened. */
  readonly crash: number
  /** The disk takes nothing for some time. */
  readonly diskFull: number
  /** A commit happens or not, and fails either way. */
  readonly unknownEnd: number
  /** Somebody puts rubbish or an old message into a mailbox. */
  readonly noise: number
  readonly reorg: number
  /** The payer breaks the rules with its own key. */
  readonly hostile: number
  /** The payer's disk is replaced by an older copy of it. */
  readonly restore: number
  /** The till is lost for good, with its disk. */
  readonly tillLost: number
  /** Blocks are dear for some time. */
  readonly feeSpike: number
}

/** How often each fault struck, and what came of them: calls that overtook others, updates after their time, rival transactions. */
export type FaultCounts = Record<keyof Faults | 'reorder' | 'late' | 'rival', number>

/** A crash at one call of one process: the only thing that goes wrong in a world of this kind. */
export interface CrashPoint {
  readonly node: string
  /** Which call, from 1. */
  readonly call: number
  /** Whether the call has happened when the process dies. */
  readonly when: 'before' | 'after'
}

/** A process between two crashes. What a dead one waits for never comes. */
export interface Life {
  alive: boolean
}

/** Something that runs, crashes, and starts again from its disk. */
export interface SimNode {
  readonly name: string
  life: Life
  /** Runs the process in its new life. */
  readonly start: () => void
  /** True when it must be left in peace, so that what it promises can be kept at all. */
  readonly isSpared: () => boolean
  /** Until when the way to a place is cut, or the disk is full. */
  readonly cutUntil: Map<Place, number>
  /** Which of its calls to a place happened last. */
  readonly reached: Map<Place, number>
  /** How many calls it has made. */
  calls: number
}

/** Where a call goes. */
export type Place = 'disk' | 'box' | 'chain'

/** Time, chance and failure of one world. What happens is one event after the other. */
export interface World {
  readonly random: Random
  readonly faults: Faults
  readonly counts: FaultCounts
  readonly crashPoint: CrashPoint | null
  readonly queue: Event[]
  /** How many events were ever planned. */
  planned: number
  now: number
  events: number
  /** Once it is, nothing goes wrong any more. */
  isHealed: boolean
  /** The first rule that was broken. */
  failure: string | null
  /** The last things that happened, for the reader of a failure. */
  readonly log: string[]
}

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => unknown
}

const logMax = 60
/** Longest outage, in ticks. */
export const outageMax = 40

/** A world in which nothing has happened yet. */
export function createWorld(random: Random, faults: Faults, crashPoint: CrashPoint | null = null): World {
  const names = [...Object.keys(faults), 'reorder', 'late', 'rival']
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as FaultCounts
  const nothing = { planned: 0, now: 0, events: 0, isHealed: false, failure: null }
  return { random, faults, counts, crashPoint, queue: [], log: [], ...nothing }
}

/** Notes that a rule was broken; the world stops after this event. */
export function fail(world: World, rule: string): void {
  world.failure ??= rule
  note(world, `FAILED: ${rule}`)
}

export function note(world: World, text: string): void {
  world.log.push(`${world.now}: ${text}`)
  if (world.log.length > logMax) world.log.shift()
}

/** Runs something later. Of two events at one tick the one that was planned first comes first. */
export function after(world: World, ticks: number, run: () => unknown): void {
  const { queue } = world
  queue.push({ at: world.now + ticks, order: world.planned, run })
  world.planned += 1
  let at = queue.length - 1
  while (at > 0) {
    const up = (at - 1) >> 1
    if (!isBefore(queue[at] as Event, queue[up] as Event)) break
    swap(queue, at, up)
    at = up
  }
}

/** What an event gives back that has changed nothing: nobody need be let go on. */
export const nothingNew = Symbol('nothing new')

/** Runs the next event that changes anything; false when there is none. */
export function step(world: World): boolean {
  for (;;) {
    const next = take(world.queue)
    if (!next) return false
    world.now = next.at
    if (next.run() === nothingNew) continue
    world.events += 1
    return true
  }
}

/** The next event, taken out of the heap. */
function take(queue: Event[]): Event | null {
  const next = queue[0]
  const last = queue.pop()
  if (!next || !last) return null
  if (queue.length > 0) {
    queue[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= queue.length) break
      const right = left + 1
      const least = right < queue.length && isBefore(queue[right] as Event, queue[left] as Event) ? right : left
      if (!isBefore(queue[least] as Event, queue[at] as Event)) break
      swap(queue, at, least)
      at = least
    }
  }
  return next
}

/** Ends a process; it starts again after a while. */
export function crash(world: World, node: SimNode): void {
  if (!node.life.alive) return
  node.life.alive = false
  note(world, `${node.name} crashes`)
  after(world, world.random.from(1, outageMax), () => restart(node))
}

/** Gives a node a new life, unless it is alive or never to be again. */
export function restart(node: SimNode): void {
  if (node.life.alive) return
  node.life = { alive: true }
  node.start()
}

/** True with the chance of a fault, which is then counted. */
export function strikes(world: World, name: keyof Faults): boolean {
  if (world.isHealed || !world.random.chance(world.faults[name])) return false
  world.counts[name] += 1
  return true
}

/** Waits. */
export function sleep(world: World, node: SimNode, ticks: number): Promise<void> {
  const { life } = node
  return new Promise((resolve) => {
    after(world, ticks, () => (life.alive ? resolve() : nothingNew))
  })
}

/** A call out of a process, to its disk or over the network, with all that may become of it. */
export function call<value>(world: World, node: SimNode, place: Place, go: () => value): Promise<value> {
  const { life, reached } = node
  node.calls += 1
  const which = node.calls
  const run = () => {
    if ((reached.get(place) ?? 0) > which) world.counts.reorder += 1
    else reached.set(place, which)
    return go()
  }
  return new Promise((resolve, reject) => {
    const later = (ticks: number, end: () => void) => after(world, ticks, () => (life.alive ? end() : nothingNew))
    const finish = () => {
      try {
        resolve(run())
      } catch (error) {
        reject(error)
      }
    }
    switch (fateOf(world, node, place)) {
      case 'die-before':
        return later(1, () => crash(world, node))
      case 'die-after':
        return later(1, () => {
          attempt(run)
          crash(world, node)
        })
      case 'lost':
        return later(4, () => reject(lostError(place)))
      case 'unanswered':
        return later(1, () => {
          attempt(run)
          later(4, () => reject(lostError(place)))
        })
      case 'twice':
        later(1, finish)
        return after(world, world.random.from(2, 60), () => attempt(run))
      case 'slow':
        return later(world.random.from(2, 20), finish)
      default:
        return later(1, finish)
    }
  })
}

/** Passes a bug of ours on to the world; everything else is the weather. */
export function reportBug(world: World, error: unknown): void {
  const isWeather = error instanceof SdkError && /^(store|relay|node)\/(full|unavailable|unreachable)$/.test(error.code)
  if (isWeather) return
  if (error instanceof InvariantError || error instanceof SdkError) fail(world, `${error.message}`)
  else fail(world, `A program threw ${error instanceof Error ? error.stack : String(error)}`)
}

type Fate = 'fine' | 'die-before' | 'die-after' | 'lost' | 'unanswered' | 'twice' | 'slow'

function fateOf(world: World, node: SimNode, place: Place): Fate {
  const { crashPoint } = world
  if (crashPoint?.node === node.name && crashPoint.call === node.calls) {
    world.counts.crash += 1
    return crashPoint.when === 'before' ? 'die-before' : 'die-after'
  }
  if (world.isHealed || node.isSpared()) return 'fine'
  const { random } = world
  if (strikes(world, 'crash')) return random.chance(0.5) ? 'die-before' : 'die-after'
  if ((node.cutUntil.get(place) ?? 0) > world.now) return 'lost'
  if (strikes(world, place === 'disk' ? 'diskFull' : 'partition')) {
    node.cutUntil.set(place, world.now + random.from(1, outageMax))
    note(world, `${node.name} is cut off its ${place}`)
    return 'lost'
  }
  if (place === 'disk') return strikes(world, 'unknownEnd') ? (random.chance(0.5) ? 'unanswered' : 'lost') : 'fine'
  if (strikes(world, 'drop')) return 'lost'
  if (strikes(world, 'lostAnswer')) return 'unanswered'
  if (strikes(world, 'double')) return 'twice'
  return strikes(world, 'delay') ? 'slow' : 'fine'
}

function lostError(place: Place): SdkError {
  if (place === 'disk') return new SdkError('store/unavailable', 'The disk failed.', { retryable: true })
  const code = place === 'box' ? 'relay/unreachable' : 'node/unreachable'
  return new SdkError(code, 'No answer came.', { retryable: true })
}

/** Does what nobody waits for any more. */
function attempt(run: () => unknown): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof SdkError)) throw error // A refusal that nobody hears.
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function swap(queue: Event[], a: number, b: number): void {
  const first = queue[a] as Event
  queue[a] = queue[b] as Event
  queue[b] = first
}
