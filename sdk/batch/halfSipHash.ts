/**
 * HalfSipHash-1-3 over 32-bit words, for hash tables that strangers fill (Aumasson and Bernstein, "SipHash").
 *
 * Without the key nobody can choose words that collide; with a plain mixing function anybody can, and one
 * envelope of colliding keys would stall a planner. Not a message authentication code.
 *
 * @param words - Key material from `start` to `end`; equals the reference on little-endian bytes.
 * @returns Signed 32 bits.
 */
export function halfSipHash(words: Int32Array, start: number, end: number, key0: number, key1: number): number {
  let v0 = key0
  let v1 = key1
  let v2 = key0 ^ 0x6c796765
  let v3 = key1 ^ 0x74656462
  // After the words comes one block with the length in bytes, then three rounds that close.
  for (let at = start; at < end + 4; at++) {
    const word = at < end ? (words[at] as number) : at === end ? (end - start) << 26 : 0
    if (at === end + 1) v2 ^= 0xff
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}
