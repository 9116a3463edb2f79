import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Account,
  accountOutput,
  balanceOf,
  beginScan,
  type Chain,
  type Coin,
  freshPath,
  gapLimitDefault,
  isMature,
  isScanDone,
  type KeyPath,
  type Scan,
  type ScriptFacts,
  scannedCoins,
  scanStep,
  type WantedScript,
} from '../../../sdk/bitcoin/index.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { height, sats, txid } from '../../../sdk/units.ts'
import { wpkhAccount } from './fixtures.ts'

const account = wpkhAccount()

function coinAt(index: number, value = 1_000n): Omit<Coin, 'script' | 'keyPath'> {
  const id = txid(index.toString(16).padStart(64, '0'))
  return { outpoint: { txid: id, index: 0 }, value: sats(value), height: height(7), coinbase: false }
}

/** A chain that has seen these indexes used; answers what it is asked, newest question first. */
function scanAll(account: Account, used: Readonly<Record<Chain, readonly number[]>>) {
  const asked: KeyPath[] = []
  let { state, wanted } = beginScan(account)
  while (wanted.length > 0) {
    asked.push(...wanted.map(({ keyPath }) => keyPath))
    ;({ state, wanted } = scanStep(state, [...wanted].reverse().map(answer)))
  }
  return { state, asked }

  function answer({ keyPath }: WantedScript): ScriptFacts {
    const isUsed = used[keyPath.chain].includes(keyPath.index)
    const number = keyPath.index * 2 + (keyPath.chain === 'change' ? 1 : 0)
    return { keyPath, used: isUsed, coins: isUsed ? [coinAt(number)] : [] }
  }
}

describe('a scan', () => {
  it('asks for the gap of each chain first, by the scripts of the account', () => {
    const { wanted } = beginScan(account)
    expect(wanted).toHaveLength(2 * gapLimitDefault)
    expect(wanted[3]).toEqual({
      keyPath: { chain: 'receive', index: 3 },
      script: accountOutput(account, { chain: 'receive', index: 3 }).script,
    })
  })

  it('goes on until a gap lies behind the last used script, and asks nothing twice', () => {
    const { state, asked } = scanAll(account, { receive: [0, 19, 38], change: [] })
    const indexes = asked.filter(({ chain }) => chain === 'receive').map(({ index }) => index)
    expect(indexes).toEqual(Array.from({ length: 39 + gapLimitDefault }, (_, index) => index))
    expect(asked).toHaveLength(39 + 2 * gapLimitDefault)
    expect(isScanDone(state)).toBe(true)
    expect(freshPath(state, 'receive')).toEqual({ chain: 'receive', index: 39 })
    expect(freshPath(state, 'change')).toEqual({ chain: 'change', index: 0 })
    expect(scannedCoins(state).map(({ keyPath }) => keyPath.index)).toEqual([0, 19, 38])
  })

  it('does not see beyond the gap', () => {
    expect(freshPath(scanAll(account, { receive: [20], change: [] }).state, 'receive').index).toBe(0)
  })

  it('finds the same, however the answers are split and ordered', () => {
    const used = { receive: [1, 5, 17], change: [0, 2] }
    const { state: expected } = scanAll(account, used)
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 3, maxLength: 8 }), (cuts) => {
        let { state, wanted } = beginScan(account)
        let open = [...wanted]
        for (let turn = 0; open.length > 0; turn++) {
          const at = (cuts[turn % cuts.length] as number) % open.length
          const [next] = open.splice(at, 1) as [WantedScript]
          const isUsed = used[next.keyPath.chain].includes(next.keyPath.index)
          const number = next.keyPath.index * 2 + (next.keyPath.chain === 'change' ? 1 : 0)
          const facts = { keyPath: next.keyPath, used: isUsed, coins: isUsed ? [coinAt(number)] : [] }
          expect(isScanDone(state)).toBe(false)
          ;({ state, wanted } = scanStep(state, [facts]))
          open = [...open, ...wanted]
        }
        expect(state).toEqual(expected)
      }),
      { numRuns: 5 },
    )
  })

  it('takes a second answer in place of the first', () => {
    const keyPath = { chain: 'receive', index: 0 } as const
    const first = scanStep(beginScan(account).state, [{ keyPath, used: true, coins: [coinAt(1), coinAt(2)] }])
    const second = scanStep(first.state, [{ keyPath, used: true, coins: [coinAt(2)] }])
    expect(scannedCoins(second.state).map(({ outpoint }) => outpoint)).toEqual([coinAt(2).outpoint])
    expect(second.wanted).toEqual([])
  })

  it('counts a script with coins as used, whatever else is said', () => {
    const keyPath = { chain: 'change', index: 4 } as const
    const { state } = scanStep(beginScan(account).state, [{ keyPath, used: false, coins: [coinAt(1)] }])
    expect(freshPath(state, 'change').index).toBe(5)
  })

  it('counts a coin once that is claimed for two scripts', () => {
    const facts = [0, 1].map((index) => ({
      keyPath: { chain: 'receive', index } as const,
      used: true,
      coins: [coinAt(9)],
    }))
    expect(scannedCoins(scanStep(beginScan(account).state, facts).state)).toHaveLength(1)
  })

  it('starts behind what an earlier scan has found', () => {
    const { state, wanted } = beginScan(account, { receive: 3, change: 1 })
    expect(wanted).toHaveLength(3 + 1 + 2 * gapLimitDefault)
    expect(freshPath(state, 'receive').index).toBe(3)
  })

  it('ends, though a node claims that every script was used', () => {
    // A chain as good as asked out: deriving ten thousand scripts would take the test ten seconds.
    const { state } = beginScan(account)
    const asked = Array.from({ length: 9_999 }, () => ({ script: new Uint8Array(22), coins: [] }))
    const near: Scan = { ...state, receive: { asked, used: 9_979 } }
    const keyPath = { chain: 'receive', index: 9_998 } as const
    const { state: last, wanted } = scanStep(near, [{ keyPath, used: true, coins: [] }])
    expect(wanted.map(({ keyPath }) => keyPath.index)).toEqual([9_999])
    const [{ keyPath: end }] = wanted as [WantedScript]
    expect(scanStep(last, [{ keyPath: end, used: true, coins: [] }]).wanted).toEqual([])
  })

  it('hears of a script it never asked about only by a bug of ours', () => {
    const facts = { keyPath: { chain: 'receive', index: 20 } as const, used: true, coins: [] }
    expect(() => scanStep(beginScan(account).state, [facts])).toThrow(InvariantError)
  })
})

describe('a balance', () => {
  const script = new Uint8Array(22)
  const keyPath = { chain: 'receive', index: 0 } as const
  const coin = (part: Partial<Coin>): Coin => ({ ...coinAt(1), script, keyPath, ...part })

  it('tells apart what is confirmed, pending and immature', () => {
    const coins = [
      coin({ value: sats(1n), height: height(100) }),
      coin({ value: sats(2n), height: null }),
      coin({ value: sats(4n), height: height(150), coinbase: true }),
      coin({ value: sats(8n), height: height(10), coinbase: true }),
    ]
    expect(balanceOf(coins, height(150))).toEqual({ confirmed: 9n, pending: 2n, immature: 4n })
    expect(balanceOf([], height(0))).toEqual({ confirmed: 0n, pending: 0n, immature: 0n })
  })

  it('lets a reward go once the next block may spend it: 100 blocks after its own', () => {
    const reward = coin({ coinbase: true, height: height(100) })
    expect(isMature(reward, height(198))).toBe(false)
    expect(isMature(reward, height(199))).toBe(true)
    expect(isMature(coin({ coinbase: false, height: null }), height(0))).toBe(true)
  })
})
