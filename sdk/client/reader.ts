import { SdkError } from '../errors.ts'
import type { LinkMessage } from '../ports.ts'
import { networkPauses, pauseMs } from './backoff.ts'
import { fenceOff, isRelayFault, type MailboxWorld, refusalCode, requireOwn, standingOf } from './fence.ts'

/** Stores what a message of the other side says. */
export type Take = (message: Uint8Array) => Promise<void>

/** Most messages that are taken before they are acknowledged. */
export const acknowledgedEvery = 32
/** What was taken is acknowledged when nothing follows for so long. */
export const acknowledgedIdleMs = 1_000

/** How far the reading is. */
interface Progress {
  /** Last sequence taken; `null` while only the box knows where to go on. */
  after: number | null
}

/** Reads until aborted, as {@link Mailbox.read} says. */
export async function readInbox(world: MailboxWorld, take: Take, signal: AbortSignal): Promise<void> {
  const { clock, random, fence } = world
  const stop = new AbortController()
  const end = () => stop.abort()
  for (const source of [signal, fence.signal]) {
    if (source.aborted) end()
    source.addEventListener('abort', end, { once: true })
  }
  let failure: { readonly error: unknown } | null = null
  const fail = (error: unknown) => {
    failure ??= { error }
    end()
  }
  const acknowledger = createAcknowledger(world, stop.signal, fail)
  const progress: Progress = { after: null }
  const pause = (attempt: number) =>
    clock.sleep(pauseMs(networkPauses, attempt, random), stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error
    })

  /** Takes one message, as often as it takes. */
  const give = async (message: LinkMessage) => {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      try {
        return await take(message.bytes)
      } catch (error) {
        if (!(error instanceof SdkError && error.retryable)) return fail(error)
        await pause(attempt)
      }
    }
  }

  try {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      const before = progress.after
      await readOn(world, progress, { give, acknowledger, signal: stop.signal })
      if (progress.after !== before) attempt = 0
      if (!stop.signal.aborted) await pause(attempt)
    }
  } finally {
    for (const source of [signal, fence.signal]) source.removeEventListener('abort', end)
  }
  requireOwn(world)
  const ended = failure as { readonly error: unknown } | null
  if (ended) throw ended.error
}

interface Reading {
  readonly give: (message: LinkMessage) => Promise<void>
  readonly acknowledger: Acknowledger
  readonly signal: AbortSignal
}

/** Reads from where the reading is, until the box fails or the signal aborts. Throws bugs alone. */
async function readOn(world: MailboxWorld, progress: Progress, reading: Reading): Promise<void> {
  const { give, acknowledger, signal } = reading
  try {
    if (progress.after === null) {
      progress.after = (await orEnd(standingOf(world), signal)).read
      acknowledger.begin(progress.after)
    }
    for await (const message of world.link.receive(progress.after, signal)) {
      if (signal.aborted) return
      if (message.sequence <= progress.after) continue
      if (message.sequence !== progress.after + 1) return // A hole: asked for again.
      await give(message)
      if (signal.aborted) return
      progress.after = message.sequence
      acknowledger.took(message.sequence)
    }
  } catch (error) {
    if (signal.aborted) return
    if (!isRelayFault(error)) throw error
    const code = refusalCode(error)
    if (code === 'stale-epoch') fenceOff(world)
    // Another device acknowledged more than we have read, or the box was forgotten: it says where to go on.
    if (code === 'cursor-ahead' || code === 'cursor-expired') progress.after = null
  }
}

/** The answer, or a rejection at the end: a question that cannot be taken back is not waited for. */
async function orEnd<value>(answer: Promise<value>, signal: AbortSignal): Promise<value> {
  let end: () => void = () => undefined
  const ended = new Promise<never>((_, reject) => {
    end = () => reject(signal.reason)
    signal.addEventListener('abort', end, { once: true })
  })
  try {
    return await Promise.race([answer, ended])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** Acknowledges what was taken, some messages at a time, so that a payment costs no round trip of its own for it. */
interface Acknowledger {
  /** Reading begins after this sequence. */
  readonly begin: (read: number) => void
  readonly took: (sequence: number) => void
}

function createAcknowledger(world: MailboxWorld, signal: AbortSignal, fail: (error: unknown) => void): Acknowledger {
  const { link, epoch, clock, random } = world
  let [taken, acknowledged, failures] = [0, 0, 0]
  let [isIdling, isSending] = [false, false]

  const send = async () => {
    if (isSending || signal.aborted || acknowledged >= taken) return
    isSending = true
    const through = taken
    try {
      await link.acknowledge({ through, epoch })
      failures = 0
      if (through <= taken) acknowledged = Math.max(acknowledged, through)
    } catch (error) {
      if (!isRelayFault(error)) fail(error)
      else if (refusalCode(error) === 'stale-epoch') fenceOff(world)
      else failures += 1
    } finally {
      isSending = false
    }
  }

  /** Waits until nothing follows, or until a failed try is due again. */
  const idle = async () => {
    isIdling = true
    try {
      while (acknowledged < taken && !signal.aborted) {
        const before = taken
        const dueMs = failures === 0 ? acknowledgedIdleMs : pauseMs(networkPauses, failures, random)
        await clock.sleep(dueMs, signal)
        if (taken === before || failures > 0) await send()
      }
    } catch (error) {
      if (!signal.aborted) fail(error)
    } finally {
      isIdling = false
    }
  }

  return {
    begin: (read) => {
      taken = read
      acknowledged = read
    },
    took: (sequence) => {
      taken = sequence
      if (taken - acknowledged >= acknowledgedEvery && failures === 0) void send()
      if (!isIdling) void idle()
    },
  }
}
