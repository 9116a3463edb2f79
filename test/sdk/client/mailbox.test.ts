import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acknowledgedEvery, createMailbox, postsMax, postTriesMax } from '../../../sdk/client/index.ts'
import { InvariantError, SdkError } from '../../../sdk/errors.ts'
import type { ChannelLink } from '../../../sdk/ports.ts'
import { memoryBox } from '../../edge/memoryBox.ts'
import { type ModelClock, modelClock } from '../wallet/model/clock.ts'
import { type Fault, faultyLink } from './faultyLink.ts'
import { failure } from './setting.ts'

const [payerToken, payeeToken] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const random = (size: number) => new Uint8Array(size).fill(0x80)
const bytes = (value: number) => Uint8Array.of(value >> 8, value & 0xff)
const numberIn = (message: Uint8Array) => ((message[0] ?? 0) << 8) | (message[1] ?? 0)

/** A box with both links, and a clock that moves when all wait. */
function world(box = memoryBox()) {
  const clock = modelClock()
  const payer = faultyLink(box.link('payer', payerToken), clock)
  const payee = faultyLink(box.link('payee', payeeToken), clock)
  const mailbox = (link: ChannelLink, epoch = 1) => createMailbox({ link, epoch, clock, random })
  /** What the payee was sent, as it stands in the box. */
  const stored = () => box.rows.messagesAfter('payer', 0, 10_000).map((row) => numberIn(row.bytes))
  return { box, clock, payer, payee, mailbox, stored }
}

/** Reads until `count` messages came, or time has run out. */
async function readSome(clock: ModelClock, link: ChannelLink, count: number, epoch = 1): Promise<number[]> {
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
const outcomeOf = (call: Promise<void>): Promise<unknown> =>
  call.then(
    () => null,
    (error: unknown) => error,
  )

describe('posting', () => {
  it('[CB2] messages that are posted together arrive in the order of the calls', async () => {
    const { payer, payee, mailbox, clock } = world()
    const { post } = mailbox(payer.link)
    await clock.until(Promise.all([1, 2, 3, 4].map((value) => post(bytes(value)))))
    expect(await readSome(clock, payee.link, 4)).toEqual([1, 2, 3, 4])
    expect(payer.calls).toEqual(['standing', 'send 1', 'send 2', 'send 3', 'send 4'])
  })

  it('[CB3] after a lost answer the same bytes go under the same sequence', async () => {
    const { payer, mailbox, clock, stored } = world()
    const { post } = mailbox(payer.link)
    await clock.until(post(bytes(1)))
    payer.faults.push('answer lost', 'lost', 'answer lost')
    await clock.until(Promise.all([post(bytes(2)), post(bytes(3))]))
    expect(stored()).toEqual([1, 2, 3])
    expect(payer.calls).toEqual(['standing', 'send 1', 'send 2', 'send 2', 'send 2', 'send 2', 'send 3'])
  })

  it('a post that stays unknown takes those behind it along, and the next goes on in order', async () => {
    const { payer, mailbox, clock, stored } = world()
    const { post } = mailbox(payer.link)
    await clock.until(post(bytes(1)))
    payer.faults.push(...Array<Fault>(postTriesMax).fill('answer lost'))
    const posts = [2, 3, 4].map((value) => outcomeOf(post(bytes(value))))
    for (const one of posts) {
      const error = await clock.until(one)
      expect(error).toMatchObject({ code: 'relay/unreachable', retryable: true })
    }
    expect(stored()).toEqual([1, 2])
    // Other bytes, so the box is asked what became of the last ones.
    await clock.until(post(bytes(5)))
    expect(stored()).toEqual([1, 2, 5])
    expect(payer.calls.slice(-2)).toEqual(['standing', 'send 3'])
  })

  it('posted again, what may have arrived already is not doubled', async () => {
    const { payer, mailbox, clock, stored } = world()
    const { post } = mailbox(payer.link)
    payer.faults.push('none', ...Array<Fault>(postTriesMax).fill('answer lost'))
    await clock.until(outcomeOf(post(bytes(1))))
    await clock.until(post(bytes(1)))
    expect(stored()).toEqual([1])
  })

  it('[CB4] a message of an earlier run that arrives late takes a number, and no message is lost', async () => {
    const { payer, mailbox, clock, stored } = world()
    // The first run asks where it stands, sends, and dies; its message is still on its way.
    payer.faults.push('none', 'late', ...Array<Fault>(20).fill('lost'))
    mailbox(payer.link)
      .post(bytes(1))
      .catch(() => undefined)
    await clock.pass(1)
    payer.faults.length = 0
    // The second run is told of no message, and sends its own so late that the other one is there first.
    const again = mailbox(payer.link)
    payer.faults.push('none', 'lost')
    await clock.until(again.post(bytes(2)))
    expect(stored()).toEqual([1, 2])
  })

  it('[CB5] a box that was forgotten is written to from the start', async () => {
    const { payer, mailbox, clock } = world()
    const { post } = mailbox(payer.link)
    await clock.until(post(bytes(1)))
    await clock.until(post(bytes(2)))
    const fresh = memoryBox()
    payer.turnTo(fresh.link('payer', payerToken))
    await clock.until(post(bytes(3)))
    expect(fresh.rows.messagesAfter('payer', 0, 9).map((row) => numberIn(row.bytes))).toEqual([3])
  })

  it('[CB10] a full box is waited for', async () => {
    const { payer, payee, mailbox, clock, box } = world()
    const { post } = mailbox(payer.link)
    for (let value = 0; value < 256; value++) await clock.until(post(bytes(value)))
    const last = post(bytes(256))
    await clock.pass(1_000)
    expect(box.rows.side('payer')?.sent).toBe(256)
    await payee.link.acknowledge({ through: 1, epoch: 1 })
    await clock.until(last)
    expect(box.rows.side('payer')?.sent).toBe(257)
  })

  it('a message that the box does not take is refused alone', async () => {
    const { payer, mailbox, clock, stored } = world()
    const { post } = mailbox(payer.link)
    const posts = [post(bytes(1)), post(new Uint8Array(5_000)), post(bytes(2))]
    const [, refused] = await clock.until(Promise.allSettled(posts))
    expect(refused).toMatchObject({ reason: { code: 'relay/refused', notes: ['message-too-large'], retryable: false } })
    expect(stored()).toEqual([1, 2])
  })

  it('no more than so many posts wait', async () => {
    const { payer, mailbox, clock, stored } = world()
    const { post } = mailbox(payer.link)
    const posts = Array.from({ length: postsMax }, (_, at) => post(bytes(at)))
    expect(await failure(post(bytes(999)))).toMatchObject({ code: 'client/busy', retryable: true })
    await clock.until(Promise.all(posts))
    expect(stored()).toHaveLength(postsMax)
  })

  it('what is posted is what the bytes were at the call', async () => {
    const { payer, mailbox, clock, stored } = world()
    const message = bytes(7)
    const posted = mailbox(payer.link).post(message)
    message.fill(0)
    await clock.until(posted)
    expect(stored()).toEqual([7])
  })
})

describe('a device that was taken over', () => {
  const stale = { code: 'relay/refused', retryable: false, notes: expect.arrayContaining(['stale-epoch']) }

  it('[CB6] can neither post nor read any more, and is told what to do', async () => {
    const { payer, mailbox, clock } = world()
    const [old, next] = [mailbox(payer.link, 1), mailbox(payer.link, 2)]
    await clock.until(old.post(bytes(1)))
    const reading = old.read(async () => undefined, new AbortController().signal)
    const ended = outcomeOf(reading)
    await clock.until(next.post(bytes(2)))
    const posts = [3, 4].map((value) => outcomeOf(old.post(bytes(value))))
    for (const post of posts) {
      const error = await clock.until(post)
      expect(error).toMatchObject(stale)
      expect((error as unknown as SdkError).notes[0]).toBe('stale-epoch')
    }
    expect(await ended).toMatchObject(stale)
    const asked = payer.calls.length
    expect(await failure(old.post(bytes(5)))).toMatchObject(stale)
    expect(await failure(old.read(async () => undefined, new AbortController().signal))).toMatchObject(stale)
    expect(payer.calls).toHaveLength(asked)
    await clock.until(next.post(bytes(6)))
  })

  it('[CB6] is told at its first question, and when it acknowledges', async () => {
    const { payer, payee, mailbox, clock } = world()
    const old = mailbox(payee.link, 1)
    await clock.until(mailbox(payer.link).post(bytes(1)))
    const ended = outcomeOf(old.read(async () => undefined, new AbortController().signal))
    await payee.link.acknowledge({ through: 0, epoch: 9 })
    await clock.pass(5_000)
    expect(await ended).toMatchObject(stale)
    expect(await clock.until(outcomeOf(mailbox(payee.link, 8).post(bytes(1))))).toMatchObject(stale)
  })
})

describe('reading', () => {
  it('[CB9] acknowledges many messages at once, and the last ones when nothing follows', async () => {
    const { payer, payee, mailbox, clock, box } = world()
    const { post } = mailbox(payer.link)
    for (let value = 1; value <= 100; value++) await clock.until(post(bytes(value)))
    const stop = new AbortController()
    const seen: number[] = []
    const reading = mailbox(payee.link).read(async (message) => void seen.push(numberIn(message)), stop.signal)
    await clock.pass(5_000)
    stop.abort()
    await reading
    expect(seen).toHaveLength(100)
    expect(box.rows.side('payer')?.acknowledged).toBe(100)
    const acknowledgements = payee.calls.filter((call) => call.startsWith('acknowledge'))
    expect(acknowledgements.length).toBeLessThanOrEqual(Math.ceil(100 / acknowledgedEvery) + 1)
  })

  it('[CB9] goes on after a restart where it had acknowledged, and what was not comes again', async () => {
    const { payer, payee, mailbox, clock } = world()
    const { post } = mailbox(payer.link)
    for (let value = 1; value <= 90; value++) await clock.until(post(bytes(value)))
    const first = await readSome(clock, payee.link, 90)
    expect(first).toHaveLength(90)
    const again = await readSome(clock, payee.link, 1)
    expect(again[0]).toBeGreaterThan(1)
    expect(again[0]).toBeLessThanOrEqual(90)
    const rest = await readSome(clock, payee.link, 91 - (again[0] ?? 0))
    expect(rest.at(-1)).toBe(90)
  })

  it('[CB8] a cursor that the box no longer has is asked for anew', async () => {
    const { payer, payee, mailbox, clock } = world()
    const { post } = mailbox(payer.link)
    const stop = new AbortController()
    const seen: number[] = []
    payee.faults.push('none', 'cut')
    const reading = mailbox(payee.link).read(async (message) => void seen.push(numberIn(message)), stop.signal)
    await clock.pass(1)
    for (let value = 1; value <= 100; value++) await clock.until(post(bytes(value)))
    // Another device of this side has read them all meanwhile.
    await payee.link.acknowledge({ through: 100, epoch: 1 })
    await clock.until(post(bytes(101)))
    await clock.pass(120_000)
    expect(seen.at(-1)).toBe(101)
    stop.abort()
    await reading
  })

  it('[CB8] a box that was forgotten is read from the start', async () => {
    const { payer, payee, mailbox, clock } = world()
    await clock.until(mailbox(payer.link).post(bytes(1)))
    const stop = new AbortController()
    const seen: number[] = []
    const reading = mailbox(payee.link).read(async (message) => void seen.push(numberIn(message)), stop.signal)
    await clock.pass(10_000)
    const fresh = memoryBox()
    payee.turnTo(fresh.link('payee', payeeToken))
    payee.cut()
    await clock.pass(60_000)
    await fresh.link('payer', payerToken).send({ sequence: 1, epoch: 1, bytes: bytes(2) })
    await clock.pass(60_000)
    stop.abort()
    await reading
    expect(seen).toEqual([1, 2])
    expect(fresh.rows.side('payer')?.acknowledged).toBe(1)
  })

  it('gives a message again that could not be taken for now', async () => {
    const { payer, payee, mailbox, clock, box } = world()
    await clock.until(mailbox(payer.link).post(bytes(1)))
    await clock.until(mailbox(payer.link).post(bytes(2)))
    const stop = new AbortController()
    const seen: number[] = []
    const take = async (message: Uint8Array) => {
      seen.push(numberIn(message))
      if (seen.length < 3) throw new SdkError('store/unavailable', 'The disk is busy.', { retryable: true })
      if (seen.length === 4) stop.abort()
    }
    await clock.until(mailbox(payee.link).read(take, stop.signal))
    expect(seen).toEqual([1, 1, 1, 2])
    expect(box.rows.side('payer')?.acknowledged).toBe(0)
  })

  it('ends with what a taker throws for good, and does not acknowledge it', async () => {
    const { payer, payee, mailbox, clock, box } = world()
    await clock.until(mailbox(payer.link).post(bytes(1)))
    const bug = new InvariantError('Broken.')
    const take = async () => {
      throw bug
    }
    expect(await clock.until(outcomeOf(mailbox(payee.link).read(take, new AbortController().signal)))).toBe(bug)
    expect(box.rows.side('payer')?.acknowledged).toBe(0)
  })

  it('resolves when aborted, whatever it waits for', async () => {
    const { payee, mailbox, clock } = world()
    const aborted = new AbortController()
    aborted.abort()
    const calls = payee.calls.length
    await mailbox(payee.link).read(async () => undefined, aborted.signal)
    expect(payee.calls).toHaveLength(calls)
    const stop = new AbortController()
    const reading = mailbox(payee.link).read(async () => undefined, stop.signal)
    await clock.pass(10_000)
    stop.abort()
    await reading
    payee.faults.push(...Array<Fault>(20).fill('lost'))
    const later = new AbortController()
    const pausing = mailbox(payee.link).read(async () => undefined, later.signal)
    await clock.pass(1_000)
    later.abort()
    await pausing
    const last = new AbortController()
    const silent = { ...payee.link, standing: () => new Promise<never>(() => undefined) }
    const asking = mailbox(silent).read(async () => undefined, last.signal)
    last.abort()
    await asking
  })

  it('a second reader of one mailbox is a mistake', async () => {
    const { payee, mailbox } = world()
    const { read } = mailbox(payee.link)
    const stop = new AbortController()
    const reading = read(async () => undefined, stop.signal)
    await expect(read(async () => undefined, stop.signal)).rejects.toThrow(InvariantError)
    stop.abort()
    await reading
  })

  it('a payment and its answer cost a post each, and hardly an acknowledgement', async () => {
    const { payer, payee, mailbox, clock } = world()
    const [buyer, seller] = [mailbox(payer.link), mailbox(payee.link)]
    const stop = new AbortController()
    const payments = 200
    let answered = 0
    const answering = seller.read((message) => seller.post(message), stop.signal)
    const buying = buyer.read(async () => {
      answered += 1
    }, stop.signal)
    for (let value = 1; value <= payments; value++) {
      await clock.until(buyer.post(bytes(value)))
      for (let turns = 0; answered < value; turns++) {
        if (turns > 1_000)
          throw new Error(`Nothing comes of ${value}: ${payer.calls.slice(-6)} ${payee.calls.slice(-6)}`)
        await clock.pass(1)
      }
    }
    stop.abort()
    await Promise.all([answering, buying])
    const written = [...payer.calls, ...payee.calls].filter((call) => !call.startsWith('receive')).length
    expect(written / payments).toBeLessThan(2.2)
  })
})

describe('a mailbox on a bad line', () => {
  const fault = fc.constantFrom<Fault>('none', 'none', 'none', 'lost', 'answer lost', 'late', 'doubled', 'cut', 'hole')

  it('loses nothing and keeps the order, whatever is lost, doubled, late or restarted', async () => {
    const run = async (faults: readonly Fault[], restarts: ReadonlySet<number>, back: readonly Fault[]) => {
      const { payer, payee, mailbox, clock, stored } = world()
      payer.faults.push(...faults)
      payee.faults.push(...back)
      const seen: number[] = []
      let reader = new AbortController()
      const take = async (message: Uint8Array) => void seen.push(numberIn(message))
      let reading = mailbox(payee.link).read(take, reader.signal)
      let writer = mailbox(payer.link)
      for (let value = 1; value <= 12; value++) {
        if (restarts.has(value)) {
          // A crash of the writer in the middle of a post, and of the reader after it.
          const lost = writer.post(bytes(value))
          lost.catch(() => undefined)
          await clock.pass(1)
          writer = mailbox(payer.link)
          reader.abort()
          await clock.until(reading)
          reader = new AbortController()
          reading = mailbox(payee.link).read(take, reader.signal)
        }
        while (await clock.until(outcomeOf(writer.post(bytes(value))))); // Until the box has it.
      }
      await clock.pass(300_000)
      reader.abort()
      await clock.until(reading)
      const firsts = seen.filter((value, at) => seen.indexOf(value) === at)
      const all = Array.from({ length: 12 }, (_, at) => at + 1)
      expect(firsts).toEqual(all)
      // Only a crash forgets under which number a message went.
      if (restarts.size === 0) expect(stored()).toEqual(all)
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fault, { maxLength: 60 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
        fc.array(fault, { maxLength: 60 }),
        (faults, restarts, back) => run(faults, new Set(restarts), back),
      ),
      { numRuns: 60 },
    )
  })
})
