/**
 * A place in bytes that somebody sent. Reading past the end, or a length in a longer form than it needs, gives an empty
 * answer and leaves a `fault` behind: a decoder reads on, to nothing, and looks at the fault before it believes what it
 * read.
 */
export interface Reader {
  readonly bytes: Uint8Array
  at: number
  fault: string | null
}

/** Starts at the first byte. */
export function readerOf(bytes: Uint8Array): Reader {
  return { bytes, at: 0, fault: null }
}

/** The next bytes: a view, not a copy. */
export function readBytes(reader: Reader, size: number): Uint8Array {
  const from = reader.at
  skipBytes(reader, size)
  return reader.bytes.subarray(from, reader.fault === null ? reader.at : from)
}

/** Passes over bytes. */
export function skipBytes(reader: Reader, size: number): void {
  if (size > reader.bytes.length - reader.at) fail(reader, 'the bytes are cut short')
  else reader.at += size
}

/** The next number, lowest byte first. Exact below 2^53; larger ones stay larger. */
export function readNumber(reader: Reader, size: number): number {
  const from = reader.at
  skipBytes(reader, size)
  if (reader.fault !== null) return 0
  let value = 0
  for (let at = reader.at - 1; at >= from; at--) value = value * 256 + (reader.bytes[at] as number)
  return value
}

/**
 * How many things of at least `sizeMin` bytes come next: never more than `max`, nor than the rest of the bytes can hold,
 * so a length that lies costs nothing. It stands in Bitcoin's compact form, and in no longer one than it needs.
 */
export function readCount(reader: Reader, sizeMin: number, max = Number.MAX_SAFE_INTEGER): number {
  const first = readNumber(reader, 1)
  if (first < 0xfd) return bounded(reader, first, sizeMin, max)
  const width = 2 ** (first - 0xfc)
  const count = readNumber(reader, width)
  if (count < (width === 2 ? 0xfd : 256 ** (width / 2))) fail(reader, 'a length is longer than it needs to be')
  return bounded(reader, count, sizeMin, max)
}

function bounded(reader: Reader, count: number, sizeMin: number, max: number): number {
  if (count > max || count * sizeMin > reader.bytes.length - reader.at) fail(reader, 'a length exceeds the bytes')
  return reader.fault === null ? count : 0
}

function fail(reader: Reader, fault: string): void {
  reader.fault ??= fault
  reader.at = reader.bytes.length
}
