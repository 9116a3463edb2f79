import type { Clock } from '../../../ports.ts'

/** When a side that waits greets the other one. Times are milliseconds of the wallet's clock. [TW26] */
export interface Greeting {
  /** Not before; 0 for at once. */
  at: number
  /** Pause after the next greeting. */
  pauseMs: number
  /** Messages of this side that the box has not taken yet. */
  leaving: number
}

/** Of whom a greeting is. */
export interface Greeter {
  readonly greeting: Greeting
  readonly world: { readonly clock: Pick<Clock, 'now'> }
}

/** First pause before the other side is greeted again, and the longest. */
const greetMsMin = 1_000
const greetMsMax = 60_000

/** Of a side that has just started: it greets at once. */
export function firstGreeting(): Greeting {
  return { at: 0, pauseMs: greetMsMin, leaving: 0 }
}

/** What has not left is not answered yet, and a greeting would only queue behind it. */
export function isGreetingDue({ greeting, world }: Greeter): boolean {
  return greeting.leaving === 0 && world.clock.now() >= greeting.at
}

/** The other side was greeted: the next time only after a longer silence. */
export function greeted({ greeting, world }: Greeter): void {
  greeting.at = world.clock.now() + greeting.pauseMs
  greeting.pauseMs = Math.min(2 * greeting.pauseMs, greetMsMax)
}

/** Somebody waits for the other side: what lacks an answer is asked for soon. */
export function hurry({ greeting, world }: Greeter): void {
  greeting.pauseMs = greetMsMin
  greeting.at = Math.min(greeting.at, world.clock.now() + greetMsMin)
}

/** The other side is there, and may have more on its way: only what lacks an answer after a silence is asked for. */
export function heard({ greeting, world }: Greeter): void {
  greeting.pauseMs = greetMsMin
  if (!isAtOnce(greeting)) greeting.at = world.clock.now() + greetMsMin
}

/** Posts a message: its answer takes a while from when the box has it. */
export async function leave({ greeting, world }: Greeter, post: () => Promise<void>): Promise<void> {
  greeting.leaving += 1
  try {
    await post()
    if (!isAtOnce(greeting)) greeting.at = Math.max(greeting.at, world.clock.now() + greetMsMin)
  } finally {
    greeting.leaving -= 1
  }
}

/** Such a greeting is not put off: nothing was asked for yet. */
function isAtOnce({ at }: Greeting): boolean {
  return at === 0
}
