import { p256 } from '@noble/curves/nist.js'

const noBytes = new Uint8Array(0)

/**
 * The contract of EIP-7951: digest, r, s, x and y, 32 bytes each; the word 1 when the signature is the key's, else no
 * bytes. It never fails, and takes a high s.
 */
export function p256Verify(input: Uint8Array): Uint8Array {
  if (input.length !== 160) return noBytes
  const key = new Uint8Array(65)
  key[0] = 4
  key.set(input.subarray(96), 1)
  try {
    const options = { prehash: false, lowS: false, format: 'compact' } as const
    if (!p256.verify(input.subarray(32, 96), input.subarray(0, 32), key, options)) return noBytes
  } catch {
    return noBytes // No such key or signature.
  }
  const one = new Uint8Array(32)
  one[31] = 1
  return one
}
