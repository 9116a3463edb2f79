/** Message word that each step of a round takes, ten rounds of sixteen (RFC 7693, section 2.7). */
const order = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  ...[14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  ...[11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  ...[7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  ...[9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  ...[2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  ...[12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  ...[13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  ...[6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  ...[10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]

/** Halves of the eight words that a state begins with (those of SHA-512), low half first. */
const iv = [
  ...[0xf3bcc908, 0x6a09e667, 0x84caa73b, 0xbb67ae85, 0xfe94f82b, 0x3c6ef372, 0x5f1d36f1, 0xa54ff53a],
  ...[0xade682d1, 0x510e527f, 0x2b3e6c1f, 0x9b05688c, 0xfb41bd6b, 0x1f83d9ab, 0x137e2179, 0x5be0cd19],
]

/** Where the four words begin, in halves, that each of the eight steps of a round mixes. */
const steps = [
  ...[0, 8, 16, 24, 2, 10, 18, 26, 4, 12, 20, 28, 6, 14, 22, 30],
  ...[0, 10, 20, 30, 2, 12, 22, 24, 4, 14, 16, 26, 6, 8, 18, 28],
]

/**
 * The compression function F of BLAKE2b with any number of rounds (EIP-152): `input` has 213 bytes, of which the
 * last is 0 or 1; the state after it has 64.
 */
export function blake2f(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  const rounds = view.getUint32(0)
  const message = new Int32Array(32)
  for (let half = 0; half < 32; half++) message[half] = view.getInt32(68 + 4 * half, true)
  const state = new Int32Array(32)
  for (let half = 0; half < 16; half++) {
    state[half] = view.getInt32(4 + 4 * half, true)
    state[16 + half] = iv[half] as number
  }
  for (let half = 0; half < 4; half++)
    state[24 + half] = (state[24 + half] as number) ^ view.getInt32(196 + 4 * half, true)
  if (input[212] === 1) for (let half = 28; half < 30; half++) state[half] = ~(state[half] as number)

  for (let round = 0; round < rounds; round++) mixRound(state, message, 16 * (round % 10))

  const output = new Uint8Array(64)
  const out = new DataView(output.buffer)
  for (let half = 0; half < 16; half++) {
    const before = view.getInt32(4 + 4 * half, true)
    out.setInt32(4 * half, before ^ (state[half] as number) ^ (state[16 + half] as number), true)
  }
  return output
}

function mixRound(state: Int32Array, message: Int32Array, row: number): void {
  for (let step = 0; step < 8; step++) {
    const x = 2 * (order[row + 2 * step] as number)
    const y = 2 * (order[row + 2 * step + 1] as number)
    mix(state, message, 4 * step, x, y)
  }
}

/** Mixes four words with two of the message. Halves stay in variables: this runs eight times a round. */
function mix(state: Int32Array, message: Int32Array, step: number, x: number, y: number): void {
  const a = steps[step] as number
  const b = steps[step + 1] as number
  const c = steps[step + 2] as number
  const d = steps[step + 3] as number
  let bLow = state[b] as number
  let bHigh = state[b + 1] as number

  let aLow = ((state[a] as number) + bLow) | 0
  let aHigh = ((state[a + 1] as number) + bHigh + carry(state[a] as number, bLow, aLow)) | 0
  let sum = (aLow + (message[x] as number)) | 0
  aHigh = (aHigh + (message[x + 1] as number) + carry(aLow, message[x] as number, sum)) | 0
  aLow = sum
  let dLow = (state[d + 1] as number) ^ aHigh // Turned by 32 bits: the halves change places.
  let dHigh = (state[d] as number) ^ aLow
  let cLow = ((state[c] as number) + dLow) | 0
  let cHigh = ((state[c + 1] as number) + dHigh + carry(state[c] as number, dLow, cLow)) | 0
  let low = bLow ^ cLow
  let high = bHigh ^ cHigh
  bLow = (low >>> 24) | (high << 8)
  bHigh = (high >>> 24) | (low << 8)

  sum = (aLow + bLow) | 0
  aHigh = (aHigh + bHigh + carry(aLow, bLow, sum)) | 0
  aLow = (sum + (message[y] as number)) | 0
  aHigh = (aHigh + (message[y + 1] as number) + carry(sum, message[y] as number, aLow)) | 0
  low = dLow ^ aLow
  high = dHigh ^ aHigh
  dLow = (low >>> 16) | (high << 16)
  dHigh = (high >>> 16) | (low << 16)
  sum = (cLow + dLow) | 0
  cHigh = (cHigh + dHigh + carry(cLow, dLow, sum)) | 0
  cLow = sum
  low = bLow ^ cLow
  high = bHigh ^ cHigh
  state[a] = aLow
  state[a + 1] = aHigh
  state[b] = (low << 1) | (high >>> 31)
  state[b + 1] = (high << 1) | (low >>> 31)
  state[c] = cLow
  state[c + 1] = cHigh
  state[d] = dLow
  state[d + 1] = dHigh
}

/** What the sum of two low halves hands on to the high ones. */
function carry(one: number, other: number, sum: number): number {
  return ((one & other) | ((one | other) & ~sum)) >>> 31
}
