import { invariant } from '../errors.ts'
import type { ChannelLink, Clock, Random } from '../ports.ts'
import type { MailboxWorld } from './fence.ts'
import { platformClock, platformRandom } from './platform.ts'
import { createPoster } from './poster.ts'
import { readInbox, type Take } from './reader.ts'

/** What a mailbox is made of. */
export interface MailboxParts {
  /** Of this side. */
  readonly link: ChannelLink
  /** Number of this device, from 1. A higher one takes the side over. */
  readonly epoch: number
  readonly clock?: Clock
  readonly random?: Random
  /** Once aborted, what the box does not take at once is not tried again: `post` throws what the last try did. */
  readonly signal?: AbortSignal
}

/** One side's end of a channel box: messages out in order, messages in at least once. */
export interface Mailbox {
  /**
   * Resolves once the box has stored the message for the other side. Posts go out one after the other, in the order of
   * the calls, and answers that are lost are settled before the next one goes: the order never changes.
   *
   * Funds at risk: a post that throws may have arrived all the same, and those that waited behind it were not sent.
   * What must arrive is posted again; the other side may then see it twice.
   *
   * Throws `relay/unreachable` (unknown) and `relay/nonsense` after {@link postTriesMax} tries, `relay/refused` with the
   * edge's code as first note, and `client/busy` (retryable) while {@link postsMax} wait. `stale-epoch` there is for
   * good: another device has taken over, this one must stop.
   */
  readonly post: (message: Uint8Array) => Promise<void>
  /**
   * Gives every message of the other side to `take`, one at a time, in order, at least once. It is acknowledged after
   * `take` has resolved, some messages together. Goes on through whatever the box does until aborted, and then
   * resolves.
   *
   * Funds at risk: `take` resolves only after what the message says is stored; then the box drops it. It must bear the
   * same message again: after a restart, the last {@link acknowledgedEvery} may come once more.
   *
   * @param take - Is asked again, after a pause, when it rejects with a retryable `SdkError`. Any other rejection ends
   *   the reading, which rejects with it.
   * @returns Rejects, besides that, only with `relay/refused` and the note `stale-epoch`.
   */
  readonly read: (take: Take, signal: AbortSignal) => Promise<void>
}

/** One side's end of a channel box. Asks nobody anything before its first call. */
export function createMailbox(parts: MailboxParts): Mailbox {
  const { link, epoch, clock = platformClock, random = platformRandom, signal = null } = parts
  invariant(Number.isSafeInteger(epoch) && epoch >= 1, 'epochs are counted from 1')
  const world: MailboxWorld = { link, epoch, clock, random, signal, fence: new AbortController() }
  const post = createPoster(world)
  let isRead = false
  return {
    post,
    read: async (take, signal) => {
      invariant(!isRead, 'a mailbox has one reader at a time')
      isRead = true
      try {
        await readInbox(world, take, signal)
      } finally {
        isRead = false
      }
    },
  }
}
