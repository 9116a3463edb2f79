import { isBytes, type RlpItem, toBigInt } from '../rlp.ts'

/**
 * Takes the fields of a consensus list (RLP) from first to last.
 *
 * The first field that does not fit is kept in `reason`, and everything taken from then on is a zero of the right
 * type, to be thrown away: so a decoder reads as one object literal and one question at its end.
 */
export interface Fields {
  /** Exactly `size` bytes. */
  readonly fixed: (name: string, size: number) => Uint8Array
  /** Any bytes. */
  readonly data: (name: string) => Uint8Array
  /** A whole number of at most `sizeMax` bytes, without leading zeros. */
  readonly scalar: (name: string, sizeMax: number) => bigint
  /** A whole number that a JavaScript number holds exactly. */
  readonly count: (name: string) => number
  readonly list: (name: string) => readonly RlpItem[]
  /** Why the list is not what it should be; nothing when all fields taken fit and none is left over. */
  readonly reason: () => string | undefined
}

/** Starts at the first of `items`. */
export function readFields(items: readonly RlpItem[]): Fields {
  let taken = 0
  let reason: string | undefined

  function take<field>(name: string, fit: (item: RlpItem) => field | undefined, zero: field): field {
    const item = items[taken]
    taken += 1
    const value = item === undefined ? undefined : fit(item)
    if (value === undefined) reason ??= item === undefined ? `${name} is missing` : `${name} is malformed`
    return reason === undefined && value !== undefined ? value : zero
  }
  const scalar = (name: string, sizeMax: number) => take(name, (item) => scalarOf(item, sizeMax), 0n)

  return {
    fixed: (name, size) =>
      take(name, (item) => (isBytes(item) && item.length === size ? item : undefined), new Uint8Array(size)),
    data: (name) => take(name, (item) => (isBytes(item) ? item : undefined), new Uint8Array(0)),
    scalar,
    count: (name) =>
      take(
        name,
        (item) => {
          const value = scalarOf(item, 8)
          return value === undefined || value > Number.MAX_SAFE_INTEGER ? undefined : Number(value)
        },
        0,
      ),
    list: (name) => take<readonly RlpItem[]>(name, (item) => (isBytes(item) ? undefined : item), []),
    reason: () => reason ?? (taken < items.length ? 'fields are left over' : undefined),
  }
}

function scalarOf(item: RlpItem, sizeMax: number): bigint | undefined {
  return isBytes(item) && item.length <= sizeMax && item[0] !== 0 ? toBigInt(item) : undefined
}
