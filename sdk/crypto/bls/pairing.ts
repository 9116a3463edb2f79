import { add, mul, neg, type Pair, parameter, scale, sqr, sub, times, turned } from './field.ts'
import { flatKey, flatMark, type Key, type Mark } from './points.ts'
import { isOneAtLast, type Line, square, unit, type Value, withLine } from './tower.ts'

const parameterBits = /* @__PURE__ */ parameter.toString(2).slice(1)

/** A pair on its way through Miller's loop. */
interface Walk {
  readonly key: { readonly x: bigint; readonly y: bigint }
  readonly mark: { readonly x: Pair; readonly y: Pair }
  x: Pair
  y: Pair
  z: Pair
}

/**
 * True when the product of all pairings is one. All walk through one loop, and have their last power in common. No
 * point may be infinity, and all must be in their groups.
 */
export function isProductOne(pairs: readonly (readonly [Key, Mark])[]): boolean {
  const walks = pairs.map(([key, mark]): Walk => {
    const flat = flatMark(mark)
    return { key: flatKey(key), mark: flat, ...flat, z: { re: 1n, im: 0n } }
  })
  let value: Value = unit
  for (const bit of parameterBits) {
    value = square(value)
    for (const walk of walks) value = withLine(value, doubling(walk))
    if (bit === '1') for (const walk of walks) value = withLine(value, adding(walk))
  }
  // The parameter is negative, which turns the product into its inverse: one stays one.
  return isOneAtLast(value)
}

/**
 * Doubles the point, and the tangent there at the key (Aranha, Karabina, Longa, Gebotys and Lopez, eprint 2010/526,
 * section 4), everything times 4 to have no halves.
 */
function doubling(walk: Walk): Line {
  const { x, y, z, key } = walk
  const yy = sqr(y)
  const e = times(turned(sqr(z)), 12n)
  const f = times(e, 3n)
  const h = times(mul(y, z), 2n)
  const xx = sqr(x)
  walk.x = mul(times(mul(x, y), 2n), sub(yy, f))
  walk.y = sub(sqr(add(yy, f)), times(sqr(e), 12n))
  walk.z = times(mul(yy, h), 4n)
  return { a: sub(e, yy), b: scale(times(xx, 3n), key.x), c: scale(neg(h), key.y) }
}

/** Adds the mark to the point, and the line through both at the key. */
function adding(walk: Walk): Line {
  const { x, y, z, key, mark } = walk
  const rise = sub(y, mul(mark.y, z))
  const run = sub(x, mul(mark.x, z))
  const squared = sqr(run)
  const cubed = mul(squared, run)
  const g = mul(squared, x)
  const h = sub(add(cubed, mul(sqr(rise), z)), times(g, 2n))
  walk.x = mul(run, h)
  walk.y = sub(mul(rise, sub(g, h)), mul(cubed, y))
  walk.z = mul(z, cubed)
  return { a: sub(mul(rise, mark.x), mul(run, mark.y)), b: scale(neg(rise), key.x), c: scale(run, key.y) }
}
