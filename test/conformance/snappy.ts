/** Most bytes that a vector may unpack to. */
const unpackedBytesMax = 4 * 1024 * 1024

/**
 * Unpacks snappy in its block format (google/snappy, `format_description.txt`). Strict, for tests alone: throws for
 * anything but one whole block.
 */
export function unpackSnappy(packed: Uint8Array): Uint8Array {
  let at = 0
  const byte = () => {
    const value = packed[at]
    if (value === undefined) throw new Error('snappy: the block is cut short')
    at += 1
    return value
  }
  const little = (size: number) => {
    let value = 0
    for (let shift = 0; shift < size; shift++) value += byte() * 2 ** (8 * shift)
    return value
  }
  const out = new Uint8Array(lengthOf(byte))
  let end = 0
  while (at < packed.length) {
    const tag = byte()
    if ((tag & 3) === 0) {
      const size = 1 + (tag >> 2 < 60 ? tag >> 2 : little((tag >> 2) - 59))
      if (at + size > packed.length || end + size > out.length) throw new Error('snappy: a literal is too long')
      out.set(packed.subarray(at, at + size), end)
      at += size
      end += size
      continue
    }
    const near = (tag & 3) === 1
    const size = near ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2)
    const offset = near ? (tag >> 5) * 256 + byte() : little((tag & 3) === 2 ? 2 : 4)
    if (offset === 0 || offset > end || end + size > out.length) throw new Error('snappy: a copy is out of range')
    // Byte by byte: a copy may reach into what it writes.
    for (let copied = 0; copied < size; copied++) out[end + copied] = out[end + copied - offset] as number
    end += size
  }
  if (end !== out.length) throw new Error('snappy: the block is shorter than it says')
  return out
}

function lengthOf(byte: () => number): number {
  let length = 0
  for (let shift = 0; ; shift += 7) {
    if (shift > 28) throw new Error('snappy: the length is too long')
    const value = byte()
    length += (value & 127) * 2 ** shift
    if (value < 128) break
  }
  if (length > unpackedBytesMax) throw new Error(`snappy: the block unpacks to more than ${unpackedBytesMax} bytes`)
  return length
}
