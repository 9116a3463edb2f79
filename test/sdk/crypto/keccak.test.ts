import { keccak_256 } from '@noble/hashes/sha3.js'
import { describe, expect, it } from 'vitest'
import { keccak256 } from '../../../sdk/crypto/keccak.ts'
import { toHex } from '../../../sdk/units.ts'

/** Bytes that differ in every place. */
const bytesOf = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 167 + length * 31 + 5) & 255)

describe('keccak256', () => {
  it('is what Ethereum hashes by: the empty string, and three letters', () => {
    expect(toHex(keccak256(new Uint8Array(0)))).toBe(
      '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
    )
    expect(toHex(keccak256(Uint8Array.of(97, 98, 99)))).toBe(
      '0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45',
    )
  })

  it('is the library on every length around the edges of words and blocks', () => {
    for (let length = 0; length <= 3 * 136 + 2; length++)
      expect(keccak256(bytesOf(length)), `length ${length}`).toEqual(keccak_256(bytesOf(length)))
  })

  it('reads views at odd places, keeps nothing of a call for the next, and gives each its own bytes', () => {
    const whole = bytesOf(700)
    const first = keccak256(whole.subarray(3, 341))
    const second = keccak256(whole.subarray(1, 8))
    expect(first).toEqual(keccak_256(whole.slice(3, 341)))
    expect(second).toEqual(keccak_256(whole.slice(1, 8)))
    expect(first.buffer).not.toBe(second.buffer)
  })
})
