import { SdkError } from '../../../sdk/errors.ts'
import type { ChannelLink, Clock, LinkMessage } from '../../../sdk/ports.ts'

/** What befalls one call. Reading is cut short by every fault but `hole`, which leaves a message out. */
export type Fault = 'none' | 'lost' | 'answer lost' | 'late' | 'doubled' | 'cut' | 'hole'

/** A link on a bad line. */
export interface FaultyLink {
  readonly link: ChannelLink
  /** What befalls the next calls, in order; then nothing does. */
  readonly faults: Fault[]
  /** Every call, in words. */
  readonly calls: string[]
  /** From now on the calls go to another box. */
  readonly turnTo: (link: ChannelLink) => void
  /** Ends what is being received. */
  readonly cut: () => void
}

/** How long a late message takes. */
const lateMs = 700

export function faultyLink(first: ChannelLink, clock: Clock): FaultyLink {
  let link = first
  const faults: Fault[] = []
  const calls: string[] = []
  let line = new AbortController()
  const next = () => faults.shift() ?? 'none'

  const call = async <value>(name: string, run: () => Promise<value>): Promise<value> => {
    calls.push(name)
    const fault = next()
    if (fault === 'lost' || fault === 'cut') throw unreachable()
    if (fault === 'late') {
      void clock
        .sleep(lateMs)
        .then(run)
        .catch(() => undefined)
      throw unreachable()
    }
    if (fault === 'doubled') await run().catch(() => undefined)
    const value = await run()
    if (fault === 'answer lost') throw unreachable()
    return value
  }

  async function* receive(after: number, signal: AbortSignal): AsyncGenerator<LinkMessage, void> {
    calls.push(`receive ${after}`)
    const fault = next()
    if (fault === 'lost' || fault === 'late') throw unreachable()
    const own = new AbortController()
    const end = () => own.abort()
    signal.addEventListener('abort', end, { once: true })
    line.signal.addEventListener('abort', end, { once: true })
    if (fault === 'cut') void clock.sleep(50).then(end)
    let left = fault === 'answer lost' ? 2 : Number.POSITIVE_INFINITY
    for await (const message of link.receive(after, own.signal)) {
      if (left-- === 0) throw unreachable()
      if (fault === 'hole' && message.sequence === after + 2) continue
      yield message
      if (fault === 'doubled') yield message
    }
    if (!signal.aborted) throw unreachable()
  }

  return {
    faults,
    calls,
    turnTo: (other) => {
      link = other
    },
    cut: () => {
      line.abort()
      line = new AbortController()
    },
    link: {
      send: (message) => call(`send ${message.sequence}`, () => link.send(message)),
      acknowledge: (read) => call(`acknowledge ${read.through}`, () => link.acknowledge(read)),
      standing: () => call('standing', () => link.standing()),
      deposit: (deposit) => call('deposit', () => link.deposit(deposit)),
      receive,
    },
  }
}

function unreachable(): SdkError {
  return new SdkError('relay/unreachable', 'The relay did not answer.', { retryable: true })
}
