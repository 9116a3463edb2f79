import { isBytes, quantity, type RlpItem, toBigInt } from '../../rlp.ts'
import { type Address, address, fromHex, type Slot, slot, toHex } from '../../units.ts'

/** How a value stands in RLP: one encoding a value, and nothing for whatever is not of the shape. Never throws. */
export interface Shape<value> {
  readonly read: (item: RlpItem) => value | undefined
  readonly write: (value: value) => RlpItem
}

export const bytes: Shape<Uint8Array> = {
  read: (item) => (isBytes(item) ? item : undefined),
  write: (value) => value,
}

/** A whole number below 2^256, without leading zeros. */
export const scalar: Shape<bigint> = {
  read: (item) => (isBytes(item) && item.length <= 32 && item[0] !== 0 ? toBigInt(item) : undefined),
  write: quantity,
}

/** A whole number that a JavaScript number holds exactly. */
export const count: Shape<number> = {
  read: (item) => {
    const value = scalar.read(item)
    return value !== undefined && value <= Number.MAX_SAFE_INTEGER ? Number(value) : undefined
  },
  write: quantity,
}

export const account: Shape<Address> = {
  read: (item) => (isBytes(item) && item.length === 20 ? address(toHex(item)) : undefined),
  write: (value) => fromHex(value),
}

export const slotName: Shape<Slot> = {
  read: (item) => (isBytes(item) && item.length === 32 ? slot(toHex(item)) : undefined),
  write: (value) => fromHex(value),
}

/** A list of at most `most`. */
export function list<value>(of: Shape<value>, most: number): Shape<readonly value[]> {
  return {
    read: (item) => {
      if (isBytes(item) || item.length > most) return undefined
      const values: value[] = []
      for (const one of item) {
        const value = of.read(one)
        if (value === undefined) return undefined
        values.push(value)
      }
      return values
    },
    write: (values) => values.map(of.write),
  }
}

/** Nothing as an empty list, something as a list of one. */
export function optional<value>(of: Shape<value>): Shape<value | null> {
  const one = list(of, 1)
  return {
    read: (item) => {
      const values = one.read(item)
      return values && (values[0] ?? null)
    },
    write: (value) => one.write(value === null ? [] : [value]),
  }
}

/** Fields in their order. */
export function record<fields extends object>(
  shapes: { readonly [name in keyof fields]: Shape<fields[name]> },
): Shape<fields> {
  const entries = Object.entries(shapes) as [keyof fields, Shape<unknown>][]
  return {
    read: (item) => {
      if (isBytes(item) || item.length !== entries.length) return undefined
      const values: Partial<fields> = {}
      for (const [at, [name, shape]] of entries.entries()) {
        const value = shape.read(item[at] as RlpItem)
        if (value === undefined) return undefined
        values[name] = value as fields[keyof fields]
      }
      return values as fields
    },
    write: (value) => entries.map(([name, shape]) => shape.write(value[name])),
  }
}
