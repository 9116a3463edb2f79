import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ClosingTerms,
  closeFeeOf,
  closingOf,
  closingTemplate,
  closingWeightMax,
  decodeFundingScript,
  decodeTransaction,
  dustLimit,
  encodeFundingScript,
  feeOf,
  fundingOutputScript,
  type Output,
  refundOf,
  refundWeightMax,
  sealClosing,
  sealRefund,
} from '../../../sdk/bitcoin/index.ts'
import { p2pkh, p2sh, witnessScriptPubKey } from '../../../sdk/bitcoin/script.ts'
import { compareOutputs, rawTransaction } from '../../../sdk/bitcoin/transaction.ts'
import { currentEngine, sha256 } from '../../../sdk/crypto/engine.ts'
import { InvariantError } from '../../../sdk/errors.ts'
import { feerate, height, sats, toHex, txid } from '../../../sdk/units.ts'
import { must } from './must.ts'

const engine = currentEngine()
const secret = { payer: new Uint8Array(32).fill(1), payee: new Uint8Array(32).fill(2) }
const payer = engine.publicKey(secret.payer)
const payee = engine.publicKey(secret.payee)
const fundingScript = encodeFundingScript({ payer, payee, expiry: height(900_000) })

const terms: ClosingTerms = {
  funding: { txid: txid('ab'.repeat(32)), index: 3 },
  capacity: sats(50_000n),
  fundingScript,
  payeeScript: witnessScriptPubKey(0, new Uint8Array(20).fill(5)),
  payerScript: witnessScriptPubKey(1, payer.slice(1)),
  closeFee: sats(300n),
}
const signatures = (digest: Uint8Array) => ({
  payer: engine.sign(digest, secret.payer),
  payee: engine.sign(digest, secret.payee),
})

const payouts = fc.constantFrom(
  terms.payeeScript,
  terms.payerScript,
  witnessScriptPubKey(0, new Uint8Array(32)),
  p2pkh(new Uint8Array(20)),
  p2sh(new Uint8Array(20)),
)

describe('the funding script (oneway-cltv/1)', () => {
  it('is IF 2 payer payee 2 CHECKMULTISIG ELSE expiry CLTV DROP payer CHECKSIG ENDIF', () => {
    const [a, b] = [payer, payee].map((key) => toHex(key).slice(2))
    // 900,000 is 0x0dbba0, pushed in three bytes, the lowest first.
    expect(toHex(fundingScript)).toBe(`0x635221${a}21${b}52ae6703a0bb0db17521${a}ac68`)
    expect(fundingOutputScript(fundingScript)).toEqual(witnessScriptPubKey(0, sha256(fundingScript)))
  })

  it('is read as it was written, at every height', () => {
    const heights = fc.oneof(
      fc.integer({ min: 1, max: 499_999_999 }),
      fc.integer({ min: 1, max: 300 }),
      fc.constant(0x8000),
    )
    fc.assert(
      fc.property(heights, (expiry) => {
        const script = encodeFundingScript({ payer, payee, expiry: height(expiry) })
        expect(must(decodeFundingScript(script))).toEqual({ payer, payee, expiry })
      }),
    )
  })

  it('is refused with any byte changed that is not of a key or the height, cut, or longer', () => {
    for (const at of fundingScript.keys()) {
      const isKey = (at >= 4 && at < 36) || (at >= 38 && at < 70) || (at >= 81 && at < 113)
      const isHeight = at >= 74 && at < 77
      if (isKey || isHeight) continue
      const changed = fundingScript.slice()
      changed[at] = (changed[at] as number) ^ 0x40
      expect(decodeFundingScript(changed).ok, `byte ${at}`).toBe(false)
    }
    expect(decodeFundingScript(fundingScript.subarray(1)).ok).toBe(false)
    expect(decodeFundingScript(Uint8Array.of(...fundingScript, 0x61)).ok).toBe(false)
  })

  it('with two payers, a key off the curve, or a height in a longer form is refused', () => {
    const otherPayer = fundingScript.slice()
    otherPayer.set(payee, fundingScript.length - 35)
    const noKey = fundingScript.slice().fill(0xff, 4, 36)
    noKey.fill(0xff, fundingScript.length - 34, fundingScript.length - 2)
    const padded = Uint8Array.of(
      ...fundingScript.subarray(0, 73),
      4,
      ...fundingScript.subarray(74, 77),
      0,
      ...fundingScript.subarray(77),
    )
    const oneSide = fundingScript.slice()
    oneSide.set(payer, 37)
    for (const script of [otherPayer, noKey, padded, oneSide, new Uint8Array(0)])
      expect(decodeFundingScript(script).ok).toBe(false)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 130 }), (bytes) => !decodeFundingScript(bytes).ok))
  })

  it('without an expiry or a second side, or with keys of another length, is a bug of ours', () => {
    expect(() => encodeFundingScript({ payer, payee: payer, expiry: height(1) })).toThrow(InvariantError)
    expect(() => encodeFundingScript({ payer, payee, expiry: height(0) })).toThrow(InvariantError)
    expect(() => encodeFundingScript({ payer: payer.slice(1), payee, expiry: height(1) })).toThrow(InvariantError)
  })
})

describe('a closing', () => {
  const template = must(closingTemplate(terms))

  it('pays both, in the order of BIP-69, and is replaceable', () => {
    const closing = must(closingOf(template, sats(12_345n)))
    const { bytes, txid } = sealClosing(closing, signatures(closing.digest))
    expect(must(decodeTransaction(bytes))).toMatchObject({
      txid,
      version: 2,
      locktime: 0,
      inputs: [{ outpoint: terms.funding, sequence: 0xfffffffd, scriptSig: new Uint8Array(0) }],
      outputs: [
        { script: terms.payeeScript, value: 12_345n },
        { script: terms.payerScript, value: 37_355n },
      ],
    })
    const half = must(closingOf(template, sats(40_000n))).unsigned.outputs
    expect(half.map(({ script }) => script)).toEqual([terms.payerScript, terms.payeeScript])
  })

  it('carries the signatures of CHECKMULTISIG in the order of its keys, and 1 for the IF branch', () => {
    const closing = must(closingOf(template, sats(12_345n)))
    const { inputs } = must(decodeTransaction(sealClosing(closing, signatures(closing.digest)).bytes))
    const witness = inputs[0]?.witness ?? []
    expect(witness).toHaveLength(5)
    expect([witness[0], witness[3], witness[4]]).toEqual([new Uint8Array(0), Uint8Array.of(1), fundingScript])
    for (const [at, signature] of Object.values(signatures(closing.digest)).entries()) {
      const der = witness[1 + at] as Uint8Array
      expect([der[0], der[1], der.at(-1)]).toEqual([0x30, der.length - 3, 1])
      expect(toHex(der)).toContain(toHex(signature.subarray(32, 64)).slice(2))
    }
  })

  it('leaves dust out, to the fee, on either side', () => {
    const outputs = (paid: bigint) => must(closingOf(template, sats(paid))).unsigned.outputs
    expect(outputs(293n)).toEqual([{ script: terms.payerScript, value: 49_407n }])
    expect(outputs(294n)).toHaveLength(2)
    expect(outputs(49_700n - 330n)).toHaveLength(2)
    expect(outputs(49_700n - 329n)).toEqual([{ script: terms.payeeScript, value: 49_371n }])
    expect(outputs(49_700n)).toEqual([{ script: terms.payeeScript, value: 49_700n }])
  })

  it('of more than capacity less fee, or of nothing but dust, is refused', () => {
    expect(closingOf(template, sats(49_701n)).ok).toBe(false)
    const small = must(closingTemplate({ ...terms, capacity: sats(800n) }))
    expect(closingOf(small, sats(250n))).toEqual({ ok: false, reason: 'both amounts are dust' })
  })

  it('has the digest of BIP-143 for every amount and payout, as bitcoinjs-lib reckons it', () => {
    const index = fc.nat({ max: 0xffffffff })
    const amount = fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n })
    fc.assert(
      fc.property(amount, amount, payouts, payouts, index, (one, other, payeeScript, payerScript, index) => {
        const [paid, capacity] = one < other ? [one, other] : [other, one]
        const funding = { ...terms.funding, index }
        const varied = { ...terms, funding, capacity: sats(capacity), payeeScript, payerScript, closeFee: sats(0n) }
        const closing = closingOf(must(closingTemplate(varied)), sats(paid))
        if (!closing.ok) return
        const { outputs } = closing.value.unsigned
        const expected: Output[] = [
          { script: payeeScript, value: sats(paid) },
          { script: payerScript, value: sats(capacity - paid) },
        ]
        expect(outputs).toEqual(expected.filter((o) => o.value >= dustLimit(o.script)).sort(compareOutputs))
        const raw = rawTransaction(closing.value.unsigned)
        expect(closing.value.digest).toEqual(raw.hashForWitnessV0(0, fundingScript, capacity, 1))
      }),
    )
  })

  it('weighs what was set aside for it, less what its signatures are shorter', () => {
    const closing = must(closingOf(template, sats(12_345n)))
    const made = must(decodeTransaction(sealClosing(closing, signatures(closing.digest)).bytes))
    const [, first, second] = made.inputs[0]?.witness ?? []
    const shorter = 2 * 72 - (first?.length ?? 0) - (second?.length ?? 0)
    expect(made.weight).toBe(closingWeightMax(terms) - shorter)
    expect(closeFeeOf(terms, feerate(2_000))).toBe(feeOf(closingWeightMax(terms), feerate(2_000)))
  })

  it('is not planned for foreign scripts, or payouts that anybody or nobody can spend', () => {
    expect(closingTemplate({ ...terms, fundingScript: fundingScript.slice(1) }).ok).toBe(false)
    for (const script of [
      Uint8Array.of(0x6a, 1, 0),
      Uint8Array.of(0x51),
      witnessScriptPubKey(2, new Uint8Array(32)),
      new Uint8Array(300),
    ]) {
      expect(closingTemplate({ ...terms, payeeScript: script }).ok).toBe(false)
      expect(closingTemplate({ ...terms, payerScript: script }).ok).toBe(false)
    }
  })
})

describe('a refund', () => {
  const refundTerms = {
    funding: terms.funding,
    capacity: terms.capacity,
    fundingScript,
    payerScript: terms.payerScript,
    feerate: feerate(4_000),
  }

  it('gives everything but the fee back to the payer, from the expiry on', () => {
    const refund = must(refundOf(refundTerms))
    const { bytes, txid } = sealRefund(refund, engine.sign(refund.digest, secret.payer))
    const fee = feeOf(refundWeightMax(refundTerms), feerate(4_000))
    const made = must(decodeTransaction(bytes))
    expect(made).toMatchObject({
      txid,
      version: 2,
      locktime: 900_000,
      inputs: [{ outpoint: terms.funding, sequence: 0xfffffffe }],
      outputs: [{ script: terms.payerScript, value: 50_000n - fee }],
    })
    const witness = made.inputs[0]?.witness ?? []
    expect(witness.slice(1)).toEqual([new Uint8Array(0), fundingScript])
    expect(made.weight).toBe(refundWeightMax(refundTerms) - 72 + (witness[0]?.length ?? 0))
  })

  it('of a foreign script, or of less than its fee and dust, is refused', () => {
    expect(refundOf({ ...refundTerms, fundingScript: fundingScript.slice(1) }).ok).toBe(false)
    const fee = feeOf(refundWeightMax(refundTerms), feerate(4_000))
    expect(refundOf({ ...refundTerms, capacity: sats(fee + 330n) }).ok).toBe(true)
    expect(refundOf({ ...refundTerms, capacity: sats(fee + 329n) }).ok).toBe(false)
    expect(refundOf({ ...refundTerms, capacity: sats(1n) }).ok).toBe(false)
  })
})
