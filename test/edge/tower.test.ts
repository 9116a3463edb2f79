import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  towerAbsentMs,
  towerBytesMax,
  towerGrantsBurst,
  towerGrantsPerDay,
  towerPauseFactor,
  towerRetentionMs,
  towerRungBlocks,
  towerTouchMs,
  towerUnusedMs,
} from '../../edge/limits.ts'
import { type SpendSighting, type TowerEvent, type TowerSighting, towerStep, towerWakeAt } from '../../edge/tower.ts'
import { granted, grantsName } from '../../edge/towerGrant.ts'
import type { GrantRow, TowerChange } from '../../edge/towerRows.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { type MemoryTowerRows, memoryTowerRows } from './memoryTower.ts'

const claim: Hex = `0x${'01'.repeat(32)}`
const funding = { txid: 'f0'.repeat(32), index: 1 }
const start = 1_800_000_000_000
const pollMs = 1_000
const done = { ok: true }
/** Txid of the cheater's transaction of a state. */
const txidOf = (number: number) => (number + 16).toString(16).padStart(2, '0').repeat(32)
const hintOf = (txid: string): Hex => toHex(fromHex(`0x${txid}`).reverse().subarray(0, 16))
const stateOf = (number: number, salt = 0) => ({
  number,
  hint: hintOf(txidOf(number)),
  sealed: Uint8Array.of(number, salt),
})
const spendOf = (spenders: readonly string[], buriedBy: string | null = null, outpoint = funding): SpendSighting => ({
  outpoint,
  spenders,
  buriedBy,
})
const justiceOf = (txid: string, rungs = 3) => ({
  input: { txid, index: 0 },
  transactions: Array.from({ length: rungs }, (_, at) => Uint8Array.of(7, at)),
})

function feed(rows: MemoryTowerRows, event: Omit<TowerEvent, 'now'> & { readonly now?: number }) {
  const { changes, effects, answer } = towerStep(rows, { now: start, ...event } as TowerEvent, pollMs)
  rows.apply(changes)
  return { effects, answer, code: answer.ok ? 'ok' : answer.code }
}

const keep = (rows: MemoryTowerRows, number: number, salt = 0) =>
  feed(rows, { type: 'keep', claim, state: stateOf(number, salt) } as never)

const sight = (rows: MemoryTowerRows, spends: readonly SpendSighting[], height = 100, isSeen = true) =>
  feed(rows, { type: 'sighted', sighting: { height, isSeen, spends } satisfies TowerSighting } as never)

function watching(states = 3): MemoryTowerRows {
  const rows = memoryTowerRows()
  feed(rows, { type: 'register', claim, funding, first: 0, bytesMax: towerBytesMax } as never)
  for (let number = 0; number < states; number++) keep(rows, number)
  return rows
}

describe('a tower, kept', () => {
  it('[WT1] is claimed by its first request, and keeps its channel', () => {
    const rows = watching(0)
    expect(feed(rows, { type: 'register', claim, funding, first: 0 } as never).answer).toEqual(done)
    expect(feed(rows, { type: 'register', claim, funding, first: 1 } as never).code).toBe('conflicting-tower')
    const other = { ...funding, index: 2 }
    expect(feed(rows, { type: 'register', claim, funding: other, first: 0 } as never).code).toBe('conflicting-tower')
    const stranger: Hex = `0x${'02'.repeat(32)}`
    expect(feed(rows, { type: 'visit', claim: stranger } as never).code).toBe('unauthorized')
    expect(feed(memoryTowerRows(), { type: 'visit', claim } as never).code).toBe('unknown-tower')
  })

  it('[WT2] [WT3] takes states in order and once; a resend is answered again and changes nothing', () => {
    const rows = watching(2)
    expect(keep(rows, 3)).toMatchObject({ code: 'state-gap', answer: { detail: 'State 2 is expected next.' } })
    expect(keep(rows, 1).answer).toEqual(done)
    expect(keep(rows, 1, 9).code).toBe('conflicting-state')
    expect(rows.head()?.next).toBe(2)
    expect(keep(rows, 2).answer).toEqual(done)
    expect(rows.head()).toMatchObject({ first: 0, next: 3, bytes: 6 })
  })

  it('[WT4] is bounded', () => {
    const rows = watching(1)
    const head = rows.head()
    rows.apply([{ put: 'head', row: { ...head, bytes: towerBytesMax } } as TowerChange])
    expect(keep(rows, 1).code).toBe('tower-full')
    expect(keep(rows, 0).answer).toEqual(done)
  })

  it('[WT11] is let in by an allowance that fills with time', () => {
    const day = 24 * 60 * 60_000
    const take = (row: ReturnType<typeof granted>, times: number, now: number) => {
      let left = row
      for (let at = 0; at < times; at++) left = granted(left ?? undefined, now)
      return left
    }
    const empty = take(null, towerGrantsBurst, start)
    expect(empty).toEqual({ level: 0, at: start })
    const spent = empty as GrantRow
    expect(granted(spent, start)).toBe(null)
    expect(granted(spent, start - day)).toBe(null)
    expect(granted(spent, start + day)).toEqual({ level: towerGrantsPerDay - 1, at: start + day })
    expect(granted(spent, start + 1_000 * day)?.level).toBe(towerGrantsBurst - 1)
    expect([grantsName(null), grantsName('shop')]).toEqual(['grants ', 'grants shop'])
  })

  it('[WT8] is forgotten long after its end, and long after its owner was last heard of', () => {
    const rows = watching(1)
    expect(feed(rows, { type: 'tick', now: start + towerAbsentMs - 1 } as never).effects).toHaveLength(1)
    feed(rows, { type: 'visit', claim, now: start + towerTouchMs } as never)
    feed(rows, { type: 'tick', now: start + towerAbsentMs } as never)
    expect(rows.head()).toBeDefined()
    sight(rows, [spendOf([txidOf(40)], txidOf(40))])
    expect(towerWakeAt(rows)).toBe(start + towerRetentionMs)
    feed(rows, { type: 'tick', now: start + towerRetentionMs } as never)
    expect(rows.head()).toBeUndefined()
    // One without a state has nothing to do.
    expect(feed(watching(0), { type: 'tick', now: start + towerUnusedMs - 1 } as never).effects).toHaveLength(1)
    expect(feed(watching(0), { type: 'tick', now: start + towerUnusedMs } as never).effects).toEqual([])
  })
})

describe('a tower, looking', () => {
  it('[WT9] has its next look stored before one begins', () => {
    const rows = watching(1)
    expect(feed(rows, { type: 'tick' } as never).effects).toEqual([{ type: 'look', outpoints: [funding] }])
    expect(towerWakeAt(rows)).toBe(start + towerPauseFactor * pollMs)
    // The answer was lost in a crash: it looks again.
    const later = start + towerPauseFactor * pollMs
    expect(feed(rows, { type: 'tick', now: later } as never).effects).toHaveLength(1)
  })

  it('[WT5] opens what one source alone tells, and passes over what it does not keep', () => {
    const rows = watching()
    expect(sight(rows, [spendOf([txidOf(40)])]).effects).toEqual([])
    const { effects } = sight(rows, [spendOf([txidOf(40), txidOf(1)])])
    expect(effects).toEqual([{ type: 'open', txid: txidOf(1), states: [stateOf(1)] }])
    // A crash before it was opened: the next look opens it.
    expect(sight(rows, [spendOf([txidOf(1)])]).effects).toEqual(effects)
  })

  it('[WT6] broadcasts until every source says it is buried, and dearer as blocks go by', () => {
    const rows = watching()
    sight(rows, [spendOf([txidOf(1)])], 100)
    const outputs = [justiceOf(txidOf(1)), { ...justiceOf(txidOf(1)), input: { txid: txidOf(1), index: 1 } }]
    const opened = feed(rows, { type: 'opened', txid: txidOf(1), outputs } as never)
    expect(opened.effects).toEqual([0, 0].map((rung) => ({ type: 'broadcast', transaction: Uint8Array.of(7, rung) })))
    const rungAt = (height: number) => sight(rows, [spendOf([txidOf(1)], txidOf(1))], height).effects
    const rung = (at: number) => ({ type: 'broadcast', transaction: Uint8Array.of(7, at) })
    expect(rungAt(100 + towerRungBlocks - 1)).toEqual([rung(0), rung(0)])
    expect(rungAt(100 + towerRungBlocks)).toEqual([rung(1), rung(1)])
    expect(rungAt(100 + 50 * towerRungBlocks)).toEqual([rung(2), rung(2)])
    // One is buried; a second opening changes nothing; heights that fall back do not lower the feerate.
    const half = [spendOf([txidOf(1)], txidOf(1)), spendOf(['aa'.repeat(32)], 'aa'.repeat(32), outputs[0]?.input)]
    expect(sight(rows, half, 90).effects).toEqual([rung(2)])
    expect(feed(rows, { type: 'opened', txid: txidOf(1), outputs } as never).effects).toEqual([])
    expect(feed(rows, { type: 'tick', now: start + 10 * pollMs } as never).effects).toEqual([
      { type: 'look', outpoints: [funding, outputs[1]?.input] },
    ])
    const whole = [half[0] as SpendSighting, spendOf(['bb'.repeat(32)], 'bb'.repeat(32), outputs[1]?.input)]
    sight(rows, whole)
    expect(rows.head()).toMatchObject({ phase: 'ended', dueAt: null })
    expect(keep(rows, 3).code).toBe('tower-ended')
  })

  it('[WT7] does not end for what one source hides or tells alone, nor before it has opened what it keeps', () => {
    const rows = watching()
    sight(rows, [spendOf([txidOf(40)], null)])
    expect(rows.head()?.phase).toBe('watching')
    sight(rows, [spendOf([txidOf(2)], txidOf(2))])
    expect(rows.head()?.phase).toBe('watching')
    feed(rows, { type: 'opened', txid: txidOf(2), outputs: [] } as never)
    sight(rows, [spendOf([txidOf(2)], txidOf(2))])
    expect(rows.head()?.phase).toBe('ended')
  })

  it('[WT10] says that it looked only when two sources answered', () => {
    const rows = watching()
    sight(rows, [], 120, false)
    expect(rows.head()).toMatchObject({ height: 120, lookedAt: 0 })
    sight(rows, [], 119, true)
    expect(rows.head()).toMatchObject({ height: 120, lookedAt: start })
  })

  it('holds its rules in any order of things, and always wakes until its end', () => {
    const number = fc.nat(4)
    const spenders = fc.array(fc.integer({ min: 0, max: 5 }).map(txidOf), { maxLength: 2 })
    const events: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
      fc.record({
        type: fc.constant('register'),
        claim: fc.constant(claim),
        funding: fc.constant(funding),
        first: fc.constant(0),
      }),
      fc.tuple(number, fc.nat(1)).map(([at, salt]) => ({ type: 'keep', claim, state: stateOf(at, salt) })),
      fc.constant({ type: 'tick' }),
      fc.tuple(spenders, fc.boolean(), fc.nat(200)).map(([told, isBuried, height]) => ({
        type: 'sighted',
        sighting: { height, isSeen: isBuried, spends: [spendOf(told, isBuried ? (told[0] ?? null) : null)] },
      })),
      number.map((at) => ({ type: 'opened', txid: txidOf(at), outputs: [justiceOf(txidOf(at))] })),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(events, fc.nat(5_000)), { maxLength: 40 }), (all) => {
        const rows = memoryTowerRows()
        let now = start
        for (const [event, passed] of all) {
          now += passed
          const before = rows.head()
          feed(rows, { ...event, now } as never)
          const head = rows.head()
          if (before) expect(head?.next ?? 0).toBeGreaterThanOrEqual(before.next)
          if (head?.phase === 'watching') expect(towerWakeAt(rows)).toBeLessThanOrEqual(now + towerPauseFactor * pollMs)
          for (let at = 0; at < (head?.next ?? 0); at++) expect(rows.state(at)?.number).toBe(at)
        }
      }),
      { numRuns: 150 },
    )
  })
})
