/** Chance that is the same for the same seed, on every machine. Not for keys. */
export interface Random {
  /** A whole number from 0 up to and without `below`. */
  readonly below: (below: number) => number
  /** A whole number from `low` to `high`, both included. */
  readonly from: (low: number, high: number) => number
  /** True with a probability from 0 to 1. */
  readonly chance: (probability: number) => boolean
  readonly pick: <item>(items: readonly item[]) => item
  readonly bytes: (size: number) => Uint8Array
}

/** Chance from a seed: sfc32 (PractRand's small fast counter), seeded by splitmix32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const split = () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
  let [a, b, c, counter] = [split(), split(), split(), 1]
  const word = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (let at = 0; at < 12; at++) word()
  const below = (limit: number) => Math.floor((word() / 2 ** 32) * limit)
  return {
    below,
    from: (low, high) => low + below(high - low + 1),
    chance: (probability) => probability > 0 && word() / 2 ** 32 < probability,
    pick: <item>(items: readonly item[]) => items[below(items.length)] as item,
    bytes: (size) => Uint8Array.from({ length: size }, () => below(256)),
  }
}
