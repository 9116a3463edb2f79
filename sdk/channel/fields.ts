import { type RlpItem, toBigInt } from '../rlp.ts'
import { type Msats, msats, type Sats, sats, satsMax } from '../units.ts'

/** Longest byte string where none is said: a script, a signature, a transaction with one input. */
export const fieldBytesMax = 1_024

/** The item as a byte string of up to `max` bytes, copied out of the message; else nothing. */
export function asBytes(item: RlpItem | undefined, max = fieldBytesMax): Uint8Array | undefined {
  return item instanceof Uint8Array && item.length <= max ? item.slice() : undefined
}

/** The item as a byte string of exactly `size` bytes, copied; else nothing. */
export function asFixed(item: RlpItem | undefined, size: number): Uint8Array | undefined {
  return item instanceof Uint8Array && item.length === size ? item.slice() : undefined
}

/** The item as a list of exactly `length` items; else nothing. */
export function asList(item: RlpItem | undefined, length: number): readonly RlpItem[] | undefined {
  return item === undefined || item instanceof Uint8Array || item.length !== length ? undefined : item
}

/** The item as a whole number up to `max`, in its shortest form; else nothing. */
export function asNumber(item: RlpItem | undefined, max: number): number | undefined {
  const value = asQuantity(item)
  return value === undefined || value > BigInt(max) ? undefined : Number(value)
}

/** The item as an amount, in its shortest form; else nothing. */
export function asSats(item: RlpItem | undefined): Sats | undefined {
  const value = asQuantity(item)
  return value === undefined || value > satsMax ? undefined : sats(value)
}

/** The item as an amount in the finer unit, in its shortest form; else nothing. */
export function asMsats(item: RlpItem | undefined): Msats | undefined {
  const value = asQuantity(item)
  return value === undefined || value > 1_000n * satsMax ? undefined : msats(value)
}

/** The item as one of `names`, by its place among them; else nothing. */
export function asName<name extends string>(item: RlpItem | undefined, names: readonly name[]): name | undefined {
  const place = asNumber(item, names.length - 1)
  return place === undefined ? undefined : names[place]
}

/** An item that may be absent: `null` for the empty list, what `read` makes of any other; nothing when it is malformed. */
export function asOptional<value>(
  item: RlpItem | undefined,
  read: (item: RlpItem | undefined) => value | undefined,
): value | null | undefined {
  return asList(item, 0) ? null : read(item)
}

function asQuantity(item: RlpItem | undefined): bigint | undefined {
  if (!(item instanceof Uint8Array) || item.length > 8 || item[0] === 0) return undefined
  return toBigInt(item)
}
