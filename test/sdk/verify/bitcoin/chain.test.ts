import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../../../sdk/errors.ts'
import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import {
  burialOf,
  type Checkpoint,
  checkpointAt,
  extendChain,
  extendMax,
  genesisCheckpoint,
  type HeaderChain,
  hashText,
  headerAt,
  headersMaxMax,
  rivalsMax,
  startChain,
  tipOf,
} from '../../../../sdk/verify/bitcoin/index.ts'
import { held, workOfBits } from '../../../conformance/bitcoin.ts'
import { extend, hashAt, mine, mineOn, nowSeconds, refusal, regtestChain } from './regtest.ts'

const genesis = hash256(genesisCheckpoint('regtest').header)
const twenty = mineOn(genesis, 0, 20)

describe('startChain', () => {
  const anchor = held(grown(regtestChain(), twenty)).checkpoint

  it('takes block 0 of each network as it is', () => {
    for (const network of ['mainnet', 'testnet4', 'signet', 'regtest'] as const)
      expect(tipOf(held(startChain(network, genesisCheckpoint(network), 1))).height).toBe(0)
  })

  it('goes on from any checkpoint of another chain', () => {
    const chain = extend(held(startChain('regtest', anchor, 100)), mineOn(hashAt(twenty), 20, 5)).chain
    expect(tipOf(chain)).toMatchObject({ height: 25 })
    expect(chain.best.work).toBe(52n)
  })

  const broken: readonly [string, Partial<Checkpoint>][] = [
    ['a header of another size', { header: anchor.header.slice(1) }],
    ['a header without work', { header: mine({ previous: genesis, time: anchor.times[10] ?? 0 }, 'missing') }],
    ['a height that is none', { height: 1.5 }],
    ['a height below the start', { height: -1 }],
    ['a height beyond any', { height: 2 ** 40 }],
    ['another block 0', { height: 0, times: anchor.times.slice(-1) }],
    ['less work than its own header', { work: 1n }],
    ['more work than there can be', { work: 1n << 256n }],
    ['too few stamps', { times: anchor.times.slice(1) }],
    ['too many stamps', { times: [0, ...anchor.times] }],
    ['a stamp that is none', { times: [-1, ...anchor.times.slice(1)] }],
    ['a last stamp of another header', { times: [...anchor.times.slice(0, 10), 1] }],
    ['a period with a stamp that is none', { period: { ...anchor.period, time: 2 ** 32 } }],
    ['a period with a target that is none', { period: { ...anchor.period, bits: 0 } }],
    ['a period with a target beyond the limit', { period: { ...anchor.period, bits: 0x2100ffff } }],
    ['the target of another period', { period: { ...anchor.period, bits: 0x207ffffe } }],
    ['the start of a period that started elsewhere', { height: 2_016 }],
  ]
  it.each(broken)('refuses %s', (_, change) => {
    expect(startChain('regtest', { ...anchor, ...change }, 100).ok).toBe(false)
  })

  it('refuses the checkpoint of another network', () => {
    expect(startChain('mainnet', anchor, 100).ok).toBe(false)
    expect(startChain('mainnet', genesisCheckpoint('signet'), 100).ok).toBe(false)
  })

  it('keeps 1 to a named number of headers', () => {
    for (const headersMax of [0, -1, 1.5, Number.NaN, headersMaxMax + 1])
      expect(startChain('regtest', anchor, headersMax).ok).toBe(false)
    expect(startChain('regtest', anchor, headersMaxMax).ok).toBe(true)
  })
})

describe('extendChain', () => {
  it('adds headers and counts their work', () => {
    const { chain, reorg, place } = extend(regtestChain(), twenty)
    expect([place, reorg]).toEqual(['best', null])
    expect(tipOf(chain)).toEqual({ height: 20, hash: hashAt(twenty), time: 1_296_688_602 + 12_000 })
    expect(chain.best.work).toBe(42n)
  })

  it('does not keep the bytes it is given', () => {
    const rival = mineOn(hashAt(twenty, 9), 10, 3, 1)
    const given = [twenty.slice(), rival.slice()] as const
    const chain = given.reduce((grown, bytes) => extend(grown, bytes).chain, regtestChain())
    for (const bytes of given) bytes.fill(0)
    expect(chain).toEqual(extend(extend(regtestChain(), twenty).chain, rival).chain)
  })

  it('takes whole headers only, and no more than it says at once', () => {
    for (const size of [0, 79, 81]) expect(refusal(regtestChain(), new Uint8Array(size))).toMatch(/headers/)
    expect(refusal(regtestChain(), new Uint8Array(80 * (extendMax + 1)))).toMatch(/at once/)
  })

  it('refuses headers that follow nothing it keeps', () => {
    expect(refusal(regtestChain(), twenty.slice(80))).toMatch(/follows none/)
    const pruned = extend(regtestChain(5), twenty).chain
    expect(refusal(pruned, mineOn(hashAt(twenty, 13), 14, 9, 1))).toMatch(/follows none/)
    expect(extend(pruned, mineOn(hashAt(twenty, 14), 15, 6, 1)).reorg).toMatchObject({ depth: 5 })
  })

  it('refuses all when one header breaks a rule, and says which', () => {
    const tip = hashAt(twenty)
    const chain = extend(regtestChain(), twenty).chain
    const time = tipOf(chain).time + 600
    const good = mine({ previous: tip, time })
    const after = { previous: hash256(good), time: time + 600 }
    const cases: readonly [RegExp, Uint8Array][] = [
      [/height 22 names another/, mine({ ...after, previous: tip })],
      [/height 22 has not the target/, mine({ ...after, bits: 0x207ffffe })],
      [/height 22 has not the target/, mine({ ...after, bits: 0x2100ffff })],
      [/height 22 has not the work/, mine(after, 'missing')],
      [/height 22 has a version/, mine({ ...after, version: 3 })],
      [/height 22 is stamped more than two hours/, mine({ ...after, time: nowSeconds + 7_201 })],
    ]
    for (const [reason, bad] of cases) {
      expect(refusal(chain, joinBytes(good, bad))).toMatch(reason)
      expect(tipOf(chain).height).toBe(20)
    }
    expect(tipOf(extend(chain, joinBytes(good, mine(after))).chain).height).toBe(22)
  })

  it('takes a stamp up to two hours ahead of the clock', () => {
    const header = mine({ previous: genesis, time: nowSeconds + 7_200 })
    expect(tipOf(extend(regtestChain(), header).chain).height).toBe(1)
    expect(refusal(regtestChain(), header, nowSeconds - 1)).toMatch(/two hours/)
  })

  it('wants a stamp after the median of eleven, also of those before its base', () => {
    const { chain } = extend(regtestChain(1), twenty)
    const median = 1_296_688_602 + 600 * 15
    const previous = hashAt(twenty)
    expect(refusal(chain, mine({ previous, time: median }))).toMatch(/median/)
    expect(tipOf(extend(chain, mine({ previous, time: median + 1 })).chain).height).toBe(21)
  })

  it('stops on a clock that is not in seconds', () => {
    for (const now of [Date.UTC(2026, 0), Number.NaN, -1])
      expect(() => extendChain(regtestChain(), twenty, { nowSeconds: now })).toThrow(InvariantError)
  })

  it('passes over headers it knows, and takes those after them', () => {
    const { chain } = extend(regtestChain(), twenty)
    expect(extend(chain, twenty)).toEqual({ chain, reorg: null, place: 'known', timewarps: [] })
    const more = mineOn(hashAt(twenty), 20, 3)
    const next = extend(chain, joinBytes(twenty.slice(80 * 15), more))
    expect([next.place, next.reorg, tipOf(next.chain).height]).toEqual(['best', null, 23])
    const rival = extend(chain, mineOn(hashAt(twenty, 9), 10, 4, 1))
    expect(extend(rival.chain, mineOn(hashAt(twenty, 9), 10, 3, 1)).place).toBe('known')
  })

  it('tells of a period that starts far back in time, and takes it', () => {
    const first = mineOn(genesis, 0, 2_014)
    const late = mine({ previous: hashAt(first), time: 1_296_688_602 + 600 * 2_100 })
    const back = (seconds: number) => mine({ previous: hash256(late), time: 1_296_688_602 + 600 * 2_100 - seconds })
    const { chain } = extend(regtestChain(3_000), joinBytes(first, late))
    expect(extend(chain, back(600)).timewarps).toEqual([])
    expect(extend(chain, back(601)).timewarps).toEqual([2_016])
  })
})

describe('branches', () => {
  const base = extend(regtestChain(), twenty).chain
  const branch = (fork: number, count: number, salt: number) =>
    mineOn(fork === 0 ? genesis : hashAt(twenty, fork - 1), fork, count, salt)

  it('the first of two that weigh the same stays', () => {
    const { chain, place, reorg } = extend(base, branch(15, 5, 1))
    expect([place, reorg, tipOf(chain).hash]).toEqual(['rival', null, hashAt(twenty)])
  })

  it('the heavier wins, and says what it took the place of', () => {
    const rival = branch(15, 6, 1)
    const { chain, reorg } = extend(base, rival)
    expect(reorg).toEqual({
      from: { height: 20, hash: hashAt(twenty) },
      to: { height: 21, hash: hashAt(rival) },
      depth: 5,
    })
    expect(headerAt(chain, 16)).toEqual(rival.slice(0, 80))
    expect(burialOf(chain, hashAt(twenty, 15))).toBeUndefined()
    expect(burialOf(chain, hashAt(twenty, 14))).toEqual({ height: 15, confirmations: 7, work: 14n })
  })

  it('the longer does not win when it weighs less', () => {
    const heavy = withHeavyTip(base)
    const { place, chain } = extend(heavy, branch(15, 30, 1))
    expect([place, tipOf(chain).height]).toEqual(['rival', 20])
  })

  it('a branch that lost can win again', () => {
    const lost = extend(base, branch(15, 6, 1)).chain
    const { reorg, chain } = extend(lost, mineOn(hashAt(twenty), 20, 2))
    expect(reorg).toMatchObject({ from: { height: 21 }, to: { height: 22 }, depth: 6 })
    expect(headerAt(chain, 20)).toEqual(twenty.slice(-80))
  })

  it('grows in pieces, and branches again', () => {
    const whole = branch(15, 8, 1)
    const start = extend(base, whole.slice(0, 80 * 2)).chain
    const first = extend(start, whole.slice(80 * 2, 80 * 3)).chain
    expect(first.rivals.map(({ fork, headers }) => [fork, headers])).toEqual([[15, whole.slice(0, 80 * 3)]])
    const twig = extend(first, mineOn(hashAt(whole, 1), 17, 2, 2))
    expect([twig.place, twig.chain.rivals.length]).toEqual(['rival', 2])
    const won = extend(twig.chain, whole.slice(80 * 3))
    expect([won.place, won.reorg?.depth, tipOf(won.chain).height]).toEqual(['best', 5, 23])
    expect(won.chain.rivals.map(({ fork }) => fork).sort()).toEqual([15, 17])
    expect(extend(won.chain, mineOn(hashAt(mineOn(hashAt(whole, 1), 17, 2, 2)), 19, 9)).reorg).toMatchObject({
      depth: 6,
    })
  })

  it('keeps the heaviest rivals, and no more than it says', () => {
    let chain = base
    for (let salt = 1; salt <= rivalsMax; salt++) chain = extend(chain, branch(10, 2 + (salt % 3), salt)).chain
    expect(extend(chain, branch(10, 1, 50))).toMatchObject({ place: 'dropped', chain: { rivals: chain.rivals } })
    const { chain: next, place } = extend(chain, branch(10, 9, 51))
    expect([place, next.rivals.length]).toEqual(['rival', rivalsMax])
    expect(next.rivals.map(({ work }) => work)).toEqual([...next.rivals.map(({ work }) => work)].sort().reverse())
  })

  it('drops a rival that is longer than the chain keeps, or left it below its base', () => {
    const small = extend(regtestChain(6), twenty).chain
    const heavy = withHeavyTip(small)
    expect(extend(heavy, branch(15, 6, 1)).place).toBe('rival')
    expect(extend(heavy, branch(15, 7, 1)).place).toBe('dropped')
    const withRival = extend(small, branch(15, 2, 1)).chain
    expect(withRival.rivals).toHaveLength(1)
    expect(extend(withRival, mineOn(hashAt(twenty), 20, 1)).chain.rivals).toHaveLength(1)
    expect(extend(withRival, mineOn(hashAt(twenty), 20, 2)).chain.rivals).toHaveLength(0)
  })

  it('finds the heaviest tip of any tree, in any order, and how deep it reorganised', () => {
    // Each block names an earlier one as its parent (0 is block 0), so that any list is a tree in a possible order.
    const trees = fc.array(fc.nat(), { minLength: 1, maxLength: rivalsMax })
    fc.assert(
      fc.property(trees, (picks) => {
        const blocks: { hash: Uint8Array; height: number; line: readonly number[] }[] = [
          { hash: genesis, height: 0, line: [0] },
        ]
        let chain = regtestChain()
        let best = 0
        for (const [at, pick] of picks.entries()) {
          const parent = blocks[pick % blocks.length] as (typeof blocks)[number]
          const header = mineOn(parent.hash, parent.height, 1, at)
          const line = [...parent.line, blocks.length]
          blocks.push({ hash: hashAt(header), height: parent.height + 1, line })
          const before = blocks[best] as (typeof blocks)[number]
          const wins = parent.height + 1 > before.height
          const left = before.line.filter((block) => !line.includes(block)).length
          if (wins) best = blocks.length - 1
          const extension = extend(chain, header)
          chain = extension.chain
          expect(extension.place).toBe(wins ? 'best' : 'rival')
          expect(extension.reorg?.depth ?? 0).toBe(wins ? left : 0)
          expect(hashText(tipOf(chain).hash)).toBe(hashText((blocks[best] as (typeof blocks)[number]).hash))
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is kept', () => {
  it('moves its base up with everything later headers need', () => {
    const long = extend(regtestChain(), mineOn(genesis, 0, 100)).chain
    let short = regtestChain(7)
    for (let at = 0; at < 100; at += 9)
      short = extend(short, mineOn(genesis, 0, 100).slice(80 * at, 80 * at + 720)).chain
    expect(short.best.headers.length).toBe(7 * 80)
    expect(short.base).toEqual(checkpointAt(long, 93))
    expect([tipOf(short), short.best.work]).toEqual([tipOf(long), long.best.work])
  })

  it('is found by height and by hash, and nothing else is', () => {
    const { chain } = extend(regtestChain(5), twenty)
    expect(headerAt(chain, 15)).toEqual(chain.base.header)
    expect(headerAt(chain, 16)).toEqual(twenty.slice(80 * 15, 80 * 16))
    for (const height of [14, 21, -1, 1.5, Number.NaN]) {
      expect(headerAt(chain, height)).toBeUndefined()
      expect(checkpointAt(chain, height)).toBeUndefined()
    }
    expect(burialOf(chain, hashAt(twenty))).toEqual({ height: 20, confirmations: 1, work: 2n })
    expect(burialOf(chain, hashAt(twenty, 14))).toEqual({ height: 15, confirmations: 6, work: 12n })
    expect(burialOf(chain, hashAt(twenty, 13))).toBeUndefined()
    expect(burialOf(chain, new Uint8Array(32))).toBeUndefined()
    expect(burialOf(regtestChain(), genesis)).toEqual({ height: 0, confirmations: 1, work: 2n })
  })
})

/** The chain as if its tip had been far harder to find: regtest itself has one target only. */
function withHeavyTip(chain: HeaderChain): HeaderChain {
  const headers = chain.best.headers.slice()
  headers.set([0xff, 0xff, 0x00, 0x1e], headers.length - 8)
  return { ...chain, best: { ...chain.best, headers, work: chain.best.work - 2n + workOfBits(0x1e00ffff) } }
}

/** The tip of a chain after headers, as a checkpoint. */
function grown(chain: HeaderChain, headers: Uint8Array) {
  const next = extend(chain, headers).chain
  const checkpoint = checkpointAt(next, tipOf(next).height)
  return checkpoint ? { ok: true as const, value: { checkpoint } } : { ok: false as const, reason: 'no tip' }
}
