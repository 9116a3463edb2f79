import fc from 'fast-check'
import { parseTransaction, recoverTransactionAddress, serializeTransaction, type TransactionSerialized } from 'viem'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import {
  decodeTransaction,
  seal,
  signingHash,
  signingPayload,
  transactionBytesMax,
  transactionHash,
} from '../../../sdk/evm/codec.ts'
import { joinSignature } from '../../../sdk/evm/sender.ts'
import type { Prepared, Pricing, Signed } from '../../../sdk/evm/transaction.ts'
import { enclose, readWire, type TransactionType } from '../../../sdk/evm/wire.ts'
import { encodeRlp, quantity, type RlpItem } from '../../../sdk/rlp.ts'
import { type ChainId, toHex, type Wei, wei } from '../../../sdk/units.ts'
import { alice, asViem, authorize, bob, preparedOf, preparedWith, sign, viemSignature } from './samples.ts'

const types: readonly Pricing['type'][] = ['legacy', 'eip2930', 'eip1559', 'eip7702']
const empty = new Uint8Array(0)
const market = { maxFeePerGas: wei(30n), maxPriorityFeePerGas: wei(2n), accessList: [] }

function signatureOf(bytes: Uint8Array): Uint8Array {
  const wire = readWire(bytes)
  if (!wire.ok) throw new Error(wire.reason)
  const { v, r, s } = wire.value.signature
  return joinSignature(r, s, Number(wire.value.type === 0 ? (v - 35n) % 2n : v))
}

function sealed(prepared: Prepared): Signed {
  return seal(prepared, sign(signingHash(prepared), alice))
}

describe.each(types)('codec, %s', (type) => {
  it('encodes the very bytes that viem does, unsigned and signed', async () => {
    await fc.assert(
      fc.asyncProperty(preparedOf(type), async (prepared) => {
        expect(toHex(signingPayload(prepared))).toBe(serializeTransaction(asViem(prepared)))
        const signature = sign(signingHash(prepared), alice)
        const signed = seal(prepared, signature)
        const serialized = serializeTransaction(asViem(prepared), viemSignature(signature)) as TransactionSerialized
        expect(toHex(signed.bytes)).toBe(serialized)
        expect(signed.hash).toBe(toHex(keccak256(signed.bytes)))
        const recovered = await recoverTransactionAddress({ serializedTransaction: serialized })
        expect(recovered.toLowerCase()).toBe(alice.account)
      }),
      { numRuns: 60 },
    )
  })

  it('decodes what it sealed to the same transaction, which viem reads alike', () => {
    fc.assert(
      fc.property(preparedOf(type), (prepared) => {
        const signed = sealed(prepared)
        expect(decodeTransaction(signed.bytes)).toEqual({ ok: true, value: signed })
        const parsed = parseTransaction(toHex(signed.bytes))
        expect(parsed.nonce ?? 0).toBe(prepared.nonce)
        expect(parsed.chainId).toBe(prepared.chainId)
        expect(parsed.gas ?? 0n).toBe(prepared.gas)
        expect(parsed.value ?? 0n).toBe(prepared.value)
      }),
      { numRuns: 60 },
    )
  })

  it('reads one encoding only: changed bytes are refused, or are another transaction in its own one encoding', () => {
    const changes = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() })
    fc.assert(
      fc.property(preparedOf(type), changes, (prepared, { at, byte, cut }) => {
        const { bytes } = sealed(prepared)
        const place = at % bytes.length
        const changed = cut ? bytes.slice(0, place) : bytes.slice()
        if (!cut) changed[place] = byte
        const decoded = decodeTransaction(changed)
        if (!decoded.ok) return
        expect(toHex(seal(decoded.value.prepared, signatureOf(changed)).bytes)).toBe(toHex(changed))
      }),
      { numRuns: 100 },
    )
  })
})

describe('seal', () => {
  it('refuses a signature by another key, of another transaction, or of no length', () => {
    const prepared = preparedWith()
    const wrong = [
      sign(signingHash(prepared), bob),
      sign(signingHash(preparedWith({ nonce: 8 })), alice),
      sign(signingHash(prepared), alice).subarray(0, 64),
      new Uint8Array(65),
    ]
    for (const signature of wrong)
      expect(() => seal(prepared, signature)).toThrow(expect.objectContaining({ code: 'signer/wrong-signature' }))
  })

  it.each<[string, Partial<Prepared>]>([
    ['a chain id of zero', { chainId: 0 as ChainId }],
    ['a negative nonce', { nonce: -1 }],
    ['a nonce beyond 2^53 - 1', { nonce: 2 ** 53 }],
    ['a gas limit beyond 64 bits', { gas: 1n << 64n }],
    ['a negative gas limit', { gas: -1n }],
    ['a negative value', { value: -1n as Wei }],
    ['a value beyond 256 bits', { value: (1n << 256n) as Wei }],
    ['a recipient that is no address', { to: '0x00' as never }],
    ['a tip above the fee cap', { pricing: { type: 'eip1559', ...market, maxPriorityFeePerGas: wei(31n) } }],
    ['gas times fee beyond 256 bits', { gas: 2n, pricing: { type: 'legacy', gasPrice: wei((1n << 255n) + 1n) } }],
    ['no authorization', { pricing: { type: 'eip7702', ...market, authorizations: [] } }],
    [
      'a creation with authorizations',
      {
        to: null,
        pricing: {
          type: 'eip7702',
          ...market,
          authorizations: [authorize(bob, { chainId: 1, delegate: alice.account, nonce: 0n })],
        },
      },
    ],
    [
      'an authorization with a cut signature',
      {
        pricing: {
          type: 'eip7702',
          ...market,
          authorizations: [{ chainId: 1, delegate: alice.account, nonce: 0n, signature: new Uint8Array(64) }],
        },
      },
    ],
    [
      'a slot of 31 bytes',
      {
        pricing: {
          type: 'eip2930',
          gasPrice: wei(1n),
          accessList: [{ address: bob.account, slots: [`0x${'00'.repeat(31)}` as never] }],
        },
      },
    ],
  ])('never encodes %s', (_, changes) => {
    expect(() => signingPayload(preparedWith(changes))).toThrow(
      expect.objectContaining({ code: 'evm/malformed-transaction', retryable: false }),
    )
  })
})

/** A type 2 transaction by alice, field by field, so that a test can spoil one. */
function fields(spoiled: Readonly<Record<number, RlpItem>> = {}): RlpItem[] {
  const sound: RlpItem[] = [
    ...[1, 7, 2, 30, 21_000].map((number) => quantity(number)),
    ...[new Uint8Array(20).fill(0xbb), quantity(1), empty, []],
  ]
  return sound.map((item, at) => spoiled[at] ?? item)
}

function signedFields(type: TransactionType, items: readonly RlpItem[]): Uint8Array {
  const signature = sign(keccak256(enclose(type, items)), alice)
  return enclose(type, [...items, quantity(signature[64] as number), ...scalars(signature)])
}

function scalars(signature: Uint8Array): [Uint8Array, Uint8Array] {
  return [signature.subarray(0, 32), signature.subarray(32, 64)]
}

function reasonOf(bytes: Uint8Array): string {
  const decoded = decodeTransaction(bytes)
  return decoded.ok ? 'accepted' : decoded.reason
}

describe('decodeTransaction', () => {
  it('accepts the sample that the next cases spoil', () => {
    expect(reasonOf(signedFields(2, fields()))).toBe('accepted')
  })

  it.each<[string, Readonly<Record<number, RlpItem>>, RegExp]>([
    ['chain id 0', { 0: empty }, /chain id/],
    ['a chain id beyond 2^53 - 1', { 0: quantity(2n ** 53n) }, /chain id/],
    ['a leading zero in the nonce', { 1: Uint8Array.of(0, 7) }, /nonce/],
    ['a zero written as a byte', { 1: Uint8Array.of(0) }, /nonce/],
    ['a nonce beyond 2^53 - 1', { 1: quantity(2n ** 53n) }, /nonce is beyond/],
    ['a nonce of nine bytes', { 1: new Uint8Array(9).fill(1) }, /nonce is not a number/],
    ['a nonce that is a list', { 1: [] }, /nonce/],
    ['a tip above the cap', { 2: quantity(31) }, /priority fee/],
    ['a fee of 33 bytes', { 3: new Uint8Array(33).fill(1) }, /maxFeePerGas/],
    ['a gas limit of nine bytes', { 4: new Uint8Array(9).fill(1) }, /gas is not/],
    ['gas times fee beyond 256 bits', { 3: new Uint8Array(32).fill(0xff), 2: quantity(1) }, /beyond 256 bits/],
    ['a recipient of 19 bytes', { 5: new Uint8Array(19) }, /to is neither/],
    ['a recipient of 21 bytes', { 5: new Uint8Array(21) }, /to is neither/],
    ['data that is a list', { 7: [] }, /input is a list/],
    ['an access list that is bytes', { 8: empty }, /accessList/],
    ['an entry with an address of 19 bytes', { 8: [[new Uint8Array(19), []]] }, /accessList/],
    ['an entry with a key of 31 bytes', { 8: [[new Uint8Array(20), [new Uint8Array(31)]]] }, /accessList/],
    ['an entry of three parts', { 8: [[new Uint8Array(20), [], []]] }, /accessList/],
  ])('refuses %s', (_, spoiled, reason) => {
    expect(reasonOf(signedFields(2, fields(spoiled)))).toMatch(reason)
  })

  it('refuses a legacy transaction without a chain id, by name', () => {
    const call = [quantity(7), quantity(30), quantity(21_000), new Uint8Array(20), quantity(1), empty]
    const signature = sign(keccak256(encodeRlp(call)), alice)
    const bytes = encodeRlp([...call, quantity(27 + (signature[64] as number)), ...scalars(signature)])
    expect(reasonOf(bytes)).toMatch(/names no chain \(EIP-155\)/)
  })

  it('refuses a blob transaction, by name', () => {
    const items = [...fields(), quantity(1), [new Uint8Array(32).fill(1)]]
    expect(reasonOf(signedFields(3, items))).toMatch(/blob transactions \(type 3\)/)
  })

  it('refuses the second signature that every signature has (EIP-2)', () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const items = fields()
    const signature = sign(keccak256(enclose(2, items)), alice)
    const [r, s] = scalars(signature)
    const flipped = [quantity(1 - (signature[64] as number)), r, quantity(order - BigInt(toHex(s)))]
    expect(reasonOf(enclose(2, [...items, ...flipped]))).toMatch(/upper half/)
  })

  it('refuses a parity other than 0 and 1, and signatures that are nobody’s', () => {
    const items = fields()
    const [r, s] = scalars(sign(keccak256(enclose(2, items)), alice))
    expect(reasonOf(enclose(2, [...items, quantity(2), r, s]))).toMatch(/parity/)
    expect(reasonOf(enclose(2, [...items, empty, empty, s]))).toMatch(/nobody/)
    expect(reasonOf(enclose(2, [...items, empty, r, empty]))).toMatch(/nobody/)
    expect(reasonOf(enclose(2, [...items, empty, new Uint8Array(32).fill(0xff), s]))).toMatch(/nobody/)
  })

  it('refuses other types, no bytes, too few and too many fields, and bytes after the end', () => {
    const bytes = signedFields(2, fields())
    expect(reasonOf(empty)).toBe('there are no bytes')
    expect(reasonOf(Uint8Array.of(5, ...bytes.subarray(1)))).toBe('transaction type 5 is not known')
    expect(reasonOf(Uint8Array.of(0, ...bytes.subarray(1)))).toBe('transaction type 0 is not known')
    expect(reasonOf(Uint8Array.of(0x80, ...bytes.subarray(1)))).toMatch(/neither typed nor a list/)
    expect(reasonOf(signedFields(2, fields().slice(1)))).toMatch(/list of 12 fields/)
    expect(reasonOf(signedFields(2, [...fields(), empty]))).toMatch(/list of 12 fields/)
    expect(reasonOf(Uint8Array.of(...bytes, 0))).toMatch(/bytes follow/)
  })

  it('refuses what nodes would not take into their pools for its length', () => {
    expect(reasonOf(signedFields(2, fields({ 7: new Uint8Array(transactionBytesMax) })))).toMatch(/longer than/)
  })

  it('refuses an authorization list that is empty, and a tuple out of bounds', () => {
    const tuple = [quantity(1), new Uint8Array(20), empty, empty, quantity(1), quantity(1)]
    expect(reasonOf(signedFields(4, [...fields(), [tuple]]))).toBe('accepted')
    expect(reasonOf(signedFields(4, [...fields(), []]))).toMatch(/no authorization/)
    const outOfBounds: Readonly<Record<number, RlpItem>>[] = [
      { 0: new Uint8Array(33).fill(1) },
      { 1: new Uint8Array(19) },
      { 2: new Uint8Array(9).fill(1) },
      { 3: Uint8Array.of(1, 0) },
      { 4: new Uint8Array(33).fill(1) },
      { 5: new Uint8Array(33).fill(1) },
    ]
    for (const spoiled of outOfBounds) {
      const items = tuple.map((item, at) => spoiled[at] ?? item)
      expect(reasonOf(signedFields(4, [...fields(), [items]]))).toMatch(/authorizationList/)
    }
    const last = [...tuple.slice(0, 2), quantity(2n ** 64n - 1n), ...tuple.slice(3)]
    expect(reasonOf(signedFields(4, [...fields(), [last]]))).toBe('accepted')
    const far = [quantity(2n ** 53n), ...tuple.slice(1)]
    expect(reasonOf(signedFields(4, [...fields(), [far]]))).toMatch(/authorization's chain id/)
  })

  it('never throws on garbage', () => {
    const typed = fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 0xc0, 0xf8), fc.uint8Array({ maxLength: 200 }))
    fc.assert(
      fc.property(typed, ([first, rest]) => {
        expect(decodeTransaction(Uint8Array.of(first, ...rest)).ok).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it('survives lists nested as deep as bytes allow', () => {
    const deep = new Uint8Array(100_000).fill(0xc1)
    expect(decodeTransaction(deep).ok).toBe(false)
    expect(decodeTransaction(Uint8Array.of(2, ...deep)).ok).toBe(false)
  })

  it('hashes bytes of any kind', () => {
    expect(transactionHash(empty)).toBe('0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
  })
})
