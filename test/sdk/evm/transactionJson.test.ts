import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { decodeTransaction, seal, signingHash, transactionHash } from '../../../sdk/evm/codec.ts'
import { senderOf } from '../../../sdk/evm/sender.ts'
import type { Prepared, Pricing } from '../../../sdk/evm/transaction.ts'
import { pooledTransactionJson, transactionFromJson } from '../../../sdk/evm/transactionJson.ts'
import { enclose, readWire } from '../../../sdk/evm/wire.ts'
import { encodeRlp, quantity } from '../../../sdk/rlp.ts'
import { orderedTrie } from '../../../sdk/trie/index.ts'
import { type Hex, toHex } from '../../../sdk/units.ts'
import { describeVectors, readVectorJson } from '../../vectors.ts'
import { alice, preparedOf, sign } from './samples.ts'

const types: readonly Pricing['type'][] = ['legacy', 'eip2930', 'eip1559', 'eip7702']
const numbers: Record<Pricing['type'], Hex> = { legacy: '0x0', eip2930: '0x1', eip1559: '0x2', eip7702: '0x4' }
const hex = (number: bigint | number): Hex => `0x${number.toString(16)}`

/** A transaction as a node tells it. */
function asJson(prepared: Prepared, signature: Uint8Array) {
  const { chainId, to, value, data, nonce, gas, pricing } = prepared
  const parity = signature[64] as number
  const call = { chainId: hex(chainId), nonce: hex(nonce), gas: hex(gas), to, value: hex(value), input: toHex(data) }
  const scalars = { r: hexScalar(signature, 0), s: hexScalar(signature, 32) }
  const type = { type: numbers[pricing.type], hash: 'not looked at', from: 'not looked at' }
  if (pricing.type === 'legacy')
    return {
      ...type,
      ...call,
      ...scalars,
      gasPrice: hex(pricing.gasPrice),
      v: hex(2n * BigInt(chainId) + 35n + BigInt(parity)),
    }
  const accessList = pricing.accessList.map(({ address, slots }) => ({ address, storageKeys: slots }))
  const typed = { ...type, ...call, ...scalars, accessList, yParity: hex(parity), v: hex(parity) }
  if (pricing.type === 'eip2930') return { ...typed, gasPrice: hex(pricing.gasPrice) }
  const { maxFeePerGas, maxPriorityFeePerGas } = pricing
  const market = {
    ...typed,
    gasPrice: hex(1),
    maxFeePerGas: hex(maxFeePerGas),
    maxPriorityFeePerGas: hex(maxPriorityFeePerGas),
  }
  if (pricing.type === 'eip1559') return market
  const authorizationList = pricing.authorizations.map((one) => ({
    chainId: hex(one.chainId),
    address: one.delegate,
    nonce: hex(one.nonce),
    yParity: hex(one.signature[64] as number),
    r: hexScalar(one.signature, 0),
    s: hexScalar(one.signature, 32),
  }))
  return { ...market, authorizationList }
}

function hexScalar(signature: Uint8Array, at: number): Hex {
  return hex(BigInt(toHex(signature.subarray(at, at + 32))))
}

function unwrap<value>(decoded: { ok: true; value: value } | { ok: false; reason: string }): value {
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.value
}

describe('transactionFromJson', () => {
  it.each(types)('rebuilds the signed bytes, %s', (type) => {
    fc.assert(
      fc.property(preparedOf(type), (prepared) => {
        const signature = sign(signingHash(prepared), alice)
        const raw = unwrap(transactionFromJson(asJson(prepared, signature)))
        expect(toHex(raw)).toBe(toHex(seal(prepared, signature).bytes))
        expect(decodeTransaction(raw).ok).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it.each(types)('is undone by what tells a transaction, %s', (type) => {
    fc.assert(
      fc.property(preparedOf(type), (prepared) => {
        const { bytes, hash } = seal(prepared, sign(signingHash(prepared), alice))
        const told = pooledTransactionJson(unwrap(readWire(bytes)), { hash, from: alice.account })
        expect(told).toMatchObject({ hash, from: alice.account, blockHash: null, type: numbers[type] })
        expect(toHex(unwrap(transactionFromJson(JSON.parse(JSON.stringify(told)))))).toBe(toHex(bytes))
      }),
      { numRuns: 40 },
    )
  })

  const call = { nonce: '0x7', gasPrice: '0x1e', gas: '0x5208', to: `0x${'bb'.repeat(20)}`, value: '0x1', input: '0x' }

  it('rebuilds a legacy transaction without a chain id, and its sender', () => {
    const fields = [
      quantity(7),
      quantity(30),
      quantity(21_000),
      new Uint8Array(20).fill(0xbb),
      quantity(1),
      new Uint8Array(0),
    ]
    const signature = sign(keccak256(encodeRlp(fields)), alice)
    const json = {
      ...call,
      v: hex(27 + (signature[64] as number)),
      r: hexScalar(signature, 0),
      s: hexScalar(signature, 32),
    }
    const raw = unwrap(transactionFromJson(json))
    expect(senderOf(raw)).toEqual({ ok: true, value: alice.account })
    expect(decodeTransaction(raw).ok).toBe(false)
  })

  it('rebuilds a blob transaction as it stands in a block, and its sender', () => {
    const blob = new Uint8Array(32).fill(1)
    const fields = [
      ...[1, 7, 2, 30, 21_000].map((number) => quantity(number)),
      ...[new Uint8Array(20).fill(0xbb), quantity(1), new Uint8Array(0), [], quantity(3), [blob]],
    ]
    const signature = sign(keccak256(enclose(3, fields)), alice)
    const json = {
      ...call,
      ...{ type: '0x3', chainId: '0x1', maxPriorityFeePerGas: '0x2', maxFeePerGas: '0x1e', accessList: [] },
      ...{ maxFeePerBlobGas: '0x3', blobVersionedHashes: [toHex(blob)], yParity: hex(signature[64] as number) },
      ...{ r: hexScalar(signature, 0), s: hexScalar(signature, 32) },
    }
    const raw = unwrap(transactionFromJson(json))
    expect(toHex(raw)).toBe(
      toHex(
        enclose(3, [
          ...fields,
          quantity(signature[64] as number),
          signature.subarray(0, 32),
          signature.subarray(32, 64),
        ]),
      ),
    )
    expect(senderOf(raw)).toEqual({ ok: true, value: alice.account })
    expect(transactionFromJson({ ...json, blobVersionedHashes: [] }).ok).toBe(false)
    expect(transactionFromJson({ ...json, to: null }).ok).toBe(false)
  })

  it('takes numbers with leading zeros, and a parity that is told as v', () => {
    const json = {
      ...call,
      type: '0x02',
      chainId: '0x01',
      maxPriorityFeePerGas: '0x02',
      maxFeePerGas: '0x1e',
      accessList: [],
    }
    const signed = { ...json, r: '0x0001', s: '0x01', v: '0x0' }
    expect(transactionFromJson(signed)).toEqual(
      transactionFromJson({ ...signed, r: '0x1', s: '0x1', yParity: '0x00', v: '0x25' }),
    )
    expect(transactionFromJson(signed).ok).toBe(true)
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', '0x'],
    ['a list', []],
    ['an unknown type', { ...call, type: '0x7e' }],
    ['a type that is a number', { ...call, type: 2 }],
    ['no signature', call],
    ['a number without 0x', { ...call, nonce: '7', v: '0x1b', r: '0x1', s: '0x1' }],
    ['a number that is 0x', { ...call, nonce: '0x', v: '0x1b', r: '0x1', s: '0x1' }],
    ['a negative number', { ...call, nonce: '-0x1', v: '0x1b', r: '0x1', s: '0x1' }],
    ['a number too wide', { ...call, gas: `0x1${'0'.repeat(16)}`, v: '0x1b', r: '0x1', s: '0x1' }],
    ['half a byte of data', { ...call, input: '0x0', v: '0x1b', r: '0x1', s: '0x1' }],
    ['a short recipient', { ...call, to: '0x00', v: '0x1b', r: '0x1', s: '0x1' }],
  ])('refuses %s', (_, json) => {
    expect(transactionFromJson(json).ok).toBe(false)
  })

  it('never throws, whatever stands in a field', () => {
    const anything = fc.oneof(
      fc.json().map((text) => JSON.parse(text) as unknown),
      fc.constantFrom('0x0', '0x1', '0x', undefined),
    )
    fc.assert(
      fc.property(preparedOf('eip7702'), fc.nat(), anything, (prepared, at, value) => {
        const json = asJson(prepared, sign(new Uint8Array(32), alice))
        const names = Object.keys(json)
        const name = names[at % names.length] as string
        const inner = { ...json, authorizationList: [{ ...json, [name]: value }] }
        expect(typeof transactionFromJson({ ...json, [name]: value }).ok).toBe('boolean')
        expect(typeof transactionFromJson(inner).ok).toBe('boolean')
        expect(typeof transactionFromJson(value).ok).toBe('boolean')
      }),
      { numRuns: 300 },
    )
  })
})

describeVectors('transactions of mainnet blocks', () => {
  it.each([
    { number: 46_147, every: 1, count: 1 },
    { number: 930_196, every: 1, count: 18 },
    { number: 5_891_667, every: 4, count: 95 },
    { number: 13_287_210, every: 14, count: 101 },
    { number: 19_606_599, every: 2, count: 184 },
  ])('block $number: $count transactions have their hash and their sender', ({ number, every, count }) => {
    const block = readVectorJson(`blocks/mainnet-${number}/block.json.gz`) as {
      transactions: { hash: string; from: string }[]
    }
    const sample = block.transactions.filter((_, at) => at % every === 0)
    expect(sample).toHaveLength(count)
    for (const json of sample) {
      const raw = unwrap(transactionFromJson(json))
      expect(transactionHash(raw)).toBe(json.hash)
      expect(senderOf(raw)).toEqual({ ok: true, value: json.from })
    }
  })

  it.each<[number, number]>([
    [46_147, 1],
    [930_196, 18],
    [5_891_667, 380],
    [13_287_210, 1_414],
    [19_606_599, 367],
  ])('block %i: all %i transactions rebuild the root in its header', (number, count) => {
    const block = readVectorJson(`blocks/mainnet-${number}/block.json.gz`) as {
      transactions: unknown[]
      transactionsRoot: string
    }
    const raws = block.transactions.map((json) => unwrap(transactionFromJson(json)))
    expect(raws).toHaveLength(count)
    expect(toHex(orderedTrie(raws).root)).toBe(block.transactionsRoot)
  })
})
