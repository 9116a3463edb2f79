import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { p2wpkh } from '../../../sdk/bitcoin/index.ts'
import {
  channelIdOf,
  closingDigest,
  decodeMessage,
  decodeOpening,
  decodePayee,
  encodeOpening,
  encodePayee,
  type Opening,
  openPayee,
  type Payee,
  payableMax,
  payeeStep,
  type Update,
} from '../../../sdk/channel/index.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { height, type Sats, sats, txid } from '../../../sdk/units.ts'

// Published test keys, for nothing else.
const [payerSecret, payeeSecret] = [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)]
const [payerKey, payeeKey] = [payerSecret, payeeSecret].map((secret) => currentEngine().publicKey(secret)) as [
  Uint8Array,
  Uint8Array,
]
const opening: Opening = {
  terms: {
    network: 'regtest',
    payeeKey,
    payeeScript: p2wpkh(payeeKey),
    closeFee: sats(300n),
    confirmationsMin: 1,
    capacityMin: sats(1_000n),
    capacityMax: sats(100_000n),
    expiryBlocksMin: 150,
    expiryBlocksMax: 1_000,
    marginBlocks: 144,
  },
  payerKey,
  payerScript: p2wpkh(payerKey),
  capacity: sats(20_000n),
  expiry: height(700),
  funding: { txid: txid('ab'.repeat(32)), index: 0 },
}
const view = { height: height(110), fundedAt: height(105), spend: null }

function update(number: number, paid: bigint, secret = payerSecret): Update {
  const digest = closingDigest(opening, sats(paid), opening.terms.closeFee)
  const signature = currentEngine()
    .sign(digest ?? new Uint8Array(32), secret)
    .subarray(0, 64)
  const paymentId = new Uint8Array(16).fill(number)
  return { channelId: channelIdOf(opening), number, paid: sats(paid), paymentId, signature }
}

function take(channel: Payee, taken: Update, price: Sats | null = sats(12n), at = view): ReturnType<typeof payeeStep> {
  return payeeStep(channel, { type: 'update', update: taken, price, view: at })
}

function faultOf(step: ReturnType<typeof payeeStep>): string | undefined {
  return step.effects.flatMap((effect) => (effect.type === 'refused' ? [effect.fault] : []))[0]
}

describe('the payee of a one-way channel', () => {
  const fresh = openPayee(opening, height(106))
  const paidOnce = take(fresh, update(1, 400n)).channel

  it('[OW15] stores an update before anything else is done with it', () => {
    const { channel, effects } = take(fresh, update(1, 400n))
    expect(effects[0]).toEqual({ type: 'persist', channel })
    expect(effects.slice(1).map(({ type }) => type)).toEqual(['send'])
    expect(channel).toMatchObject({ phase: 'open', spent: 12n, best: { number: 1, paid: 400n } })
  })

  it('[OW13] acknowledges the same update again and changes nothing', () => {
    const again = take(paidOnce, update(1, 400n))
    expect(again.channel).toBe(paidOnce)
    expect(again.effects.map(({ type }) => type)).toEqual(['send'])
  })

  it.each([
    ['[OW9] a lower amount', update(2, 399n), 'lowered'],
    ['[OW14] a number that is not above the best', update(1, 500n), 'stale-update'],
    ['[OW10] more than the channel can pay', update(2, payableMax(opening) + 1n), 'overpaid'],
    ['a signature of somebody else', update(2, 500n, payeeSecret), 'forged'],
  ])('refuses %s, and stays as it was', (_, wrong, fault) => {
    const step = take(paidOnce, wrong)
    expect(faultOf(step)).toBe(fault)
    expect(step.channel).toBe(paidOnce)
  })

  it('[OW10] refuses a first update below the dust limit, which could not be enforced', () => {
    expect(faultOf(take(fresh, update(1, 293n)))).toBe('below-dust')
  })

  it('[OW11] refuses a price beyond the credit', () => {
    expect(faultOf(take(paidOnce, update(2, 400n), sats(389n)))).toBe('underpaid')
    expect(take(paidOnce, update(2, 400n), sats(388n)).channel.spent).toBe(400n)
  })

  it('refuses what nobody asked a price for', () => {
    expect(faultOf(take(paidOnce, update(2, 500n), null))).toBe('unknown-payment')
  })

  it('[OW8] takes nothing while the funding is not proven', () => {
    expect(faultOf(take(paidOnce, update(2, 500n), sats(12n), { ...view, fundedAt: null } as never))).toBe(
      'funding-unproven',
    )
  })

  it('[OW18] takes nothing from the margin before the expiry on', () => {
    const late = { ...view, height: height(700 - 144) }
    expect(faultOf(take(paidOnce, update(2, 500n), sats(12n), late))).toBe('too-late')
  })
})

describe('what is sent and stored', () => {
  it('reads back as what it was', () => {
    expect(decodeOpening(encodeOpening(opening))).toEqual({ ok: true, value: opening })
    const channel = take(openPayee(opening, height(106)), update(1, 400n)).channel
    expect(decodePayee(encodePayee(channel))).toEqual({ ok: true, value: channel })
  })

  it('is never read from garbage, and garbage never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeOpening(bytes).ok).toBe(false)
        expect(decodePayee(bytes).ok).toBe(false)
        expect(typeof decodeMessage(bytes).ok).toBe('boolean')
      }),
    )
  })
})
