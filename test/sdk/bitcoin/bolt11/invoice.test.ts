import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bech32 } from '@scure/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeInvoice,
  expiresAtSeconds,
  type Invoice,
  invoiceCharsMax,
  invoiceFeatures,
  paymentFault,
  signInvoice,
} from '../../../../sdk/bitcoin/bolt11/index.ts'
import { paddedBytes, wordsOf } from '../../../../sdk/bitcoin/bolt11/words.ts'
import { p2pkh, p2sh, p2wpkh, p2wsh, witnessScriptPubKey } from '../../../../sdk/bitcoin/script.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { msats, toHex } from '../../../../sdk/units.ts'
import { anyText } from '../../../anyText.ts'
import { must } from '../must.ts'

const secretKey = new Uint8Array(32).fill(7)
const payee = currentEngine().publicKey(secretKey)
const preimage = new Uint8Array(32).fill(9)

const plain: Invoice = {
  network: 'regtest',
  amount: msats(12_345n),
  createdSeconds: 1_790_000_000,
  paymentHash: sha256(preimage),
  paymentSecret: new Uint8Array(32).fill(5),
  description: { kind: 'text', text: 'one article' },
  expirySeconds: 600,
  finalExpiryBlocks: 40,
  fallbacks: [],
  routes: [],
  metadata: null,
  features: invoiceFeatures,
}

const bytesOf = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })
const hops = fc.record({
  node: fc.integer({ min: 1, max: 250 }).map((byte) => currentEngine().publicKey(new Uint8Array(32).fill(byte))),
  shortChannelId: bytesOf(8),
  feeBaseMsats: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  feeMillionths: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  expiryDeltaBlocks: fc.integer({ min: 0, max: 65_535 }),
})
const scripts = fc.oneof(
  bytesOf(20).map(p2pkh),
  bytesOf(20).map(p2sh),
  bytesOf(33).map(p2wpkh),
  bytesOf(40).map(p2wsh),
  fc.constant(witnessScriptPubKey(1, payee.subarray(1))),
  bytesOf(20).map((program) => witnessScriptPubKey(7, program)),
)
const invoices: fc.Arbitrary<Invoice> = fc.record({
  network: fc.constantFrom('mainnet', 'testnet4', 'signet', 'regtest'),
  amount: fc.option(fc.bigInt({ min: 1n, max: 2_100_000_000_000_000_000n }).map(msats)),
  createdSeconds: fc.integer({ min: 0, max: 2 ** 35 - 1 }),
  paymentHash: bytesOf(32),
  paymentSecret: bytesOf(32),
  description: fc.oneof(
    anyText({ maxLength: 150 }).map((text) => ({ kind: 'text' as const, text })),
    bytesOf(32).map((hash) => ({ kind: 'hash' as const, hash })),
  ),
  expirySeconds: fc.integer({ min: 1, max: 2 ** 35 - 1 }),
  finalExpiryBlocks: fc.integer({ min: 1, max: 10_000 }),
  fallbacks: fc.array(scripts, { maxLength: 3 }),
  routes: fc.array(fc.array(hops, { minLength: 1, maxLength: 4 }), { maxLength: 2 }),
  metadata: fc.option(fc.uint8Array({ minLength: 1, maxLength: 80 })),
  features: fc.constantFrom([], [8, 14], [9, 15, 17], [8, 14, 17, 49, 99]),
})

/** The same words under another prefix or with other fields, signed anew. */
function resigned(edit: (words: number[]) => number[], prefix = 'lnbcrt'): string {
  const parts = bech32.decode(signInvoice(plain, secretKey), false)
  const words = edit(parts.words.slice(0, -104))
  const digest = sha256(Uint8Array.of(...new TextEncoder().encode(prefix), ...paddedBytes(words)))
  return bech32.encode(prefix, [...words, ...wordsOf(currentEngine().sign(digest, secretKey))], false)
}

const reason = (text: string) => {
  const decoded = decodeInvoice(text)
  return decoded.ok ? 'accepted' : decoded.reason
}

describe('an invoice', () => {
  it('reads as it was written, and names who signed it', () => {
    fc.assert(
      fc.property(invoices, (invoice) => {
        const text = signInvoice(invoice, secretKey)
        expect(decodeInvoice(text)).toEqual({ ok: true, value: { ...invoice, payee } })
        expect(decodeInvoice(`LIGHTNING:${text.toUpperCase()}`)).toEqual(decodeInvoice(text))
      }),
      { numRuns: 25 },
    )
  })

  it('is refused, or is of another payee, when any of it was changed', () => {
    const { prefix, words } = bech32.decode(signInvoice(plain, secretKey), false)
    fc.assert(
      fc.property(fc.nat(words.length - 1), fc.integer({ min: 1, max: 31 }), (at, change) => {
        const other = words.map((word, place) => (place === at ? word ^ change : word))
        const decoded = decodeInvoice(bech32.encode(prefix, other, false))
        // The last word of a recovery id is the one that does not change who signed what.
        if (decoded.ok) expect(toHex(decoded.value.payee)).not.toBe(toHex(payee))
      }),
      { numRuns: 100 },
    )
  })

  it('never throws, whatever text it is said to be', () => {
    const prefixes = fc.constantFrom(
      'lnbc',
      'lnbcrt10u',
      'lntbs1p',
      'lntb',
      'bc',
      'lnbc0m',
      'lnbc999999999999999999999',
    )
    const words = fc.array(fc.nat(31), { maxLength: 400 })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(prefixes, words).map(([prefix, all]) => bech32.encode(prefix, all, false)),
        ),
        (text) => {
          expect(typeof decodeInvoice(text).ok).toBe('boolean')
        },
      ),
      { numRuns: 300 },
    )
    expect(reason('1'.repeat(invoiceCharsMax + 1))).toBe('the invoice is too long')
  })

  it('is refused where it could be read in two ways', () => {
    expect(reason(resigned((words) => [...words, 1, 1, 20, ...words.slice(7 + 58, 7 + 58 + 52)]))).toMatch(
      /hash.*twice/,
    )
    expect(reason(resigned((words) => [...words, 13, 0, 0]))).toMatch(/text.*twice/)
    expect(reason(resigned((words) => [...words, 23, 1, 20, ...new Array(52).fill(0)]))).toMatch(/one description/)
    expect(reason(resigned((words) => [...words, 24, 0, 2, 0, 9]))).toMatch(/twice/)
    expect(reason(resigned((words) => words.slice(0, 7)))).toMatch(/missing/)
    expect(reason(resigned((words) => [...words, 9, 1]))).toMatch(/cut off/)
  })

  it('says where it asks for more than this reader knows of', () => {
    const known = [5, 0, 3, 16, 8, 0]
    const asking = (words: readonly number[]) => {
      const at = words.findIndex((_, from) => known.every((word, by) => words[from + by] === word))
      return [...words.slice(0, at), 5, 0, 21, 1, ...new Array(17).fill(0), 16, 8, 0, ...words.slice(at + known.length)]
    }
    const reason = 'feature 100 is compulsory and not known'
    expect(decodeInvoice(resigned(asking))).toEqual({ ok: false, code: 'unknown-feature', reason })
    expect(decodeInvoice('lnbcrt1')).toMatchObject({ ok: false, code: 'malformed-invoice' })
  })

  it('keeps to whole millisatoshi and to the money there is', () => {
    for (const prefix of [
      'lnbcrt1p',
      'lnbcrt15p',
      'lnbcrt0u',
      'lnbcrt01u',
      'lnbcrt21000001',
      'lnxy1m',
      'lnbcrt1k',
      'lnbcrt-1m',
    ])
      expect(reason(resigned((words) => words, prefix)), prefix).toMatch(/its amount is none/)
    expect(must(decodeInvoice(resigned((words) => words, 'lnbcrt21000000'))).amount).toBe(2_100_000_000_000_000_000n)
    expect(must(decodeInvoice(resigned((words) => words, 'lnbcrt2500000u'))).amount).toBe(250_000_000_000n)
  })

  it('that names its payee is held to a low S', () => {
    const named = [19, 1, 21, ...wordsOf(payee)]
    const low = resigned((words) => [...words, ...named])
    expect(must(decodeInvoice(low)).payee).toEqual(payee)
    const { prefix, words } = bech32.decode(low, false)
    const signature = paddedBytes(words.slice(-104))
    const s = BigInt(toHex(signature.subarray(32, 64)))
    const high = (secp256k1.Point.Fn.ORDER - s).toString(16).padStart(64, '0')
    signature.set(
      Uint8Array.from(high.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16)),
      32,
    )
    signature[64] = (signature[64] as number) ^ 1
    expect(reason(bech32.encode(prefix, [...words.slice(0, -104), ...wordsOf(signature)], false))).toMatch(/signature/)
  })

  it('cannot be signed for what it cannot say', () => {
    const refused = { code: 'units/out-of-range' }
    const sign = (change: Partial<Invoice>) => () => signInvoice({ ...plain, ...change }, secretKey)
    expect(sign({ amount: msats(0n) })).toThrow(expect.objectContaining(refused))
    expect(sign({ expirySeconds: 0 })).toThrow(expect.objectContaining(refused))
    expect(sign({ createdSeconds: 2 ** 35 })).toThrow(expect.objectContaining(refused))
    expect(sign({ metadata: new Uint8Array(640) })).toThrow(expect.objectContaining(refused))
    expect(sign({ fallbacks: [Uint8Array.of(1)] })).toThrow(expect.objectContaining(refused))
    expect(sign({ features: [8, 14, 100] })).toThrow(expect.objectContaining(refused))
  })

  it('is to be paid on its network, in time, and for what the payer was shown', () => {
    const invoice = must(decodeInvoice(signInvoice(plain, secretKey)))
    const at = { network: 'regtest', nowSeconds: plain.createdSeconds, description: null } as const
    expect(paymentFault(invoice, at)).toBe(null)
    expect(paymentFault(invoice, { ...at, network: 'mainnet' })).toBe('other-network')
    expect(paymentFault(invoice, { ...at, nowSeconds: expiresAtSeconds(invoice) })).toBe('expired')
    const hash = sha256(new TextEncoder().encode('a list'))
    const hashed = must(decodeInvoice(signInvoice({ ...plain, description: { kind: 'hash', hash } }, secretKey)))
    expect(paymentFault(hashed, { ...at, description: 'a list' })).toBe(null)
    expect(paymentFault(hashed, { ...at, description: 'another' })).toBe('other-description')
    expect(paymentFault(hashed, at)).toBe('other-description')
  })
})
