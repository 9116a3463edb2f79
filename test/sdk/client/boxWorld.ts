import { createMailbox } from '../../../sdk/client/index.ts'
import type { ChannelLink } from '../../../sdk/ports.ts'
import { memoryBox } from '../../edge/memoryBox.ts'
import { type ModelClock, modelClock } from '../wallet/model/clock.ts'
import { faultyLink } from './faultyLink.ts'

export const [payerToken, payeeToken] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
export const random = (size: number) => new Uint8Array(size).fill(0x80)
export const bytes = (value: number) => Uint8Array.of(value >> 8, value & 0xff)
export const numberIn = (message: Uint8Array) => ((message[0] ?? 0) << 8) | (message[1] ?? 0)

/** A box with both links, and a clock that moves when all wait. */
export function world(box = memoryBox()) {
  const clock = modelClock()
  const payer = faultyLink(box.link('payer', payerToken), clock)
  const payee = faultyLink(box.link('payee', payeeToken), clock)
  const mailbox = (link: ChannelLink, epoch = 1, signal?: AbortSignal) =>
    createMailbox({ link, epoch, clock, random, ...(signal && { signal }) })
  /** What the payee was sent, as it stands in the box. */
  const stored = () => box.rows.messagesAfter('payer', 0, 10_000).map((row) => numberIn(row.bytes))
  return { box, clock, payer, payee, mailbox, stored }
}

/** Reads until `count` messages came, or time has run out. */
export async function readSome(clock: ModelClock, link: ChannelLink, count: number, epoch = 1): Promise<number[]> {
  const stop = new AbortController()
  const seen: number[] = []
  const take = async (message: Uint8Array) => {
    seen.push(numberIn(message))
    if (seen.length === count) stop.abort()
  }
  await clock.until(createMailbox({ link, epoch, clock, random }).read(take, stop.signal))
  return seen
}

/** What it threw, or `null`. */
export const outcomeOf = (call: Promise<void>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  )
