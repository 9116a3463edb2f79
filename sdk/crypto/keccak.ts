import { abytes } from '@noble/hashes/utils.js'

/** Words of 32 bits that go in before the lanes are mixed: of 1,600 bits, all but twice the hash's 256. */
const rate = 34

/** Iota: a constant for each of the 24 rounds, low word first. */
const constants = Int32Array.of(
  ...[0x00000001, 0x00000000, 0x00008082, 0x00000000, 0x0000808a, 0x80000000, 0x80008000, 0x80000000],
  ...[0x0000808b, 0x00000000, 0x80000001, 0x00000000, 0x80008081, 0x80000000, 0x00008009, 0x80000000],
  ...[0x0000008a, 0x00000000, 0x00000088, 0x00000000, 0x80008009, 0x00000000, 0x8000000a, 0x00000000],
  ...[0x8000808b, 0x00000000, 0x0000008b, 0x80000000, 0x00008089, 0x80000000, 0x00008003, 0x80000000],
  ...[0x00008002, 0x80000000, 0x00000080, 0x80000000, 0x0000800a, 0x00000000, 0x8000000a, 0x80000000],
  ...[0x80008081, 0x80000000, 0x00008080, 0x80000000, 0x80000001, 0x00000000, 0x80008008, 0x80000000],
)

// Lane x of row y is in the words 10y + 2x (low half) and 10y + 2x + 1. A hash calls nobody else, so all hashes share them.
const lanes = new Int32Array(50)
const moved = new Int32Array(50)
const sums = new Int32Array(10)
const permute = /* @__PURE__ */ permutation(lanes, moved, sums)

/**
 * Keccak-256 as Ethereum uses it (Keccak's own padding, not NIST SHA3-256), in 32 bytes that are new. Its steps are the same
 * for all bytes of one length, and nothing of them stays behind. Throws a TypeError for anything but a Uint8Array.
 */
export function keccak256(bytes: Uint8Array): Uint8Array {
  abytes(bytes)
  // Zero already, unless the end of the stack cut an earlier call off, as was seen in an engine without a compiler.
  lanes.fill(0)
  let at = 0
  for (; bytes.length - at >= 4 * rate; at += 4 * rate) {
    addWords(bytes, at, rate)
    permute()
  }
  const left = bytes.length - at
  addWords(bytes, at, left >> 2)
  for (let place = left & ~3; place < left; place++) addByte(place, bytes[at + place] as number)
  addByte(left, 1)
  addByte(4 * rate - 1, 0x80)
  permute()
  const hash = new Uint8Array(32)
  for (let place = 0; place < 32; place++) hash[place] = (lanes[place >> 2] as number) >> (8 * (place & 3))
  for (const words of [lanes, moved, sums]) words.fill(0)
  return hash
}

/** Adds the bytes from `at` on to the first words. As fast as a view of them, and right wherever they begin, on any platform. */
function addWords(bytes: Uint8Array, at: number, count: number): void {
  for (let word = 0; word < count; word++, at += 4) {
    const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    const high = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)
    lanes[word] = (lanes[word] as number) ^ (low | (high << 16))
  }
}

function addByte(place: number, byte: number): void {
  lanes[place >> 2] = (lanes[place >> 2] as number) ^ (byte << (8 * (place & 3)))
}

/**
 * Keccak-f[1600] (FIPS 202, section 3.3). Its steps get their arrays as parameters, once: these stay constants in a bundle,
 * which variables of a module do not, and V8 reads a word of a constant array without a check. It saves a quarter of the time.
 */
function permutation(lanes: Int32Array, moved: Int32Array, sums: Int32Array): () => void {
  const addColumns = columnSums(lanes, sums)
  const move = moves(lanes, moved, sums)
  const combineLow = lowRows(lanes, moved)
  const combineHigh = highRows(lanes, moved)
  return () => {
    for (let at = 0; at < constants.length; at += 2) {
      addColumns()
      move()
      combineLow()
      combineHigh()
      lanes[0] = (lanes[0] as number) ^ (constants[at] as number)
      lanes[1] = (lanes[1] as number) ^ (constants[at + 1] as number)
    }
  }
}

/** Half of theta: the sum of each column. */
function columnSums(lanes: Int32Array, sums: Int32Array): () => void {
  const sum = (at: number) =>
    (lanes[at] as number) ^
    (lanes[at + 10] as number) ^
    (lanes[at + 20] as number) ^
    (lanes[at + 30] as number) ^
    (lanes[at + 40] as number)
  return () => {
    sums[0] = sum(0)
    sums[1] = sum(1)
    sums[2] = sum(2)
    sums[3] = sum(3)
    sums[4] = sum(4)
    sums[5] = sum(5)
    sums[6] = sum(6)
    sums[7] = sum(7)
    sums[8] = sum(8)
    sums[9] = sum(9)
  }
}

/** The other half of theta, rho and pi: each lane, with the sums of two columns added and turned, goes to its new place. */
function moves(lanes: Int32Array, moved: Int32Array, sums: Int32Array): () => void {
  return () => {
    const low0 = (sums[8] as number) ^ turn(sums[2] as number, sums[3] as number, 1)
    const high0 = (sums[9] as number) ^ turn(sums[3] as number, sums[2] as number, 1)
    const low1 = (sums[0] as number) ^ turn(sums[4] as number, sums[5] as number, 1)
    const high1 = (sums[1] as number) ^ turn(sums[5] as number, sums[4] as number, 1)
    const low2 = (sums[2] as number) ^ turn(sums[6] as number, sums[7] as number, 1)
    const high2 = (sums[3] as number) ^ turn(sums[7] as number, sums[6] as number, 1)
    const low3 = (sums[4] as number) ^ turn(sums[8] as number, sums[9] as number, 1)
    const high3 = (sums[5] as number) ^ turn(sums[9] as number, sums[8] as number, 1)
    const low4 = (sums[6] as number) ^ turn(sums[0] as number, sums[1] as number, 1)
    const high4 = (sums[7] as number) ^ turn(sums[1] as number, sums[0] as number, 1)
    moved[0] = (lanes[0] as number) ^ low0
    moved[1] = (lanes[1] as number) ^ high0
    moved[32] = turn((lanes[11] as number) ^ high0, (lanes[10] as number) ^ low0, 4)
    moved[33] = turn((lanes[10] as number) ^ low0, (lanes[11] as number) ^ high0, 4)
    moved[14] = turn((lanes[20] as number) ^ low0, (lanes[21] as number) ^ high0, 3)
    moved[15] = turn((lanes[21] as number) ^ high0, (lanes[20] as number) ^ low0, 3)
    moved[46] = turn((lanes[31] as number) ^ high0, (lanes[30] as number) ^ low0, 9)
    moved[47] = turn((lanes[30] as number) ^ low0, (lanes[31] as number) ^ high0, 9)
    moved[28] = turn((lanes[40] as number) ^ low0, (lanes[41] as number) ^ high0, 18)
    moved[29] = turn((lanes[41] as number) ^ high0, (lanes[40] as number) ^ low0, 18)
    moved[20] = turn((lanes[2] as number) ^ low1, (lanes[3] as number) ^ high1, 1)
    moved[21] = turn((lanes[3] as number) ^ high1, (lanes[2] as number) ^ low1, 1)
    moved[2] = turn((lanes[13] as number) ^ high1, (lanes[12] as number) ^ low1, 12)
    moved[3] = turn((lanes[12] as number) ^ low1, (lanes[13] as number) ^ high1, 12)
    moved[34] = turn((lanes[22] as number) ^ low1, (lanes[23] as number) ^ high1, 10)
    moved[35] = turn((lanes[23] as number) ^ high1, (lanes[22] as number) ^ low1, 10)
    moved[16] = turn((lanes[33] as number) ^ high1, (lanes[32] as number) ^ low1, 13)
    moved[17] = turn((lanes[32] as number) ^ low1, (lanes[33] as number) ^ high1, 13)
    moved[48] = turn((lanes[42] as number) ^ low1, (lanes[43] as number) ^ high1, 2)
    moved[49] = turn((lanes[43] as number) ^ high1, (lanes[42] as number) ^ low1, 2)
    moved[40] = turn((lanes[5] as number) ^ high2, (lanes[4] as number) ^ low2, 30)
    moved[41] = turn((lanes[4] as number) ^ low2, (lanes[5] as number) ^ high2, 30)
    moved[22] = turn((lanes[14] as number) ^ low2, (lanes[15] as number) ^ high2, 6)
    moved[23] = turn((lanes[15] as number) ^ high2, (lanes[14] as number) ^ low2, 6)
    moved[4] = turn((lanes[25] as number) ^ high2, (lanes[24] as number) ^ low2, 11)
    moved[5] = turn((lanes[24] as number) ^ low2, (lanes[25] as number) ^ high2, 11)
    moved[36] = turn((lanes[34] as number) ^ low2, (lanes[35] as number) ^ high2, 15)
    moved[37] = turn((lanes[35] as number) ^ high2, (lanes[34] as number) ^ low2, 15)
    moved[18] = turn((lanes[45] as number) ^ high2, (lanes[44] as number) ^ low2, 29)
    moved[19] = turn((lanes[44] as number) ^ low2, (lanes[45] as number) ^ high2, 29)
    moved[10] = turn((lanes[6] as number) ^ low3, (lanes[7] as number) ^ high3, 28)
    moved[11] = turn((lanes[7] as number) ^ high3, (lanes[6] as number) ^ low3, 28)
    moved[42] = turn((lanes[17] as number) ^ high3, (lanes[16] as number) ^ low3, 23)
    moved[43] = turn((lanes[16] as number) ^ low3, (lanes[17] as number) ^ high3, 23)
    moved[24] = turn((lanes[26] as number) ^ low3, (lanes[27] as number) ^ high3, 25)
    moved[25] = turn((lanes[27] as number) ^ high3, (lanes[26] as number) ^ low3, 25)
    moved[6] = turn((lanes[36] as number) ^ low3, (lanes[37] as number) ^ high3, 21)
    moved[7] = turn((lanes[37] as number) ^ high3, (lanes[36] as number) ^ low3, 21)
    moved[38] = turn((lanes[47] as number) ^ high3, (lanes[46] as number) ^ low3, 24)
    moved[39] = turn((lanes[46] as number) ^ low3, (lanes[47] as number) ^ high3, 24)
    moved[30] = turn((lanes[8] as number) ^ low4, (lanes[9] as number) ^ high4, 27)
    moved[31] = turn((lanes[9] as number) ^ high4, (lanes[8] as number) ^ low4, 27)
    moved[12] = turn((lanes[18] as number) ^ low4, (lanes[19] as number) ^ high4, 20)
    moved[13] = turn((lanes[19] as number) ^ high4, (lanes[18] as number) ^ low4, 20)
    moved[44] = turn((lanes[29] as number) ^ high4, (lanes[28] as number) ^ low4, 7)
    moved[45] = turn((lanes[28] as number) ^ low4, (lanes[29] as number) ^ high4, 7)
    moved[26] = turn((lanes[38] as number) ^ low4, (lanes[39] as number) ^ high4, 8)
    moved[27] = turn((lanes[39] as number) ^ high4, (lanes[38] as number) ^ low4, 8)
    moved[8] = turn((lanes[48] as number) ^ low4, (lanes[49] as number) ^ high4, 14)
    moved[9] = turn((lanes[49] as number) ^ high4, (lanes[48] as number) ^ low4, 14)
  }
}

/** Chi, of low words: each lane is combined with the next two of its row. */
function lowRows(lanes: Int32Array, moved: Int32Array): () => void {
  return () => {
    let a = moved[0] as number
    let b = moved[2] as number
    let c = moved[4] as number
    let d = moved[6] as number
    let e = moved[8] as number
    lanes[0] = a ^ (~b & c)
    lanes[2] = b ^ (~c & d)
    lanes[4] = c ^ (~d & e)
    lanes[6] = d ^ (~e & a)
    lanes[8] = e ^ (~a & b)
    a = moved[10] as number
    b = moved[12] as number
    c = moved[14] as number
    d = moved[16] as number
    e = moved[18] as number
    lanes[10] = a ^ (~b & c)
    lanes[12] = b ^ (~c & d)
    lanes[14] = c ^ (~d & e)
    lanes[16] = d ^ (~e & a)
    lanes[18] = e ^ (~a & b)
    a = moved[20] as number
    b = moved[22] as number
    c = moved[24] as number
    d = moved[26] as number
    e = moved[28] as number
    lanes[20] = a ^ (~b & c)
    lanes[22] = b ^ (~c & d)
    lanes[24] = c ^ (~d & e)
    lanes[26] = d ^ (~e & a)
    lanes[28] = e ^ (~a & b)
    a = moved[30] as number
    b = moved[32] as number
    c = moved[34] as number
    d = moved[36] as number
    e = moved[38] as number
    lanes[30] = a ^ (~b & c)
    lanes[32] = b ^ (~c & d)
    lanes[34] = c ^ (~d & e)
    lanes[36] = d ^ (~e & a)
    lanes[38] = e ^ (~a & b)
    a = moved[40] as number
    b = moved[42] as number
    c = moved[44] as number
    d = moved[46] as number
    e = moved[48] as number
    lanes[40] = a ^ (~b & c)
    lanes[42] = b ^ (~c & d)
    lanes[44] = c ^ (~d & e)
    lanes[46] = d ^ (~e & a)
    lanes[48] = e ^ (~a & b)
  }
}

/**
 * Chi, of high words. A function for one row would be called, and not inlined, ten times a round; and one for both halves,
 * over views that begin a word apart, takes a quarter longer: of code that two closures share, no array is a constant.
 */
function highRows(lanes: Int32Array, moved: Int32Array): () => void {
  return () => {
    let a = moved[1] as number
    let b = moved[3] as number
    let c = moved[5] as number
    let d = moved[7] as number
    let e = moved[9] as number
    lanes[1] = a ^ (~b & c)
    lanes[3] = b ^ (~c & d)
    lanes[5] = c ^ (~d & e)
    lanes[7] = d ^ (~e & a)
    lanes[9] = e ^ (~a & b)
    a = moved[11] as number
    b = moved[13] as number
    c = moved[15] as number
    d = moved[17] as number
    e = moved[19] as number
    lanes[11] = a ^ (~b & c)
    lanes[13] = b ^ (~c & d)
    lanes[15] = c ^ (~d & e)
    lanes[17] = d ^ (~e & a)
    lanes[19] = e ^ (~a & b)
    a = moved[21] as number
    b = moved[23] as number
    c = moved[25] as number
    d = moved[27] as number
    e = moved[29] as number
    lanes[21] = a ^ (~b & c)
    lanes[23] = b ^ (~c & d)
    lanes[25] = c ^ (~d & e)
    lanes[27] = d ^ (~e & a)
    lanes[29] = e ^ (~a & b)
    a = moved[31] as number
    b = moved[33] as number
    c = moved[35] as number
    d = moved[37] as number
    e = moved[39] as number
    lanes[31] = a ^ (~b & c)
    lanes[33] = b ^ (~c & d)
    lanes[35] = c ^ (~d & e)
    lanes[37] = d ^ (~e & a)
    lanes[39] = e ^ (~a & b)
    a = moved[41] as number
    b = moved[43] as number
    c = moved[45] as number
    d = moved[47] as number
    e = moved[49] as number
    lanes[41] = a ^ (~b & c)
    lanes[43] = b ^ (~c & d)
    lanes[45] = c ^ (~d & e)
    lanes[47] = d ^ (~e & a)
    lanes[49] = e ^ (~a & b)
  }
}

/** The upper of two words that are turned left as one, by 1 to 31 bits. */
function turn(upper: number, lower: number, bits: number): number {
  return (upper << bits) | (lower >>> (32 - bits))
}
