import { describe, expect, it } from 'vitest'
import { feerateOf } from '../../../sdk/client/feerate.ts'
import { feerateDefault, feerateMax, feerateMin } from '../../../sdk/client/index.ts'
import { createPanel } from '../../../sdk/client/panel.ts'
import { InvariantError, SdkError } from '../../../sdk/errors.ts'
import type { BitcoinNode } from '../../../sdk/ports.ts'
import { feerate } from '../../../sdk/units.ts'
import { failure } from './setting.ts'

const clock = { now: () => 5 }
const panelOf = (count: number) =>
  createPanel(
    Array.from({ length: count }, () => ({}) as BitcoinNode),
    clock,
  )
const unreachable = new SdkError('node/unreachable', 'The node did not answer.', { retryable: true })
const lied = new SdkError('node/nonsense', 'The node lied.')
const refused = new SdkError('node/refused', 'The node refused.')

/** What each node answers, by its place: a value, or what it throws. */
const saying =
  (...answers: readonly (string | Error)[]) =>
  async (_: BitcoinNode, index: number) => {
    const answer = answers[index] ?? ''
    if (answer instanceof Error) throw answer
    return answer
  }

describe('several nodes asked as one', () => {
  it('every answer is told, with who gave it', async () => {
    const told = await panelOf(3).ask(saying('a', lied, 'c'))
    expect(told).toEqual([
      { node: 0, value: 'a' },
      { node: 2, value: 'c' },
    ])
  })

  it.each([
    ['unreachable when none could be asked', [unreachable, unreachable], 'node/unreachable', true],
    ['nonsense when all that answered lied', [unreachable, lied, refused], 'node/nonsense', true],
    ['refused when all that answered refused', [refused, refused], 'node/refused', false],
  ])('without an answer it is %s', async (_, answers, code, retryable) => {
    for (const ask of ['ask', 'askAll'] as const) {
      const error = await failure(panelOf(answers.length)[ask](saying(...answers)))
      expect([error.code, error.retryable, error.notes.length]).toEqual([code, retryable, answers.length])
    }
  })

  it('keeps the last fault of each node, and when it was', async () => {
    const panel = panelOf(2)
    await panel.ask(saying('a', lied))
    await panel.ask(saying('a', 'b'))
    await panel.ask(saying(refused, 'b'))
    expect(panel.faults()).toEqual([
      { node: 0, at: 5, error: refused },
      { node: 1, at: 5, error: lied },
    ])
  })

  it('a node that did not answer is not waited for until it does', async () => {
    const panel = panelOf(2)
    await panel.ask(saying('a', unreachable))
    let answer: (value: string) => void = () => undefined
    let asked = 0
    const slow = (_: BitcoinNode, index: number) => {
      if (index === 0) return Promise.resolve('a')
      asked += 1
      return new Promise<string>((resolve) => {
        answer = resolve
      })
    }
    expect(await panel.ask(slow)).toEqual([{ node: 0, value: 'a' }])
    expect(await panel.ask(slow)).toEqual([{ node: 0, value: 'a' }])
    expect(asked).toBe(1)
    answer('b')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await panel.ask(saying('a', 'b'))).toHaveLength(2)
  })

  it('a silent node is waited for when nobody else has an answer', async () => {
    const panel = panelOf(2)
    await panel.ask(saying('a', unreachable))
    expect(await panel.ask(saying(lied, 'b'))).toEqual([{ node: 1, value: 'b' }])
    await failure(panel.ask(saying(unreachable, unreachable)))
    expect(await panel.ask(saying('a', 'b'))).toHaveLength(2)
  })

  it('a bug of ours is no fault of a node', async () => {
    const bug = new InvariantError('Broken.')
    await expect(panelOf(2).ask(saying('a', bug))).rejects.toBe(bug)
    const panel = panelOf(2)
    await panel.ask(saying('a', unreachable))
    await panel.ask(saying('a', bug))
    await new Promise((resolve) => setImmediate(resolve))
    await expect(panel.ask(saying('a', 'b'))).rejects.toBe(bug)
  })
})

describe('a feerate', () => {
  /** Each node's estimate for six blocks in sat per vbyte (0: none), and its minimum. */
  const rate = (...nodes: readonly (readonly [number, number])[]) => {
    const panel = createPanel(
      nodes.map(
        ([estimate, min]) =>
          ({
            feeEstimates: async () => new Map(estimate > 0 ? [[6, estimate]] : []),
            minFeerate: async () => feerate(min),
          }) as Partial<BitcoinNode> as BitcoinNode,
      ),
      clock,
    )
    return feerateOf(panel)
  }

  it('is the median, and the higher middle of two', async () => {
    expect(await rate([12, 1_000])).toBe(12_000)
    expect(await rate([12, 1_000], [20, 1_000])).toBe(20_000)
    expect(await rate([12, 1_000], [9_000, 1_000], [20, 1_000])).toBe(20_000)
    expect(await rate([12, 1_000], [0.000_01, 1_000], [20, 1_000])).toBe(12_000)
  })

  it('stays within its bounds, and not below what a node takes', async () => {
    expect(await rate([0.1, 100])).toBe(feerateMin)
    expect(await rate([9_999, 1_000])).toBe(feerateMax)
    expect(await rate([2, 5_000])).toBe(5_000)
    expect(await rate([2, 9_000_000])).toBe(feerateMax)
  })

  it('leaves nodes out that cannot tell, while one can', async () => {
    expect(await rate([0, 1_000])).toBe(feerateDefault)
    expect(await rate([0, 3_000])).toBe(3_000)
    expect(await rate([0, 1_000], [0, 1_000], [30, 1_000])).toBe(30_000)
  })
})
