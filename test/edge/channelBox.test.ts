import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Access, type BoxEvent, boxStep, boxWakeAt, readInbox, type Sighting } from '../../edge/channelBox.ts'
import type { Deposit } from '../../edge/channelBoxRows.ts'
import { boxRetentionMs, boxUnusedMs, inboxMessagesMax, messagesKept } from '../../edge/limits.ts'
import { sameBytes } from '../../sdk/units.ts'
import { closingInput, closingOf } from './closings.ts'
import { type MemoryBoxRows, memoryBoxRows } from './memoryBox.ts'

const payer: Access = { side: 'payer', claim: `0x${'01'.repeat(32)}` }
const payee: Access = { side: 'payee', claim: `0x${'02'.repeat(32)}` }
const start = 1_800_000_000_000
const pollMs = 1_000
const done = { ok: true }

/** Commits a step and gives its answer and effects. */
function feed(rows: MemoryBoxRows, event: BoxEvent) {
  const { changes, effects, answer } = boxStep(rows, event, pollMs)
  rows.apply(changes)
  return { effects, answer }
}

function post(rows: MemoryBoxRows, sequence: number, { epoch = 1, access = payer, bytes = bytesOf(sequence) } = {}) {
  return feed(rows, { type: 'post', access, post: { sequence, epoch, bytes }, now: start }).answer
}

function acknowledge(rows: MemoryBoxRows, through: number, epoch = 1) {
  return feed(rows, { type: 'acknowledge', access: payee, through, epoch, now: start }).answer
}

function codeOf(answer: { readonly ok: boolean; readonly code?: string }): string {
  return answer.ok ? 'ok' : (answer.code ?? '')
}

function bytesOf(...words: readonly number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(words).buffer)
}

function inboxOf(rows: MemoryBoxRows, after = 0): readonly number[] {
  const inbox = readInbox(rows, 'payee', after)
  return inbox.ok ? inbox.messages.map(({ sequence }) => sequence) : []
}

describe('the channel box, writing', () => {
  it('[CB1] refuses another token, and a refused stranger changes nothing', () => {
    const rows = memoryBoxRows()
    post(rows, 1)
    const stranger: Access = { side: 'payer', claim: `0x${'01'.repeat(31)}02` }
    const { changes, answer } = boxStep(
      rows,
      { type: 'post', access: stranger, post: { sequence: 2, epoch: 9, bytes: bytesOf(2) }, now: start },
      pollMs,
    )
    expect(codeOf(answer)).toBe('unauthorized')
    expect(changes).toEqual([])
  })

  it('[CR12] [CB3] answers a resend whose answer was lost, and changes nothing', () => {
    const rows = memoryBoxRows()
    expect(post(rows, 1)).toEqual(done)
    const again = {
      type: 'post',
      access: payer,
      post: { sequence: 1, epoch: 1, bytes: bytesOf(1) },
      now: start,
    } as const
    expect(boxStep(rows, again, pollMs)).toEqual({ changes: [], effects: [], answer: done })
  })

  it('[CB4] [CB5] refuses other bytes and holes, and says which sequence is next', () => {
    const rows = memoryBoxRows()
    post(rows, 1)
    expect(post(rows, 1, { bytes: bytesOf(7) })).toMatchObject({ code: 'conflicting-message' })
    expect(post(rows, 3)).toEqual({ ok: false, code: 'message-gap', detail: 'Message 2 is expected next.' })
    expect(inboxOf(rows)).toEqual([1])
  })

  it('[CB6] lets a higher epoch take over even by a refused message, of its own side only', () => {
    const rows = memoryBoxRows()
    post(rows, 1, { epoch: 3 })
    expect(codeOf(post(rows, 9, { epoch: 4 }))).toBe('message-gap')
    expect(codeOf(post(rows, 2, { epoch: 3 }))).toBe('stale-epoch')
    expect(codeOf(post(rows, 1, { epoch: 3 }))).toBe('stale-epoch')
    expect(codeOf(post(rows, 1, { epoch: 1, access: payee }))).toBe('ok')
    expect(codeOf(post(rows, 2, { epoch: 4 }))).toBe('ok')
  })

  it('[CB10] bounds what waits by count, and has room again after an acknowledgement', () => {
    const rows = memoryBoxRows()
    for (let sequence = 1; sequence <= inboxMessagesMax; sequence++) post(rows, sequence)
    expect(codeOf(post(rows, inboxMessagesMax + 1))).toBe('backpressure')
    expect(codeOf(post(rows, inboxMessagesMax))).toBe('ok')
    acknowledge(rows, 1)
    expect(codeOf(post(rows, inboxMessagesMax + 1))).toBe('ok')
  })
})

describe('the channel box, reading', () => {
  it('[CB9] keeps the last acknowledged messages, and drops older ones', () => {
    const rows = memoryBoxRows()
    for (let sequence = 1; sequence <= messagesKept + 3; sequence++) post(rows, sequence)
    acknowledge(rows, messagesKept + 2)
    expect(readInbox(rows, 'payee', 0)).toMatchObject({ code: 'cursor-expired' })
    expect(inboxOf(rows, 2)[0]).toBe(3)
    expect(codeOf(post(rows, 2))).toBe('message-expired')
    expect(codeOf(post(rows, 3))).toBe('ok')
  })

  it('[CB8] [CB9] refuses cursors beyond the last message, from a side whose partner never came too', () => {
    const rows = memoryBoxRows()
    expect(codeOf(acknowledge(rows, 1))).toBe('cursor-ahead')
    expect(readInbox(rows, 'payee', 1)).toMatchObject({ code: 'cursor-ahead' })
    expect(readInbox(rows, 'payee', 0)).toEqual({ ok: true, messages: [] })
    expect(codeOf(acknowledge(rows, 0))).toBe('ok')
  })

  it('[CB6] an old device cannot drop what the new one has not stored', () => {
    const rows = memoryBoxRows()
    post(rows, 1)
    acknowledge(rows, 0, 2)
    expect(codeOf(acknowledge(rows, 1, 1))).toBe('stale-epoch')
    expect(rows.side('payer')?.acknowledged).toBe(0)
  })
})

describe('the channel box, forgetting', () => {
  const wake = (rows: MemoryBoxRows) => feed(rows, { type: 'tick', now: boxWakeAt(rows) ?? 0 })

  it('[CB11] forgets everything long after anybody came by, sooner when nothing was written', () => {
    const rows = memoryBoxRows()
    feed(rows, { type: 'visit', access: payee, now: start })
    expect(boxWakeAt(rows)).toBe(start + boxUnusedMs)
    post(rows, 1)
    expect(boxWakeAt(rows)).toBe(start + boxRetentionMs)
    feed(rows, { type: 'tick', now: start + boxRetentionMs - 1 })
    expect(inboxOf(rows)).toEqual([1])
    wake(rows)
    expect(rows.side('payer')).toBeUndefined()
    expect(boxWakeAt(rows)).toBeNull()
  })

  it('[CB11] a visit puts it off; a waiting deposit forbids it', () => {
    const rows = memoryBoxRows()
    post(rows, 1)
    feed(rows, { type: 'visit', access: payee, now: start + boxRetentionMs - 1 })
    expect(boxWakeAt(rows)).toBe(start + 2 * boxRetentionMs - 1)
    leave(rows, 1)
    feed(rows, { type: 'tick', now: start + 100 * boxRetentionMs })
    expect(rows.deposit()?.number).toBe(1)
  })
})

function depositOf(number: number, closeAtHeight = 900): Deposit {
  return { number, closeAtHeight, transaction: closingOf(number), input: closingInput }
}

function leave(rows: MemoryBoxRows, number: number, closeAtHeight = 900) {
  return feed(rows, { type: 'deposit', access: payee, deposit: depositOf(number, closeAtHeight), now: start }).answer
}

describe('the backup', () => {
  const keep = (rows: MemoryBoxRows, number: number, bytes = bytesOf(number), access = payer) =>
    feed(rows, { type: 'keep', access, backup: { number, bytes }, now: start }).answer

  it('[CB17] [CB11] is the newest one, of each side its own, and is kept as long as messages are', () => {
    const rows = memoryBoxRows()
    expect(keep(rows, 7)).toEqual(done)
    expect(keep(rows, 7)).toEqual(done)
    expect(codeOf(keep(rows, 7, bytesOf(8)))).toBe('conflicting-backup')
    expect(codeOf(keep(rows, 6))).toBe('stale-backup')
    expect(keep(rows, 9)).toEqual(done)
    expect(keep(rows, 1, bytesOf(1), payee)).toEqual(done)
    expect(rows.backup('payer')).toEqual({ side: 'payer', number: 9, bytes: bytesOf(9) })
    expect(rows.backup('payee')?.number).toBe(1)
    expect(boxWakeAt(rows)).toBe(start + boxRetentionMs)
    feed(rows, { type: 'tick', now: start + boxRetentionMs })
    expect(rows.backup('payer')).toBeUndefined()
  })
})

describe('the deposit', () => {
  const sight = (rows: MemoryBoxRows, number: number, sighting: Sighting) =>
    feed(rows, { type: 'sighted', number, sighting, now: start })
  const broadcast = (number: number) => [{ type: 'broadcast', transaction: closingOf(number) }]

  it('[CB12] only a higher number replaces it', () => {
    const rows = memoryBoxRows()
    expect(leave(rows, 5)).toEqual(done)
    expect(leave(rows, 5)).toEqual(done)
    expect(codeOf(leave(rows, 5, 901))).toBe('conflicting-deposit')
    expect(codeOf(leave(rows, 4))).toBe('stale-deposit')
    expect(leave(rows, 6)).toEqual(done)
    expect(rows.deposit()?.transaction).toEqual(closingOf(6))
  })

  it('[CB13] waits for its height, then is broadcast at every look', () => {
    const rows = memoryBoxRows()
    leave(rows, 1)
    expect(sight(rows, 1, { height: 899, isBuried: false }).effects).toEqual([])
    expect(sight(rows, 1, { height: 900, isBuried: false }).effects).toEqual(broadcast(1))
    expect(sight(rows, 1, { height: 901, isBuried: false }).effects).toEqual(broadcast(1))
    expect(sight(rows, 1, { height: 890, isBuried: false }).effects).toEqual(broadcast(1))
  })

  it('[CB14] ends when its spend is buried, even before its height, and is then left alone', () => {
    const rows = memoryBoxRows()
    leave(rows, 1)
    expect(sight(rows, 1, { height: 700, isBuried: true }).effects).toEqual([])
    expect(rows.deposit()).toMatchObject({ state: 'ended', dueAt: null })
    expect(sight(rows, 1, { height: 950, isBuried: false }).effects).toEqual([])
  })

  it('[CB15] goes on closing while nobody answers, and does not begin to', () => {
    const rows = memoryBoxRows()
    leave(rows, 1)
    expect(sight(rows, 1, { height: null, isBuried: false }).effects).toEqual([])
    expect(rows.deposit()?.dueAt).toBe(start + pollMs)
    sight(rows, 1, { height: 800, isBuried: false })
    sight(rows, 1, { height: null, isBuried: false })
    expect(rows.deposit()).toMatchObject({ height: 800, state: 'waiting' })
    sight(rows, 1, { height: 900, isBuried: false })
    expect(sight(rows, 1, { height: null, isBuried: false }).effects).toEqual(broadcast(1))
  })

  it('[CB16] every tick that is due looks once, and stores the next time first', () => {
    const rows = memoryBoxRows()
    leave(rows, 1)
    expect(boxWakeAt(rows)).toBe(start)
    expect(feed(rows, { type: 'tick', now: start }).effects).toMatchObject([{ type: 'look', deposit: depositOf(1) }])
    expect(feed(rows, { type: 'tick', now: start }).effects).toEqual([])
    expect(boxWakeAt(rows)).toBe(start + pollMs)
    expect(feed(rows, { type: 'tick', now: start + pollMs }).effects).toMatchObject([{ type: 'look' }])
  })

  it('[CB12] news of a deposit that was replaced says nothing of the new one', () => {
    const rows = memoryBoxRows()
    leave(rows, 1)
    leave(rows, 2, 2_000)
    expect(sight(rows, 1, { height: 950, isBuried: true }).effects).toEqual([])
    expect(rows.deposit()).toMatchObject({ number: 2, state: 'waiting', dueAt: start })
  })
})

describe('the channel box under crashes and two devices', () => {
  /** Each number picks what happens next, and how it goes wrong. */
  const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat(1_000)), { maxLength: 250 })

  it('[CB2] [CB3] [CB6] [CB7] [CB8] keeps the order, loses nothing it answered for, and repeats only the same bytes', () => {
    fc.assert(
      fc.property(history, (acts) => {
        const model = createModel()
        for (const [act, roll] of acts) model.act(act, roll)
        model.heal()
        expect(model.read).toEqual(model.stored)
        for (const [sequence, bytes] of model.acked) expect(model.stored[sequence - 1]).toEqual(bytes)
      }),
      { numRuns: 300 },
    )
  })
})

interface Device {
  readonly epoch: number
  /** Its store: all messages it wrote, the first under `base + 1`. */
  readonly outbox: Uint8Array[]
  readonly base: number
  answered: number
  isFenced: boolean
}

/** A payer with an old and a new device, a payee whose store is a list, and a network that drops, doubles and delays. */
function createModel() {
  const rows = memoryBoxRows()
  /** What the box took first, by sequence: the truth. */
  const stored: Uint8Array[] = []
  const acked = new Map<number, Uint8Array>()
  const read: Uint8Array[] = []
  const late: { readonly epoch: number; readonly sequence: number; readonly bytes: Uint8Array }[] = []
  const devices: Device[] = [{ epoch: 1, outbox: [], base: 0, answered: 0, isFenced: false }]
  let salt = 0

  const deliver = (post: (typeof late)[number]) => {
    const epochBefore = rows.side('payer')?.epoch ?? 0
    const answer = feed(rows, { type: 'post', access: payer, post, now: start }).answer
    if (answer.ok) expect(post.epoch).toBeGreaterThanOrEqual(epochBefore)
    if (answer.ok && post.sequence === stored.length + 1) stored.push(post.bytes)
    if (answer.ok) expect(stored[post.sequence - 1]).toEqual(post.bytes)
    return answer
  }
  /** Sends the first message that is not answered. `roll` decides what gets lost. */
  const send = (device: Device, roll: number) => {
    const bytes = device.outbox[device.answered]
    if (!bytes || device.isFenced) return
    const post = { epoch: device.epoch, sequence: device.base + device.answered + 1, bytes }
    late.push(post)
    if (roll % 5 === 0) return // Lost on its way.
    const answer = deliver(post)
    if (roll % 5 === 1) return // A crash between the commit and the answer.
    if (answer.ok) {
      acked.set(post.sequence, bytes)
      device.answered += 1
    } else device.isFenced ||= answer.code === 'stale-epoch'
  }
  const readSome = (count: number) => {
    const inbox = readInbox(rows, 'payee', read.length)
    if (!inbox.ok) throw new Error(inbox.detail)
    for (const { sequence, bytes } of inbox.messages.slice(0, count)) {
      expect(sequence).toBe(read.length + 1)
      read.push(bytes)
    }
  }
  const readAgain = (roll: number) => {
    const from = Math.max(0, rows.side('payer')?.acknowledged ?? 0, read.length - (roll % 10))
    const inbox = readInbox(rows, 'payee', from)
    if (!inbox.ok) throw new Error(inbox.detail)
    for (const { sequence, bytes } of inbox.messages)
      expect(sequence > read.length || sameBytes(bytes, read[sequence - 1] as Uint8Array)).toBe(true)
  }
  const newest = () => devices.at(-1) as Device
  const act = (kind: number, roll: number) => {
    const device = devices[roll % devices.length] as Device
    if (kind <= 1) device.outbox.push(bytesOf(device.epoch, salt++))
    else if (kind <= 4) send(device, roll)
    else if (kind === 5) readSome(roll % 7)
    else if (kind === 6) readAgain(roll)
    else if (kind === 7) acknowledge(rows, Math.min(read.length, roll))
    else if (kind === 8 && late.length > 0) deliver(late[roll % late.length] as (typeof late)[number])
    else if (kind === 9 && roll % 20 === 0) {
      const sent = rows.side('payer')?.sent ?? 0
      devices.push({ epoch: newest().epoch + 1, outbox: [], base: sent, answered: 0, isFenced: false })
    }
  }
  const heal = () => {
    const device = newest()
    // What reached the box after the newest device had asked where it stood is not its own: it asks again.
    const sent = rows.side('payer')?.sent ?? 0
    const isBehind = device.answered === 0 && sent > device.base
    const last = isBehind ? { ...device, base: sent, epoch: device.epoch + 1 } : device
    for (let at = 0; at < 2 * device.outbox.length + 2; at++) {
      readSome(1_000)
      acknowledge(rows, read.length)
      send(last, 4)
    }
    readSome(1_000)
    expect(last.answered).toBe(last.outbox.length)
  }
  return { stored, acked, read, act, heal }
}
