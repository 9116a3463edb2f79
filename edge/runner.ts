import { SdkError } from '../sdk/errors.ts'

/** What a runner needs of a Durable Object's storage. */
export interface RunnerStorage {
  readonly transactionSync: (work: () => void) => void
  readonly setAlarm: (time: number) => Promise<void>
}

/** One object's step, rows and deeds. */
export interface RunnerWorld<event, effect, step extends { readonly effects: readonly effect[] }> {
  readonly storage: RunnerStorage
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Pure. Reads the rows as they are. */
  readonly decide: (event: event) => step
  /** Writes what was decided. Runs inside one transaction. */
  readonly commit: (step: step) => void
  /** Forgets what is in memory of the rows: a commit has failed, and the disk has what was before. */
  readonly forget: () => void
  /** When the rows want a tick. */
  readonly wakeAt: () => number | null
  readonly tick: (now: number) => event
  /** Does one thing in the world and feeds back what came of it. */
  readonly perform: (effect: effect) => Promise<void>
  /** Keeps a failure for the operator. */
  readonly report: (error: unknown) => void
}

/** Turns events into rows and deeds. */
export interface Runner<event, step> {
  /** Decides, commits, then starts the deeds. Synchronous: no other event comes in between. */
  readonly feed: (event: event) => step
  /** The alarm's body. Never throws, and never leaves pending rows without an alarm. */
  readonly wake: () => Promise<void>
  /** To be called once when the object starts: pending rows get their alarm even if it was lost. */
  readonly resume: () => Promise<void>
}

const ticksInTurnMax = 4
const afterFaultMs = 1_000

/**
 * Runs one object: load, step, commit, deeds, alarm.
 *
 * The platform holds back everything that leaves an object until its writes are durable, so a deed started after the
 * commit never tells the world what a crash could take back.
 */
export function openRunner<event, effect, step extends { readonly effects: readonly effect[] }>(
  world: RunnerWorld<event, effect, step>,
): Runner<event, step> {
  const { storage, now, decide, commit, forget, wakeAt, tick, perform, report } = world
  /** The alarm asked for last. Spares writes; nothing depends on it. */
  let armedAt: number | null = null

  const start = async (effect: effect) => {
    try {
      await perform(effect)
    } catch (error) {
      // The world failed: the rows know when to try again.
      if (!(error instanceof SdkError)) report(error)
    }
  }
  const turn = (event: event): step => {
    const step = decide(event)
    try {
      storage.transactionSync(() => commit(step))
    } catch (error) {
      forget()
      throw error
    }
    for (const effect of step.effects) void start(effect)
    return step
  }
  const arm = async () => {
    const at = wakeAt()
    // An alarm that comes earlier arms again by itself.
    if (at === null || (armedAt !== null && armedAt <= at)) return
    armedAt = at
    await storage.setAlarm(at)
  }
  const feed = (event: event): step => {
    const step = turn(event)
    for (let ticks = 0; ticks < ticksInTurnMax && (wakeAt() ?? Number.POSITIVE_INFINITY) <= now(); ticks++)
      turn(tick(now()))
    arm().catch(report)
    return step
  }
  return {
    feed,
    wake: async () => {
      armedAt = null
      try {
        feed(tick(now()))
        await arm()
      } catch (error) {
        report(error)
        // A tick that fails must not be the last one: the platform gives up on alarms that throw.
        armedAt = now() + afterFaultMs
        await storage.setAlarm(armedAt)
      }
    },
    resume: arm,
  }
}
