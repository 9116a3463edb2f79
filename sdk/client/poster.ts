import { SdkError } from '../errors.ts'
import { sameBytes } from '../units.ts'
import { networkPauses, pauseMs } from './backoff.ts'
import { fenceOff, isRelayFault, type MailboxWorld, refusalCode, requireOwn, standingOf } from './fence.ts'

/** Most posts of one mailbox that wait; beyond, `client/busy`. */
export const postsMax = 64
/** How often a message is sent before its fate is left open: some fifteen seconds of pauses. */
export const postTriesMax = 8
/** How often one message gets another number, because the box stands elsewhere than was thought. */
const renumberedMax = 8

/** The box stands elsewhere than we thought: after a crash, an earlier message may arrive late. */
const misnumbered: readonly (string | undefined)[] = ['conflicting-message', 'message-gap', 'message-expired']

interface Outgoing {
  /** Sequence of the next message; `null` while only the box knows. */
  next: number | null
  /** Sent last, without an answer: the box may have it, or may get it yet. */
  open: { readonly sequence: number; readonly bytes: Uint8Array } | null
}

/** The posts of a mailbox: one at a time, in order. */
export function createPoster(world: MailboxWorld): (message: Uint8Array) => Promise<void> {
  const outgoing: Outgoing = { next: null, open: null }
  let turn: Promise<unknown> = Promise.resolve()
  let waiting = 0
  /** Counts the failures that take everything behind them along. */
  let failures = 0
  let failure: unknown

  const inTurn = async (bytes: Uint8Array, joined: number) => {
    if (joined !== failures) throw failure
    try {
      await deliver(world, outgoing, bytes)
    } catch (error) {
      // A definite no is about one message. All else would put what follows before it.
      const isOwn = refusalCode(error) !== undefined && !(error as SdkError).retryable && !world.fence.signal.aborted
      if (!isOwn) {
        failures += 1
        failure = error
      }
      throw error
    }
  }

  return async (message) => {
    requireOwn(world)
    if (waiting >= postsMax)
      throw new SdkError('client/busy', `${postsMax} messages wait for the channel box already.`, { retryable: true })
    waiting += 1
    const joined = failures
    const bytes = message.slice()
    const end = turn.then(() => inTurn(bytes, joined))
    turn = end.catch(() => undefined)
    await end.finally(() => {
      waiting -= 1
    })
  }
}

/** Sends until the box has answered for this message, or the tries are used up. */
async function deliver(world: MailboxWorld, outgoing: Outgoing, bytes: Uint8Array): Promise<void> {
  const { link, epoch, clock, random, signal } = world
  for (let tries = 1, renumbered = 0; ; ) {
    requireOwn(world)
    try {
      const sequence = await sequenceFor(world, outgoing, bytes)
      outgoing.open = { sequence, bytes }
      await link.send({ sequence, epoch, bytes })
      outgoing.next = sequence + 1
      outgoing.open = null
      return
    } catch (error) {
      if (!isRelayFault(error)) throw error
      const code = refusalCode(error)
      if (code === 'stale-epoch') throw fenceOff(world)
      if (misnumbered.includes(code)) {
        // The sequence is another message's, or was never due: the box says where it stands.
        Object.assign(outgoing, { next: null, open: null })
        if (++renumbered > renumberedMax) throw error
      } else if (code !== undefined && !error.retryable) {
        Object.assign(outgoing, { next: null, open: null })
        throw error
      } else {
        if (tries++ >= postTriesMax) throw error
        await clock.sleep(pauseMs(networkPauses, tries - 2, random), signal ?? undefined).catch(() => {
          throw error
        })
      }
    }
  }
}

/**
 * The number to send under. Without an answer to the last try, the same bytes go under the same number again: were they
 * to get another one, they could arrive twice; were others to get it, one of the two would be lost.
 */
async function sequenceFor(world: MailboxWorld, outgoing: Outgoing, bytes: Uint8Array): Promise<number> {
  const { open, next } = outgoing
  if (open && sameBytes(open.bytes, bytes)) return open.sequence
  if (!open && next !== null) return next
  const { sent } = await standingOf(world)
  return sent + 1
}
