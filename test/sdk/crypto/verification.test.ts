import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nobleEngine } from '../../../sdk/crypto/index.ts'

const plain = { prehash: false, lowS: true } as const
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

/** What the library says; it throws for what is no key or no signature. */
function byLibrary(signature: Uint8Array, digest: Uint8Array, key: Uint8Array): boolean {
  try {
    return secp256k1.verify(signature, digest, key, plain)
  } catch {
    return false
  }
}

describe('verification by a key that comes again', () => {
  it('says what the library says, before the key has a table and after, whatever is wrong with the signature', () => {
    const key = secp256k1.getPublicKey(new Uint8Array(32).fill(9), true)
    const answers = { yes: 0, no: 0 }
    fc.assert(
      fc.property(bytes(32), fc.nat(63), fc.nat(255), (digest, at, change) => {
        const signature = secp256k1.sign(digest, new Uint8Array(32).fill(9), plain)
        signature[at] = (signature[at] ?? 0) ^ (change % 3 === 0 ? change : 0)
        const answer = nobleEngine.verify(signature, digest, key)
        answers[answer ? 'yes' : 'no'] += 1
        expect(answer).toBe(byLibrary(signature, digest, key))
      }),
      { numRuns: 60 },
    )
    expect(answers.yes).toBeGreaterThan(16)
    expect(answers.no).toBeGreaterThan(5)
  })

  it('refuses r and s out of range, high s, and a digest or key that is none, with a table too', () => {
    const secret = new Uint8Array(32).fill(10)
    const key = secp256k1.getPublicKey(secret, true)
    const digest = new Uint8Array(32).fill(1)
    const good = secp256k1.sign(digest, secret, plain)
    for (let use = 0; use < 20; use++) expect(nobleEngine.verify(good, digest, key)).toBe(true)
    const { n } = secp256k1.Point.CURVE()
    const scalar = (value: bigint) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
    const s = BigInt(`0x${Buffer.from(good.subarray(32)).toString('hex')}`)
    const r = good.subarray(0, 32)
    const pairs = [
      [r, scalar(n - s)],
      [r, scalar(0n)],
      [r, scalar(n)],
      [scalar(0n), scalar(s)],
      [scalar(n), scalar(s)],
    ] as const
    for (const [one, other] of pairs)
      expect(nobleEngine.verify(new Uint8Array([...one, ...other]), digest, key)).toBe(false)
    expect(nobleEngine.verify(good, digest.subarray(1), key)).toBe(false)
    expect(nobleEngine.verify(good, digest, key.subarray(1))).toBe(false)
    expect(nobleEngine.verify(good, digest, new Uint8Array(33).fill(2))).toBe(false)
    expect(nobleEngine.verify(good.subarray(1), digest, key)).toBe(false)
  })

  it('keeps apart more keys than it remembers', () => {
    const digest = new Uint8Array(32).fill(3)
    const pairs = Array.from({ length: 70 }, (_, at) => {
      const secret = new Uint8Array(32).fill(at + 1)
      return { key: secp256k1.getPublicKey(secret, true), signature: secp256k1.sign(digest, secret, plain) }
    })
    for (const [at, { key, signature }] of pairs.entries()) {
      expect(nobleEngine.verify(signature, digest, key)).toBe(true)
      expect(nobleEngine.verify(pairs[(at + 1) % 70]?.signature ?? signature, digest, key)).toBe(false)
    }
  })
})
