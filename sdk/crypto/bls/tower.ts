import {
  add,
  conjugate,
  invert,
  isEqual,
  isZero,
  mul,
  narrow,
  neg,
  one,
  type Pair,
  parameter,
  powerOf,
  prime,
  sub,
  times,
  turned,
  twice,
  wideMul,
  wideSqr,
  zero,
} from './field.ts'

/** a + b v + c v², with v cubed being 1 + u. */
interface Triple {
  readonly a: Pair
  readonly b: Pair
  readonly c: Pair
}

/** low + high w, with w squared being v: where pairings have their values. */
export interface Value {
  readonly low: Triple
  readonly high: Triple
}

/** A line through points as it stands at another point: a + b v + c v w, all other places being empty. */
export interface Line {
  readonly a: Pair
  readonly b: Pair
  readonly c: Pair
}

const none: Triple = { a: zero, b: zero, c: zero }
export const unit: Value = { low: { a: one, b: zero, c: zero }, high: none }

function plus(x: Triple, y: Triple): Triple {
  return { a: add(x.a, y.a), b: add(x.b, y.b), c: add(x.c, y.c) }
}

function minus(x: Triple, y: Triple): Triple {
  return { a: sub(x.a, y.a), b: sub(x.b, y.b), c: sub(x.c, y.c) }
}

function narrowed(x: Triple): Triple {
  return { a: narrow(x.a), b: narrow(x.b), c: narrow(x.c) }
}

/** Times v. */
function raised(x: Triple): Triple {
  return { a: turned(x.c), b: x.a, c: x.b }
}

/** Karatsuba's product, not reduced. */
function wideProduct(x: Triple, y: Triple): Triple {
  const a = wideMul(x.a, y.a)
  const b = wideMul(x.b, y.b)
  const c = wideMul(x.c, y.c)
  return {
    a: add(a, turned(sub(sub(wideMul(add(x.b, x.c), add(y.b, y.c)), b), c))),
    b: add(sub(sub(wideMul(add(x.a, x.b), add(y.a, y.b)), a), b), turned(c)),
    c: add(sub(sub(wideMul(add(x.a, x.c), add(y.a, y.c)), a), c), b),
  }
}

/** The product with a + b v. */
function wideSparse(x: Triple, a: Pair, b: Pair): Triple {
  const first = wideMul(x.a, a)
  const second = wideMul(x.b, b)
  return {
    a: add(first, turned(sub(wideMul(add(x.b, x.c), b), second))),
    b: sub(sub(wideMul(add(x.a, x.b), add(a, b)), first), second),
    c: add(sub(wideMul(add(x.a, x.c), a), first), second),
  }
}

export function product(x: Value, y: Value): Value {
  const low = wideProduct(x.low, y.low)
  const high = wideProduct(x.high, y.high)
  const both = wideProduct(plus(x.low, x.high), plus(y.low, y.high))
  return { low: narrowed(plus(low, raised(high))), high: narrowed(minus(minus(both, low), high)) }
}

export function square(x: Value): Value {
  const cross = wideProduct(x.low, x.high)
  const both = wideProduct(plus(x.low, x.high), plus(x.low, raised(x.high)))
  return {
    low: narrowed(minus(minus(both, cross), raised(cross))),
    high: narrowed(plus(cross, cross)),
  }
}

export function withLine(x: Value, { a, b, c }: Line): Value {
  const low = wideSparse(x.low, a, b)
  const high = { a: turned(wideMul(x.high.c, c)), b: wideMul(x.high.a, c), c: wideMul(x.high.b, c) }
  const both = wideSparse(plus(x.low, x.high), a, add(b, c))
  return { low: narrowed(plus(low, raised(high))), high: narrowed(minus(minus(both, low), high)) }
}

/** The value whose high half has the other sign: the inverse, where a pairing's value ends up. */
function flipped({ low, high }: Value): Value {
  return { low, high: { a: neg(high.a), b: neg(high.b), c: neg(high.c) } }
}

function inverted({ low, high }: Value): Value {
  const norm = narrowed(minus(wideProduct(low, low), raised(wideProduct(high, high))))
  const over = invertedTriple(norm)
  const { high: up, low: down } = { low: wideProduct(low, over), high: wideProduct(high, over) }
  return flipped({ low: narrowed(down), high: narrowed(up) })
}

function invertedTriple({ a, b, c }: Triple): Triple {
  const first = narrow(sub(wideSqr(a), turned(wideMul(b, c))))
  const second = narrow(sub(turned(wideSqr(c)), wideMul(a, b)))
  const third = narrow(sub(wideSqr(b), wideMul(a, c)))
  const norm = add(wideMul(a, first), turned(add(wideMul(c, second), wideMul(b, third))))
  const over = invert(narrow(norm))
  return { a: mul(first, over), b: mul(second, over), c: mul(third, over) }
}

/** Powers of 1 + u that the prime's power brings in: at place i of w, the i-th. */
let turns: readonly Pair[] | undefined

function frobeniusTurns(): readonly Pair[] {
  if (turns) return turns
  const first = powerOf({ re: 1n, im: 1n }, (prime - 1n) / 6n)
  const made = [one, first]
  while (made.length < 6) made.push(mul(made[made.length - 1] as Pair, first))
  turns = made
  return made
}

/** The value to the power of the prime. */
function frobenius({ low, high }: Value): Value {
  const by = frobeniusTurns()
  const at = (pair: Pair, place: number) => mul(conjugate(pair), by[place] as Pair)
  return {
    low: { a: at(low.a, 0), b: at(low.b, 2), c: at(low.c, 4) },
    high: { a: at(high.a, 1), b: at(high.b, 3), c: at(high.c, 5) },
  }
}

/** Granger and Scott's square of a value whose {@link flipped} is its inverse (eprint 2009/565, section 3.2). */
function unitarySquare({ low, high }: Value): Value {
  const first = quartic(low.a, high.b)
  const second = quartic(high.a, low.c)
  const third = quartic(low.b, high.c)
  return {
    low: {
      a: narrow(sub(times(first.even, 3n), twice(low.a))),
      b: narrow(sub(times(second.even, 3n), twice(low.b))),
      c: narrow(sub(times(third.even, 3n), twice(low.c))),
    },
    high: {
      a: narrow(add(times(turned(third.odd), 3n), twice(high.a))),
      b: narrow(add(times(first.odd, 3n), twice(high.b))),
      c: narrow(add(times(second.odd, 3n), twice(high.c))),
    },
  }
}

/** (a + b s)², s squared being 1 + u; not reduced. */
function quartic(a: Pair, b: Pair): { readonly even: Pair; readonly odd: Pair } {
  const squares = { a: wideSqr(a), b: wideSqr(b) }
  return {
    even: add(squares.a, turned(squares.b)),
    odd: sub(sub(wideSqr(add(a, b)), squares.a), squares.b),
  }
}

const parameterBits = /* @__PURE__ */ parameter.toString(2).slice(1)

/** To the power of the curve's parameter, which is negative. */
function toParameter(x: Value): Value {
  let result = x
  for (const bit of parameterBits) {
    result = unitarySquare(result)
    if (bit === '1') result = product(result, x)
  }
  return flipped(result)
}

/**
 * True for a product of pairings that is one, told before its last power. That power is (p^12 - 1) / r, and here three
 * times it, which is one for the same values: (p^6 - 1) (p^2 + 1) ((x - 1)^2 (x + p) (x^2 + p^2 - 1) + 3), the form of
 * Hayashida, Hayasaka and Teruya (eprint 2020/875).
 */
export function isOneAtLast(x: Value): boolean {
  const half = product(flipped(x), inverted(x))
  const base = product(frobenius(frobenius(half)), half)
  const once = product(toParameter(base), flipped(base))
  const squared = product(toParameter(once), flipped(once))
  const third = product(toParameter(squared), frobenius(squared))
  const fourth = product(product(toParameter(toParameter(third)), frobenius(frobenius(third))), flipped(third))
  return isOne(product(fourth, product(unitarySquare(base), base)))
}

function isOne({ low, high }: Value): boolean {
  return isEqual(low.a, one) && [low.b, low.c, high.a, high.b, high.c].every(isZero)
}
