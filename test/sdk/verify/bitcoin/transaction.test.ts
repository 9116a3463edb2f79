import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinBytes } from '../../../../sdk/units.ts'
import { hash256 } from '../../../../sdk/verify/bitcoin/hash.ts'
import { decodeTransaction, hashText } from '../../../../sdk/verify/bitcoin/index.ts'
import { bytesOf, held } from '../../../conformance/bitcoin.ts'
import { coinbaseBytes, encodeTransaction, paymentBytes } from './regtest.ts'

/** BIP-143, "Native P2WPKH": signed, with one input of the old kind and one with a witness. */
const mixed = bytesOf(
  '01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000',
)
const input = `${'11'.repeat(32)}0000000000ffffffff`
const nothing = `${'00'.repeat(32)}ffffffff`
const output = `${'00'.repeat(8)}00`
const build = (...parts: readonly string[]) => decodeTransaction(bytesOf(parts.join('')))

describe('decodeTransaction', () => {
  it('reads the fields, and hashes with and without witness', () => {
    const { inputs, outputs, ...rest } = held(decodeTransaction(mixed))
    expect(rest).toMatchObject({ version: 1, locktime: 17, coinbase: false, strippedSize: 233, weight: 3 * 233 + 343 })
    expect(hashText(rest.txid)).toBe('e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609')
    expect(hashText(rest.wtxid)).toBe('c36c38370907df2324d9ce9d149d191192f338b37665a82e78e76a12c909b762')
    expect(inputs.map(({ vout, sequence }) => [vout, sequence])).toEqual([
      [0, 0xffffffee],
      [1, 0xffffffff],
    ])
    expect(outputs.map(({ value }) => value)).toEqual([112_340_000n, 223_450_000n])
  })

  it('has the same txid without the witness, which then is its wtxid too', () => {
    const whole = held(decodeTransaction(mixed))
    const stripped = encodeTransaction({ ...whole, witness: new Uint8Array(0) })
    const bare = held(decodeTransaction(stripped))
    expect([bare.txid, bare.wtxid]).toEqual([whole.txid, whole.txid])
    expect(hash256(stripped)).toEqual(whole.txid)
  })

  it('tells a coinbase by its only input, which spends nothing', () => {
    expect(held(decodeTransaction(coinbaseBytes(1))).coinbase).toBe(true)
    expect(held(decodeTransaction(paymentBytes(1, [{ value: 1n, script: bytesOf('51') }]))).coinbase).toBe(false)
    // The same hash with another index, or the same index with another hash, is an ordinary input.
    expect(
      held(build('0100000001', nothing.replace(/f+$/, 'fffffffe'), '00ffffffff', '01', output, '00000000')).coinbase,
    ).toBe(false)
  })

  it('reads versions as signed numbers', () => {
    expect(held(build('ffffffff01', input, '01', output, '00000000')).version).toBe(-1)
  })

  it.each([
    ['no bytes', ''],
    ['no inputs', `010000000001${output}00000000`],
    ['no outputs', `0100000001${input}0000000000`],
    ['neither inputs nor outputs', '01000000000000000000'],
    ['a witness flag that is none', `01000000000201${input}01${output}010000000000`],
    ['a witness flag without a witness', `01000000000101${input}01${output}0000000000`],
    ['a witness flag without inputs', `0100000000010001${output}00000000`],
    ['a witness that is cut short', `01000000000101${input}01${output}0102aa00000000`],
    ['a length in a longer form', `01000000fd0100${input}01${output}00000000`],
    ['a script length in a longer form', `0100000001${'11'.repeat(32)}00000000fe00000000ffffffff01${output}00000000`],
    ['a length in its longest form', `01000000ff0100000000000000${input}01${output}00000000`],
    ['a length beyond memory', `01000000ffffffffffffffffff${input}01${output}00000000`],
    ['more inputs than bytes', `01000000feffffff00${input}01${output}00000000`],
    ['more than all bitcoin', `0100000001${input}010140075af07507000000000000`],
    ['more than all bitcoin in sum', `0100000001${input}020040075af07507000001000000000000000000000000`],
    ['a negative amount', `0100000001${input}01${'ff'.repeat(8)}0000000000`],
    ['a coinbase among inputs', `0100000002${input}${nothing}025151ffffffff01${output}00000000`],
    ['two coinbases', `0100000002${`${nothing}025151ffffffff`.repeat(2)}01${output}00000000`],
    ['a coinbase script that is too short', `0100000001${nothing}0151ffffffff01${output}00000000`],
    ['a coinbase script that is too long', `0100000001${nothing}65${'51'.repeat(101)}ffffffff01${output}00000000`],
    ['a byte more', `0100000001${input}01${output}0000000000`],
  ])('refuses %s', (_, text) => {
    expect(build(text).ok).toBe(false)
  })

  it('takes what is just allowed', () => {
    expect(build('0100000001', input, `010040075af07507000000000000`).ok).toBe(true)
    expect(build('0100000001', nothing, `64${'51'.repeat(100)}ffffffff01`, output, '00000000').ok).toBe(true)
    expect(build('0100000001', nothing, '025151ffffffff01', output, '00000000').ok).toBe(true)
  })

  it('refuses what outweighs a block', () => {
    const script = (size: number) =>
      new Uint8Array([0xfe, size, size >> 8, size >> 16, size >> 24, ...new Uint8Array(size)])
    const [head, tail] = [bytesOf(`0100000001${input}01${'00'.repeat(8)}`), bytesOf('00000000')]
    const besides = head.length + 5 + tail.length
    expect(decodeTransaction(joinBytes(head, script(1_000_000 - besides), tail)).ok).toBe(true)
    expect(decodeTransaction(joinBytes(head, script(1_000_001 - besides), tail)).ok).toBe(false)
  })

  it('passes over millions of witness pieces without keeping them', () => {
    const pieces = 3_000_000
    const count = Uint8Array.of(0xfe, pieces, pieces >> 8, pieces >> 16, pieces >> 24)
    const bytes = joinBytes(
      bytesOf(`01000000000101${input}01${output}`),
      count,
      new Uint8Array(pieces),
      bytesOf('00000000'),
    )
    expect(held(decodeTransaction(bytes)).witness.length).toBe(pieces + 5)
  })
})

describe('laws of decodeTransaction', () => {
  const samples = [
    mixed,
    coinbaseBytes(7),
    paymentBytes(2, [{ value: 1n, script: new Uint8Array(0) }]),
    paymentBytes(3, [
      { value: 2_000_000_000_000_000n, script: bytesOf('51') },
      { value: 0n, script: new Uint8Array(100) },
    ]),
  ]

  it('every transaction has one encoding', () => {
    for (const bytes of samples) expect(encodeTransaction(held(decodeTransaction(bytes)))).toEqual(bytes)
  })

  it('changed bytes are refused, or are the encoding of another transaction', () => {
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, where, flip) => {
        const changed = bytes.slice()
        const at = where % bytes.length
        changed[at] = (changed[at] as number) ^ flip
        const transaction = decodeTransaction(changed)
        if (!transaction.ok) return
        expect(encodeTransaction(transaction.value)).toEqual(changed)
        expect(transaction.value.wtxid).not.toEqual(held(decodeTransaction(bytes)).wtxid)
      }),
      { numRuns: 2_000 },
    )
  })

  it('a part of a transaction is none', () => {
    for (const bytes of samples)
      for (let size = 0; size < bytes.length; size++) expect(decodeTransaction(bytes.slice(0, size)).ok).toBe(false)
  })

  it('no bytes make it throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeTransaction(bytes)))
  })
})
