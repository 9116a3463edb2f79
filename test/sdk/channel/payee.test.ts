import { describe, expect, it } from 'vitest'
import {
  bestClosing,
  channelIdOf,
  closingTransaction,
  openPayee,
  type Payee,
  type PayeeEvent,
  type PayeeMessage,
  payableMax,
  payeeStep,
} from '../../../sdk/channel/index.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { height, type Sats, sats } from '../../../sdk/units.ts'
import {
  channelId,
  deep,
  ending,
  late,
  opening,
  payeeSecret,
  shallow,
  signed,
  terms,
  unfunded,
  update,
  view,
} from './fixtures.ts'

const none = sats(0n)
const fresh = openPayee(opening, height(106))
const first = update(1, 400n)
const paid: Payee = { ...fresh, best: first, spent: sats(12n) }
const closing: Payee = { ...paid, phase: 'closing', closing: null }
const closed: Payee = { ...closing, phase: 'closed', ending }
const toSign = bestClosing(paid)

describe('the payee of a one-way channel, told of an update', () => {
  it('[OW9] [OW11] [OW15] takes it: stores first, then acknowledges with what is charged', () => {
    expect(payeeStep(fresh, buy(first))).toEqual(moved(paid, ack(1, 400n, 12n)))
  })

  it('[OW11] charges the next one out of the credit', () => {
    const second = update(2, 400n)
    const next = { ...paid, best: second, spent: sats(400n) }
    expect(payeeStep(paid, buy(second, sats(388n)))).toEqual(moved(next, ack(2, 400n, 400n)))
  })

  it('[OW12] charges nothing for a payment that was charged before', () => {
    const again = update(2, 400n, { name: 1 })
    expect(payeeStep(paid, buy(again, none))).toEqual(moved({ ...paid, best: again }, ack(2, 400n, 12n)))
  })

  it.each([
    ['open', paid],
    ['closing', closing],
    ['closed', closed],
  ])('[OW13] acknowledges the best one again and changes nothing, %s and however late', (_, channel) => {
    expect(payeeStep(channel, { ...buy(first), view: late })).toEqual(stayed(channel, ack(1, 400n, 12n)))
  })

  it.each([
    ['[OW14] a replayed number', update(1, 500n), 'stale-update'],
    ['[OW14] the best number with another payment', update(1, 400n, { name: 9 }), 'stale-update'],
    ['[OW9] a lower amount', update(2, 399n), 'lowered'],
    ['[OW10] more than the channel can pay', update(2, payableMax(opening) + 1n), 'overpaid'],
    ['a signature of somebody else', update(2, 500n, { secret: payeeSecret }), 'forged'],
    ['a signature on another amount', { ...update(2, 500n), paid: sats(501n) }, 'forged'],
    ['a number that could never end', update(2 ** 42 + 1, 500n), 'stale-update'],
  ] as const)('refuses %s, says what it holds, and stays as it was', (_, wrong, fault) => {
    expect(payeeStep(paid, buy(wrong))).toEqual(refused(paid, wrong.number, fault))
  })

  it('[OW10] refuses a first one below the dust limit, and takes one at it', () => {
    expect(payeeStep(fresh, buy(update(1, 293n)))).toEqual(refused(fresh, 1, 'below-dust'))
    expect(payeeStep(fresh, buy(update(1, 294n))).channel.best?.paid).toBe(294n)
  })

  it('[OW10] takes one that pays all there is', () => {
    const all = update(2, payableMax(opening))
    expect(payeeStep(paid, buy(all)).channel.best).toEqual(all)
  })

  it('[OW11] refuses a price beyond the credit, by one sat', () => {
    expect(payeeStep(paid, buy(update(2, 400n), sats(389n)))).toEqual(refused(paid, 2, 'underpaid'))
  })

  it('[OW12] refuses what is not for sale', () => {
    expect(payeeStep(paid, buy(update(2, 500n), null))).toEqual(refused(paid, 2, 'unknown-payment'))
  })

  it.each([
    ['[OW8] is not in the chain', unfunded, 'funding-unproven'],
    ['[OW8] lacks one block', { ...view, fundedAt: view.height }, 'funding-unproven'],
    ['[OW18] is spent', shallow, 'not-open'],
    ['[OW18] nears its expiry', late, 'too-late'],
  ] as const)('refuses it while the funding %s', (_, seen, fault) => {
    expect(payeeStep(paid, { ...buy(update(2, 500n)), view: seen })).toEqual(refused(paid, 2, fault))
  })

  it.each([closing, closed])('[OW20] refuses it when it is $phase', (channel) => {
    expect(payeeStep(channel, buy(update(2, 500n)))).toEqual(refused(channel, 2, 'not-open'))
  })

  it('halts at one of another channel, which the shell should never bring', () => {
    const other = { ...update(2, 500n), channelId: channelIdOf({ ...opening, expiry: height(701) }) }
    expect(() => payeeStep(paid, buy(other))).toThrow(InvariantError)
  })
})

describe('the payee of a one-way channel, asked how it stands', () => {
  it.each([
    ['waiting', unfunded],
    ['open', view],
    ['closing', late],
    ['closing', shallow],
  ] as const)('[OW24] says %s and what it holds', (status, seen) => {
    const standing: PayeeMessage = { type: 'standing', status, channelId, best: first, spent: sats(12n) }
    expect(payeeStep(paid, { type: 'open', view: seen })).toEqual(stayed(paid, { type: 'send', message: standing }))
  })
})

describe('the payee of a one-way channel, asked to close', () => {
  const ask = { type: 'close', number: 1, fee: sats(200n), view, feeMin: sats(150n) } as const
  const right: PayeeEvent = { ...ask, signature: signed(sats(400n), sats(200n)) }

  it('[OW19] [OW20] decides, stores that, and has its closing signed', () => {
    const { channel, effects } = payeeStep(paid, right)
    expect(channel).toEqual(closing)
    expect(effects.map(({ type }) => type)).toEqual(['persist', 'sign', 'send'])
    expect(effects[1]).toMatchObject({ fee: 200n, payerSignature: right.signature })
    expect(effects[2]).toMatchObject({ message: { type: 'standing', status: 'closing' } })
  })

  it('[OW19] takes number 0 where nothing was paid: all of it goes back', () => {
    const event = { ...ask, number: 0, signature: signed(none, sats(200n)) }
    expect(payeeStep(fresh, event).channel.phase).toBe('closing')
  })

  it.each([
    ['names an older update', { ...right, number: 0 }, 'stale-close'],
    ['offers too little', { ...right, feeMin: sats(201n) }, 'fee-too-low'],
    [
      'is signed by somebody else',
      { ...right, signature: signed(sats(400n), sats(200n), payeeSecret) },
      'malformed-close',
    ],
    ['is signed for another amount', { ...right, signature: signed(sats(401n), sats(200n)) }, 'malformed-close'],
    ['burns more than the rest', { ...right, fee: sats(19_601n), signature: right.signature }, 'malformed-close'],
    ['comes after a spend', { ...right, view: shallow }, 'not-open'],
  ] as const)('[OW19] refuses a wish that %s', (_, event, fault) => {
    expect(payeeStep(paid, event)).toEqual(refused(paid, event.number, fault))
  })

  it('[OW19] takes the fee of the terms, whatever the chain asks now', () => {
    const event = { ...right, fee: terms.closeFee, feeMin: sats(9_000n), signature: first.signature }
    expect(payeeStep(paid, event).channel.phase).toBe('closing')
  })

  it('[OW19] takes a second wish only above the fee it has signed', () => {
    const channel: Payee = { ...closing, closing: { fee: sats(200n), transaction: Uint8Array.of(1) } }
    expect(payeeStep(channel, right)).toEqual(refused(channel, 1, 'not-open'))
    const more = { ...right, fee: sats(201n), signature: signed(sats(400n), sats(201n)) }
    expect(payeeStep(channel, more).effects[0]).toMatchObject({ type: 'sign', fee: 201n })
  })

  it('[OW20] closes by itself once, with its best update', () => {
    expect(payeeStep(paid, { type: 'end' })).toEqual({
      channel: closing,
      effects: [{ type: 'persist', channel: closing }, toSign],
    })
    expect(payeeStep(closing, { type: 'end' })).toEqual(stayed(closing))
  })
})

describe('the payee of a one-way channel, given signatures', () => {
  const signatures = {
    fee: terms.closeFee,
    payerSignature: first.signature,
    payeeSignature: signed(sats(400n), terms.closeFee, payeeSecret),
  }
  const transaction = closingTransaction(opening, sats(400n), signatures)
  const sealed: Payee = { ...closing, closing: { fee: terms.closeFee, transaction } }

  it('[OW15] stores the closing before it is broadcast', () => {
    const broadcast = { type: 'broadcast', transaction } as const
    expect(payeeStep(closing, { type: 'signed', signatures })).toEqual(moved(sealed, broadcast))
    expect(payeeStep(sealed, { type: 'chain', view })).toEqual(stayed(sealed, broadcast))
  })

  it('[OW20] signs nothing while it is open, and the same only once', () => {
    expect(payeeStep(paid, { type: 'signed', signatures })).toEqual(stayed(paid))
    expect(payeeStep(sealed, { type: 'signed', signatures })).toEqual(stayed(sealed))
  })

  it('refuses a wrong one, whose closing no node would take', () => {
    const wrong = { ...signatures, payeeSignature: first.signature }
    const step = payeeStep(closing, { type: 'signed', signatures: wrong })
    expect(step).toEqual(stayed(closing, { type: 'refused', fault: 'malformed-close' }))
  })
})

describe('the payee of a one-way channel, shown the chain', () => {
  it.each([
    ['its expiry nears', late, [toSign]],
    ['somebody has spent the funding', shallow, []],
  ] as const)('[OW18] begins to close when %s', (_, seen, then) => {
    const effects = [{ type: 'persist', channel: closing }, ...then]
    expect(payeeStep(paid, { type: 'chain', view: seen })).toEqual({ channel: closing, effects })
  })

  it('[OW18] has nothing to sign without an update', () => {
    const next: Payee = { ...fresh, phase: 'closing', closing: null }
    expect(payeeStep(fresh, { type: 'chain', view: late })).toEqual(moved(next))
  })

  it('[OW18] stays open in time, funded or not', () => {
    expect(payeeStep(paid, { type: 'chain', view: unfunded })).toEqual(stayed(paid))
  })

  it.each([paid, closing])('[OW21] is closed once a spend is deep, from $phase', (channel) => {
    expect(payeeStep(channel, { type: 'chain', view: deep })).toEqual(moved(closed))
    expect(payeeStep(closed, { type: 'chain', view: deep })).toEqual(stayed(closed))
  })

  it('[OW21] closes again when the spend is taken back, and is never open again', () => {
    const effects = [{ type: 'persist', channel: closing }, toSign]
    expect(payeeStep(closed, { type: 'chain', view })).toEqual({ channel: closing, effects })
  })
})

function buy(taken: typeof first, price: Sats | null = sats(12n)): Extract<PayeeEvent, { type: 'update' }> {
  return { type: 'update', update: taken, price, view }
}

function ack(number: number, total: bigint, spent: bigint) {
  return { type: 'send', message: { type: 'ack', channelId, number, paid: sats(total), spent: sats(spent) } } as const
}

function refused(channel: Payee, number: number, fault: string) {
  const { best, spent } = channel
  const message = { type: 'refused', number, fault, channelId, best, spent }
  return stayed(channel, { type: 'refused', fault }, { type: 'send', message })
}

function moved(channel: Payee, ...then: readonly unknown[]) {
  return { channel, effects: [{ type: 'persist', channel }, ...then] }
}

function stayed(channel: Payee, ...effects: readonly unknown[]) {
  return { channel, effects }
}
