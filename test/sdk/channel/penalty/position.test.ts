import { describe, expect, it } from 'vitest'
import {
  type Change,
  type Channel,
  decodeChannel,
  encodeChannel,
  type LiveChannel,
  type Message,
  type Position,
  penaltyStep,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sats } from '../../../../sdk/units.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, feed, live, opened, type Pair, pay, proven, take } from './pair.ts'

onFakeCurve()

const propose = (...changes: Change[]) => ({ type: 'propose', changes }) as const
const greeting = (name: string) => ({ type: 'reconnected', random: bytesOf(name, 16) }) as const
const message = (message: Message) => ({ type: 'message', message }) as const

function hold(pair: Pair, side: Side, input: Parameters<typeof penaltyStep>[1]): readonly Message[] {
  return take(pair, side, penaltyStep(pair.channels[side], input, pair.secrets[side]))
}

/** A side's disk, put back as a backup or as if nothing had been. */
function restored(channel: Channel, origin: 'own' | 'backup'): LiveChannel {
  const decoded = decodeChannel(encodeChannel(channel), origin)
  if (!decoded.ok) throw new Error(decoded.reason)
  return penaltyStep(decoded.value, { type: 'chain', view: proven }, {} as never).channel as LiveChannel
}

function paid(pair: Pair, times: number): Pair {
  for (let at = 0; at < times; at++) feed(pair, 'opener', propose(pay()))
  return pair
}

const positionOf = (messages: readonly Message[]) =>
  messages.find((one) => one.type === 'position') as Extract<Message, { type: 'position' }>

describe('a side that comes back', () => {
  it('[TW26] proposes nothing before the other has told where it stands', () => {
    const pair = paid(opened(), 1)
    pair.channels.opener = restored(pair.channels.opener, 'own')
    expect(feed(pair, 'opener', propose(pay()))).toEqual([{ type: 'refused', fault: 'not-met' }])
    feed(pair, 'opener', greeting('x'))
    feed(pair, 'opener', propose(pay()))
    expect(live(pair, 'accepter').base.number).toBe(2)
  })

  it('[TW25] is sent what it lacks, and sends what the other lacks', () => {
    for (const lost of [0, 1, 2]) {
      const pair = paid(opened(), 1)
      let side: Side = 'opener'
      let sent = hold(pair, 'opener', propose(pay()))
      for (let at = 0; at < lost; at++) {
        side = side === 'opener' ? 'accepter' : 'opener'
        sent = hold(pair, side, message(sent.at(-1) as Message))
      }
      for (const back of ['opener', 'accepter'] as const) {
        const copy = { ...pair, channels: { ...pair.channels } }
        copy.channels[back] = restored(pair.channels[back], 'own')
        feed(copy, back, greeting('y'))
        expect([live(copy, 'opener').base.number, live(copy, 'accepter').base.number]).toEqual([2, 2])
      }
    }
  })

  it('[TW27] answers no challenge of another state: an old answer is worth nothing', () => {
    const pair = opened()
    const [ask] = hold(pair, 'accepter', greeting('z'))
    const old = positionOf(hold(pair, 'opener', message(ask as Message)))
    feed(pair, 'opener', greeting('w')) // So that both are met again.
    paid(pair, 3)
    expect(live(pair, 'accepter').base.number).toBe(3)
    // Word of an opener at number 0, as a carrier may keep it.
    feed(pair, 'accepter', message(old))
    expect(pair.channels.accepter.phase).toBe('open')
  })
})

describe('a side that has lost states', () => {
  it('[TW28] is shown so by its own secret, broadcasts nothing, and the other closes', () => {
    const pair = paid(opened(), 1)
    const old = pair.channels.opener
    paid(pair, 3)
    pair.channels.opener = restored(old, 'own')
    feed(pair, 'opener', greeting('x'))
    expect(pair.channels.opener.phase).toBe('behind')
    expect(pair.broadcast.opener).toHaveLength(1) // Its funding, long ago.
    expect(pair.channels.accepter).toMatchObject({ phase: 'ending', cause: 'peer-behind' })
    expect(pair.broadcast.accepter).toHaveLength(1)
    for (const input of [propose(pay()), { type: 'force' }, { type: 'close', fee: null }] as const)
      expect(feed(pair, 'opener', input)).toEqual([{ type: 'refused', fault: 'not-open' }])
    expect(feed(pair, 'opener', { type: 'chain', view: { ...proven, isSpent: true } })).toEqual([])
  })

  it('[TW28] is not believed to be one without the proof', () => {
    const pair = paid(opened(), 2)
    const [ask] = hold(pair, 'opener', greeting('x'))
    const truth = positionOf(hold(pair, 'accepter', message(ask as Message)))
    const lies: Partial<Position>[] = [
      { revealed: 3 },
      { revealed: 3, proof: bytesOf('made up') },
      { revealed: 9, number: 9 },
      { number: 3 },
    ]
    for (const lie of lies) {
      const step = penaltyStep(pair.channels.opener, message({ ...truth, ...lie }), pair.secrets.opener)
      expect(step.effects).toContainEqual({ type: 'refused', fault: 'unproven' })
      expect((step.channel as LiveChannel).phase).toBe('open')
    }
  })

  it('[TW27] is not closed upon by an old word of it', () => {
    const pair = paid(opened(), 1)
    const [old] = hold(pair, 'opener', greeting('x'))
    feed(pair, 'opener', greeting('y'))
    paid(pair, 3)
    const step = penaltyStep(pair.channels.accepter, message(old as Message), pair.secrets.accepter)
    expect(step.channel).toMatchObject({ phase: 'open' })
    // It is asked for a fresh one instead.
    expect(step.effects).toMatchObject([{ type: 'send', message: { type: 'position', number: 4 } }])
    const [{ message: asked }] = step.effects as unknown as [{ message: Extract<Message, { type: 'position' }> }]
    expect(asked.challenge).not.toBeNull()
  })
})

describe('a channel from a backup', () => {
  it('[TW26] is met by the answer to an earlier greeting, when it has greeted again meanwhile', () => {
    const pair = paid(opened(), 1)
    feed(pair, 'opener', greeting('x'))
    const [slow] = hold(pair, 'opener', greeting('y'))
    const answers = hold(pair, 'accepter', message(slow as Message))
    hold(pair, 'opener', greeting('z'))
    expect(live(pair, 'opener').session.isMet).toBe(false)
    for (const answer of answers) hold(pair, 'opener', message(answer))
    expect(live(pair, 'opener').session.isMet).toBe(true)
    // Once it was met, another greeting is another question.
    hold(pair, 'opener', greeting('w'))
    for (const answer of answers) hold(pair, 'opener', message(answer))
    expect(live(pair, 'opener').session.isMet).toBe(false)
  })

  it('[TW29] signs and broadcasts nothing by itself but its funding', () => {
    const pair = paid(opened(), 1)
    const backup = restored(pair.channels.opener, 'backup')
    const commands = [propose(pay()), { type: 'force' }, { type: 'close', fee: null }] as const
    for (const input of commands)
      expect(penaltyStep(backup, input, pair.secrets.opener).effects).toEqual([
        { type: 'refused', fault: 'from-backup' },
      ])
    for (const view of [proven, { ...proven, isSpent: true }])
      expect(penaltyStep(backup, { type: 'chain', view }, pair.secrets.opener).effects).toEqual([])
    // What was funded is the channel's, whatever became of it since.
    const lost = penaltyStep(backup, { type: 'chain', view: { ...proven, fundedAt: null } }, pair.secrets.opener)
    expect(lost.effects).toEqual([{ type: 'broadcast-funding' }])
    const messages: Message[] = [{ type: 'shutdown' }, { type: 'ask', turn: 0 }]
    for (const one of messages) expect(penaltyStep(backup, message(one), pair.secrets.opener).effects).toEqual([])
    // It is one still when it was stored and read again.
    expect(restored(backup, 'own').origin).toBe('backup')
  })

  it('[TW29] is proven when it is fresh and the other has the turn: it closes together, and revokes nothing', () => {
    const pair = paid(opened({ pushed: 100_000n }), 1)
    feed(pair, 'accepter', { type: 'ask' })
    pair.channels.opener = restored(pair.channels.opener, 'backup')
    feed(pair, 'opener', greeting('x'))
    expect(live(pair, 'opener').origin).toBe('proven')
    const [commit] = hold(pair, 'accepter', propose(pay(1_000n)))
    const { channel, effects } = penaltyStep(pair.channels.opener, message(commit as Message), pair.secrets.opener)
    expect(channel).toBe(pair.channels.opener)
    expect(effects[0]).toEqual({ type: 'refused', fault: 'from-backup' })
    // It was not there when its commitment was broadcast, if it was: whoever has that must not be able to punish it.
    feed(pair, 'opener', greeting('y'))
    const told = pair.sent.opener.filter((one) => one.type === 'answer' || one.type === 'revoke')
    expect(told.filter((one) => 'number' in one && one.number > 1)).toEqual([])
    expect(penaltyStep(live(pair, 'opener'), { type: 'force' }, pair.secrets.opener).channel.phase).toBe('ending')
  })

  it('[TW29] that is proven closes together', () => {
    const pair = paid(opened({ pushed: 100_000n }), 1)
    feed(pair, 'accepter', { type: 'ask' })
    pair.channels.opener = restored(pair.channels.opener, 'backup')
    feed(pair, 'opener', greeting('x'))
    feed(pair, 'opener', { type: 'close', fee: sats(300n) })
    expect(pair.channels.opener).toMatchObject({ phase: 'closing', origin: 'proven', signed: { fee: 300n } })
    // It is one still when it was stored and read again.
    expect(restored(pair.channels.opener, 'own').origin).toBe('proven')
  })

  it('[TW29] stays one while the turn is its own, since it may have signed a proposal that was lost', () => {
    const pair = paid(opened(), 1)
    const backup = restored(pair.channels.opener, 'backup')
    hold(pair, 'opener', propose(pay(7_000n))) // Signed, lost on the way, and forgotten.
    pair.channels.opener = backup
    for (const name of ['x', 'y']) feed(pair, 'opener', greeting(name))
    feed(pair, 'accepter', { type: 'ask' })
    expect(live(pair, 'opener')).toMatchObject({ origin: 'backup', turn: 0 })
  })

  it('[TW29] stays one when the turn has come back to it since, which it learns from the other side', () => {
    const pair = paid(opened({ pushed: 100_000n }), 1)
    feed(pair, 'accepter', { type: 'ask' })
    const backup = restored(pair.channels.opener, 'backup')
    feed(pair, 'opener', { type: 'ask' })
    hold(pair, 'opener', propose(pay(7_000n)))
    pair.channels.opener = backup
    for (const name of ['x', 'y']) feed(pair, 'opener', greeting(name))
    expect(live(pair, 'opener')).toMatchObject({ origin: 'backup', turn: 2 })
  })

  it('[TW29] is proven when it remembers its own proposal, and takes no answer to it', () => {
    const pair = paid(opened(), 1)
    hold(pair, 'opener', propose(pay(7_000n)))
    pair.channels.opener = restored(pair.channels.opener, 'backup')
    feed(pair, 'opener', greeting('x'))
    expect(live(pair, 'opener')).toMatchObject({ origin: 'proven', base: { number: 1 } })
    expect(live(pair, 'accepter')).toMatchObject({ exchange: { state: 'idle' }, base: { number: 1 } })
  })

  it('[TW29] stays one when the proposal that it remembers was answered: it may have revoked, and proposed again', () => {
    const pair = paid(opened(), 1)
    const [commit] = hold(pair, 'opener', propose(pay(7_000n)))
    const backup = restored(pair.channels.opener, 'backup')
    const [answer] = hold(pair, 'accepter', message(commit as Message))
    // The revocation is lost on the way, and so is the next proposal.
    expect(hold(pair, 'opener', message(answer as Message)).map(({ type }) => type)).toEqual(['revoke'])
    hold(pair, 'opener', propose(pay(9_000n)))
    pair.channels.opener = backup
    for (const name of ['x', 'y']) feed(pair, 'opener', greeting(name))
    expect(live(pair, 'opener')).toMatchObject({ origin: 'backup', base: { number: 1 } })
  })

  it('[TW29] that lacks its last proposal never signs another content for that number', () => {
    const pair = paid(opened(), 1)
    const backup = restored(pair.channels.opener, 'backup')
    const [commit] = hold(pair, 'opener', propose(pay(7_000n)))
    pair.channels.opener = backup
    feed(pair, 'opener', greeting('x'))
    hold(pair, 'accepter', message(commit as Message))
    feed(pair, 'opener', greeting('y'))
    const signed = pair.sent.opener.filter((one) => one.type === 'commit' || one.type === 'answer')
    expect(signed.filter((one) => 'number' in one && one.number === 2)).toHaveLength(1)
  })

  it('[TW28] is behind when the other shows its secret', () => {
    const pair = paid(opened(), 1)
    const backup = restored(pair.channels.opener, 'backup')
    paid(pair, 2)
    pair.channels.opener = backup
    feed(pair, 'opener', greeting('x'))
    expect(pair.channels.opener.phase).toBe('behind')
    expect(pair.channels.accepter).toMatchObject({ phase: 'ending', cause: 'peer-behind' })
  })
})
