import { sha256 } from '../hashes.ts'
import {
  add,
  invert,
  isZero,
  least,
  mul,
  narrow,
  neg,
  one,
  type Pair,
  prime,
  rootOf,
  rootOfPair,
  sqr,
} from './field.ts'
import { addMarks, doubledMark, type Mark, negatedMark, noMark, timesParameter, turnedMark } from './points.ts'

/** The curve that the map goes to first: y² = x³ + a x + b, and the number it needs (RFC 9380, section 8.8.2). */
const a: Pair = { re: 0n, im: 240n }
const b: Pair = { re: 1012n, im: 1012n }
const z: Pair = { re: -2n, im: -1n }

/**
 * A message to a point of the group of signatures (RFC 9380, suite BLS12381G2_XMD:SHA-256_SSWU_RO_). Nothing for the
 * messages, which nobody will ever meet, whose point is infinity.
 *
 * @param tag - Sets this use apart from every other, in ASCII.
 */
export function markOf(message: Uint8Array, tag: string): Mark {
  const [first, second] = numbersOf(message, tag)
  return cleared(addMarks(toCurve(first), toCurve(second)))
}

/** `hash_to_field`: two pairs, of 64 bytes a number. */
function numbersOf(message: Uint8Array, tag: string): readonly [Pair, Pair] {
  const bytes = expanded(message, tag, 256)
  const number = (at: number) => {
    let value = 0n
    for (let byte = 64 * at; byte < 64 * (at + 1); byte++) value = (value << 8n) | BigInt(bytes[byte] as number)
    return value % prime
  }
  return [
    { re: number(0), im: number(1) },
    { re: number(2), im: number(3) },
  ]
}

/** `expand_message_xmd` with SHA-256. */
function expanded(message: Uint8Array, tag: string, size: number): Uint8Array {
  const name = Uint8Array.from([...tag].map((letter) => letter.charCodeAt(0)).concat(tag.length))
  const first = sha256(joined(new Uint8Array(64), message, Uint8Array.of(size >> 8, size & 255, 0), name))
  const bytes = new Uint8Array(size)
  let block = new Uint8Array(32)
  for (let at = 0; at < size / 32; at++) {
    const mixed = first.map((byte, index) => byte ^ (block[index] as number))
    block = new Uint8Array(sha256(joined(mixed, Uint8Array.of(at + 1), name)))
    bytes.set(block, 32 * at)
  }
  return bytes
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** -b / a, b / (z a), and a root of -125: what of the map is the same for every number. */
let constants: { readonly start: Pair; readonly exception: Pair; readonly root: bigint } | undefined

/**
 * The simplified map of Shallue, van de Woestijne and Ulas (RFC 9380, section 6.6.2), and what it comes to on the curve
 * of the signatures.
 *
 * Whether a pair is a square, its norm tells, whose root its own root needs anyway. The second candidate is the first
 * times (z u²)³, so the root of its norm follows too: z has norm 5, and -125 is a square.
 */
function toCurve(u: Pair): Mark {
  constants ??= {
    start: neg(mul(b, invert(a))),
    exception: mul(b, invert(mul(z, a))),
    root: rootOf(prime - 125n).root,
  }
  const squared = mul(z, sqr(u))
  const divisor = add(sqr(squared), squared)
  const x = isZero(divisor) ? constants.exception : mul(constants.start, add(one, invert(divisor)))
  const g = narrow(add(mul(add(sqr(x), a), x), b))
  const { root, isSquare } = rootOf(g.re * g.re + g.im * g.im)
  const norm = (u.re * u.re + u.im * u.im) % prime
  const found = isSquare
    ? { x, y: rootOfPair(g, root) }
    : {
        x: mul(squared, x),
        y: rootOfPair(
          mul(mul(sqr(squared), squared), g),
          (((((constants.root * root) % prime) * norm) % prime) * ((norm * norm) % prime)) % prime,
        ),
      }
  if (!found.y) return noMark // One of the two is a square: this is never reached.
  return isogeny(found.x, signOf(u) === signOf(found.y) ? found.y : neg(found.y))
}

/** `sgn0`. */
function signOf({ re, im }: Pair): bigint {
  const low = least(re)
  return low === 0n ? least(im) & 1n : low & 1n
}

/** RFC 9380, appendix E.3: coefficients of x's and y's fractions, the highest power first. */
const q = 0x5c759507e8e333ebb5b7a9a47d7ed8532c52d39fd3a042a88b58423c50ae15d5c2638e343d9c71c6238aaaaaaaa97d6n
const r = 0x11560bf17baa99bc32126fced787c88f984f87adf7ae0c7f9a208c6b4f20a4181472aaa9cb8d555526a9ffffffffc71an
const s = 0x8ab05f8bdd54cde190937e76bc3e447cc27c3d6fbd7063fcd104635a790520c0a395554e5c6aaaa9354ffffffffe38dn
const t = 0x1530477c7ab4113b59a4c18b076d11930f7da5d4a07f649bf54439d87d27e500fc8c25ebf8c92f6812cfc71c71c6d706n
const fractions = {
  xOver: [
    pair(0x171d6541fa38ccfaed6dea691f5fb614cb14b4e7f4e810aa22d6108f142b85757098e38d0f671c7188e2aaaaaaaa5ed1n, 0n),
    pair(r + 4n, s),
    pair(0n, r),
    pair(q, q),
  ],
  xUnder: [one, pair(12n, -12n), pair(0n, -72n)],
  yOver: [
    pair(0x124c9ad43b6cf79bfbf7043de3811ad0761b0f37a1e26286b0e977c69aa274524e79097a56dc4bd9e1b371c71c718b10n, 0n),
    pair(r + 2n, s + 2n),
    pair(0n, q - 24n),
    pair(t, t),
  ],
  yUnder: [one, pair(18n, -18n), pair(0n, -216n), pair(-432n, -432n)],
}

function pair(re: bigint, im: bigint): Pair {
  return { re, im }
}

function isogeny(x: Pair, y: Pair): Mark {
  const [xOver, xUnder, yOver, yUnder] = (['xOver', 'xUnder', 'yOver', 'yUnder'] as const).map((name) =>
    fractions[name].reduce((sum, coefficient) => add(mul(sum, x), coefficient)),
  ) as [Pair, Pair, Pair, Pair]
  // Over the one z, both fractions lose their divisions.
  const z = mul(xUnder, yUnder)
  const under = mul(z, yUnder)
  return { x: mul(xOver, under), y: mul(mul(y, yOver), mul(under, sqr(xUnder))), z }
}

/** Into the group (RFC 9380, appendix G.3): x² - x - 1 times, x - 1 times its `psi`, and `psi` twice of its double. */
function cleared(point: Mark): Mark {
  const once = timesParameter(point)
  const turned = turnedMark(point)
  const twiceTurned = turnedMark(turnedMark(doubledMark(point)))
  const inner = addMarks(once, turned)
  const outer = addMarks(addMarks(timesParameter(inner), negatedMark(once)), addMarks(twiceTurned, negatedMark(turned)))
  return addMarks(outer, negatedMark(point))
}
