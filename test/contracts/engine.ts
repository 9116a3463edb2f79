import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CryptoEngine } from '../../sdk/crypto/engine.ts'
import { SdkError } from '../../sdk/errors.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { describeVectors, readVectorJson } from '../vectors.ts'
import { schnorrContract } from './schnorr.ts'

/** Order of secp256k1 (SEC 2, section 2.4.1). */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(toHex(bytes))
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

const secretKey = fc.bigInt({ min: 1n, max: order - 1n }).map(word)
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const noKeys: readonly (readonly [string, Uint8Array])[] = [
  ['zero', word(0n)],
  ['the order', word(order)],
  ['beyond the order', word(order + 0xabcdef0123456789n)],
  ['31 bytes', new Uint8Array(31).fill(0xa7)],
  ['33 bytes', new Uint8Array(33).fill(0xa7)],
  ['no bytes', new Uint8Array(0)],
]

/** Signs, and gives the signature and what it was made with. */
const signed = (engine: CryptoEngine) =>
  fc.tuple(digest, secretKey).map(([digest, key]) => ({ digest, key, signature: engine.sign(digest, key) }))

function sampleOf(engine: CryptoEngine) {
  const digest = new Uint8Array(32).fill(1)
  const key = word(2n)
  return { digest, key, signature: engine.sign(digest, key) }
}

/** What every crypto engine holds to, whatever it is made of. */
export function engineContract(engine: CryptoEngine): void {
  describe(`engine ${engine.name}`, () => {
    describe('hashes', () => hashCases(engine))
    describe('keys', () => keyCases(engine))
    describe('signatures', () => signatureCases(engine))
    describe('recovery', () => recoveryCases(engine))
    schnorrContract(engine)
    describeVectors('wycheproof', () => wycheproofCases(engine))
  })
}

function hashCases(engine: CryptoEngine): void {
  it.each([
    // Keccak-256 is named by many contracts: of nothing, the code hash of an account without code.
    ['keccak256', '', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
    ['keccak256', 'abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
    [
      'keccak256',
      'Transfer(address,address,uint256)',
      'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
    ],
    // FIPS 180-4 examples.
    ['sha256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'sha256',
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ] as const)('%s of %j is right', (name, text, hash) => {
    expect(toHex(engine[name](utf8(text)))).toBe(`0x${hash}`)
  })

  it.each([
    ['keccak256', 'fadae6b49f129bbb812be8407b7b2894f34aecf6dbd1f9b0f0c7e9853098fc96'],
    ['sha256', 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ] as const)('%s of a million letters is right', (name, hash) => {
    expect(toHex(engine[name](utf8('a'.repeat(1_000_000))))).toBe(`0x${hash}`)
  })

  it.each([
    // RFC 4231, cases 1, 2 and 6: a short key, a shorter one, and one longer than a block.
    ['0b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      toHex(utf8('Jefe')).slice(2),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      'aa'.repeat(131),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('hmacSha256 under key %s is right', (key, text, tag) => {
    expect(toHex(engine.hmacSha256(fromHex(`0x${key}`), utf8(text)))).toBe(`0x${tag}`)
  })

  it('hash160 of the public key of 1 is the one of BIP-173', () => {
    expect(toHex(engine.hash160(engine.publicKey(word(1n))))).toBe('0x751e76e8199196d454941c45d1b3a323f1433bd6')
  })

  it('leave their input alone and give bytes of their own', () => {
    const input = utf8('abc')
    const first = engine.keccak256(input)
    first.fill(0)
    expect(toHex(engine.keccak256(input))).toBe('0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45')
    expect(input).toEqual(utf8('abc'))
  })
}

function keyCases(engine: CryptoEngine): void {
  it('of 1 and n - 1 are the generator and its negative (SEC 2)', () => {
    const x = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
    expect(toHex(engine.publicKey(word(1n)))).toBe(`0x02${x}`)
    expect(toHex(engine.publicKey(word(order - 1n)))).toBe(`0x03${x}`)
    expect(toHex(engine.uncompressed(engine.publicKey(word(1n))))).toBe(
      `0x04${x}483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8`,
    )
  })

  it('are whole in either form, and the long form is kept', () => {
    fc.assert(
      fc.property(secretKey, (key) => {
        expect(engine.isSecretKey(key)).toBe(true)
        const publicKey = engine.publicKey(key)
        const long = engine.uncompressed(publicKey)
        expect([publicKey.length, long.length, long[0]]).toEqual([33, 65, 4])
        expect(engine.uncompressed(long)).toEqual(long)
        expect(toHex(long.subarray(1, 33))).toBe(toHex(publicKey.subarray(1)))
      }),
      { numRuns: 20 },
    )
  })

  it.each(noKeys)('%s is no secret key: crypto/malformed-key, and the message does not tell it', (_, key) => {
    expect(engine.isSecretKey(key)).toBe(false)
    for (const use of [() => engine.publicKey(key), () => engine.sign(new Uint8Array(32), key)]) {
      const error = thrownBy(use)
      expect(error.code).toBe('crypto/malformed-key')
      const told = `${error.message} ${error.notes.join(' ')} ${error.cause ?? ''} ${error.stack}`
      if (key.length === 0) continue
      for (const secret of [toHex(key).slice(2), numberOf(key).toString(), key.join()])
        if (secret.length > 8) expect(told).not.toContain(secret)
    }
  })

  it.each([
    ['no bytes', '0x'],
    ['an x without a point', `0x02${'00'.repeat(31)}05`],
    ['an x beyond the field', `0x02${'ff'.repeat(32)}`],
    ['an unknown form', `0x05${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}`],
    ['a point off the curve', `0x04${'11'.repeat(64)}`],
    ['the point at infinity', '0x00'],
  ])('%s is no public key: crypto/malformed-key', (_, bytes) => {
    expect(thrownBy(() => engine.uncompressed(fromHex(bytes as Hex))).code).toBe('crypto/malformed-key')
  })
}

function signatureCases(engine: CryptoEngine): void {
  it.each([
    // Widely published for secp256k1 with RFC 6979 and SHA-256: both for the secret key 1.
    [
      'Satoshi Nakamoto',
      '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8',
      '2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
    ],
    [
      'All those moments will be lost in time, like tears in rain. Time to die...',
      '8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b',
      '547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21',
    ],
  ])('are those of RFC 6979: %s', (text, r, s) => {
    const signature = engine.sign(engine.sha256(utf8(text)), word(1n))
    expect(toHex(signature.subarray(0, 64))).toBe(`0x${r}${s}`)
  })

  it('are 65 bytes with low s, equal for equal inputs, and verify', () => {
    fc.assert(
      fc.property(signed(engine), ({ digest, key, signature }) => {
        expect(signature).toHaveLength(65)
        expect(signature[64] === 0 || signature[64] === 1).toBe(true)
        expect(numberOf(signature.subarray(32, 64)) <= order / 2n).toBe(true)
        expect(engine.sign(digest, key)).toEqual(signature)
        expect(engine.verify(signature, digest, engine.publicKey(key))).toBe(true)
        expect(engine.verify(signature.subarray(0, 64), digest, engine.uncompressed(engine.publicKey(key)))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('verify for no other digest, key, r or s, and never with high s', () => {
    fc.assert(
      fc.property(signed(engine), fc.nat({ max: 63 }), ({ digest, key, signature }, at) => {
        const publicKey = engine.publicKey(key)
        const changed = signature.slice()
        changed[at] = (changed[at] as number) ^ 1
        const other = digest.slice()
        other[at % 32] = (other[at % 32] as number) ^ 1
        expect(engine.verify(changed, digest, publicKey)).toBe(false)
        expect(engine.verify(signature, other, publicKey)).toBe(false)
        expect(engine.verify(signature, digest, engine.publicKey(word((numberOf(key) % (order - 1n)) + 1n)))).toBe(
          false,
        )
        expect(engine.verify(withHighS(signature), digest, publicKey)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  it('never make verify throw', () => {
    const garbage = fc.uint8Array({ maxLength: 70 })
    fc.assert(
      fc.property(garbage, garbage, garbage, (signature, digest, key) => !engine.verify(signature, digest, key)),
    )
    const good = sampleOf(engine)
    for (const size of [0, 63])
      expect(engine.verify(good.signature.subarray(0, size), good.digest, engine.publicKey(good.key))).toBe(false)
    expect(engine.verify(new Uint8Array(65), good.digest, engine.publicKey(good.key))).toBe(false)
  })

  it('are made of and verified against 32-byte digests alone', () => {
    for (const size of [0, 31, 33, 64])
      expect(thrownBy(() => engine.sign(new Uint8Array(size), word(1n))).code).toBe('crypto/malformed-key')
    const digest = new Uint8Array(32).fill(3)
    const signature = engine.sign(digest, word(1n))
    const longer = Uint8Array.of(...digest, 0)
    expect(engine.verify(signature, longer, engine.publicKey(word(1n)))).toBe(false)
  })
}

function recoveryCases(engine: CryptoEngine): void {
  it('gives the key that signed', () => {
    fc.assert(
      fc.property(signed(engine), ({ digest, key, signature }) => {
        expect(engine.recover(signature, digest)).toEqual(engine.uncompressed(engine.publicKey(key)))
      }),
      { numRuns: 30 },
    )
  })

  it('gives another key, or none, for another parity, and none for high s', () => {
    fc.assert(
      fc.property(signed(engine), ({ digest, key, signature }) => {
        const flipped = signature.slice()
        flipped[64] = 1 - (signature[64] as number)
        expect(engine.recover(flipped, digest)).not.toEqual(engine.uncompressed(engine.publicKey(key)))
        expect(engine.recover(withHighS(signature), digest)).toBeUndefined()
      }),
      { numRuns: 20 },
    )
  })

  it('gives nothing for what is no signature, and never throws', () => {
    const good = sampleOf(engine)
    const whole = (r: bigint, s: bigint, parity: number) => Uint8Array.of(...word(r), ...word(s), parity)
    const none = [
      ...[new Uint8Array(0), good.signature.subarray(0, 64), Uint8Array.of(...good.signature, 0)],
      ...[whole(0n, 1n, 0), whole(1n, 0n, 0), whole(order, 1n, 0), whole(1n, order, 0), whole(5n, 1n, 0)],
      ...[2, 3, 27, 28, 255].map((parity) => Uint8Array.of(...good.signature.subarray(0, 64), parity)),
    ]
    for (const signature of none) expect(engine.recover(signature, good.digest)).toBeUndefined()
    for (const size of [0, 31, 33]) expect(engine.recover(good.signature, new Uint8Array(size))).toBeUndefined()
    const garbage = fc.uint8Array({ minLength: 60, maxLength: 66 })
    fc.assert(
      fc.property(garbage, digest, (signature, digest) =>
        [0, 65, undefined].includes(engine.recover(signature, digest)?.length),
      ),
    )
  })
}

interface Wycheproof {
  readonly numberOfTests: number
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed: string }
    readonly tests: readonly {
      readonly tcId: number
      readonly msg: string
      readonly sig: string
      readonly result: string
    }[]
  }[]
}

function wycheproofCases(engine: CryptoEngine): void {
  it('agrees on ECDSA with low s, as Bitcoin asks for it', () => {
    const vectors = readVectorJson('crypto/wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json') as Wycheproof
    const wrong: number[] = []
    let judged = 0
    let reached = 0
    for (const { publicKey, tests } of vectors.testGroups) {
      const key = fromHex(`0x${publicKey.uncompressed}`)
      for (const test of tests) {
        judged += 1
        const signature = fromStrictDer(fromHex(`0x${test.sig}`))
        if (signature) reached += 1
        const valid = signature !== undefined && engine.verify(signature, engine.sha256(fromHex(`0x${test.msg}`)), key)
        if (valid !== (test.result === 'valid')) wrong.push(test.tcId)
      }
    }
    expect(wrong).toEqual([])
    expect(judged).toBe(vectors.numberOfTests)
    // Most of them, so that it is the engine that is judged and not the parser below.
    expect(reached).toBeGreaterThan(200)
  })
}

/** r and s of a strictly encoded signature (BIP-66), as 64 bytes; nothing when it is encoded in any other way. */
function fromStrictDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined
  const r = integerAt(der, 2)
  const s = r && integerAt(der, r.end)
  return s && s.end === der.length ? Uint8Array.of(...r.word, ...s.word) : undefined
}

function integerAt(der: Uint8Array, at: number): { readonly word: Uint8Array; readonly end: number } | undefined {
  const size = der[at + 1] ?? 0
  const digits = der.subarray(at + 2, at + 2 + size)
  const [first = 0x80, second = 0] = digits
  if (der[at] !== 2 || digits.length !== size || first >= 0x80 || (first === 0 && size > 1 && second < 0x80))
    return undefined
  const value = numberOf(digits)
  return value < 1n << 256n ? { word: word(value), end: at + 2 + size } : undefined
}

/** The other signature of the same digest, which must not count as one. */
function withHighS(signature: Uint8Array): Uint8Array {
  const s = order - numberOf(signature.subarray(32, 64))
  return Uint8Array.of(...signature.subarray(0, 32), ...word(s), 1 - (signature[64] as number))
}

function thrownBy(run: () => unknown): SdkError {
  try {
    run()
  } catch (error) {
    if (error instanceof SdkError) return error
    throw error
  }
  throw new Error('Nothing was thrown.')
}
