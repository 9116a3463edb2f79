import type { ChannelId } from '../../units.ts'
import { type Forward, type Hub, isSameForward } from './hub.ts'

/** What the copy of a channel says of payments that a hub had on their way over it. [TW53] */
export interface CopiedForwards {
  readonly channel: ChannelId
  readonly forwards: readonly Forward[]
}

/** Payments that go over a channel, in either direction: what its copy has to hold besides its record. [TW53] */
export function forwardsOver({ forwards }: Hub, channel: ChannelId): readonly Forward[] {
  return forwards.filter(({ from, to }) => from === channel || to === channel)
}

/**
 * A hub with what copies of its channels say. Of each payment the word counts that is furthest on: what was paid, or given back for good,
 * stays so whichever copy is newer. [HB11]
 */
export function withCopies(hub: Hub, copies: readonly CopiedForwards[]): Hub {
  const forwards = [...hub.forwards]
  for (const one of copies.flatMap(({ channel, forwards }) => forwards.map((told) => believed(told, channel)))) {
    const at = forwards.findIndex((other) => isSameForward(one, other))
    const before = forwards[at]
    if (!before) forwards.push(one)
    else if (progress(one) > progress(before)) forwards[at] = one
  }
  return { ...hub, forwards }
}

/**
 * HB11: that an HTLC is out, and under which number, is told by the copy of the channel that has it, in one with its state. Any other word that it
 * is out, or is not, may be of a time before or after that state.
 */
function believed(one: Forward, channel: ChannelId): Forward {
  const { to, state } = one
  const isOpen = state.kind === 'waiting' || (state.kind === 'out' && to !== channel)
  return isOpen ? { ...one, state: { kind: 'unsure' } } : one
}

function progress({ state }: Forward): number {
  return { unsure: 0, waiting: 1, out: 2, paid: 3, back: 3 }[state.kind]
}
