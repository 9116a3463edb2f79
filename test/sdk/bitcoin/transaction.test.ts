import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareOutpoints,
  compareOutputs,
  decodeTransaction,
  encodeTransaction,
  type UnsignedTransaction,
} from '../../../sdk/bitcoin/index.ts'
import { txidBytes, txidOf, txidOfUnsigned } from '../../../sdk/bitcoin/transaction.ts'
import { fromHex, sats, toHex, txid } from '../../../sdk/units.ts'
import { must } from './must.ts'

const outpoint = fc.record({
  txid: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(txidOf),
  index: fc.nat({ max: 0xffffffff }),
})
const output = fc.record({
  script: fc.uint8Array({ maxLength: 300 }),
  value: fc.bigInt({ min: 0n, max: 2_100_000_000_000_000n }).map(sats),
})
const unsigned: fc.Arbitrary<UnsignedTransaction> = fc.record({
  version: fc.integer({ min: 1, max: 3 }),
  inputs: fc.array(fc.record({ outpoint, sequence: fc.nat({ max: 0xffffffff }) }), { minLength: 1, maxLength: 4 }),
  outputs: fc.array(output, { minLength: 1, maxLength: 4 }),
  locktime: fc.nat({ max: 0xffffffff }),
})
const witness = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 4 })

describe('a transaction', () => {
  it('is read as it was written, signed or not, under one txid', () => {
    fc.assert(
      fc.property(unsigned, fc.array(witness, { minLength: 1, maxLength: 4 }), (transaction, stacks) => {
        const witnesses = transaction.inputs.map((_, at) => stacks[at] ?? [])
        const bytes = encodeTransaction(transaction, witnesses)
        const decoded = must(decodeTransaction(bytes))
        expect(decoded).toMatchObject({ ...transaction, txid: txidOfUnsigned(transaction) })
        expect(decoded.inputs.map(({ witness }) => witness)).toEqual(witnesses)
        expect(encodeTransaction(decoded, witnesses)).toEqual(bytes)
        const stripped = encodeTransaction(transaction).length
        expect(decoded.weight).toBe(3 * stripped + bytes.length)
      }),
    )
  })

  it('cut anywhere, or with a byte behind it, is refused', () => {
    fc.assert(
      fc.property(unsigned, witness, fc.nat(), (transaction, stack, cut) => {
        const bytes = encodeTransaction(transaction, [stack])
        expect(decodeTransaction(bytes.subarray(0, cut % bytes.length)).ok).toBe(false)
        expect(decodeTransaction(Uint8Array.of(...bytes, 0)).ok).toBe(false)
      }),
    )
  })

  it('with a length in a longer form is refused, since it would have a second encoding', () => {
    const bytes = encodeTransaction({
      version: 2,
      inputs: [{ outpoint: { txid: txid('11'.repeat(32)), index: 0 }, sequence: 0 }],
      outputs: [{ script: Uint8Array.of(0x51), value: sats(1n) }],
      locktime: 0,
    })
    expect(bytes[4]).toBe(1)
    expect(decodeTransaction(Uint8Array.of(...bytes.subarray(0, 4), 0xfd, 1, 0, ...bytes.subarray(5))).ok).toBe(false)
  })

  it('with more coins than there are is refused', () => {
    const text = `02000000${'01'}${'11'.repeat(32)}00000000${'00'}ffffffff${'01'}0140075af0750700${'0151'}00000000`
    expect(decodeTransaction(fromHex(`0x${text}`)).ok).toBe(false)
    expect(decodeTransaction(fromHex(`0x${text.replace('0140075af0750700', '0040075af0750700')}`)).ok).toBe(true)
  })

  it('never makes the decoder throw, and keeps no view of the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeTransaction(bytes).ok === 'boolean'),
    )
    const bytes = encodeTransaction({
      version: 2,
      inputs: [{ outpoint: { txid: txid('11'.repeat(32)), index: 0 }, sequence: 0 }],
      outputs: [{ script: Uint8Array.of(0x51), value: sats(1n) }],
      locktime: 0,
    })
    const decoded = must(decodeTransaction(bytes))
    bytes.fill(0)
    expect(decoded.outputs).toEqual([{ script: Uint8Array.of(0x51), value: 1n }])
  })

  it('has a txid that is printed backwards', () => {
    const text = '0a6a357e2f7796444e02638749d9611c008b253fb55f5dc88b739b230ed0c4c3'
    expect(toHex(txidBytes(txid(text))).slice(2, 10)).toBe('c3c4d00e')
    expect(txidOf(txidBytes(txid(text)))).toBe(text)
  })
})

describe('order (BIP-69)', () => {
  it('of inputs goes by printed txid, then index', () => {
    // BIP-69, the inputs of 28204cad...: equal txids; and two of 0a6a357e...
    const same = txid('35288d269cee1941eaebb2ea85e32b42cdb2b04284a56d8b14dcc3f5c65d6055')
    const first = txid('0e53ec5dfb2cb8a71fec32dc9a634a35b7e24799295ddd5278217822e0b31f57')
    const sorted = [
      { txid: first, index: 9 },
      { txid: same, index: 0 },
      { txid: same, index: 10 },
    ]
    expect([...sorted].reverse().sort(compareOutpoints)).toEqual(sorted)
  })

  it('of outputs goes by value, then script', () => {
    const sorted = [
      { value: sats(9n), script: Uint8Array.of(2) },
      { value: sats(10n), script: Uint8Array.of(1) },
      { value: sats(10n), script: Uint8Array.of(1, 0) },
      { value: sats(10n), script: Uint8Array.of(2) },
    ]
    expect([...sorted].reverse().sort(compareOutputs)).toEqual(sorted)
  })

  it('is total', () => {
    fc.assert(
      fc.property(output, output, (a, b) => Math.sign(compareOutputs(a, b)) === -Math.sign(compareOutputs(b, a))),
    )
    fc.assert(
      fc.property(
        outpoint,
        outpoint,
        (a, b) => Math.sign(compareOutpoints(a, b)) === -Math.sign(compareOutpoints(b, a)),
      ),
    )
  })
})
