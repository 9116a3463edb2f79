import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CryptoEngine } from '../../sdk/crypto/engine.ts'
import { SdkError } from '../../sdk/errors.ts'
import { fromHex, toHex } from '../../sdk/units.ts'
import { describeVectors, readVector } from '../vectors.ts'

/** Order of secp256k1 (SEC 2, section 2.4.1). */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}

const scalar = fc.bigInt({ min: 1n, max: order - 1n })
const auxRand = fc.uint8Array({ minLength: 32, maxLength: 32 })
const message = fc.uint8Array({ maxLength: 100 })
const garbage = fc.uint8Array({ maxLength: 70 })

/** BIP-340 and the tweaks of BIP-32 and BIP-341, as every crypto engine does them. */
export function schnorrContract(engine: CryptoEngine): void {
  describe('schnorr', () => schnorrCases(engine))
  describe('points', () => pointCases(engine))
  describe('tweaks', () => tweakCases(engine))
}

function schnorrCases(engine: CryptoEngine): void {
  const xOnly = (secretKey: Uint8Array) => engine.publicKey(secretKey).subarray(1)

  describeVectors('BIP-340', () => {
    it('signs and verifies its vectors', () => {
      const [, ...rows] = new TextDecoder().decode(readVector('channels/bip340-test-vectors.csv')).trim().split(/\r?\n/)
      expect(rows).toHaveLength(19)
      for (const row of rows) {
        const [index, secretKey, publicKey, aux, text, signature, result] = row.split(',')
        const bytes = (digits = '') => fromHex(`0x${digits}`)
        if (secretKey) {
          expect(engine.schnorrSign(bytes(text), bytes(secretKey), bytes(aux)), index).toEqual(bytes(signature))
          expect(toHex(xOnly(bytes(secretKey))), index).toBe(`0x${publicKey?.toLowerCase()}`)
        }
        expect(engine.schnorrVerify(bytes(signature), bytes(text), bytes(publicKey)), index).toBe(result === 'TRUE')
      }
    })
  })

  it('gives 64 bytes that verify for this message and key alone, equal for equal inputs', () => {
    fc.assert(
      fc.property(scalar.map(word), message, auxRand, fc.nat({ max: 63 }), (secretKey, message, auxRand, at) => {
        const signature = engine.schnorrSign(message, secretKey, auxRand)
        expect(signature).toHaveLength(64)
        expect(engine.schnorrSign(message, secretKey, auxRand)).toEqual(signature)
        expect(engine.schnorrVerify(signature, message, xOnly(secretKey))).toBe(true)
        expect(engine.schnorrVerify(signature, Uint8Array.of(...message, 0), xOnly(secretKey))).toBe(false)
        const changed = signature.slice()
        changed[at] = (changed[at] as number) ^ 1
        expect(engine.schnorrVerify(changed, message, xOnly(secretKey))).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  it('of no key, or with other than 32 bytes beside it, is crypto/malformed-key', () => {
    const aux = new Uint8Array(32)
    for (const key of [word(0n), word(order), new Uint8Array(31), new Uint8Array(0)])
      expect(codeOf(() => engine.schnorrSign(aux, key, aux))).toBe('crypto/malformed-key')
    expect(codeOf(() => engine.schnorrSign(aux, word(1n), new Uint8Array(31)))).toBe('crypto/malformed-key')
  })

  it('never makes verify throw', () => {
    fc.assert(fc.property(garbage, garbage, garbage, (a, b, c) => !engine.schnorrVerify(a, b, c)))
  })
}

function pointCases(engine: CryptoEngine): void {
  it('are told from what is none, in both forms', () => {
    fc.assert(
      fc.property(scalar.map(word), (secretKey) => {
        const publicKey = engine.publicKey(secretKey)
        expect(engine.isPublicKey(publicKey)).toBe(true)
        expect(engine.isXOnlyKey(publicKey.subarray(1))).toBe(true)
        expect(engine.isPublicKey(engine.uncompressed(publicKey))).toBe(false)
        expect(engine.isXOnlyKey(publicKey)).toBe(false)
      }),
      { numRuns: 10 },
    )
    // No point has the x 5, and the field ends at 2^256 - 2^32 - 977.
    for (const x of [word(0n), word(5n), word((1n << 256n) - (1n << 32n) - 977n), new Uint8Array(0)]) {
      expect(engine.isXOnlyKey(x)).toBe(false)
      expect(engine.isPublicKey(Uint8Array.of(2, ...x))).toBe(false)
    }
    fc.assert(fc.property(garbage, (bytes) => typeof engine.isPublicKey(bytes) === typeof engine.isXOnlyKey(bytes)))
  })
}

function tweakCases(engine: CryptoEngine): void {
  it('of a public and of its secret key agree', () => {
    fc.assert(
      fc.property(scalar, scalar, (secret, tweak) => {
        fc.pre((secret + tweak) % order !== 0n)
        const secretKey = word(secret)
        const tweaked = engine.tweakSecretKey(secretKey, word(tweak))
        expect(tweaked).toEqual(word((secret + tweak) % order))
        expect(engine.tweakPublicKey(engine.publicKey(secretKey), word(tweak))).toEqual(
          engine.publicKey(tweaked as Uint8Array),
        )
      }),
      { numRuns: 20 },
    )
  })

  it('of an x-only key and of its secret key agree, whichever y the key has', () => {
    fc.assert(
      fc.property(scalar.map(word), scalar.map(word), (secretKey, tweak) => {
        const tweaked = engine.tweakXOnlySecretKey(secretKey, tweak)
        const key = engine.publicKey(secretKey).subarray(1)
        // One adds up to nothing in 2^256, and in a few of these, which are drawn near the order.
        const [first, ...x] = tweaked ? engine.publicKey(tweaked) : []
        const expected = tweaked && { key: Uint8Array.from(x), parity: first === 3 ? 1 : 0 }
        expect(engine.tweakXOnlyKey(key, tweak)).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })

  it('by zero changes nothing but the sign of an odd key', () => {
    const zero = word(0n)
    for (const secretKey of [word(1n), word(order - 1n)]) {
      const publicKey = engine.publicKey(secretKey)
      expect(engine.tweakPublicKey(publicKey, zero)).toEqual(publicKey)
      expect(engine.tweakSecretKey(secretKey, zero)).toEqual(secretKey)
      expect(engine.tweakXOnlyKey(publicKey.subarray(1), zero)).toEqual({ key: publicKey.slice(1), parity: 0 })
      expect(engine.tweakXOnlySecretKey(secretKey, zero)).toEqual(word(1n))
    }
  })

  it('to infinity, by n or more, or of what is no key, give nothing and never throw', () => {
    const one = word(1n)
    const generator = engine.publicKey(one)
    for (const tweak of [word(order - 1n), word(order), new Uint8Array(31), new Uint8Array(33), new Uint8Array(0)]) {
      expect(engine.tweakPublicKey(generator, tweak)).toBeUndefined()
      expect(engine.tweakSecretKey(one, tweak)).toBeUndefined()
      expect(engine.tweakXOnlyKey(generator.subarray(1), tweak)).toBeUndefined()
      expect(engine.tweakXOnlySecretKey(one, tweak)).toBeUndefined()
    }
    for (const key of [word(0n), word(order), new Uint8Array(33), new Uint8Array(0)]) {
      expect(engine.tweakSecretKey(key, one)).toBeUndefined()
      expect(engine.tweakXOnlySecretKey(key, one)).toBeUndefined()
      expect(engine.tweakPublicKey(key, one)).toBeUndefined()
    }
    for (const x of [word(0n), word(5n), generator, new Uint8Array(0)])
      expect(engine.tweakXOnlyKey(x, one)).toBeUndefined()
    expect(engine.tweakPublicKey(engine.uncompressed(generator), one)).toBeUndefined()
  })

  it('are summed as their secret keys are, however often a key was met', () => {
    const { publicKey, sumOfMultiples } = engine
    const [fixed, many] = [word(7n), 40]
    for (let at = 1n; at <= many; at++) {
      const sum = word((7n * (at + 9n) + at * 11n) % order)
      const multiples = [
        { publicKey: publicKey(fixed), factor: word(at + 9n) },
        { publicKey: publicKey(word(at)), factor: word(11n) },
      ]
      expect(sumOfMultiples(multiples)).toEqual(publicKey(sum))
    }
    fc.assert(
      fc.property(scalar, scalar, scalar, scalar, (a, x, b, y) => {
        fc.pre((a * x + b * y) % order !== 0n)
        const multiple = (secret: bigint, factor: bigint) => ({
          publicKey: publicKey(word(secret)),
          factor: word(factor),
        })
        expect(sumOfMultiples([multiple(a, x), multiple(b, y)])).toEqual(publicKey(word((a * x + b * y) % order)))
        expect(sumOfMultiples([{ publicKey: null, factor: word(a) }])).toEqual(publicKey(word(a)))
        expect(engine.multiplySecretKey(word(a), word(x))).toEqual(word((a * x) % order))
      }),
      { numRuns: 10 },
    )
  })

  it('of keys whose x is n or more, or whose prefix is none, are those of the library', () => {
    const { Point } = secp256k1
    const keyOf = (x: bigint) => Uint8Array.of(3, ...word(x))
    const isKey = (x: bigint) => {
      try {
        return Point.fromBytes(keyOf(x)).is0() === false
      } catch {
        return false
      }
    }
    let x = order
    while (!isKey(x)) x += 1n
    const [key, other, seven] = [keyOf(x), engine.publicKey(word(5n)), word(7n)]
    const point = Point.fromBytes(key)
    expect(engine.tweakPublicKey(key, seven)).toEqual(point.add(Point.BASE.multiply(7n)).toBytes(true))
    const multiples = [key, other, null].map((publicKey) => ({ publicKey, factor: seven }))
    const sum = point.add(Point.BASE.multiply(6n)).multiply(7n)
    expect(engine.sumOfMultiples(multiples)).toEqual(sum.toBytes(true))
    expect(engine.tweakXOnlyKey(word(x), seven)?.key).toEqual(
      point.negate().add(Point.BASE.multiply(7n)).toBytes(true).slice(1),
    )
    for (const prefix of [0, 1, 4, 5])
      expect(engine.tweakPublicKey(Uint8Array.of(prefix, ...other.slice(1)), seven)).toBeUndefined()
  })

  it('are not summed to infinity, of what is no key, or by zero or n', () => {
    const [one, two] = [word(1n), word(2n)]
    const key = engine.publicKey(one)
    const good = { publicKey: key, factor: two }
    const bad = [
      { publicKey: key, factor: word(order - 2n) },
      { publicKey: key, factor: word(0n) },
      { publicKey: key, factor: word(order) },
      { publicKey: key, factor: new Uint8Array(31) },
      { publicKey: engine.uncompressed(key), factor: two },
      { publicKey: new Uint8Array(33), factor: two },
    ]
    for (const other of bad) {
      expect(engine.sumOfMultiples([good, other])).toBeUndefined()
      expect(engine.sumOfMultiples([other, good])).toBeUndefined()
    }
    for (const [a, b] of [
      [word(0n), one],
      [one, word(0n)],
      [word(order), one],
      [one, new Uint8Array(33)],
    ] as const)
      expect(engine.multiplySecretKey(a, b)).toBeUndefined()
  })

  it('leave their inputs alone', () => {
    const [key, tweak] = [word(7n), word(8n)]
    engine.tweakSecretKey(key, tweak)
    engine.tweakXOnlySecretKey(key, tweak)
    engine.schnorrSign(tweak, key, tweak)
    expect([key, tweak]).toEqual([word(7n), word(8n)])
  })
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof SdkError) return error.code
    throw error
  }
  return undefined
}
