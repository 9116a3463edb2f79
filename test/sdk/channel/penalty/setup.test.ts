import { describe, expect, it } from 'vitest'
import {
  channelIdOf,
  type Draft,
  draftFault,
  draftOf,
  fundingOutput,
  limitsOf,
  penaltyStep,
  type Terms,
} from '../../../../sdk/channel/penalty/index.ts'
import { InvariantError } from '../../../../sdk/errors.ts'
import { height, inMsats, msats, sats } from '../../../../sdk/units.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, drafted, feed, firstTerms, fundingFor, live, opened, type Pair, proven, signed } from './pair.ts'

onFakeCurve()

const greeting = { type: 'reconnected', random: bytesOf('r', 16) } as const
const typesOf = (pair: Pair, side: 'opener' | 'accepter') => pair.sent[side].map(({ type }) => type)

describe('a draft', () => {
  const draft = () => draftOf(drafted().channels.opener)
  const faultWith = (change: Partial<Draft>, terms: Partial<Terms> = {}) => {
    const one = draft()
    const changed = { ...one, ...change, terms: { ...one.terms, ...terms } }
    return draftFault(changed, changed.terms)
  }

  it('[TW6] is taken with the terms that were given, in their range, where the opener can pay for it', () => {
    expect(draftFault(draft(), firstTerms())).toBeNull()
    expect(draftFault(draft(), { ...firstTerms(), delayBlocks: 145 })).toBe('other-terms')
    expect(faultWith({ capacity: sats(19_999n) })).toBe('capacity-out-of-range')
    expect(faultWith({ capacity: sats(10_000_001n) })).toBe('capacity-out-of-range')
    // Capacity less the reserve, and less 1,124 + 16 * 172 weight units and two anchors.
    const most = 1_000_000n - 10_000n - (1_124n + 16n * 172n) - 660n
    expect(faultWith({ pushed: inMsats(sats(most)) })).toBeNull()
    expect(faultWith({ pushed: msats(1_000n * most + 1n) })).toBe('pushed-too-much')
  })

  it('[TW4] has terms that do not contradict themselves', () => {
    const wrong: Partial<Terms>[] = [
      { feeratePerKw: 252 },
      { feeratePerKw: 100_001 },
      { delayBlocks: 1 },
      { confirmationsMin: 0 },
      { marginBlocks: 0 },
      { htlcsMax: 9 },
      { amountMin: msats(0n) },
      { nodeKey: new Uint8Array(33) },
      { capacityMin: sats(10_000_001n) },
    ]
    for (const terms of wrong) expect(faultWith({}, terms), JSON.stringify(Object.keys(terms))).toBe('malformed-draft')
    expect(faultWith({ keys: { ...draft().keys, htlc: new Uint8Array(33) } })).toBe('malformed-draft')
    expect(faultWith({ keys: { ...draft().keys, closingScript: Uint8Array.of(0x6a) } })).toBe('malformed-draft')
  })

  it('[TW15] [TW17] sets reserve and dust by the capacity, so that nobody can set them to nothing', () => {
    const of = (capacity: bigint) => {
      const { reserve, dustExposureMax } = limitsOf({ ...draft(), capacity: sats(capacity) })
      return [reserve, dustExposureMax]
    }
    expect(of(1_000_000n)).toEqual([10_000n, 5_000_000n])
    expect(of(20_000n)).toEqual([1_000n, 200_000n])
  })

  it('[TW5] is named by all that it says', () => {
    const id = channelIdOf(draft())
    expect(channelIdOf(draft())).toBe(id)
    const { keys } = draftOf(drafted({ name: 'another' }).channels.opener)
    const other: Partial<Draft>[] = [{ capacity: sats(1n) }, { pushed: msats(1n) }, { keys }]
    for (const change of other) expect(channelIdOf({ ...draft(), ...change })).not.toBe(id)
  })
})

describe('an opening', () => {
  it('[TW6] lets the funding leave only when the accepter has signed', () => {
    const pair = drafted()
    expect(feed(pair, 'opener', greeting).map(({ type }) => type)).toEqual(['send'])
    expect(pair.channels.opener.phase).toBe('taken')
    const transaction = fundingFor(pair)
    feed(pair, 'opener', { type: 'funding', transaction })
    expect(typesOf(pair, 'opener')).toEqual(['open', 'fund'])
    expect(typesOf(pair, 'accepter')).toEqual(['accept', 'funded'])
    expect(pair.broadcast.opener).toEqual([transaction])
    expect([pair.channels.opener.phase, pair.channels.accepter.phase]).toEqual(['funding', 'funding'])
  })

  it('[TW6] does not take a signature that is not on its own first commitment', () => {
    const pair = drafted()
    feed(pair, 'opener', greeting)
    const { opener } = pair.channels
    const step = penaltyStep(opener, { type: 'funding', transaction: fundingFor(pair) }, pair.secrets.opener)
    const message = { type: 'funded', signature: new Uint8Array(64) } as const
    const after = penaltyStep(step.channel, { type: 'message', message }, pair.secrets.opener)
    expect(after.effects[0]).toEqual({ type: 'refused', fault: 'wrong-signature' })
    expect(after.channel).toBe(step.channel)
    const fund = { type: 'fund', funding: { txid: 'ab'.repeat(32), index: 0 }, signature: new Uint8Array(64) } as never
    const accepter = penaltyStep(pair.channels.accepter, { type: 'message', message: fund }, pair.secrets.accepter)
    expect(accepter.effects[0]).toEqual({ type: 'refused', fault: 'wrong-signature' })
  })

  it('[TW6] refuses a funding transaction without the output', () => {
    const pair = drafted()
    feed(pair, 'opener', greeting)
    const wrong = fundingFor(pair).slice()
    wrong[60] = (wrong[60] as number) ^ 1
    for (const transaction of [wrong, new Uint8Array(0)])
      expect(feed(pair, 'opener', { type: 'funding', transaction })).toEqual([
        { type: 'refused', fault: 'wrong-funding' },
      ])
  })

  it('[TW25] asks again for every answer that was lost', () => {
    const pair = drafted()
    const lose = (input: Parameters<typeof penaltyStep>[1]) => {
      const step = penaltyStep(pair.channels.opener, input, pair.secrets.opener)
      pair.channels.opener = step.channel
      return step.effects.map((effect) => (effect.type === 'send' ? effect.message.type : effect.type))
    }
    expect(lose(greeting)).toEqual(['open'])
    feed(pair, 'opener', greeting)
    expect(lose(greeting)).toEqual(['fund'])
    expect(lose({ type: 'funding', transaction: fundingFor(pair) })).toEqual(['persist', 'fund'])
    expect(lose(greeting)).toEqual(['fund'])
    feed(pair, 'opener', greeting)
    expect(pair.channels.opener.phase).toBe('funding')
    // Its answer was lost as well, and the opener knows nothing of it.
    const again = drafted()
    feed(again, 'opener', greeting)
    const waiting = penaltyStep(
      again.channels.opener,
      { type: 'funding', transaction: fundingFor(again) },
      again.secrets.opener,
    )
    feed(again, 'opener', { type: 'funding', transaction: fundingFor(again) })
    again.channels.opener = waiting.channel
    feed(again, 'opener', greeting)
    expect(again.channels.opener.phase).toBe('funding')
  })

  it('[TW6] can be given up before the funding has left, and not after', () => {
    const pair = drafted()
    feed(pair, 'opener', greeting)
    const step = penaltyStep(pair.channels.opener, { type: 'abandon' }, pair.secrets.opener)
    expect(step.channel).toMatchObject({ phase: 'declined', fault: 'abandoned' })
    const funded = signed()
    expect(feed(funded, 'opener', { type: 'abandon' })).toEqual([{ type: 'refused', fault: 'not-open' }])
    const declined = penaltyStep(
      drafted().channels.opener,
      { type: 'message', message: { type: 'decline', fault: 'busy' } },
      pair.secrets.opener,
    )
    expect(declined.channel).toMatchObject({ phase: 'declined', fault: 'busy' })
  })

  it('[TW7] pays when both have seen the funding deep enough', () => {
    const pair = signed()
    const at = (blocks: number) => ({ ...proven, height: height(101 + blocks - 1) })
    feed(pair, 'opener', { type: 'chain', view: { ...proven, fundedAt: null } })
    expect(pair.broadcast.opener).toHaveLength(2)
    feed(pair, 'opener', { type: 'chain', view: at(2) })
    expect(typesOf(pair, 'opener')).not.toContain('ready')
    feed(pair, 'opener', { type: 'chain', view: at(3) })
    expect([pair.channels.opener.phase, pair.channels.accepter.phase]).toEqual(['funding', 'funding'])
    feed(pair, 'accepter', { type: 'chain', view: at(3) })
    expect([pair.channels.opener.phase, pair.channels.accepter.phase]).toEqual(['open', 'open'])
  })

  it('[TW7] takes and makes no update while the chain does not prove the funding, and goes on by itself when it does', () => {
    const pair = opened()
    const pay = { type: 'pay', amount: msats(5_000n), paymentId: bytesOf('p', 16) } as const
    feed(pair, 'accepter', { type: 'chain', view: { ...proven, fundedAt: null } })
    feed(pair, 'opener', { type: 'propose', changes: [pay] })
    expect(pair.sent.accepter.at(-1)).toEqual({ type: 'refused', number: 1, fault: 'funding-unproven' })
    expect(live(pair, 'opener').exchange.state).toBe('proposed')
    feed(pair, 'accepter', { type: 'chain', view: proven })
    expect(live(pair, 'opener').base.number).toBe(1)
    feed(pair, 'opener', { type: 'chain', view: { ...proven, fundedAt: null } })
    expect(feed(pair, 'opener', { type: 'propose', changes: [pay] })).toEqual([
      { type: 'refused', fault: 'funding-unproven' },
    ])
  })

  it('[TW12] is stopped where a step would change the channel without storing it', () => {
    const pair = signed()
    const broken = { ...pair.channels.opener, base: { ...live(pair, 'opener').base, number: 7 } }
    expect(() => penaltyStep(broken as never, greeting, pair.secrets.opener)).toThrow(InvariantError)
    expect(fundingOutput(live(pair, 'opener').opening).value).toBe(1_000_000n)
  })
})
