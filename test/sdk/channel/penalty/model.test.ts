import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Effect, type Input, type Message, penaltyStep, type Step } from '../../../../sdk/channel/penalty/index.ts'
import { nobleEngine, useEngine } from '../../../../sdk/crypto/index.ts'
import { fakeCurve } from '../../../sim/fakeCurve.ts'
import { createModel, explore } from './model.ts'

/** `LANEKIT_MODEL_FAULTS=6` looks further; each fault more doubles the worlds. */
const faultsMax = Number(process.env.LANEKIT_MODEL_FAULTS ?? 3)

beforeAll(() => useEngine(fakeCurve))
afterAll(() => useEngine(nobleEngine))

describe('the two-way channel, exhaustively', () => {
  it(`[TW9] [TW25] makes three updates in every order, with up to ${faultsMax} messages lost or doubled and processes killed`, {
    timeout: 1_200_000,
  }, () => {
    expect(explore(createModel(), faultsMax)).toBeGreaterThan(1_000)
  })

  it.each(mutants())('finds out a channel that %s', (_, wrong) => {
    const model = createModel((channel, input, secrets) => wrong(penaltyStep(channel, input, secrets), channel, input))
    expect(() => explore(model, 2)).toThrow()
  })
})

type Wrong = (step: Step, before: Step['channel'], input: Input) => Step

/** Channels that are wrong in one way each. */
function mutants(): readonly (readonly [string, Wrong])[] {
  return [
    ['sends before it stores', (step) => ({ ...step, effects: [...step.effects].sort(storedLast) })],
    ['does not propose again', silent('commit', isPosition)],
    ['does not answer again', silent('answer', isPosition)],
    ['does not revoke again', silent('revoke', isPosition)],
    ['does not store what it proposes', forgetful('proposed')],
    ['does not store what it answers', forgetful('answered')],
    ['does not hand the turn over', silent('yield')],
    ['does not tell where it stands', silent('position')],
    ['takes back what it proposed', (step, before, input) => (isPosition(input) ? withdrawn(step, before) : step)],
  ]
}

function isPosition(input: Input): boolean {
  return input.type === 'message' && input.message.type === 'position'
}

/** Says nothing of one kind, after some inputs. */
function silent(type: Message['type'], when: (input: Input) => boolean = () => true): Wrong {
  return (step, _, input) => {
    if (!when(input)) return step
    return { ...step, effects: step.effects.filter((effect) => effect.type !== 'send' || effect.message.type !== type) }
  }
}

/** Proposes something else when it is asked again. */
function withdrawn(step: Step, before: Step['channel']): Step {
  if (!('exchange' in before) || before.exchange.state !== 'proposed') return step
  const channel = { ...before, exchange: { state: 'idle' } } as Step['channel']
  return { channel, effects: [{ type: 'persist', channel, notes: [] }] }
}

function storedLast(a: Effect, b: Effect): number {
  return Number(a.type === 'persist') - Number(b.type === 'persist')
}

function forgetful(state: string): Wrong {
  return (step, before) => {
    const { channel, effects } = step
    if (!('exchange' in channel) || channel.exchange.state !== state) return step
    const stored = effects.map((effect) => (effect.type === 'persist' ? { ...effect, channel: before } : effect))
    return { channel, effects: stored }
  }
}
