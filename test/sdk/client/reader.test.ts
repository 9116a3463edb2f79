import { describe, expect, it } from 'vitest'
import { acknowledgedEvery } from '../../../sdk/client/index.ts'
import { InvariantError, SdkError } from '../../../sdk/errors.ts'
import { memoryBox } from '../../edge/memoryBox.ts'
import { bytes, numberIn, outcomeOf, payeeToken, payerToken, readSome, world } from './boxWorld.ts'
import type { Fault } from './faultyLink.ts'

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

  it('[CB9] acknowledges nothing before it is taken, however long that takes', async () => {
    const { payer, payee, mailbox, clock, box } = world()
    await clock.until(mailbox(payer.link).post(bytes(1)))
    await clock.until(mailbox(payer.link).post(bytes(2)))
    const stop = new AbortController()
    const reading = mailbox(payee.link).read(() => clock.sleep(20_000), stop.signal)
    const acknowledged = () => box.rows.side('payer')?.acknowledged
    await clock.pass(19_000)
    expect(acknowledged()).toBe(0)
    await clock.pass(19_000)
    expect(acknowledged()).toBe(1)
    await clock.pass(10_000)
    expect(acknowledged()).toBe(2)
    stop.abort()
    await reading
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
