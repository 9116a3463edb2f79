/** Constants of the rounds (FIPS 180-4, section 4.2.2). */
const rounds = /* @__PURE__ */ Int32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
)

const words = /* @__PURE__ */ new Int32Array(64)
const state = /* @__PURE__ */ new Int32Array(8)
const tail = /* @__PURE__ */ new Uint8Array(128)
const tailView = /* @__PURE__ */ new DataView(tail.buffer)

/**
 * SHA-256 (FIPS 180-4). Headers, Merkle trees and SSZ hash little pieces by the thousand, where what is around the
 * rounds costs as much as they do.
 */
export function sha256(bytes: Uint8Array): Uint8Array {
  begin()
  const whole = bytes.length - (bytes.length % 64)
  if (whole > 0) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = 0; at < whole; at += 64) compress(view, at)
  }
  const rest = bytes.length - whole
  const size = rest < 56 ? 64 : 128
  tail.fill(0, 0, size)
  for (let at = 0; at < rest; at++) tail[at] = bytes[whole + at] as number
  tail[rest] = 0x80
  tailView.setUint32(size - 8, Math.floor(bytes.length / 0x20000000))
  tailView.setUint32(size - 4, bytes.length << 3)
  for (let at = 0; at < size; at += 64) compress(tailView, at)
  const digest = new Uint8Array(32)
  for (let at = 0; at < 32; at++) digest[at] = (state[at >> 2] as number) >>> (24 - 8 * (at & 3))
  return digest
}

function begin(): void {
  state[0] = 0x6a09e667
  state[1] = 0xbb67ae85
  state[2] = 0x3c6ef372
  state[3] = 0xa54ff53a
  state[4] = 0x510e527f
  state[5] = 0x9b05688c
  state[6] = 0x1f83d9ab
  state[7] = 0x5be0cd19
}

/** Takes one block of 64 bytes in. */
function compress(view: DataView, start: number): void {
  for (let at = 0; at < 16; at++) words[at] = view.getInt32(start + 4 * at)
  for (let at = 16; at < 64; at++) {
    const w = words[at - 15] as number
    const v = words[at - 2] as number
    const low = ((w >>> 7) | (w << 25)) ^ ((w >>> 18) | (w << 14)) ^ (w >>> 3)
    const high = ((v >>> 17) | (v << 15)) ^ ((v >>> 19) | (v << 13)) ^ (v >>> 10)
    words[at] = ((words[at - 16] as number) + low + (words[at - 7] as number) + high) | 0
  }
  let a = state[0] as number
  let b = state[1] as number
  let c = state[2] as number
  let d = state[3] as number
  let e = state[4] as number
  let f = state[5] as number
  let g = state[6] as number
  let h = state[7] as number
  for (let at = 0; at < 64; at++) {
    const sums = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const first = (h + sums + (g ^ (e & (f ^ g))) + (rounds[at] as number) + (words[at] as number)) | 0
    const other = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const second = (other + ((a & b) | (c & (a | b)))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  state[0] = ((state[0] as number) + a) | 0
  state[1] = ((state[1] as number) + b) | 0
  state[2] = ((state[2] as number) + c) | 0
  state[3] = ((state[3] as number) + d) | 0
  state[4] = ((state[4] as number) + e) | 0
  state[5] = ((state[5] as number) + f) | 0
  state[6] = ((state[6] as number) + g) | 0
  state[7] = ((state[7] as number) + h) | 0
}
