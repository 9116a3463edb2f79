import { createHash } from 'node:crypto'
import { invariant } from '../../../../sdk/errors.ts'
import { decodeRlp, encodeRlp, isBytes, quantity, type RlpItem, toBigInt } from '../../../../sdk/rlp.ts'
import type { BlockHash } from '../../../../sdk/units.ts'
import { address, blockHash, fromHex, toHex, txHash } from '../../../../sdk/units.ts'
import type { ArchivedTransaction } from './archive.ts'
import { frameBytesMax } from './limits.ts'

/**
 * Files of a chain, version 1: {@link chainHead}, then frames.
 *
 * A frame is `mark (4) || size of body (4, big-endian) || check (16) || body`. The check is the first half of sha256
 * over size and body. The body is the RLP of a list of entries, each a list that begins with the number of its kind.
 * Whatever is written at once is one frame, so a crash can damage the last frame alone.
 */
export const chainHead: Uint8Array = /* @__PURE__ */ new TextEncoder().encode('lanekit chain 1\n')

/** Which chain a file is of, and the number of the first block that can stand in it. */
export interface ChainEntry {
  readonly kind: 'chain'
  readonly chainId: number
  readonly fork: string
  readonly genesis: BlockHash
  readonly first: number
}

/** What stands in the files of a chain. */
export type LogEntry =
  | ChainEntry
  /** A transaction that was let into the pool. */
  | { readonly kind: 'pooled'; readonly raw: Uint8Array }
  | {
      readonly kind: 'block'
      /** In consensus encoding. */
      readonly header: Uint8Array
      /** As `encodeChanges` writes them. */
      readonly changes: Uint8Array
      readonly transactions: readonly ArchivedTransaction[]
    }
  /** The block a snapshot was taken after, and the hashes of those before it. */
  | { readonly kind: 'snapshot'; readonly header: Uint8Array; readonly hashes: readonly BlockHash[] }
  /** An account of a snapshot, as `encodeContent` writes it. */
  | { readonly kind: 'account'; readonly content: Uint8Array }
  /** A snapshot is whole, and has so many accounts. */
  | { readonly kind: 'end'; readonly accounts: number }

/** At its index, the number of a kind. */
const kinds = ['chain', 'pooled', 'block', 'snapshot', 'account', 'end'] as const
const mark = Uint8Array.of(0x9e, 0x4c, 0x4b, 0xc4)
const [sizeAt, checkAt, bodyAt] = [4, 8, 24]

/** Entries as one frame. */
export function encodeFrame(entries: readonly LogEntry[]): Uint8Array {
  const body = encodeRlp(entries.map(itemOf))
  invariant(body.length <= frameBytesMax, 'a frame holds no more than it may')
  const frame = new Uint8Array(bodyAt + body.length)
  frame.set(mark)
  new DataView(frame.buffer).setUint32(sizeAt, body.length)
  frame.set(body, bodyAt)
  frame.set(checkOf(frame), checkAt)
  return frame
}

/** A file, read. */
export type ReadFrames =
  | {
      readonly whole: true
      readonly entries: readonly LogEntry[]
      /** Where the last whole frame ends. What follows was never answered for. */
      readonly end: number
    }
  | { readonly whole: false; readonly reason: string }

/**
 * Reads a file. Never throws. Nothing is answered before its frame is on the disk, and the next frame is written after
 * that: so damage at the end is a crash, and is dropped; damage with a whole frame after it is none, and makes the file
 * not whole.
 *
 * @returns Views into `bytes`.
 */
export function readFrames(bytes: Uint8Array): ReadFrames {
  if (!startsWith(bytes, chainHead, 0))
    return chainHead.length > bytes.length && startsWith(chainHead, bytes, 0)
      ? { whole: true, entries: [], end: 0 }
      : notWhole('it is no file of a chain, version 1')
  const entries: LogEntry[] = []
  let end = chainHead.length
  for (let body = bodyFrom(bytes, end); body; body = bodyFrom(bytes, end)) {
    const read = readBody(body)
    if (!read) return notWhole(`the frame at byte ${end} is of no known form`)
    for (const entry of read) entries.push(entry)
    end += bodyAt + body.length
  }
  for (let at = end + 1; at < bytes.length; at++) {
    at = bytes.indexOf(mark[0] as number, at)
    if (at < 0) break
    if (bodyFrom(bytes, at)) return notWhole(`the frame at byte ${end} is damaged, and a whole one follows it`)
  }
  return { whole: true, entries, end }
}

/** The body of the frame at `at`, when it is whole. */
function bodyFrom(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (!startsWith(bytes, mark, at) || at + bodyAt > bytes.length) return undefined
  const size = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(sizeAt)
  if (size > frameBytesMax || at + bodyAt + size > bytes.length) return undefined
  const frame = bytes.subarray(at, at + bodyAt + size)
  return startsWith(frame, checkOf(frame), checkAt) ? frame.subarray(bodyAt) : undefined
}

function checkOf(frame: Uint8Array): Uint8Array {
  const hash = createHash('sha256').update(frame.subarray(sizeAt, checkAt)).update(frame.subarray(bodyAt)).digest()
  return hash.subarray(0, bodyAt - checkAt)
}

function itemOf(entry: LogEntry): RlpItem {
  const kind = quantity(kinds.indexOf(entry.kind))
  switch (entry.kind) {
    case 'chain':
      return [kind, quantity(entry.chainId), utf8(entry.fork), fromHex(entry.genesis), quantity(entry.first)]
    case 'pooled':
      return [kind, entry.raw]
    case 'block': {
      const { header, changes, transactions } = entry
      const told = transactions.map(({ hash, from, raw, receipt }) => [fromHex(hash), fromHex(from), raw, receipt])
      return [kind, header, changes, told]
    }
    case 'snapshot':
      return [kind, entry.header, entry.hashes.map((hash) => fromHex(hash))]
    case 'account':
      return [kind, entry.content]
    case 'end':
      return [kind, quantity(entry.accounts)]
  }
}

function readBody(body: Uint8Array): readonly LogEntry[] | undefined {
  const decoded = decodeRlp(body)
  if (!decoded.ok || isBytes(decoded.value)) return undefined
  const entries: LogEntry[] = []
  for (const item of decoded.value) {
    const entry = isBytes(item) ? undefined : entryOf(item)
    if (!entry) return undefined
    entries.push(entry)
  }
  return entries
}

function entryOf([number, ...fields]: readonly RlpItem[]): LogEntry | undefined {
  const kind = number && isBytes(number) && number.length <= 1 ? kinds[number[0] ?? 0] : undefined
  const [one, two, three, four] = fields
  const none = new Uint8Array(0)
  switch (kind) {
    case 'chain': {
      if (![one, two, three, four].every((field) => field !== undefined && isBytes(field))) return undefined
      const [id, fork, genesis, first] = fields as readonly Uint8Array[]
      if (genesis?.length !== 32) return undefined
      const [chainId, from] = [Number(toBigInt(id ?? none)), Number(toBigInt(first ?? none))]
      return { kind, chainId, fork: new TextDecoder().decode(fork), genesis: blockHash(toHex(genesis)), first: from }
    }
    case 'pooled':
      return one && isBytes(one) ? { kind, raw: one } : undefined
    case 'block': {
      if (!one || !two || !three || !isBytes(one) || !isBytes(two) || isBytes(three)) return undefined
      const transactions = three.map(transactionOf)
      const isWhole = transactions.every((transaction) => transaction !== undefined)
      return isWhole ? { kind, header: one, changes: two, transactions } : undefined
    }
    case 'snapshot': {
      if (!one || !two || !isBytes(one) || isBytes(two) || !two.every((hash) => isSized(hash, 32))) return undefined
      return { kind, header: one, hashes: (two as readonly Uint8Array[]).map((hash) => blockHash(toHex(hash))) }
    }
    case 'account':
      return one && isBytes(one) ? { kind, content: one } : undefined
    case 'end':
      return one && isBytes(one) ? { kind, accounts: Number(toBigInt(one)) } : undefined
    case undefined:
      return undefined
  }
}

function transactionOf(item: RlpItem): ArchivedTransaction | undefined {
  if (isBytes(item)) return undefined
  const [hash, from, raw, receipt] = item
  if (!isSized(hash, 32) || !isSized(from, 20) || !raw || !receipt || !isBytes(raw) || !isBytes(receipt))
    return undefined
  return { hash: txHash(toHex(hash)), from: address(toHex(from)), raw, receipt }
}

function isSized(item: RlpItem | undefined, size: number): item is Uint8Array {
  return item !== undefined && isBytes(item) && item.length === size
}

function startsWith(bytes: Uint8Array, start: Uint8Array, at: number): boolean {
  return at + start.length <= bytes.length && start.every((byte, index) => bytes[at + index] === byte)
}

function notWhole(reason: string): ReadFrames {
  return { whole: false, reason }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
