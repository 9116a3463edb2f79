import { SdkError } from '../errors.ts'
import type { ChannelLink, Clock, Random } from '../ports.ts'

/** What both directions of a mailbox share. */
export interface MailboxWorld {
  readonly link: ChannelLink
  readonly epoch: number
  readonly clock: Clock
  readonly random: Random
  /** Aborted when nobody waits for posts any more. */
  readonly signal: AbortSignal | null
  /** Aborted when another device has taken over. */
  readonly fence: AbortController
}

/** Another device has taken over. Both directions end with what this returns. */
export function fenceOff({ fence }: MailboxWorld): SdkError {
  fence.abort()
  return takenOver()
}

/** Throws when another device has taken over. */
export function requireOwn({ fence }: MailboxWorld): void {
  if (fence.signal.aborted) throw takenOver() // Signals of React Native carry no reason.
}

function takenOver(): SdkError {
  return new SdkError('relay/refused', 'Another device has taken over this side of the channel.', {
    notes: [
      'stale-epoch',
      'Stop using the channel here: what this device knows of it may be old.',
      'To take it back, load it again from the store or the other side, under a higher epoch.',
    ],
  })
}

/** Asks where this side stands. Throws as the link does, and when another device has taken over. */
export async function standingOf(world: MailboxWorld): ReturnType<ChannelLink['standing']> {
  const standing = await world.link.standing()
  if (standing.epoch > world.epoch) throw fenceOff(world)
  return standing
}

/** The edge's code of a refusal, or nothing when it was something else that failed. */
export function refusalCode(error: unknown): string | undefined {
  return error instanceof SdkError && error.code === 'relay/refused' ? error.notes[0] : undefined
}

/** True for what the relay did: the rest are bugs of ours. */
export function isRelayFault(error: unknown): error is SdkError {
  return error instanceof SdkError && error.code.startsWith('relay/')
}
