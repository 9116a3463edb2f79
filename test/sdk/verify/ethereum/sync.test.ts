import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBytes, toHex } from '../../../../sdk/units.ts'
import {
  decodeBootstrap,
  decodeUpdate,
  type LightMessage,
  lightMessageBytesMax,
} from '../../../../sdk/verify/ethereum/lightData.ts'
import { decodeUpdateList } from '../../../../sdk/verify/ethereum/messages.ts'
import { timeOf } from '../../../../sdk/verify/ethereum/network.ts'
import { writeUint } from '../../../../sdk/verify/ethereum/ssz.ts'
import {
  advance,
  headAgeSecondsMaxDefault,
  isStale,
  type LightChain,
  startLightChain,
  updatesMax,
} from '../../../../sdk/verify/ethereum/sync.ts'
import {
  bootstrapJson,
  finalityUpdateJson,
  membersOf,
  message,
  must,
  optimisticUpdateJson,
  type Signing,
  type TestBlock,
  testBlock,
  testNetwork,
  updateJson,
} from './beacon.ts'

const late = timeOf(testNetwork, 1_000)

function begunAt(block: TestBlock): LightChain {
  const bootstrap = must(decodeBootstrap(testNetwork, message('bootstrap', bootstrapJson(block))))
  return must(startLightChain(testNetwork, block.root, bootstrap))
}

function update(block: TestBlock, signing: Signing = {}) {
  return must(decodeUpdate(testNetwork, 'update', message('update', updateJson(block, signing))))
}

function finality(block: TestBlock, signing: Signing = {}) {
  return must(
    decodeUpdate(testNetwork, 'finality-update', message('finality-update', finalityUpdateJson(block, signing))),
  )
}

function optimistic(block: TestBlock, signing: Signing = {}) {
  const bytes = message('optimistic-update', optimisticUpdateJson(block, signing))
  return must(decodeUpdate(testNetwork, 'optimistic-update', bytes))
}

/** A block of a period in its middle that calls one at the period's start final. */
function inPeriod(period: number, branch = 0): TestBlock {
  return testBlock({ slot: period * 64 + 30, finalized: testBlock({ slot: period * 64 + 8, branch }), branch })
}

const start = testBlock({ slot: 3 * 64 })
const chain = begunAt(start)
const head = testBlock({ slot: 3 * 64 + 20, finalized: testBlock({ slot: 3 * 64 + 8 }) })

function refusalOf(...updates: Parameters<typeof advance>[1]): string {
  const next = advance(chain, updates, late)
  return next.ok ? 'accepted' : next.reason
}

describe('a light chain', () => {
  it('follows committees from Altair through Fulu, all periods in one product of pairings', () => {
    const first = begunAt(testBlock({ slot: 8 }))
    const updates = [0, 1, 2, 3, 4, 5].map((period) => update(inPeriod(period)))
    const reached = must(advance(first, updates, late))
    expect(reached.finalized.slot).toBe(5 * 64 + 8)
    expect(reached.optimistic.slot).toBe(5 * 64 + 30)
    expect(reached.next?.root).toEqual(membersOf(6).root)
    expect(reached.finalized.execution?.number).toBe(5 * 64 + 8)
    expect(first.finalized.execution).toBeNull()
    // One after the other comes to the same.
    const steps = updates.reduce((one, next) => must(advance(one, [next], late)), first)
    expect(steps).toEqual(reached)
  })

  it('takes heads: final ones with two thirds, optimistic ones with more than half of the best seen', () => {
    const final = must(advance(chain, [finality(head)], late))
    expect([final.finalized.slot, final.optimistic.slot]).toEqual([200, 212])
    const younger = testBlock({ slot: 3 * 64 + 22 })
    expect(must(advance(final, [optimistic(younger)], late)).optimistic.slot).toBe(214)
    const half = Array.from({ length: 16 }, (_, at) => at)
    expect(must(advance(final, [optimistic(younger, { absent: half })], late)).optimistic.slot).toBe(212)
  })

  it('stays where it is when two thirds are not reached, and never goes back', () => {
    const absent = Array.from({ length: 11 }, (_, at) => 3 * at)
    expect(must(advance(chain, [finality(head, { absent })], late)).finalized.slot).toBe(192)
    expect(must(advance(chain, [finality(head, { absent: absent.slice(1) })], late)).finalized.slot).toBe(200)
    const final = must(advance(chain, [finality(head)], late))
    expect(advance(final, [finality(testBlock({ slot: 199, finalized: testBlock({ slot: 192 }) }))], late)).toEqual({
      ok: false,
      reason: 'it tells nothing younger than what is final',
    })
  })

  it('takes a signature of members who have several places, and of few', () => {
    const most = Array.from({ length: 31 }, (_, at) => at)
    expect(must(advance(chain, [optimistic(head, { absent: most })], late)).finalized.slot).toBe(192)
  })
})

describe('the traps', () => {
  it('the fork of the slot before the signature is what is signed', () => {
    // Slot 192 is the first of Electra: a signature there still is Deneb's, whatever fork its block is of.
    const before = begunAt(testBlock({ slot: 2 * 64 + 56 }))
    const known = must(advance(before, [update(testBlock({ slot: 190, finalized: testBlock({ slot: 186 }) }))], late))
    const last = testBlock({ slot: 191, finalized: testBlock({ slot: 187 }) })
    expect(advance(known, [finality(last, { signatureSlot: 192 })], late).ok).toBe(true)
    expect(advance(known, [finality(last, { signatureSlot: 192, version: 0x05000001 })], late)).toEqual({
      ok: false,
      reason: 'the committee has not signed it',
    })
    expect(advance(known, [finality(last, { signatureSlot: 193 })], late).ok).toBe(true)
    expect(advance(known, [finality(last, { signatureSlot: 193, version: 0x04000001 })], late).ok).toBe(false)
  })

  it('signatures of another chain, another committee and another block are refused', () => {
    const other = { ...testNetwork, genesisValidatorsRoot: new Uint8Array(32) }
    expect(refusalOf(finality(head, { network: other }))).toBe('the committee has not signed it')
    expect(refusalOf(finality(head, { signers: membersOf(3, 1) }))).toBe('the committee has not signed it')
    const { sync_aggregate } = finalityUpdateJson(testBlock({ slot: 213 }))
    const mixed = message('finality-update', { ...finalityUpdateJson(head), sync_aggregate })
    expect(refusalOf(must(decodeUpdate(testNetwork, 'finality-update', mixed)))).toBe('the committee has not signed it')
  })

  it('a signature by nobody, of the future, or from before its block is refused', () => {
    const everyone = Array.from({ length: 32 }, (_, at) => at)
    expect(refusalOf(finality(head, { absent: everyone }))).toBe('nobody signed it')
    expect(refusalOf(finality(head, { signatureSlot: 212 }))).toBe('it is signed before the block that it attests')
    const early = advance(chain, [finality(head)], timeOf(testNetwork, 212))
    expect(early.ok ? '' : early.reason).toMatch(/^it is signed in the future/)
  })

  it('a period is never skipped: its committee must be known', () => {
    expect(refusalOf(update(inPeriod(4)))).toBe('no committee of its period is known')
    expect(refusalOf(update(inPeriod(3)), update(inPeriod(5)))).toBe('update 1: no committee of its period is known')
  })

  it('a second committee for one period is refused', () => {
    const known = must(advance(chain, [update(inPeriod(3))], late))
    const forged = { ...update(testBlock({ slot: 240, branch: 1 }), { signers: membersOf(3) }) }
    const answer = advance(known, [forged], late)
    expect(answer.ok ? '' : answer.reason).toMatch(/another next committee/)
  })

  it('one wrong signature among several is named', () => {
    const updates = [update(inPeriod(3)), update(inPeriod(4), { signers: membersOf(4, 1) }), update(inPeriod(5))]
    expect(refusalOf(...updates)).toBe('update 1: the committee has not signed it')
  })

  it('what only holds together with others is never taken for them alone', () => {
    const [one, other] = [update(inPeriod(3)), update(inPeriod(4))]
    const swapped = { ...one, signature: other.signature }
    expect(refusalOf(swapped)).toBe('the committee has not signed it')
    // Together they still show that both committees signed both messages, which is what is taken over.
    expect(must(advance(chain, [swapped, { ...other, signature: one.signature }], late)).finalized.slot).toBe(264)
  })

  it('a bootstrap of another block, or with another committee, is refused', () => {
    const bootstrap = must(decodeBootstrap(testNetwork, message('bootstrap', bootstrapJson(start))))
    expect(startLightChain(testNetwork, head.root, bootstrap)).toEqual({
      ok: false,
      reason: 'the bootstrap is of another block than the checkpoint',
    })
    const forged = { ...bootstrapJson(start), current_sync_committee: membersOf(3, 1).json }
    expect(decodeBootstrap(testNetwork, message('bootstrap', forged))).toEqual({
      ok: false,
      reason: 'the block does not commit to the committee',
    })
  })

  it('what was known too long ago, or lies in the future, is stale', () => {
    const time = timeOf(testNetwork, 192)
    expect(isStale(chain, { nowSeconds: time + headAgeSecondsMaxDefault })).toBe(false)
    expect(isStale(chain, { nowSeconds: time + headAgeSecondsMaxDefault + 1 })).toBe(true)
    expect(isStale(chain, { nowSeconds: time - 60 })).toBe(true)
    expect(isStale(chain, { nowSeconds: time + 61, ageSecondsMax: 60 })).toBe(true)
  })
})

describe('messages', () => {
  const kinds: readonly (readonly [LightMessage, Uint8Array])[] = [
    ['bootstrap', message('bootstrap', bootstrapJson(start))],
    ['update', message('update', updateJson(head))],
    ['finality-update', message('finality-update', finalityUpdateJson(head))],
    ['optimistic-update', message('optimistic-update', optimisticUpdateJson(head))],
  ]
  const read = (kind: LightMessage, bytes: Uint8Array) =>
    kind === 'bootstrap' ? decodeBootstrap(testNetwork, bytes) : decodeUpdate(testNetwork, kind, bytes)

  it('with any byte changed are refused, or judged by a signature that does not hold', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.nat(), fc.integer({ min: 1, max: 255 }), ([kind, bytes], at, flip) => {
        const changed = bytes.slice()
        changed[at % bytes.length] = (changed[at % bytes.length] as number) ^ flip
        const decoded = read(kind, changed)
        if (!decoded.ok) return
        const outcome =
          'header' in decoded.value
            ? startLightChain(testNetwork, start.root, decoded.value)
            : advance(chain, [decoded.value], late)
        expect(outcome.ok).toBe(false)
      }),
      { numRuns: 150 },
    )
  })

  it('that are cut short, too long or garbage are refused without a throw', () => {
    for (const [kind, bytes] of kinds) {
      for (const size of [0, 3, 4, 11, 111, bytes.length - 1])
        expect(read(kind, bytes.subarray(0, size)).ok).toBe(false)
      expect(read(kind, joinBytes(bytes, Uint8Array.of(0))).ok).toBe(false)
      expect(read(kind, new Uint8Array(lightMessageBytesMax + 1)).ok).toBe(false)
    }
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 3_000 }), ([kind], bytes) => {
        expect(read(kind, bytes).ok).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  it('a list of updates is taken apart, and refused with wrong lengths or too many', () => {
    const one = kinds[1]?.[1] as Uint8Array
    const entry = joinBytes(writeUint(one.length + 4, 8), new Uint8Array(4), one)
    expect(must(decodeUpdateList(joinBytes(entry, entry))).map(toHex)).toEqual([toHex(one), toHex(one)])
    expect(decodeUpdateList(entry.subarray(0, 100)).ok).toBe(false)
    expect(decodeUpdateList(new Uint8Array(7)).ok).toBe(false)
    const small = joinBytes(writeUint(4, 8), new Uint8Array(4))
    expect(decodeUpdateList(joinBytes(...Array.from({ length: updatesMax + 1 }, () => small))).ok).toBe(false)
  })
})
