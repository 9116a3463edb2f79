import { afterEach, describe, expect, it } from 'vitest'
import { giveBackCall, lockCall, type SwapTerms, type TokenLock, takeCall } from '../../../../sdk/channel/swap/index.ts'
import { height, msats } from '../../../../sdk/units.ts'
import type { SwapLockSide } from '../../../../sdk/wallet/bitcoin/index.ts'
import {
  lockOf,
  openTokens,
  owner,
  pace,
  preimage,
  start,
  supply,
  type Tokens,
  taker,
} from '../../channel/swap/tokens.ts'
import { until } from './channelWorld.ts'
import { balanceOf, createHtlcWorld, type HtlcWorld } from './htlcWorld.ts'

let world: HtlcWorld
let tokens: Tokens
afterEach(async () => {
  world.stop()
  await tokens.engine.stop()
})

/** The lock of a swap on the embedded executor, as both sides see it. */
function lockSide(lock: TokenLock): SwapLockSide & { aheadSeconds: number } {
  let told: Uint8Array | null = null
  const { send, contract } = tokens
  const side = {
    aheadSeconds: 0,
    facts: async () => {
      const state = await tokens.stateOf(lock)
      const over = (await tokens.balanceOf(taker)) > 0n ? ('taken' as const) : ('back' as const)
      const held = state === 0n ? ('none' as const) : ('held' as const)
      return { lock: state === 2n ? over : held, nowSeconds: tokens.now() + side.aheadSeconds, preimage: told }
    },
    lock: async () => {
      await send(owner, contract, lockCall(lock))
    },
    take: async (known: Uint8Array) => {
      const { receipt } = await send(taker, contract, takeCall(lock, known))
      told = receipt.logs.find(({ address }) => address === contract)?.data ?? told
    },
    giveBack: async () => {
      await send(owner, contract, giveBackCall(lock), tokens.now() + side.aheadSeconds)
    },
  }
  return side
}

/** Anna pays bitcoin for Ben's tokens. */
async function begun(chooser: SwapTerms['chooser']) {
  world = createHtlcWorld()
  tokens = await openTokens()
  const [anna, ben] = [await world.person(), await world.person()]
  const channel = await world.open(anna, ben)
  const { height: tip } = await world.ground.node.tip()
  const [blocks, seconds] = chooser === 'coin-payer' ? [30, 3_600] : [20, 40_000]
  const lock = lockOf(tokens, { endSeconds: start + seconds })
  const terms: SwapTerms = { amount: msats(50_000_000n), expiry: height(tip + blocks), lock, chooser }
  const side = lockSide(lock)
  const one = { own: 'coin-payer', terms, channel, pace, lock: side } as const
  const other = { ...one, own: 'token-payer' } as const
  const swapAnna = () => anna.twoWay.swap({ ...one, preimage: chooser === 'coin-payer' ? preimage : null })
  const swapBen = () => ben.twoWay.swap({ ...other, preimage: chooser === 'token-payer' ? preimage : null })
  return { anna, ben, channel, side, swapAnna, swapBen }
}

describe('a swap of bitcoin over a channel for tokens on the embedded executor', () => {
  it.each(['coin-payer', 'token-payer'] as const)(
    '[SW1] [SW4] is made by two wallets, of which both start again in between, where the %s chose',
    async (chooser) => {
      const { anna, ben, channel, swapAnna, swapBen } = await begun(chooser)
      const seen = new Set<string>()
      await until(async () => {
        for (const [person, swap] of [
          [ben, swapBen],
          [anna, swapAnna],
        ] as const) {
          const action = await swap()
          if (action === 'wait' || seen.has(action)) continue
          seen.add(action)
          if (action !== 'over') {
            person.end()
            await person.begin()
          }
        }
        return seen.has('over') && (await swapAnna()) === 'over' && (await swapBen()) === 'over'
      })
      expect([...seen].sort()).toEqual(['fulfil-htlc', 'lock', 'offer-htlc', 'over', 'take-lock'])
      expect(await tokens.balanceOf(taker)).toBe(5_000n)
      await until(() => balanceOf(ben, channel) === 50_000_000n)
      expect(balanceOf(anna, channel)).toBe(50_000_000n)
    },
  )

  it('[SW5] gives both sides theirs back when the chooser never takes', async () => {
    const { anna, ben, channel, side, swapAnna, swapBen } = await begun('coin-payer')
    await swapBen()
    await until(async () => (await swapAnna()) === 'offer-htlc')
    await until(async () => (await swapBen()) === 'lock')
    expect(await swapBen()).toBe('wait')
    side.aheadSeconds = 3_700
    await until(async () => (await swapBen()) === 'give-back-lock')
    await until(async () => (await swapBen()) === 'fail-htlc')
    await until(() => balanceOf(anna, channel) === 100_000_000n)
    expect([await tokens.balanceOf(owner), balanceOf(ben, channel)]).toEqual([supply, 0n])
    expect(await swapBen()).toBe('over')
  })
})
