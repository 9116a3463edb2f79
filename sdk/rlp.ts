import { accepted, type Decoded, refused } from './errors.ts'

/** What RLP carries: a string of bytes, or a list of such items. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** Deepest list nesting {@link decodeRlp} follows. Transactions, blocks and envelopes need five. */
export const rlpDepthMax = 64

/**
 * Recursive Length Prefix, canonical (Ethereum Yellow Paper, appendix B).
 *
 * @returns Freshly allocated bytes; the input is copied, never kept.
 */
export function encodeRlp(item: RlpItem): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(sizeOf(item))
  write(item, out, 0)
  return out
}

/** The shortest big-endian bytes of a quantity; zero is the empty string. */
export function quantity(value: bigint | number): Uint8Array<ArrayBuffer> {
  let digits = value.toString(16)
  if (digits === '0') return new Uint8Array(0)
  if (digits.length % 2) digits = `0${digits}`
  const out = new Uint8Array(digits.length / 2)
  for (let at = 0; at < out.length; at++) out[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16)
  return out
}

/** True for a string of bytes, false for a list. */
export function isBytes(item: RlpItem): item is Uint8Array {
  return item instanceof Uint8Array
}

/** Reads big-endian bytes as a number; the caller has judged leading zeros. */
export function toBigInt(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

/**
 * Reads exactly one item that fills `bytes`. Never throws.
 *
 * Refuses whatever has a second encoding (long form of a short length, a wrapped single byte, leading
 * zeros in a length), trailing bytes, and nesting beyond {@link rlpDepthMax}.
 *
 * @returns Views into `bytes`, not copies.
 */
export function decodeRlp(bytes: Uint8Array): Decoded<RlpItem> {
  const read = readItem(bytes, 0, bytes.length, 0)
  if (typeof read === 'string') return refused(read)
  if (read.end !== bytes.length) return refused('bytes follow the item')
  return accepted(read.item)
}

/** Where the payload of one item lies, and whether that is a list. */
export interface RlpHead {
  readonly list: boolean
  readonly start: number
  readonly end: number
}

function readItem(
  bytes: Uint8Array,
  at: number,
  limit: number,
  depth: number,
): { item: RlpItem; end: number } | string {
  const head = readRlpHead(bytes, at, limit)
  if (typeof head === 'string') return head
  if (!head.list) return { item: bytes.subarray(head.start, head.end), end: head.end }
  if (depth === rlpDepthMax) return `lists are nested deeper than ${rlpDepthMax}`
  const items: RlpItem[] = []
  for (let next = head.start; next < head.end; ) {
    const read = readItem(bytes, next, head.end, depth + 1)
    if (typeof read === 'string') return read
    items.push(read.item)
    next = read.end
  }
  return { item: items, end: head.end }
}

/**
 * Reads the head of the item at `at`, as strictly as {@link decodeRlp}, or says why not. For decoders that know their
 * format: they refuse at the first wrong item, where a tree of a hostile megabyte would be a hundred times its size.
 */
export function readRlpHead(bytes: Uint8Array, at: number, limit: number): RlpHead | string {
  const first = bytes[at]
  if (first === undefined || at >= limit) return 'the item is empty'
  if (first < 0x80) return { list: false, start: at, end: at + 1 }
  const list = first >= 0xc0
  const base = list ? 0xc0 : 0x80
  const short = first - base
  if (short <= 55) {
    const start = at + 1
    if (start + short > limit) return 'the item is cut short'
    if (!list && short === 1 && (bytes[start] as number) < 0x80) return 'a single byte is wrapped without need'
    return { list, start, end: start + short }
  }
  const width = short - 55
  const start = at + 1 + width
  // Six bytes of length are more than any buffer here can hold, and still a safe integer.
  if (width > 6 || start > limit) return 'the length is cut short or beyond any buffer'
  if (bytes[at + 1] === 0) return 'the length has a leading zero'
  let length = 0
  for (let i = at + 1; i < start; i++) length = length * 256 + (bytes[i] as number)
  if (length <= 55) return 'a short length is written in long form'
  if (start + length > limit) return 'the item is cut short'
  return { list, start, end: start + length }
}

function payloadOf(item: RlpItem): number {
  if (isBytes(item)) return item.length
  let total = 0
  for (const inner of item) total += sizeOf(inner)
  return total
}

function sizeOf(item: RlpItem): number {
  if (isBytes(item) && item.length === 1 && (item[0] as number) < 0x80) return 1
  const length = payloadOf(item)
  return 1 + length + (length > 55 ? widthOf(length) : 0)
}

function widthOf(length: number): number {
  let width = 0
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) width += 1
  return width
}

function write(item: RlpItem, out: Uint8Array, at: number): number {
  if (isBytes(item)) {
    if (item.length === 1 && (item[0] as number) < 0x80) {
      out[at] = item[0] as number
      return at + 1
    }
    const start = writeHead(0x80, item.length, out, at)
    out.set(item, start)
    return start + item.length
  }
  let next = writeHead(0xc0, payloadOf(item), out, at)
  for (const inner of item) next = write(inner, out, next)
  return next
}

function writeHead(base: number, length: number, out: Uint8Array, at: number): number {
  if (length <= 55) {
    out[at] = base + length
    return at + 1
  }
  const width = widthOf(length)
  out[at] = base + 55 + width
  for (let i = 0, rest = length; i < width; i++, rest = Math.floor(rest / 256)) out[at + width - i] = rest % 256
  return at + 1 + width
}
