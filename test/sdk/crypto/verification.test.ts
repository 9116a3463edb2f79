import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
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
    fc.assert(
      fc.property(bytes(32), fc.nat(63), fc.integer({ min: 1, max: 255 }), (digest, at, change) => {
        const signature = secp256k1.sign(digest, new Uint8Array(32).fill(9), plain)
        expect(nobleEngine.verify(signature, digest, key)).toBe(true)
        signature[at] = (signature[at] as number) ^ change
        expect(nobleEngine.verify(signature, digest, key)).toBe(false)
        expect(byLibrary(signature, digest, key)).toBe(false)
      }),
      { numRuns: 30 },
    )
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

const { Point } = secp256k1
const { Fn, Fp } = Point
const n = Fn.ORDER
const scalar = fc.bigInt({ min: 1n, max: n - 1n })
const word = (value: bigint) => Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))

/** The key that the library recovers; nothing where it throws, or for high s. */
function recoveredByLibrary(signature: Uint8Array, digest: Uint8Array): Uint8Array | undefined {
  try {
    const parsed = secp256k1.Signature.fromBytes(
      Uint8Array.of(signature[64] as number, ...signature.subarray(0, 64)),
      'recovered',
    )
    return parsed.hasHighS() ? undefined : parsed.recoverPublicKey(digest).toBytes(false)
  } catch {
    return undefined
  }
}

function agree(r: bigint, s: bigint, digest: Uint8Array): 'key' | 'none' {
  const answers = [0, 1].map((parity) => {
    const signature = Uint8Array.of(...word(r), ...word(s), parity)
    const recovered = nobleEngine.recover(signature, digest)
    expect(recovered).toEqual(recoveredByLibrary(signature, digest))
    if (recovered) expect(nobleEngine.verify(signature, digest, recovered)).toBe(true)
    return recovered
  })
  return answers.some(Boolean) ? 'key' : 'none'
}

describe('a nonce whose x is n or more', () => {
  it('is verified by its r, as the library does, and is none to recover from', () => {
    const x = xBeyondOrder()
    const [r, s, hash] = [x - n, 12345n, 67890n]
    const nonce = Point.fromBytes(Uint8Array.of(2, ...word(x)))
    const inverse = Fn.inv(r)
    const key = nonce
      .multiplyUnsafe(Fn.mul(s, inverse))
      .subtract(Point.BASE.multiply(Fn.mul(hash, inverse)))
      .toBytes()
    const signature = Uint8Array.of(...word(r), ...word(s))
    expect(byLibrary(signature, word(hash), key)).toBe(true)
    expect(nobleEngine.verify(signature, word(hash), key)).toBe(true)
    expect(nobleEngine.recover(Uint8Array.of(...signature, 0), word(hash))).not.toEqual(nobleEngine.uncompressed(key))
  })
})

/** The first x from n on that a point has. */
function xBeyondOrder(): bigint {
  for (let x = n + 1n; ; x++) if (nobleEngine.isXOnlyKey(word(x))) return x
}

describe('recovery', () => {
  it('says what the library says of r and s at random and at borders, whether a point has that x or not', () => {
    const nearBorder = fc.constantFrom(
      1n,
      2n,
      3n,
      5n,
      7n,
      n - 1n,
      n - 2n,
      n >> 1n,
      (n >> 1n) + 1n,
      Fp.ORDER - n,
      n,
      Fp.ORDER,
      0n,
    )
    const lowS = fc.bigInt({ min: 1n, max: n >> 1n })
    const digest = fc.oneof(bytes(32), nearBorder.map(word), fc.constant(new Uint8Array(32).fill(255)))
    const answers = { key: 0, none: 0 }
    fc.assert(
      fc.property(fc.oneof(scalar, nearBorder), fc.oneof(lowS, nearBorder), digest, (r, s, hash) => {
        answers[agree(r, s, hash)] += 1
      }),
      { numRuns: 80 },
    )
    expect(answers.key).toBeGreaterThan(10)
    expect(answers.none).toBeGreaterThan(10)
  })

  it('says what the library says where the nonce is a small multiple of the generator, and finds no key at infinity', () => {
    for (const k of [1n, 2n, 3n, 16n, n - 1n, n - 2n]) {
      const { x, y } = Point.BASE.multiply(k).toAffine()
      const [r, parity] = [Fn.create(x), Number(y & 1n)]
      const shares = [0n, 1n, 2n, 5n].map((share) => Fn.create(share * r))
      for (const s of [1n, 2n, 3n, 1n << 100n]) {
        // The key is (s * k - h) / r times the generator: infinity for h = s * k.
        const sk = Fn.create(s * k)
        for (const share of shares) agree(r, s, word(Fn.create(sk - share)))
        expect(nobleEngine.recover(Uint8Array.of(...word(r), ...word(s), parity), word(sk))).toBeUndefined()
        agree(r, s, word(0n))
      }
    }
  })
})

describe('Schnorr verification', () => {
  it('says what the library says, before the key has a table and after', () => {
    const secret = new Uint8Array(32).fill(11)
    const key = schnorr.getPublicKey(secret)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(63),
        fc.integer({ min: 1, max: 255 }),
        (message, at, change) => {
          const signature = schnorr.sign(message, secret, new Uint8Array(32)).slice()
          expect(nobleEngine.schnorrVerify(signature, message, key)).toBe(true)
          signature[at] = (signature[at] as number) ^ change
          expect(nobleEngine.schnorrVerify(signature, message, key)).toBe(false)
          expect(schnorr.verify(signature, message, key)).toBe(false)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('takes no r or s out of range, no s of zero, no odd nonce, and no key that is none', () => {
    const secret = new Uint8Array(32).fill(12)
    const key = schnorr.getPublicKey(secret)
    const message = new Uint8Array(5)
    const good = schnorr.sign(message, secret, new Uint8Array(32))
    const [r, s] = [good.subarray(0, 32), good.subarray(32)]
    expect(nobleEngine.schnorrVerify(good, message, key)).toBe(true)
    const cases: readonly (readonly [Uint8Array, Uint8Array])[] = [
      [Uint8Array.of(...word(0n), ...s), key],
      [Uint8Array.of(...word(Fp.ORDER), ...s), key],
      [Uint8Array.of(...r, ...word(0n)), key],
      [Uint8Array.of(...r, ...word(n)), key],
      [Uint8Array.of(...good, 0), key],
      [good.subarray(1), key],
      [good, word(5n)], // No point has this x.
      [good, word(Fp.ORDER + 1n)],
      [good, key.subarray(1)],
      ...[1n, 2n, 3n, 4n].map((k) => [oddly(k, message, secret), key] as const),
    ]
    for (const [signature, of] of cases)
      expect(nobleEngine.schnorrVerify(signature, message, of)).toBe(byLibrarySchnorr(signature, message, of))
    expect(cases.every(([signature, of]) => !nobleEngine.schnorrVerify(signature, message, of))).toBe(true)
  })
})

function byLibrarySchnorr(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  try {
    return schnorr.verify(signature, message, key)
  } catch {
    return false
  }
}

/** Right in all but the y of the nonce, which is odd: whoever looks at x alone would take it. */
function oddly(k: bigint, message: Uint8Array, secret: Uint8Array): Uint8Array {
  const { taggedHash } = schnorr.utils
  const { x, y } = Point.BASE.multiply(k).toAffine()
  const nonce = (y & 1n) === 1n ? k : Fn.neg(k)
  const owner = Point.BASE.multiply(Fn.fromBytes(secret)).toAffine()
  const d = (owner.y & 1n) === 0n ? Fn.fromBytes(secret) : Fn.neg(Fn.fromBytes(secret))
  const challenge = taggedHash('BIP0340/challenge', word(x), word(owner.x), message)
  const e = Fn.create(BigInt(`0x${Buffer.from(challenge).toString('hex')}`))
  return Uint8Array.of(...word(x), ...Fn.toBytes(Fn.add(nonce, Fn.mul(e, d))))
}
