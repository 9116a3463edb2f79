import { describe, expect, it } from 'vitest'
import {
  firstGreeting,
  type Greeter,
  greeted,
  heard,
  hurry,
  isGreetingDue,
  leave,
} from '../../../../sdk/wallet/bitcoin/penalty/greeting.ts'

describe('[TW26] a side that waits greets the other one', () => {
  const at = (start = 0) => {
    const clock = { ms: start, now: () => clock.ms }
    const side: Greeter = { greeting: firstGreeting(), world: { clock } }
    /** Whether a greeting is due after so long. */
    const isDueAfter = (ms: number) => {
      clock.ms += ms
      return isGreetingDue(side)
    }
    return { side, isDueAfter }
  }

  it('at its start, and after longer and longer silences', () => {
    const { side, isDueAfter } = at(5_000)
    expect(isDueAfter(0)).toBe(true)
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      greeted(side)
      expect(isDueAfter(pauseMs - 1)).toBe(false)
      expect(isDueAfter(1)).toBe(true)
    }
    greeted(side)
    hurry(side)
    expect(isDueAfter(1_000)).toBe(true)
  })

  it('at its start whatever is said before: nothing was asked for yet', async () => {
    const { side, isDueAfter } = at(5_000)
    heard(side)
    await leave(side, async () => undefined)
    expect(isDueAfter(0)).toBe(true)
  })

  it('not while that one speaks, however long what it waits for takes', () => {
    const { side, isDueAfter } = at()
    greeted(side)
    for (let word = 0; word < 20; word++) {
      expect(isDueAfter(900)).toBe(false)
      heard(side)
    }
    expect(isDueAfter(1_000)).toBe(true)
    for (let silence = 0; silence < 6; silence++) greeted(side)
    heard(side)
    expect(isDueAfter(1_000)).toBe(true)
  })

  it('not before what it said itself has left, and could be answered', async () => {
    const { side, isDueAfter } = at()
    greeted(side)
    const boxes: (() => void)[] = []
    const posted = [1, 2].map(() => leave(side, () => new Promise((resolve) => boxes.push(resolve))))
    expect(isDueAfter(30_000)).toBe(false)
    boxes[0]?.()
    await posted[0]
    expect(isDueAfter(30_000)).toBe(false)
    boxes[1]?.()
    await posted[1]
    expect(isDueAfter(999)).toBe(false)
    expect(isDueAfter(1)).toBe(true)
  })

  it('at once where what it said did not arrive', async () => {
    const { side, isDueAfter } = at()
    await expect(leave(side, () => Promise.reject(new Error('no box')))).rejects.toThrow('no box')
    expect(isDueAfter(0)).toBe(true)
  })
})
