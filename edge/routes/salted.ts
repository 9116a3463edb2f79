import { hmacSha256 } from '../../sdk/crypto/index.ts'
import { toHex } from '../../sdk/units.ts'

const dayMs = 24 * 60 * 60_000
const shownChars = 16

/**
 * Names senders in a log so that they can be counted and not found: a hash under a salt which is in memory alone, and
 * another one on each day and in each isolate.
 */
export function openSalted(random: () => Uint8Array): (sender: string, now: number) => string {
  let day = Number.NaN
  let salt: Uint8Array = new Uint8Array()
  return (sender, now) => {
    const today = Math.floor(now / dayMs)
    if (today !== day) {
      day = today
      salt = random()
    }
    return toHex(hmacSha256(salt, new TextEncoder().encode(sender.toLowerCase()))).slice(2, 2 + shownChars)
  }
}

/** The sender that a path names. */
export function senderIn(path: string): string | undefined {
  return /\/senders\/(0x[0-9a-fA-F]{40})(\/|$)/.exec(path)?.[1]
}
