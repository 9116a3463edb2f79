/**
 * The fields under BLS12-381's pairing (draft-irtf-cfrg-pairing-friendly-curves, section 4.2.1), for checks of
 * signatures, where nothing is secret. Made for few divisions: with big integers, the rest of a product by the prime
 * costs several times the product. So numbers keep their sign, sums are not reduced at all, and the wide products
 * of a whole sum are reduced once ({@link narrow}). Whoever compares or writes a number asks for it in its one form
 * ({@link least}).
 */

/** The prime. */
export const prime = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn

/** The parameter of the curve, without its sign: it is negative. */
export const parameter = 0xd201000000010000n

/** x of a number in 0..prime-1. */
export function least(value: bigint): bigint {
  const rest = value % prime
  return rest < 0n ? rest + prime : rest
}

/** A number to a power, by windows of four bits. */
export function power(base: bigint, exponent: readonly number[]): bigint {
  const table = [1n, base]
  for (let at = 2; at < 16; at++) table.push(((table[at - 1] as bigint) * base) % prime)
  let result = 1n
  for (const digit of exponent) {
    for (let bit = 0; bit < 4; bit++) result = (result * result) % prime
    if (digit > 0) result = (result * (table[digit] as bigint)) % prime
  }
  return result
}

/** The hexadecimal digits of an exponent, the highest first. */
export function digitsOf(exponent: bigint): readonly number[] {
  return Array.from(exponent.toString(16), (digit) => Number.parseInt(digit, 16))
}

/** One over a number, and 0 for 0, by Euclid's algorithm. */
export function inverse(value: bigint): bigint {
  let [high, low] = [prime, least(value)]
  let [before, now] = [0n, 1n]
  while (low > 0n) {
    const times = high / low
    const [rest, next] = [high - times * low, before - times * now]
    high = low
    low = rest
    before = now
    now = next
  }
  return high === 1n ? before : 0n
}

/** (prime - 3) / 4: a number to this power, times the number, is its root, or that of its negative. */
const rootExponent = /* @__PURE__ */ digitsOf((prime - 3n) / 4n)

/** What {@link rootExponent} does: `root` squared is the number where `isSquare`, else its negative. */
export function rootOf(value: bigint): { readonly root: bigint; readonly over: bigint; readonly isSquare: boolean } {
  const over = power(value, rootExponent)
  const root = (value * over) % prime
  return { root, over, isSquare: least(root * root - value) === 0n }
}

/** re + im u, with u squared being -1. */
export interface Pair {
  readonly re: bigint
  readonly im: bigint
}

export const zero: Pair = { re: 0n, im: 0n }
export const one: Pair = { re: 1n, im: 0n }

export function add(a: Pair, b: Pair): Pair {
  return { re: a.re + b.re, im: a.im + b.im }
}

export function sub(a: Pair, b: Pair): Pair {
  return { re: a.re - b.re, im: a.im - b.im }
}

export function neg(a: Pair): Pair {
  return { re: -a.re, im: -a.im }
}

export function twice(a: Pair): Pair {
  return { re: a.re << 1n, im: a.im << 1n }
}

export function times(a: Pair, factor: bigint): Pair {
  return { re: a.re * factor, im: a.im * factor }
}

export function conjugate(a: Pair): Pair {
  return { re: a.re, im: -a.im }
}

/** Times 1 + u, of which the larger fields take the roots. */
export function turned(a: Pair): Pair {
  return { re: a.re - a.im, im: a.re + a.im }
}

/** A product that is still as wide as its factors together. */
export function wideMul(a: Pair, b: Pair): Pair {
  const re = a.re * b.re
  const im = a.im * b.im
  return { re: re - im, im: (a.re + a.im) * (b.re + b.im) - re - im }
}

export function wideSqr(a: Pair): Pair {
  return { re: (a.re + a.im) * (a.re - a.im), im: (a.re * a.im) << 1n }
}

export function narrow(a: Pair): Pair {
  return { re: a.re % prime, im: a.im % prime }
}

export function mul(a: Pair, b: Pair): Pair {
  const re = a.re * b.re
  const im = a.im * b.im
  return { re: (re - im) % prime, im: ((a.re + a.im) * (b.re + b.im) - re - im) % prime }
}

export function sqr(a: Pair): Pair {
  return { re: ((a.re + a.im) * (a.re - a.im)) % prime, im: ((a.re * a.im) << 1n) % prime }
}

export function scale(a: Pair, factor: bigint): Pair {
  return { re: (a.re * factor) % prime, im: (a.im * factor) % prime }
}

export function invert(a: Pair): Pair {
  const over = inverse(a.re * a.re + a.im * a.im)
  return { re: (a.re * over) % prime, im: (-a.im * over) % prime }
}

export function isZero(a: Pair): boolean {
  return a.re % prime === 0n && a.im % prime === 0n
}

export function isEqual(a: Pair, b: Pair): boolean {
  return isZero(sub(a, b))
}

export function powerOf(base: Pair, exponent: bigint): Pair {
  let result = one
  for (const digit of exponent.toString(2)) {
    result = sqr(result)
    if (digit === '1') result = mul(result, base)
  }
  return result
}

const half = (prime + 1n) / 2n

/**
 * A root of a square, from a root of its norm: two powers of plain numbers instead of one of pairs. Nothing when it is
 * none.
 */
export function rootOfPair(a: Pair, norm: bigint): Pair | undefined {
  const first = ((a.re + norm) * half) % prime
  const shifted = first === 0n ? ((a.re - norm) * half) % prime : first
  const { root, over, isSquare } = rootOf(shifted)
  const other = (((a.im * over) % prime) * half) % prime
  const found = isSquare ? { re: root, im: other } : { re: other, im: -root }
  return isEqual(sqr(found), a) ? found : undefined
}
