import { pause } from '../pause.ts'
import type { Clock, Random } from '../ports.ts'

/** The clock of the platform, for programs that hand in none. */
export const platformClock: Clock = { now: () => Date.now(), sleep: pause }

/** Unpredictable bytes of the platform. */
export const platformRandom: Random = (size) => crypto.getRandomValues(new Uint8Array(size))
