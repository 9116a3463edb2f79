import { describe, expect, it } from 'vitest'
import type { RunTransaction } from '../../../../edge/executor/parallel/engine.ts'
import type { Change } from '../../../../sdk/channel/penalty/index.ts'
import {
  giveBackCall,
  hashLockCode,
  lockCall,
  lockId,
  type SwapFacts,
  type SwapTerms,
  swapAction,
  swapFault,
  type TokenLock,
  takeCall,
  takenTopics,
} from '../../../../sdk/channel/swap/index.ts'
import { height, msats, toHex } from '../../../../sdk/units.ts'
import { bytesOf, feed, live, opened, type Pair } from '../penalty/pair.ts'
import { compileHashLock } from './compile.ts'
import { lockOf, openTokens, owner, pace, preimage, start, stranger, supply, type Tokens, taker } from './tokens.ts'

const isReverted = ({ failure }: RunTransaction) => failure === 'reverted'

describe('tokens under a hash, on the embedded executor', () => {
  it('are held by what the npm solc makes of HashLock.sol', () => {
    const { code, abi: compiled } = compileHashLock()
    expect(code).toBe(hashLockCode)
    expect(compiled).not.toHaveLength(0)
  })

  it('[SW1] go to the taker by the preimage before the end, to the owner after it, and nowhere else', async () => {
    const tokens = await openTokens()
    const { send, contract, balanceOf, stateOf } = tokens
    const lock = lockOf(tokens)
    // Nobody locks what is another's, and nothing is taken that is not locked.
    expect(isReverted(await send(stranger, contract, lockCall(lock)))).toBe(true)
    expect(isReverted(await send(taker, contract, takeCall(lock, preimage)))).toBe(true)
    expect(isReverted(await send(owner, contract, lockCall(lock)))).toBe(false)
    expect([await stateOf(lock), await balanceOf(contract)]).toEqual([1n, 5_000n])
    for (const call of [lockCall(lock), takeCall(lock, bytesOf('wrong')), giveBackCall(lock)])
      expect(isReverted(await send(owner, contract, call))).toBe(true)
    // Another taker, amount or end is another lock.
    for (const change of [{ taker: stranger }, { amount: 5_001n }, { endSeconds: lock.endSeconds + 1 }])
      expect(isReverted(await send(stranger, contract, takeCall({ ...lock, ...change }, preimage)))).toBe(true)
    const taken = await send(stranger, contract, takeCall(lock, preimage))
    const log = taken.receipt.logs.find(({ address }) => address === contract)
    expect(log && { topics: log.topics.map(toHex), data: toHex(log.data) }).toEqual({
      topics: [...takenTopics(lock)],
      data: toHex(preimage),
    })
    expect([await balanceOf(taker), await stateOf(lock)]).toEqual([5_000n, 2n])
    for (const call of [takeCall(lock, preimage), lockCall(lock)])
      expect(isReverted(await send(owner, contract, call))).toBe(true)
    const second = lockOf(tokens, { amount: 7n })
    await send(owner, contract, lockCall(second))
    expect(isReverted(await send(taker, contract, takeCall(second, preimage), second.endSeconds))).toBe(true)
    expect(isReverted(await send(stranger, contract, giveBackCall(second)))).toBe(false)
    expect(await balanceOf(owner)).toBe(supply - 5_000n)
    expect(isReverted(await send(owner, contract, lockCall(second)))).toBe(true)
    expect(lockId(second)).not.toBe(lockId(lock))
    await tokens.engine.stop()
  })

  it.each(['coin-payer', 'token-payer'] as const)(
    '[SW1] are swapped for bitcoin over a channel where the %s chose',
    async (chooser) => {
      const { tokens, pair } = await swap(chooser, () => true)
      expect(await tokens.balanceOf(taker)).toBe(5_000n)
      expect(live(pair, 'accepter').base).toMatchObject({ balance: { accepter: 350_000_000n }, htlcs: [] })
      await tokens.engine.stop()
    },
  )

  it.each(['coin-payer', 'token-payer'] as const)(
    '[SW1] [SW5] stay, as the bitcoin does, when a side that was to act goes away (%s chose)',
    async (chooser) => {
      const { tokens, pair } = await swap(chooser, (action) => action !== 'take-lock' && action !== 'fulfil-htlc')
      expect(await tokens.balanceOf(owner)).toBe(supply)
      const { balance, htlcs } = live(pair, 'accepter').base
      // Where nobody gives it back over the channel, the chain does so from its expiry on.
      expect(balance.accepter).toBe(300_000_000n)
      expect(htlcs).toHaveLength(chooser === 'coin-payer' ? 0 : 1)
      await tokens.engine.stop()
    },
  )
})

/** Both sides step by step, as long as anything is to be done. */
async function swap(chooser: SwapTerms['chooser'], isDone: (action: string) => boolean) {
  const tokens = await openTokens()
  const pair: Pair = opened({ name: `swap ${chooser}`, pushed: 300_000n })
  const tip = height(110)
  const [expiry, endSeconds] = chooser === 'coin-payer' ? [height(140), start + 3_600] : [height(130), start + 40_000]
  const lock = lockOf(tokens, { endSeconds })
  const terms: SwapTerms = { amount: msats(50_000_000n), expiry, lock, chooser }
  expect(swapFault(terms, { tip, nowSeconds: tokens.now() }, pace)).toBe(null)
  let told: Uint8Array | null = null
  for (let round = 0; round < 8; round++)
    for (const own of ['coin-payer', 'token-payer'] as const) {
      const knows = own === chooser ? preimage : told
      const facts = { ...(await factsOf(tokens, pair, lock)), tip, preimage: knows }
      // The last rounds are after the end.
      const nowSeconds = round < 6 ? tokens.now() : endSeconds + 1
      const action = swapAction(own, terms, { ...facts, nowSeconds }, pace)
      if (!isDone(action)) continue
      const shown = await perform(action, { tokens, pair, terms, facts, nowSeconds })
      told = shown ?? told
    }
  return { tokens, pair }
}

async function factsOf(tokens: Tokens, pair: Pair, lock: TokenLock): Promise<Pick<SwapFacts, 'htlc' | 'lock'>> {
  const { base } = live(pair, 'opener')
  const isGone = base.added.opener > 0
  const htlc =
    base.htlcs.length > 0 ? 'held' : isGone ? (base.balance.accepter > 300_000_000n ? 'paid' : 'back') : 'none'
  const state = await tokens.stateOf(lock)
  const over = (await tokens.balanceOf(taker)) > 0n ? 'taken' : 'back'
  return { htlc, lock: state === 0n ? 'none' : state === 1n ? 'held' : over }
}

/** Does what a side decided; gives back a preimage that this shows. */
async function perform(
  action: string,
  at: { tokens: Tokens; pair: Pair; terms: SwapTerms; facts: { preimage: Uint8Array | null }; nowSeconds: number },
): Promise<Uint8Array | null> {
  const { tokens, pair, terms, facts, nowSeconds } = at
  const { send, contract } = tokens
  const { lock, amount, expiry } = terms
  const propose = (side: 'opener' | 'accepter', change: Change) => {
    feed(pair, side, { type: 'ask' })
    feed(pair, side, { type: 'propose', changes: [change] })
  }
  switch (action) {
    case 'offer-htlc':
      propose('opener', { type: 'add', id: 0, amount, paymentHash: lock.hash, expiry })
      return null
    case 'fulfil-htlc': {
      const known = facts.preimage as Uint8Array
      feed(pair, 'accepter', { type: 'learn', preimage: known })
      propose('accepter', { type: 'fulfil', id: 0, preimage: known })
      const note = pair.notes.opener.find(({ type }) => type === 'fulfilled')
      return note?.type === 'fulfilled' ? note.preimage : null
    }
    case 'fail-htlc':
      propose('accepter', { type: 'fail', id: 0, reason: 'no-way-on' })
      return null
    case 'lock':
      await send(owner, contract, lockCall(lock))
      return null
    case 'take-lock': {
      const { receipt } = await send(taker, contract, takeCall(lock, facts.preimage as Uint8Array))
      const log = receipt.logs.find(({ address }) => address === contract)
      return log ? log.data : null
    }
    case 'give-back-lock':
      await send(stranger, contract, giveBackCall(lock), nowSeconds)
      return null
    default:
      return null
  }
}
