import { psiFrobenius } from '@noble/curves/abstract/tower.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'

/** Points of the curve that signatures of BLS12-381 lie on, by the library's field of pairs: its own steps, with fewer multiplications. */

const { G2, fields, params } = bls12_381
const { Fp, Fp2 } = fields
const { Point } = G2
export type SignaturePoint = typeof Point.ZERO
export type Pair = typeof Fp2.ONE

/** (p - 3) / 4: p leaves 3 when divided by 4. */
const rootPower = /* @__PURE__ */ (Fp.ORDER - 3n) / 4n
/** The inverse of two. */
const half = /* @__PURE__ */ (Fp.ORDER + 1n) / 2n

/** The square root of a number, or of its negative where only that has one. */
export function rootOfEither(value: bigint): bigint {
  return Fp.mul(Fp.pow(value, rootPower), value)
}

/** The square of a pair's length, a number: it is a square exactly where the pair is one. */
export function normOf({ c0, c1 }: Pair): bigint {
  return Fp.add(Fp.sqr(c0), Fp.sqr(c1))
}

/**
 * A square root of a pair, whichever of the two. The library's raises one more number to a power, to know which it takes the root of.
 * Throws where there is none.
 *
 * @param rootOfNorm - Of {@link normOf} the pair, either one.
 */
export function pairRoot(pair: Pair, rootOfNorm: bigint): Pair {
  const { c0, c1 } = pair
  const sum = Fp.mul(Fp.add(c0, rootOfNorm), half)
  // (c0 + n)(c0 - n) = -c1^2: where the one half is zero, the other is c0.
  const square = sum === 0n ? c0 : sum
  const power = Fp.pow(square, rootPower)
  const one = Fp.mul(power, square)
  const isSquare = Fp.eql(Fp.sqr(one), square)
  // 1 / one is power, or its negative: a number to the power (p - 1) / 2 is 1 for squares, else -1.
  const other = Fp.mul(Fp.mul(c1, half), isSquare ? power : Fp.neg(power))
  const root = isSquare ? Fp2.fromBigTuple([one, other]) : Fp2.fromBigTuple([other, one])
  if (!Fp2.eql(Fp2.sqr(root), pair)) throw new RangeError()
  return root
}

/** True for a point of the curve that is in the group, or infinity (Scott, "A note on group membership tests", 2021). */
export function isInGroup(point: SignaturePoint): boolean {
  return timesParameter(point).equals(psi(point))
}

/** `clear_cofactor_bls12381_g2` (RFC 9380, appendix G.3): in the group, whatever point of the curve it is given. */
export function clearCofactor(point: SignaturePoint): SignaturePoint {
  const sum = timesParameter(point).add(psi(point))
  return timesParameter(sum)
    .subtract(sum)
    .subtract(point)
    .add(psi(psi(point.double())))
}

let frobenius: ReturnType<typeof psiFrobenius> | undefined

/** The endomorphism that is, in the group, the multiplication by the curve's parameter. */
function psi({ X, Y, Z }: SignaturePoint): SignaturePoint {
  frobenius ??= psiFrobenius(Fp, Fp2, Fp2.inv(Fp2.NONRESIDUE))
  const [x, y] = frobenius.psi(X, Y)
  return new Point(x, y, Fp2.frobeniusMap(Z, 1))
}

/** A point times the parameter of the curve, a negative number of 64 bits of which six are set. */
function timesParameter(point: SignaturePoint): SignaturePoint {
  let sum = point
  let zeros = 0
  for (const bit of params.ateLoopSize.toString(2).slice(1)) {
    zeros += 1
    if (bit === '0') continue
    sum = doubled(sum, zeros).add(point)
    zeros = 0
  }
  return doubled(sum, zeros).negate()
}

/**
 * A point doubled so many times, in Jacobian coordinates (x = X / Z^2, y = Y / Z^3; "dbl-2009-l" of the Explicit-Formulas Database): less
 * than half of the multiplications that the library's coordinates take. Infinity is the one exception, since no point has order two.
 */
function doubled(point: SignaturePoint, times: number): SignaturePoint {
  if (point.is0()) return point
  const { X, Y, Z } = point
  let [x, y, z] = [Fp2.mul(X, Z), Fp2.mul(Y, Fp2.sqr(Z)), Z]
  for (let time = 0; time < times; time++) {
    const [a, b] = [Fp2.sqr(x), Fp2.sqr(y)]
    const c = Fp2.sqr(b)
    const d = twice(Fp2.sub(Fp2.sub(Fp2.sqr(Fp2.add(x, b)), a), c))
    const e = Fp2.add(twice(a), a)
    z = twice(Fp2.mul(y, z))
    x = Fp2.sub(Fp2.sqr(e), twice(d))
    y = Fp2.sub(Fp2.mul(e, Fp2.sub(d, x)), twice(twice(twice(c))))
  }
  return new Point(Fp2.mul(x, z), y, Fp2.mul(Fp2.sqr(z), z))
}

function twice(pair: Pair): Pair {
  return Fp2.add(pair, pair)
}
