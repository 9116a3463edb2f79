import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { eventRoundsMax } from '../limits.ts'
import type { EventsAnswer } from '../objects.ts'
import { Refusal } from './answer.ts'

/**
 * Streams a batch's events: what was missed since `after`, then live, then `end`.
 *
 * Each round asks the chain object anew, so that neither side holds anything for the other; a reader that is cut off
 * resumes with the last id it saw.
 */
export async function streamEvents(
  context: Context,
  after: number,
  read: (sequence: number) => Promise<EventsAnswer>,
): Promise<Response> {
  const first = await read(after)
  if (first.kind === 'unknown') throw unknownBatch()
  if (first.kind === 'expired') throw expiredCursor()
  if (first.kind === 'busy') throw new Refusal('backpressure', 'Too many readers wait.')
  context.header('cache-control', 'no-store')
  return streamSSE(context, async (stream) => {
    let answer: EventsAnswer = first
    let sequence = after
    for (let round = 0; round < eventRoundsMax && answer.kind === 'events'; round++) {
      for (const event of answer.events) {
        await stream.writeSSE({ id: String(event.sequence), event: 'status', data: JSON.stringify(event) })
        sequence = event.sequence
      }
      if (answer.isOver) return stream.writeSSE({ event: 'end', data: '{}' })
      if (answer.events.length === 0) await stream.write(': still there\n\n')
      if (stream.aborted) return
      // An object that restarts ends the stream; the reader comes back with its cursor.
      answer = await read(sequence)
    }
  })
}

export function unknownBatch(): Refusal {
  return new Refusal('unknown-batch', 'No such batch.')
}

export function expiredCursor(): Refusal {
  return new Refusal('cursor-expired', 'Start again without a cursor.')
}
