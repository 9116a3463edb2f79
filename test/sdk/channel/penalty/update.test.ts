import { describe, expect, it } from 'vitest'
import {
  type Change,
  type Effect,
  type Message,
  penaltyStep,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats } from '../../../../sdk/units.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, feed, live, opened, type Pair, pay, take } from './pair.ts'

onFakeCurve()

const preimage = bytesOf('preimage')
const add = (id: number, amount = 9_000_000n): Change => ({
  type: 'add',
  id,
  amount: msats(amount),
  paymentHash: sha256(preimage),
  expiry: height(600),
})
const propose = (...changes: Change[]) => ({ type: 'propose', changes }) as const
const typesOf = (effects: readonly Effect[]) =>
  effects.map((effect) => (effect.type === 'send' ? effect.message.type : effect.type))

/** A step whose messages are not carried; the last of them. */
function hold(pair: Pair, side: Side, input: Parameters<typeof penaltyStep>[1]): Message | undefined {
  return take(pair, side, penaltyStep(pair.channels[side], input, pair.secrets[side])).at(-1)
}

const message = (message: Message | undefined) => ({ type: 'message', message: message as Message }) as const

describe('an update', () => {
  it('[TW9] is proposed, answered, and revoked on both sides', () => {
    const pair = opened()
    const commit = hold(pair, 'opener', propose(pay()))
    expect(live(pair, 'opener').exchange.state).toBe('proposed')
    expect(live(pair, 'opener').base.number).toBe(0)
    const answer = hold(pair, 'accepter', message(commit))
    expect(live(pair, 'accepter').exchange.state).toBe('answered')
    const revoke = hold(pair, 'opener', message(answer))
    expect(live(pair, 'opener').base.number).toBe(1)
    hold(pair, 'accepter', message(revoke))
    expect([commit, answer, revoke].map((one) => one?.type)).toEqual(['commit', 'answer', 'revoke'])
    expect(live(pair, 'accepter').base).toEqual(live(pair, 'opener').base)
    expect(live(pair, 'accepter').base.balance).toEqual({ opener: 999_995_000n, accepter: 5_000n })
    expect([live(pair, 'opener').secrets.length, live(pair, 'accepter').secrets.length]).toEqual([1, 1])
  })

  it('[TW12] is stored at each side before anything of it leaves', () => {
    const pair = opened()
    const steps: (readonly Effect[])[] = []
    const record = (side: Side, input: Parameters<typeof penaltyStep>[1]) => {
      const step = penaltyStep(pair.channels[side], input, pair.secrets[side])
      steps.push(step.effects)
      return take(pair, side, step).at(-1)
    }
    const commit = record('opener', propose(pay()))
    const answer = record('accepter', message(commit))
    const revoke = record('opener', message(answer))
    record('accepter', message(revoke))
    expect(steps.map(typesOf)).toEqual([
      ['persist', 'commit'],
      ['persist', 'answer'],
      ['persist', 'revoke'],
      ['persist'],
    ])
  })

  it('[TW21] is final for the receiver when the proposer has revoked, not before', () => {
    const pair = opened()
    const commit = hold(pair, 'opener', propose(pay(), add(0)))
    const answer = hold(pair, 'accepter', message(commit))
    expect(pair.notes.accepter.map(({ type }) => type)).toEqual(['added'])
    const revoke = hold(pair, 'opener', message(answer))
    hold(pair, 'accepter', message(revoke))
    expect(pair.notes.accepter.slice(1)).toMatchObject([
      { type: 'received', amount: 5_000n, number: 1 },
      { type: 'offered', htlc: { by: 'opener', id: 0 } },
    ])
  })

  it('[TW21] gives a preimage at once, and an HTLC back when that is final', () => {
    const pair = opened()
    feed(pair, 'opener', propose(add(0), add(1)))
    feed(pair, 'accepter', { type: 'ask' })
    pair.notes.opener.length = 0
    const changes = [
      { type: 'fulfil', id: 0, preimage },
      { type: 'fail', id: 1, reason: 'no-way-on' },
    ] as const
    const commit = hold(pair, 'accepter', propose(...changes))
    const answer = hold(pair, 'opener', message(commit))
    expect(pair.notes.opener).toMatchObject([{ type: 'fulfilled', htlc: { id: 0 }, preimage }])
    const revoke = hold(pair, 'accepter', message(answer))
    hold(pair, 'opener', message(revoke))
    expect(pair.notes.opener.slice(1)).toMatchObject([{ type: 'failed', htlc: { id: 1 }, reason: 'no-way-on' }])
  })

  it('[TW22] notes every HTLC with an output, at both sides, before its commitment is signed away', () => {
    const pair = opened()
    feed(pair, 'opener', propose(add(0), add(1, 353_999n)))
    for (const side of ['opener', 'accepter'] as const)
      expect(pair.notes[side].filter(({ type }) => type === 'added')).toMatchObject([{ htlc: { id: 0 }, number: 1 }])
  })

  it('[TW25] that comes a second time is answered the same, byte for byte, or not at all', () => {
    const pair = opened()
    const commit = hold(pair, 'opener', propose(pay()))
    const answer = hold(pair, 'accepter', message(commit))
    const before = pair.channels.accepter
    expect(hold(pair, 'accepter', message(commit))).toEqual(answer)
    expect(pair.channels.accepter).toBe(before)
    const revoke = hold(pair, 'opener', message(answer))
    expect(hold(pair, 'opener', message(answer))).toBeUndefined()
    hold(pair, 'accepter', message(revoke))
    expect(hold(pair, 'accepter', message(revoke))).toBeUndefined()
    expect(hold(pair, 'accepter', message(commit))).toBeUndefined()
    expect(live(pair, 'accepter').base.number).toBe(1)
  })

  it('is proposed once at a time, when the other side has been met, within the limits', () => {
    const pair = opened()
    hold(pair, 'opener', propose(pay()))
    expect(feed(pair, 'opener', propose(pay()))).toEqual([{ type: 'refused', fault: 'busy' }])
    const fresh = opened()
    expect(feed(fresh, 'accepter', propose(pay()))).toEqual([{ type: 'refused', fault: 'out-of-turn' }])
    expect(feed(fresh, 'opener', propose(pay(999_999_999n)))).toEqual([{ type: 'refused', fault: 'reserve' }])
    hold(fresh, 'opener', { type: 'reconnected', random: bytesOf('again', 16) })
    expect(feed(fresh, 'opener', propose(pay()))).toEqual([{ type: 'refused', fault: 'not-met' }])
  })
})

describe('the turn', () => {
  it('[TW8] is the opener’s first, and goes to who asks when nothing is in flight', () => {
    const pair = opened()
    feed(pair, 'accepter', { type: 'ask' })
    expect([live(pair, 'opener').turn, live(pair, 'accepter').turn]).toEqual([1, 1])
    expect(feed(pair, 'opener', propose(pay()))).toEqual([{ type: 'refused', fault: 'out-of-turn' }])
    feed(pair, 'opener', { type: 'ask' })
    expect(live(pair, 'accepter').turn).toBe(2)
  })

  it('[TW8] waits for the update in flight, and goes with its end', () => {
    const pair = opened()
    const commit = hold(pair, 'opener', propose(pay()))
    const ask = hold(pair, 'accepter', { type: 'ask' })
    hold(pair, 'opener', message(ask))
    expect(live(pair, 'opener').turn).toBe(0)
    const answer = hold(pair, 'accepter', message(commit))
    const step = penaltyStep(pair.channels.opener, message(answer), pair.secrets.opener)
    expect(typesOf(step.effects)).toEqual(['persist', 'revoke', 'yield'])
    for (const sent of take(pair, 'opener', step)) hold(pair, 'accepter', message(sent))
    expect([live(pair, 'opener').turn, live(pair, 'accepter').turn]).toEqual([1, 1])
  })

  it('[TW8] is told again when the word was lost, and never taken by who does not have it', () => {
    const pair = opened()
    const ask = hold(pair, 'accepter', { type: 'ask' })
    hold(pair, 'opener', message(ask)) // The yield is lost.
    expect([live(pair, 'opener').turn, live(pair, 'accepter').turn]).toEqual([1, 0])
    feed(pair, 'accepter', { type: 'ask' })
    expect(live(pair, 'accepter').turn).toBe(1)
    for (const turn of [2, 3, 4]) {
      feed(pair, 'accepter', message({ type: 'yield', turn }))
      expect(live(pair, 'accepter').turn).toBe(1)
    }
    expect(feed(pair, 'opener', { type: 'yield' })).toEqual([{ type: 'refused', fault: 'busy' }])
  })

  it('[TW8] is taken from who asks for it back, when the word that handed it over was lost', () => {
    const pair = opened()
    const ask = hold(pair, 'accepter', { type: 'ask' })
    hold(pair, 'opener', message(ask)) // The yield is lost, and the accepter wants the turn no more.
    feed(pair, 'opener', { type: 'ask' })
    expect([live(pair, 'opener').turn, live(pair, 'accepter').turn]).toEqual([2, 2])
  })
})

describe('preimages', () => {
  it('[TW20] of HTLCs of the other side are kept until those are gone', () => {
    const pair = opened()
    feed(pair, 'opener', propose(add(0)))
    expect(feed(pair, 'accepter', { type: 'learn', preimage: bytesOf('another') })).toEqual([
      { type: 'refused', fault: 'unknown-preimage' },
    ])
    expect(feed(pair, 'opener', { type: 'learn', preimage })).toEqual([{ type: 'refused', fault: 'unknown-preimage' }])
    expect(typesOf(feed(pair, 'accepter', { type: 'learn', preimage }))).toEqual(['persist'])
    expect(feed(pair, 'accepter', { type: 'learn', preimage })).toEqual([])
    expect(live(pair, 'accepter').preimages).toEqual([preimage])
    feed(pair, 'accepter', { type: 'ask' })
    feed(pair, 'accepter', propose({ type: 'fulfil', id: 0, preimage }))
    expect(live(pair, 'accepter').preimages).toEqual([])
  })
})
