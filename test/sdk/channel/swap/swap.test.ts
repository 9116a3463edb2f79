import { describe, expect, it } from 'vitest'
import {
  paceDefault,
  type SwapFacts,
  type Swapper,
  type SwapTerms,
  swapAction,
  swapFault,
} from '../../../../sdk/channel/swap/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { address, height, msats } from '../../../../sdk/units.ts'
import { bytesOf } from '../penalty/pair.ts'
import { explore, modelPace } from './model.ts'

const preimage = bytesOf('swap')
const account = (byte: string) => address(`0x${byte.repeat(20)}`)

function termsOf(chooser: Swapper, expiry: number, endSeconds: number): SwapTerms {
  const lock = {
    token: account('01'),
    owner: account('02'),
    taker: account('03'),
    amount: 5n,
    hash: sha256(preimage),
    endSeconds,
  }
  return { amount: msats(1_000n), expiry: height(expiry), lock, chooser }
}

const choosers: readonly Swapper[] = ['coin-payer', 'token-payer']
const start = { tip: height(0), nowSeconds: 0 }
/** Shortest terms that the model's pace allows. */
const good = { 'coin-payer': termsOf('coin-payer', 11, 5), 'token-payer': termsOf('token-payer', 7, 30) }

describe('a swap, whatever the other side does and however both chains run', () => {
  it.each(choosers)(
    '[SW1] [SW2] [SW3] is both or neither for a side that keeps to the steps, where the %s chose',
    (chooser) => {
      const terms = good[chooser]
      expect(swapFault(terms, start, modelPace)).toBe(null)
      for (const honest of choosers) {
        const { loss, worlds, isSwapped } = explore({ honest, terms, preimage })
        expect(loss, `${honest} loses`).toBe(null)
        expect(isSwapped).toBe(true)
        expect(worlds).toBeGreaterThan(500)
      }
      expect(explore({ honest: 'both', terms, preimage })).toMatchObject({ loss: null, isSwapped: true })
    },
  )

  it.each(choosers)(
    '[SW2] [SW3] loses somebody’s side where the ends are in the wrong order, so these terms are refused, where the %s chose',
    (chooser) => {
      // With the HTLC's expiry and the lock's end as they must not be, and a side that pays all the same.
      const wrong = chooser === 'coin-payer' ? termsOf(chooser, 4, 8) : termsOf(chooser, 8, 5)
      expect(swapFault(wrong, start, modelPace)).not.toBe(null)
      const reckless: typeof swapAction = (own, terms, facts, pace) => {
        const second = own !== chooser
        const first = own === 'coin-payer' ? facts.lock : facts.htlc
        const own0 = own === 'coin-payer' ? facts.htlc : facts.lock
        if (second && first === 'held' && own0 === 'none') return own === 'coin-payer' ? 'offer-htlc' : 'lock'
        return swapAction(own, terms, facts, pace)
      }
      const honest = chooser === 'coin-payer' ? 'token-payer' : 'coin-payer'
      expect(explore({ honest, terms: wrong, preimage, action: reckless }).loss).not.toBe(null)
      expect(explore({ honest, terms: wrong, preimage }).loss).toBe(null)
    },
  )

  it.each([
    ['tells the preimage too late', 'coin-payer', 'take-lock'],
    ['takes the HTLC too late', 'token-payer', 'fulfil-htlc'],
  ] as const)('[SW4] is lost by a chooser that %s', (_, chooser, late) => {
    const bold: typeof swapAction = (own, terms, facts, pace) => {
      const isReady = own === chooser && facts.htlc === 'held' && facts.lock === 'held'
      return isReady && facts.nowSeconds < terms.lock.endSeconds ? late : swapAction(own, terms, facts, pace)
    }
    expect(explore({ honest: chooser, terms: good[chooser], preimage, action: bold }).loss).not.toBe(null)
  })

  it('[SW6] is lost by a side that forgets what it has sent', () => {
    const forgetful: typeof swapAction = (own, terms, facts, pace) =>
      swapAction(own, terms, facts.lock === 'sent' ? { ...facts, lock: 'none' } : facts, pace)
    const { loss } = explore({ honest: 'token-payer', terms: good['coin-payer'], preimage, action: forgetful })
    expect(loss).not.toBe(null)
  })

  it('[SW2] [SW3] has hours to days under the pace of the real chains', () => {
    const at = { tip: height(900_000), nowSeconds: 1_800_000_000 }
    const soon = at.nowSeconds + 4 * 3_600
    const coin = (blocks: number) => swapFault(termsOf('coin-payer', at.tip + blocks, soon), at, paceDefault)
    // 5 hours of blocks in 5 minutes each, 12 beyond, and 36 to claim.
    expect([coin(108), coin(109)]).toEqual(['wrong-order', null])
    const token = (hours: number) =>
      swapFault(termsOf('token-payer', at.tip + 80, at.nowSeconds + hours * 3_600), at, paceDefault)
    expect([token(44), token(45)]).toEqual(['wrong-order', null])
    expect(swapFault(termsOf('coin-payer', at.tip + 900, at.nowSeconds + 7_200), at, paceDefault)).toBe('too-late')
    expect(swapFault(termsOf('token-payer', at.tip + 72, soon * 2), at, paceDefault)).toBe('too-late')
  })

  it('[SW5] gives the HTLC back when the lock has gone home, and never before', () => {
    const terms = good['coin-payer']
    const facts: SwapFacts = { ...start, htlc: 'held', lock: 'back', preimage: null }
    expect(swapAction('token-payer', terms, facts, modelPace)).toBe('fail-htlc')
    expect(swapAction('token-payer', terms, { ...facts, lock: 'held' }, modelPace)).toBe('wait')
    expect(swapAction('token-payer', terms, { ...facts, lock: 'taken', preimage }, modelPace)).toBe('fulfil-htlc')
    expect(swapAction('coin-payer', terms, { ...facts, htlc: 'back' }, modelPace)).toBe('over')
  })
})
