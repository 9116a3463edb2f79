import { describe, expect, it } from 'vitest'
import {
  channelIdOf,
  nextClose,
  nextUpdate,
  openPayer,
  type Payer,
  type PayerEvent,
  type PayerMessage,
  payableMax,
  payerStep,
  remainingOf,
  type Update,
} from '../../../sdk/channel/index.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { height, sats } from '../../../sdk/units.ts'
import {
  channelId,
  deep,
  ending,
  expired,
  fundingTransaction,
  late,
  opening,
  payeeSecret,
  shallow,
  signed,
  unfunded,
  update,
  view,
} from './fixtures.ts'

const elsewhere = channelIdOf({ ...opening, expiry: height(701) })
const first = update(1, 400n)
const second = update(2, 500n)
const one = { number: 1, paid: first.paid }
const two = { number: 2, paid: second.paid }
const offered = openPayer(opening, fundingTransaction)
const funding: Payer = { ...offered, phase: 'funding' }
const fresh: Payer = { ...offered, phase: 'open' }
const pending: Payer = { ...fresh, signed: one, pending: first }
const paid: Payer = { ...fresh, signed: one, best: one, spent: sats(12n) }
const ask = { number: 1, fee: sats(200n), signature: signed(sats(400n), sats(200n)) }
const closing: Payer = { ...paid, phase: 'closing', ask: null }
const asked: Payer = { ...closing, ask }
const closed: Payer = { ...paid, phase: 'closed', ending }
const transaction = Uint8Array.of(7)
const refunding: Payer = { ...paid, phase: 'refunding', transaction }
const broadcast = { type: 'broadcast', transaction: fundingTransaction } as const
const openMessage = sent({ type: 'open', opening })
const updateMessage = sent({ type: 'update', update: first })
const closeMessage = sent({ type: 'close', channelId, ...ask })

describe('the next update of a payer', () => {
  const paymentId = new Uint8Array(16).fill(1)
  const wish = (amount: bigint) => ({ amount: sats(amount), paymentId })

  it('[OW10] pays the dust limit at least, and what it pays too much is credit', () => {
    expect(nextUpdate(fresh, wish(12n))).toMatchObject({ update: { channelId, number: 1, paid: 294n, paymentId } })
  })

  it('[OW11] is paid out of the credit first, and never lowers what was signed', () => {
    expect(nextUpdate(paid, wish(388n))).toMatchObject({ update: { number: 2, paid: 400n } })
    expect(nextUpdate(paid, wish(389n))).toMatchObject({ update: { number: 2, paid: 401n } })
  })

  it('[OW9] goes on above what was signed and refused', () => {
    expect(nextUpdate({ ...paid, signed: two }, wish(1n))).toMatchObject({ update: { number: 3, paid: 500n } })
  })

  it('[OW10] pays up to the capacity less the fee, and not one sat more', () => {
    expect(remainingOf(paid)).toBe(19_688n)
    expect(nextUpdate(paid, wish(19_688n))).toMatchObject({ update: { paid: payableMax(opening) } })
    expect(nextUpdate(paid, wish(19_689n))).toBe('insufficient')
  })

  it('[OW16] waits for the last one, and for an open channel', () => {
    expect(nextUpdate(pending, wish(1n))).toBe('unanswered')
    expect([offered, funding, closing, refunding, closed].map((channel) => nextUpdate(channel, wish(1n)))).toEqual(
      Array(5).fill('not-open'),
    )
  })

  it('[OW19] closes with the best update, while there is one to serve and a fee to pay', () => {
    expect(nextClose(paid, sats(200n))).toMatchObject({ ask: { number: 1, fee: 200n } })
    expect(nextClose(paid, sats(19_601n))).toBe('insufficient')
    expect(nextClose(offered, sats(200n))).toBe('not-open')
  })
})

describe('the payer of a one-way channel, about to pay', () => {
  it('[OW15] stores the update before it leaves', () => {
    expect(payerStep(fresh, { type: 'update', update: first })).toEqual(moved(pending, updateMessage))
  })

  it('[OW16] sends the same again, and nothing else while it is unanswered', () => {
    expect(payerStep(pending, { type: 'update', update: first })).toEqual(stayed(pending, updateMessage))
    expect(payerStep(pending, { type: 'update', update: update(2, 500n) })).toEqual(refused(pending, 'unanswered'))
  })

  it.each([
    ['[OW9] of a number that was signed', update(1, 500n), 'stale-update'],
    ['[OW9] of a lower amount', update(2, 399n), 'lowered'],
    ['[OW10] of more than there is', update(2, payableMax(opening) + 1n), 'overpaid'],
  ] as const)('does not take one %s', (_, wrong, fault) => {
    expect(payerStep(paid, { type: 'update', update: wrong })).toEqual(refused(paid, fault))
  })

  it('does not pay in a channel that is not open', () => {
    expect(payerStep(closing, { type: 'update', update: second })).toEqual(refused(closing, 'not-open'))
  })
})

describe('the payer of a one-way channel, answered', () => {
  const inFlight: Payer = { ...paid, signed: two, pending: second }

  it('[OW24] learns from an ack what is charged', () => {
    const hint = { type: 'answered', update: first, fault: null }
    expect(payerStep(pending, ack(1, 400n, 12n))).toEqual(moved(paid, hint))
    expect(payerStep(paid, ack(1, 400n, 12n))).toEqual(stayed(paid))
  })

  it.each([
    ['another number', ack(2, 400n, 12n)],
    ['another amount', ack(1, 401n, 12n)],
    ['more spent than paid', ack(1, 400n, 401n)],
  ])('[OW24] ignores an ack of %s', (_, event) => {
    expect(payerStep(pending, event)).toEqual(stayed(pending))
  })

  it('[OW24] keeps as credit what was refused, and buys with the next one', () => {
    const hint = { type: 'answered', update: second, fault: 'underpaid' }
    const next: Payer = { ...paid, signed: two }
    expect(payerStep(inFlight, no(2, 'underpaid', first))).toEqual(moved(next, hint))
    expect(payerStep(next, ack(2, 500n, 12n))).toEqual(moved({ ...next, best: two }))
  })

  it.each([
    ['funding-unproven', 'funding'],
    ['too-late', 'closing'],
    ['not-open', 'closing'],
    ['unknown-payment', 'open'],
  ] as const)('[OW24] learns from the refusal %s that the channel is %s', (fault, phase) => {
    expect(payerStep(inFlight, no(2, fault, first)).channel).toMatchObject({ phase, pending: null, best: one })
  })

  it('ignores the refusal of another number', () => {
    expect(payerStep(inFlight, no(1, 'underpaid', first))).toEqual(stayed(inFlight))
  })

  it('[OW17] goes on from a better update of its own, after its store was put back', () => {
    const third = update(3, 900n)
    const mark = { number: 3, paid: third.paid }
    const next: Payer = { ...fresh, signed: mark, best: mark, spent: sats(700n) }
    expect(payerStep(fresh, standing('open', third, 700n))).toEqual(moved(next))
    const hint = { type: 'answered', update: first, fault: 'stale-update' }
    expect(payerStep(pending, no(1, 'stale-update', third, 700n))).toEqual(moved(next, hint))
  })

  it('[OW17] takes the correction that is its own pending update for an answer', () => {
    const hint = { type: 'answered', update: first, fault: null }
    expect(payerStep(pending, standing('open', first, 12n))).toEqual(moved(paid, hint))
  })

  it.each([
    ['that somebody else signed', update(3, 900n, { secret: payeeSecret }), 700n],
    ['beyond the capacity', update(3, payableMax(opening) + 1n), 700n],
    ['with more spent than paid', update(3, 900n), 901n],
    ['that is older than what is known', update(1, 300n), 12n],
    ['that pays less than what is known', update(2, 399n), 13n],
  ])('[OW17] [OW24] ignores an update %s', (_, best, spent) => {
    expect(payerStep(paid, standing('open', best, spent))).toEqual(stayed(paid))
  })

  it('halts at a message of another channel, which the shell should never bring', () => {
    const message = { type: 'declined', channelId: elsewhere, fault: 'busy' } as const
    expect(() => payerStep(paid, { type: 'message', message })).toThrow(InvariantError)
  })
})

describe('the payer of a one-way channel, opening', () => {
  it('[OW23] stores, and lets the funding out only when the payee takes the channel', () => {
    expect(payerStep(offered, { type: 'reconnected' })).toEqual(stayed(offered, openMessage))
    expect(payerStep(offered, standing('waiting', null))).toEqual(moved(funding, broadcast))
  })

  it.each(['open', 'closing'] as const)('[OW23] does not take %s for an answer to an offer', (status) => {
    expect(payerStep(offered, standing(status, null))).toEqual(stayed(offered))
  })

  it('[OW23] keeps its coins when it is declined, and only then', () => {
    const event: PayerEvent = { type: 'message', message: { type: 'declined', channelId, fault: 'busy' } }
    expect(payerStep(offered, event)).toEqual(moved({ ...offered, phase: 'declined', fault: 'busy' }))
    expect(payerStep(paid, event)).toEqual(stayed(paid))
  })

  it('[OW23] gives an offer up that is unanswered when the margin begins', () => {
    const given: Payer = { ...offered, phase: 'declined', fault: 'expiry-out-of-range' }
    expect(payerStep(offered, chain({ ...late, fundedAt: null }))).toEqual(moved(given))
    expect(payerStep(offered, chain(unfunded))).toEqual(stayed(offered))
  })

  it('[OW23] broadcasts the funding again while the chain lacks it, until the expiry', () => {
    expect(payerStep(funding, chain(unfunded))).toEqual(stayed(funding, broadcast))
    expect(payerStep(paid, chain(unfunded))).toEqual(stayed(paid, broadcast))
    expect(payerStep(paid, chain({ ...expired, fundedAt: null }))).toEqual(stayed(paid))
  })

  it('[OW17] learns from the chain that its coins have left, whatever its store says', () => {
    expect(payerStep(offered, chain(view))).toEqual(moved(funding))
    expect(payerStep({ ...offered, phase: 'declined', fault: 'busy' }, chain(view))).toEqual(moved(funding))
  })

  it('asks whether the channel is open once the funding is deep enough', () => {
    expect(payerStep(funding, chain(view))).toEqual(stayed(funding, openMessage))
    expect(payerStep(funding, chain({ ...view, fundedAt: view.height }))).toEqual(stayed(funding))
    expect(payerStep(funding, standing('open', null))).toEqual(moved(fresh))
  })

  it('[OW8] waits when a reorganization has taken the funding back', () => {
    expect(payerStep(fresh, standing('waiting', null))).toEqual(moved(funding))
  })
})

describe('the payer of a one-way channel, ending', () => {
  const refund: PayerEvent = { type: 'refund', transaction, height: height(700) }
  const rebroadcast = { type: 'broadcast', transaction } as const

  it('[OW19] stores its wish to close before it leaves, and repeats it unchanged', () => {
    expect(payerStep(paid, { type: 'close', ask })).toEqual(moved(asked, closeMessage))
    expect(payerStep(asked, { type: 'close', ask })).toEqual(stayed(asked, closeMessage))
    expect(payerStep(asked, { type: 'reconnected' })).toEqual(stayed(asked, closeMessage))
  })

  it('[OW19] wishes to close with its best update only, in a channel that is served', () => {
    expect(payerStep(paid, { type: 'close', ask: { ...ask, number: 0 } })).toEqual(refused(paid, 'stale-close'))
    expect(payerStep(offered, { type: 'close', ask })).toEqual(refused(offered, 'not-open'))
  })

  it('[OW19] drops a wish that is refused, and may wish again', () => {
    const hint = { type: 'refused', fault: 'fee-too-low' }
    expect(payerStep(asked, no(1, 'fee-too-low', first))).toEqual(moved(closing, hint))
    expect(payerStep(asked, no(1, 'underpaid', first))).toEqual(stayed(asked))
  })

  it('[OW20] pays no more once the payee closes', () => {
    expect(payerStep(paid, standing('closing', first))).toEqual(moved(closing))
  })

  it('[OW22] asks for a refund from the expiry on, and not before', () => {
    expect(payerStep(paid, chain(expired))).toEqual(stayed(paid, { type: 'sign-refund' }))
    expect(payerStep(paid, chain({ ...expired, height: height(699) }))).toEqual(stayed(paid))
    expect(payerStep(paid, { ...refund, height: height(699) })).toEqual(refused(paid, 'too-early'))
  })

  it('[OW15] [OW22] stores a refund before it leaves, and broadcasts it until something is spent', () => {
    expect(payerStep(paid, refund)).toEqual(moved(refunding, rebroadcast))
    expect(payerStep(refunding, refund)).toEqual(stayed(refunding, rebroadcast))
    expect(payerStep(refunding, chain(expired))).toEqual(stayed(refunding, rebroadcast))
    expect(payerStep(refunding, chain({ ...shallow, height: height(701) })).channel.phase).toBe('closed')
  })

  it('[OW22] replaces a refund by one at a fresh feerate', () => {
    const better = Uint8Array.of(8)
    const next: Payer = { ...refunding, transaction: better }
    expect(payerStep(refunding, { ...refund, transaction: better })).toEqual(
      moved(next, { type: 'broadcast', transaction: better }),
    )
  })

  it('[OW22] neither refunds nor asks while a spend is in the chain', () => {
    expect(payerStep(paid, chain(shallow))).toEqual(stayed(paid))
  })

  it('[OW21] is closed once a spend is deep, and closes again when it is taken back', () => {
    expect(payerStep(paid, chain(deep))).toEqual(moved(closed))
    expect(payerStep(closed, chain(deep))).toEqual(stayed(closed))
    expect(payerStep(closed, chain(view))).toEqual(moved(closing))
  })

  it.each([closed, refunding])('says nothing any more when it is $phase', (channel) => {
    expect(payerStep(channel, { type: 'reconnected' })).toEqual(stayed(channel))
  })
})

describe('the payer of a one-way channel, reconnected', () => {
  it('[OW16] sends what is unanswered, byte for byte, or asks', () => {
    expect(payerStep(pending, { type: 'reconnected' })).toEqual(stayed(pending, updateMessage))
    expect(payerStep({ ...pending, phase: 'funding' }, { type: 'reconnected' }).effects).toEqual([
      openMessage,
      updateMessage,
    ])
    expect(payerStep(paid, { type: 'reconnected' })).toEqual(stayed(paid, openMessage))
    expect(payerStep(closing, { type: 'reconnected' })).toEqual(stayed(closing))
  })
})

function ack(number: number, total: bigint, spent: bigint): PayerEvent {
  return { type: 'message', message: { type: 'ack', channelId, number, paid: sats(total), spent: sats(spent) } }
}

function no(
  number: number,
  fault: Extract<Extract<PayerEvent, { type: 'message' }>['message'], { type: 'refused' }>['fault'],
  best: Update | null,
  spent = 12n,
): PayerEvent {
  return { type: 'message', message: { type: 'refused', number, fault, channelId, best, spent: sats(spent) } }
}

function standing(status: 'waiting' | 'open' | 'closing', best: Update | null, spent = best ? 12n : 0n): PayerEvent {
  return { type: 'message', message: { type: 'standing', status, channelId, best, spent: sats(spent) } }
}

function chain(seen: typeof view): PayerEvent {
  return { type: 'chain', view: seen }
}

function sent(message: PayerMessage) {
  return { type: 'send', message } as const
}

function refused(channel: Payer, fault: string) {
  return stayed(channel, { type: 'refused', fault })
}

function moved(channel: Payer, ...then: readonly unknown[]) {
  return { channel, effects: [{ type: 'persist', channel }, ...then] }
}

function stayed(channel: Payer, ...effects: readonly unknown[]) {
  return { channel, effects }
}
