/** The least bits of a word of bech32. */
const wordBits = 5

/** Words as bytes, the last one filled up with zeros: what BOLT-11 hashes. */
export function paddedBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((words.length * wordBits) / 8))
  let held = 0
  let heldBits = 0
  let at = 0
  for (const word of words) {
    held = (held << wordBits) | word
    heldBits += wordBits
    if (heldBits < 8) continue
    heldBits -= 8
    bytes[at++] = held >> heldBits
    held &= (1 << heldBits) - 1
  }
  if (heldBits > 0) bytes[at] = held << (8 - heldBits)
  return bytes
}

/** Words as whole bytes: nothing when a word is left over, or what fills them up is not zero. */
export function wholeBytes(words: readonly number[]): Uint8Array | undefined {
  const restBits = (words.length * wordBits) % 8
  const padded = paddedBytes(words)
  if (restBits === 0) return padded
  return restBits < wordBits && padded[padded.length - 1] === 0 ? padded.subarray(0, -1) : undefined
}

/** Bytes as words, the last one filled up with zeros. */
export function wordsOf(bytes: Uint8Array): number[] {
  const words: number[] = []
  let held = 0
  let heldBits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    heldBits += 8
    while (heldBits >= wordBits) {
      heldBits -= wordBits
      words.push(held >> heldBits)
      held &= (1 << heldBits) - 1
    }
  }
  if (heldBits > 0) words.push(held << (wordBits - heldBits))
  return words
}

/** A whole number in `length` words, or in as few as it takes; 0 takes none. */
export function numberWords(value: number, length?: number): number[] {
  const words: number[] = []
  for (let left = value; left > 0; left = Math.floor(left / 32)) words.unshift(left % 32)
  if (length !== undefined) while (words.length < length) words.unshift(0)
  return words
}

/** The whole number that words write: at most 10 of them, so that it is exact. */
export function wordsNumber(words: readonly number[]): number {
  return words.reduce((value, word) => value * 32 + word, 0)
}
