import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainConfig, decodeChains, readChainId } from '../../edge/config.ts'
import { chainId } from '../../sdk/units.ts'

const good = { fork: 'osaka', executors: ['https://node.invalid/key'] }
const read = (chain: unknown, id = '1') => decodeChains(JSON.stringify({ [id]: chain }))

describe('the CHAINS variable', () => {
  it('has defaults for everything but fork and executors', () => {
    expect(read(good)).toEqual({
      ok: true,
      value: new Map([
        [1, { id: 1, ...good, beacons: [], finality: 'tag', pollMs: 500, leaseMs: 5_000, isDraining: false }],
      ]),
    })
  })

  it.each([
    ['no object', 7],
    ['a misspelt field', { ...good, finalty: 3 }],
    ['a fork nobody knows', { ...good, fork: 'petersburg' }],
    ['a fork from the prototype', { ...good, fork: 'constructor' }],
    ['no executor', { ...good, executors: [] }],
    ['an executor that is a file', { ...good, executors: ['file:///etc/passwd'] }],
    ['an executor that is no address', { ...good, executors: ['node'] }],
    ['too many executors', { ...good, executors: Array(9).fill(good.executors[0]) }],
    ['a beacon node that is a file', { ...good, beacons: ['file:///etc/passwd'] }],
    ['no depth', { ...good, finality: 0 }],
    ['another tag', { ...good, finality: 'safe' }],
    ['a restless poll', { ...good, pollMs: 1 }],
    ['a lease that ends before a sending can', { ...good, leaseMs: 1_000 }],
  ])('with %s is refused', (_name, chain) => {
    expect(read(chain).ok).toBe(false)
  })

  it.each(['0', '01', '1.5', 'x', '', '9007199254740993'])('with chain id "%s" is refused', (id) => {
    expect(read(good, id).ok).toBe(false)
    expect(readChainId(id)).toBeUndefined()
  })

  it('is read without throwing, whatever it is', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof decodeChains(text).ok === 'boolean'))
  })

  it('without a chain that has rows makes these wait', () => {
    expect(() => chainConfig('{}', chainId(1))).toThrow(
      expect.objectContaining({ code: 'node/unreachable', retryable: true }),
    )
  })
})
