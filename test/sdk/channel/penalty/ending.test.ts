import { describe, expect, it } from 'vitest'
import { decodeTransaction } from '../../../../sdk/bitcoin/index.ts'
import {
  type Change,
  type Effect,
  type Message,
  ownTransaction,
  penaltyStep,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, sats } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, feed, live, opened, type Pair, pay, proven, take } from './pair.ts'

onFakeCurve()

const preimage = bytesOf('preimage')
const add = (id: number): Change => ({
  type: 'add',
  id,
  amount: msats(9_000_000n),
  paymentHash: sha256(preimage),
  expiry: height(600),
})
const payment = pay(300_000_000n)
const propose = (...changes: Change[]) => ({ type: 'propose', changes }) as const
const message = (message: Message) => ({ type: 'message', message }) as const
const at = (block: number) => ({ type: 'chain', view: { ...proven, height: height(block) } }) as const
const phases = ({ channels }: Pair) => [channels.opener.phase, channels.accepter.phase]
const valuesOf = (bytes: Uint8Array) => must(decodeTransaction(bytes)).outputs.map(({ value }) => value)

function hold(pair: Pair, side: Side, input: Parameters<typeof penaltyStep>[1]): readonly Message[] {
  return take(pair, side, penaltyStep(pair.channels[side], input, pair.secrets[side]))
}

function paid(): Pair {
  const pair = opened()
  feed(pair, 'opener', propose(payment))
  return pair
}

describe('closing together', () => {
  it('[TW31] pays both, at a fee that comes from who asks', () => {
    for (const closer of ['opener', 'accepter'] as const) {
      const pair = paid()
      feed(pair, closer, { type: 'close', fee: sats(400n) })
      expect(phases(pair)).toEqual(['closing', 'closing'])
      const [mine, theirs] = [pair.broadcast.opener.at(-1), pair.broadcast.accepter.at(-1)] as [Uint8Array, Uint8Array]
      expect(mine).toEqual(theirs)
      const opener = 700_000n - (closer === 'opener' ? 400n : 0n)
      expect(valuesOf(mine)).toEqual([300_000n - (closer === 'accepter' ? 400n : 0n), opener])
    }
  })

  it('[TW31] can be asked for again at a higher fee; the dearer one is kept to be broadcast again', () => {
    const pair = paid()
    feed(pair, 'opener', { type: 'close', fee: sats(400n) })
    feed(pair, 'opener', { type: 'close', fee: sats(900n) })
    feed(pair, 'opener', { type: 'close', fee: sats(600n) })
    for (const side of ['opener', 'accepter'] as const)
      expect(pair.channels[side]).toMatchObject({ phase: 'closing', signed: { fee: 900n, closer: 'opener' } })
    const [again] = feed(pair, 'accepter', at(200)) as [Extract<Effect, { type: 'broadcast' }>]
    expect(valuesOf(again.transaction)).toEqual([300_000n, 699_100n])
    expect(feed(pair, 'opener', { type: 'close', fee: sats(700_001n) })).toEqual([
      { type: 'refused', fault: 'fee-too-high' },
    ])
  })

  it('[TW30] waits for HTLCs to be taken or given back, and takes no new payment', () => {
    const pair = opened()
    feed(pair, 'opener', propose(payment, add(0)))
    feed(pair, 'opener', { type: 'close', fee: sats(400n) })
    expect(phases(pair)).toEqual(['open', 'open'])
    expect(feed(pair, 'opener', propose(payment))).toEqual([{ type: 'refused', fault: 'done-paying' }])
    feed(pair, 'accepter', { type: 'ask' })
    expect(feed(pair, 'accepter', propose(add(0)))).toEqual([{ type: 'refused', fault: 'done-paying' }])
    feed(pair, 'accepter', propose({ type: 'fulfil', id: 0, preimage }))
    expect(phases(pair)).toEqual(['closing', 'closing'])
    expect(valuesOf(pair.broadcast.opener.at(-1) as Uint8Array)).toEqual([309_000n, 690_600n])
  })

  it('[TW13] [TW30] takes what was proposed before the word of closing came', () => {
    const pair = paid()
    const [commit] = hold(pair, 'opener', propose(payment))
    const [shutdown] = hold(pair, 'accepter', { type: 'close', fee: null })
    const [answer] = hold(pair, 'accepter', message(commit as Message))
    feed(pair, 'opener', message(shutdown as Message))
    expect(phases(pair)).toEqual(['open', 'open'])
    feed(pair, 'opener', message(answer as Message))
    expect(phases(pair)).toEqual(['closing', 'closing'])
    expect(live(pair, 'opener').base.number).toBe(2)
    feed(pair, 'opener', { type: 'close', fee: sats(500n) })
    expect(valuesOf(pair.broadcast.accepter.at(-1) as Uint8Array)).toEqual([399_500n, 600_000n])
  })

  it('[TW30] is not said while a proposal may be lost, which the other side would then never take', () => {
    const pair = paid()
    hold(pair, 'opener', propose(payment)) // The proposal is lost.
    feed(pair, 'accepter', { type: 'close', fee: null })
    expect(phases(pair)).toEqual(['open', 'open'])
    for (const side of ['opener', 'accepter'] as const)
      feed(pair, side, { type: 'reconnected', random: bytesOf('x', 16) })
    expect(phases(pair)).toEqual(['closing', 'closing'])
    expect(live(pair, 'accepter').base.number).toBe(2)
  })

  it('[TW31] signs no update any more', () => {
    const pair = paid()
    const [commit] = hold(pair, 'opener', propose(payment))
    const late = opened()
    feed(late, 'opener', propose(payment))
    feed(late, 'opener', { type: 'close', fee: sats(400n) })
    const step = penaltyStep(late.channels.accepter, message(commit as Message), late.secrets.accepter)
    expect(step.effects).toContainEqual({ type: 'refused', fault: 'not-open' })
    expect(step.channel).toBe(late.channels.accepter)
  })

  it('[TW31] does not take a signature on other amounts, or at a fee that the asker lacks', () => {
    const pair = paid()
    feed(pair, 'accepter', { type: 'close', fee: null })
    const signature = new Uint8Array(64).fill(1)
    const ask = (fee: bigint, number = 1) =>
      message({ type: 'closing', number, fee: sats(fee), signature } as Extract<Message, { type: 'closing' }>)
    const faultOf = (input: ReturnType<typeof ask>) =>
      penaltyStep(pair.channels.accepter, input, pair.secrets.accepter).effects[0]
    expect(faultOf(ask(400n))).toEqual({ type: 'refused', fault: 'wrong-signature' })
    expect(faultOf(ask(700_001n))).toEqual({ type: 'refused', fault: 'fee-too-high' })
    expect(faultOf(ask(400n, 2))).toEqual({ type: 'refused', fault: 'wrong-number' })
  })

  it('[TW25] is asked for again after an interruption', () => {
    const pair = paid()
    const messages = hold(pair, 'opener', { type: 'close', fee: sats(400n) })
    expect(messages.map(({ type }) => type)).toEqual(['shutdown'])
    feed(pair, 'opener', { type: 'reconnected', random: bytesOf('x', 16) })
    expect(phases(pair)).toEqual(['closing', 'closing'])
    const lost = paid()
    feed(lost, 'accepter', { type: 'close', fee: null })
    hold(lost, 'opener', { type: 'close', fee: sats(400n) })
    feed(lost, 'opener', { type: 'reconnected', random: bytesOf('x', 16) })
    expect(lost.channels.opener).toMatchObject({ phase: 'closing', asked: null, signed: { fee: 400n } })
  })
})

describe('closing alone', () => {
  it('[TW32] is decided, stored, and broadcast with each block until the chain holds a spend', () => {
    const pair = paid()
    const effects = feed(pair, 'opener', { type: 'force' })
    expect(effects.map(({ type }) => type)).toEqual(['persist', 'broadcast'])
    expect(pair.channels.opener).toMatchObject({ phase: 'ending', cause: 'wish' })
    expect(feed(pair, 'opener', at(200))).toEqual(effects.slice(1))
    const spent = { type: 'chain', view: { ...proven, isSpent: true } } as const
    expect(feed(pair, 'opener', spent).filter(({ type }) => type === 'broadcast')).toEqual([])
    // The block is taken back.
    expect(feed(pair, 'opener', at(201)).filter(({ type }) => type === 'broadcast')).toEqual(effects.slice(1))
  })

  it('[TW11] [TW32] broadcasts the commitment that is not revoked, at each moment of an update', () => {
    const pair = paid()
    const numberOf = (side: Side) => {
      const transaction = must(decodeTransaction(ownTransaction(live(pair, side), pair.secrets[side])))
      return transaction.outputs.length
    }
    const newest = () => [
      ownTransaction(live(pair, 'opener'), pair.secrets.opener),
      ownTransaction(live(pair, 'accepter'), pair.secrets.accepter),
    ]
    const before = newest()
    const [commit] = hold(pair, 'opener', propose(add(0)))
    expect(newest()).toEqual(before)
    const [answer] = hold(pair, 'accepter', message(commit as Message))
    expect(newest()[0]).toEqual(before[0])
    expect(newest()[1]).not.toEqual(before[1])
    hold(pair, 'opener', message(answer as Message))
    expect(newest()[0]).not.toEqual(before[0])
    expect([numberOf('opener'), numberOf('accepter')]).toEqual([5, 5])
  })

  it('[TW32] tells no secret and signs nothing from then on', () => {
    const pair = paid()
    const [commit] = hold(pair, 'opener', propose(payment))
    hold(pair, 'opener', { type: 'force' })
    const [answer] = hold(pair, 'accepter', message(commit as Message))
    const step = penaltyStep(pair.channels.opener, message(answer as Message), pair.secrets.opener)
    expect(step.effects).toContainEqual({ type: 'refused', fault: 'not-open' })
    expect(step.effects.some((effect) => effect.type === 'send' && effect.message.type === 'revoke')).toBe(false)
    for (const input of [propose(payment), { type: 'close', fee: null }] as const)
      expect(feed(pair, 'opener', input)).toEqual([{ type: 'refused', fault: 'not-open' }])
  })

  it('[TW33] is not put off when the chain holds a spend', () => {
    const pair = paid()
    feed(pair, 'opener', { type: 'chain', view: { ...proven, isSpent: true } })
    expect(pair.channels.opener).toMatchObject({ phase: 'ending', cause: 'spent' })
    expect(feed(pair, 'opener', propose(payment))).toEqual([{ type: 'refused', fault: 'not-open' }])
  })

  it('[TW33] comes a margin before the expiry of an HTLC that can be taken', () => {
    const pair = opened()
    feed(pair, 'opener', propose(add(0)))
    feed(pair, 'accepter', at(599))
    expect(pair.channels.accepter.phase).toBe('open') // It has no preimage.
    feed(pair, 'accepter', { type: 'learn', preimage })
    feed(pair, 'accepter', at(581))
    expect(pair.channels.accepter.phase).toBe('open')
    feed(pair, 'accepter', at(582))
    expect(pair.channels.accepter).toMatchObject({ phase: 'ending', cause: 'deadline' })
  })

  it('[TW33] comes when an own HTLC has expired and is still there', () => {
    const pair = opened()
    feed(pair, 'opener', propose(add(0)))
    feed(pair, 'opener', at(602))
    expect(pair.channels.opener.phase).toBe('open')
    feed(pair, 'opener', at(603))
    expect(pair.channels.opener).toMatchObject({ phase: 'ending', cause: 'deadline' })
  })

  it('[TW20] [TW33] counts a preimage that was proposed and not answered', () => {
    const pair = opened()
    feed(pair, 'opener', propose(add(0)))
    feed(pair, 'accepter', { type: 'ask' })
    hold(pair, 'accepter', propose({ type: 'fulfil', id: 0, preimage }))
    feed(pair, 'accepter', at(582))
    expect(pair.channels.accepter).toMatchObject({ phase: 'ending', cause: 'deadline' })
  })
})
