import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { postsMax, postTriesMax } from '../../../sdk/client/index.ts'
import type { SdkError } from '../../../sdk/errors.ts'
import type { ChannelLink } from '../../../sdk/ports.ts'
import { memoryBox } from '../../edge/memoryBox.ts'
import { bytes, numberIn, outcomeOf, payerToken, readSome, world } from './boxWorld.ts'
import type { Fault } from './faultyLink.ts'
import { failure } from './setting.ts'

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

  it('once nobody waits for posts, what the box does not take is not tried again, and what it takes goes out', async () => {
    const { payer, mailbox, clock, stored } = world()
    const closing = new AbortController()
    const closes = async (sent: Promise<void>) => {
      await sent.finally(() => payer.calls.length === 3 && closing.abort())
    }
    const link = {
      ...payer.link,
      send: (message: Parameters<ChannelLink['send']>[0]) => closes(payer.link.send(message)),
    }
    const { post } = mailbox(link, 1, closing.signal)
    payer.faults.push('none', ...Array<Fault>(postTriesMax).fill('answer lost'))
    const posts = [1, 2].map((value) => outcomeOf(post(bytes(value))))
    for (const one of posts)
      expect(await clock.until(one)).toMatchObject({ code: 'relay/unreachable', retryable: true })
    expect(payer.calls).toEqual(['standing', 'send 1', 'send 1'])
    payer.faults.splice(0)
    await clock.until(post(bytes(3)))
    expect(stored()).toEqual([1, 3])
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
