import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBitcoin } from '../../edge/config.ts'
import { readOutpoint } from '../../edge/outpoint.ts'
import { accepted } from '../../sdk/errors.ts'
import { fromHex } from '../../sdk/units.ts'
import { closingInput, closingOf } from './closings.ts'

describe('the outpoint of a deposit', () => {
  it('[CB12] is read from the signed example of BIP-143 that spends one input', () => {
    // BIP-143, "P2SH-P2WPKH": the final signed transaction.
    const signed = fromHex(
      '0x01000000000101db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3ceb1a5477010000001716001479091972186c449eb1ded22b78e40d009bdf0089feffffff02b8b4eb0b000000001976a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008af2f000000001976a914fd270b1ee6abcaea97fea7ad0402e8bd8ad6d77c88ac02473044022047ac8e878352d3ebbde1c94ce3a10d057c24175747116f8288e5d794d12d482f0220217f36a485cae903c713331d877c1f64677e3622ad4010726870540656fe9dcb012103ad1d8e89212f0b92c74d23bb710c00662ad1470198ac48c43f7d6f93a2a2687392040000',
    )
    const txid = '77541aeb3c4dac9260b68f74f44c973081a9d4cb2ebe8038b2d70faa201b6bdb'
    expect(readOutpoint(signed)).toEqual(accepted({ txid, index: 1 }))
  })

  it('[CB12] is refused of a transaction that is cut, longer, unsigned or with two inputs', () => {
    const closing = closingOf(1)
    expect(readOutpoint(closing)).toEqual(accepted(closingInput))
    for (let size = 0; size < closing.length; size++) expect(readOutpoint(closing.subarray(0, size)).ok).toBe(false)
    expect(readOutpoint(Uint8Array.of(...closing, 0)).ok).toBe(false)
    const twoInputs = closing.slice()
    twoInputs[6] = 2
    expect(readOutpoint(twoInputs).ok).toBe(false)
    const unsigned = Uint8Array.of(...closing.subarray(0, -7), 0, ...closing.subarray(-4))
    expect(readOutpoint(unsigned).ok).toBe(false)
  })

  it('[CB12] garbage never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => typeof readOutpoint(bytes).ok === 'boolean'))
    const spoilt = fc.tuple(fc.nat(closingOf(1).length - 1), fc.nat(255))
    fc.assert(
      fc.property(spoilt, ([at, byte]) => typeof readOutpoint(closingOf(1).fill(byte, at, at + 1)).ok === 'boolean'),
    )
  })
})

describe('the BITCOIN variable', () => {
  const good = { network: 'signet', esplora: ['https://one.example/api'] }

  it('is empty, or names a network and its sources', () => {
    // What an empty variable is, one that is not set, and one that bare workerd does not find in its environment.
    for (const none of ['', undefined, null]) expect(decodeBitcoin(none)).toEqual(accepted(null))
    expect(decodeBitcoin(JSON.stringify(good))).toEqual(accepted({ ...good, pollMs: 30_000 }))
  })

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[]'],
    ['another network', JSON.stringify({ ...good, network: 'testnet3' })],
    ['no sources', JSON.stringify({ ...good, esplora: [] })],
    ['too many sources', JSON.stringify({ ...good, esplora: Array(5).fill('https://one.example') })],
    ['another scheme', JSON.stringify({ ...good, esplora: ['file:///etc/passwd'] })],
    ['a misspelt field', JSON.stringify({ ...good, pollMS: 1_000 })],
    ['a pause out of range', JSON.stringify({ ...good, pollMs: 0 })],
  ])('is refused as %s', (_, text) => {
    expect(decodeBitcoin(text).ok).toBe(false)
  })
})
