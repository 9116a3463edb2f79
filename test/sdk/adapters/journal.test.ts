import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Change, encodeEntry, journalHead, type Replay, replay } from '../../../sdk/adapters/file/journal.ts'
import { record } from '../../contracts/store.ts'

/** Five commits, and what is stored after each. */
const commits: readonly (readonly Change[])[] = [
  [['a', record(1, 'one')]],
  [
    ['a', record(2, 'two')],
    ['b', record(1, '')],
    ['\ufeffkey', record(1, 'c')],
  ],
  [['b', undefined]],
  [['a', record(3, 'three')]],
  [
    ['a', undefined],
    ['d', record(1, 'four, a longer text than the others')],
  ],
]
const entries = commits.map((changes, at) => encodeEntry(at + 1, changes))
const journal = join(journalHead, ...entries)
/** Where the entries end; the first is the end of the head. */
const ends = [...commits, undefined].map((_, count) => join(journalHead, ...entries.slice(0, count)).length)
const states = [...commits, undefined].map((_, count) => stateAfter(count))

describe('replay', () => {
  it('a journal cut at any byte holds exactly the commits that ended before the cut', () => {
    for (let cut = journalHead.length; cut <= journal.length; cut++) {
      const number = ends.filter((end) => end <= cut).length - 1
      expect(readable(replay(journal.subarray(0, cut))), `cut at ${cut}`).toEqual({
        records: states[number],
        number,
        end: ends[number],
      })
    }
  })

  it('a flipped byte is found wherever it is: in the last entry it costs that commit, elsewhere the journal is refused', () => {
    for (let at = 0; at < journal.length; at++) {
      const flipped = journal.slice()
      flipped[at] = (flipped[at] as number) ^ 0x10
      const read = replay(flipped)
      if (at < (ends[4] as number)) expect(read.whole, `byte ${at}`).toBe(false)
      else expect(readable(read), `byte ${at}`).toEqual({ records: states[4], number: 4, end: ends[4] })
    }
  })

  it('zeros or anything else after the last entry is not taken for a commit', () => {
    for (const size of [1, 23, 24, 4_096]) expect(readable(replay(join(journal, new Uint8Array(size)))).number).toBe(5)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        expect(readable(replay(join(journal, garbage)))).toEqual({ records: states[5], number: 5, end: ends[5] })
      }),
    )
  })

  it('an unfinished entry that holds no whole one is dropped, whatever it holds', () => {
    const torn = encodeEntry(6, [['a', { version: 1, bytes: (entries[0] as Uint8Array).subarray(0, 30) }]])
    expect(readable(replay(join(journal, torn.subarray(0, torn.length - 1)))).number).toBe(5)
  })

  it.each([
    ['a missing entry', [0, 1, 3, 4]],
    ['an entry twice', [0, 1, 1, 2, 3, 4]],
    ['entries out of order', [0, 2, 1, 3, 4]],
    ['no first entry', [1, 2, 3, 4]],
  ])('%s is damage', (_, order) => {
    expect(replay(join(journalHead, ...order.map((at) => entries[at] as Uint8Array))).whole).toBe(false)
  })

  it.each<[string, readonly Change[]]>([
    ['a version that skips one', [['a', record(3, 'x')]]],
    ['a version written before', [['a', record(1, 'x')]]],
    ['version 0', [['z', record(0, 'x')]]],
    ['the deletion of what is absent', [['z', undefined]]],
  ])('an entry with %s is damage, though its check fits', (_, changes) => {
    expect(replay(join(journalHead, entries[0] as Uint8Array, encodeEntry(2, changes))).whole).toBe(false)
  })

  it('more damage than one entry can leave is no crash', () => {
    expect(replay(join(journal, new Uint8Array(16 * 1_048_576))).whole).toBe(false)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => replay(join(journalHead, bytes)).whole))
    expect(replay(new Uint8Array(0)).whole).toBe(false)
    expect(replay(journal.subarray(0, 5)).whole).toBe(false)
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (before, after) => {
        replay(join(journalHead, before, entries[0] as Uint8Array, after))
      }),
    )
  })
})

function stateAfter(count: number) {
  const state = new Map<string, unknown>()
  for (const [key, record] of commits.slice(0, count).flat()) {
    if (record) state.set(key, record)
    else state.delete(key)
  }
  return Object.fromEntries(state)
}

function readable(read: Replay) {
  if (!read.whole) throw new Error(read.reason)
  return { records: Object.fromEntries(read.records), number: read.number, end: read.end }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts))
}
