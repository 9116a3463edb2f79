import { encodeRlp, quantity, type RlpHead, readRlpHead } from '../rlp.ts'
import { address, fromHex, type Hex, slot, toHex } from '../units.ts'
import {
  accessSources,
  type Envelope,
  type EnvelopeRefusal,
  type EnvelopeTransaction,
  envelopeVersion,
  forkLengthMax,
  refuse,
} from './envelope.ts'

/** `0x01 || rlp([chainId, fork, [address, ...], [[account, [slot, ...]], ...], [[raw, reads, writes, credits, source, gas], ...]])`. */
export function writeBinary(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const payload = encodeRlp([
    quantity(envelope.chainId),
    new TextEncoder().encode(envelope.fork),
    envelope.accounts.map(fromHex),
    envelope.slots.map(({ account, slots }) => [quantity(account), slots.map(fromHex)]),
    envelope.txs.map(({ raw, reads, writes, credits, source, gas }) => [
      raw,
      reads.map(quantity),
      writes.map(quantity),
      credits.map(quantity),
      quantity(accessSources.indexOf(source)),
      quantity(gas),
    ]),
  ])
  const bytes = new Uint8Array(1 + payload.length)
  bytes[0] = envelopeVersion
  bytes.set(payload, 1)
  return bytes
}

/** Reads the binary form; the rules that both forms share are judged later. Never throws. */
export function readBinary(bytes: Uint8Array): { readonly ok: true; readonly envelope: Envelope } | EnvelopeRefusal {
  if (bytes.length === 0) return refuse('malformed-envelope', 'there are no bytes')
  if (bytes[0] !== envelopeVersion) return refuse('unsupported-version', `there is no version ${bytes[0]}`)
  const reader = createReader(bytes, 1)
  const envelope = reader.fields(() => ({
    chainId: reader.integer(),
    fork: reader.text(forkLengthMax),
    accounts: reader.list(() => address(reader.hex(20))),
    slots: reader.list(() =>
      reader.fields(() => ({ account: reader.integer(), slots: reader.list(() => slot(reader.hex(32))) })),
    ),
    txs: reader.list(() => reader.fields(() => readTransaction(reader))),
  }))
  const fault = reader.end()
  return fault === undefined ? { ok: true, envelope } : refuse('malformed-envelope', fault)
}

function readTransaction(reader: Reader): EnvelopeTransaction {
  return {
    raw: reader.bytes(),
    reads: reader.list(() => reader.integer()),
    writes: reader.list(() => reader.integer()),
    credits: reader.list(() => reader.integer()),
    source: accessSources[reader.integer(accessSources.length - 1)] ?? 'unknown',
    gas: reader.integer(),
  }
}

type Reader = ReturnType<typeof createReader>

/**
 * Reads RLP items of known kinds, one after another. The first fault stays, and from there on stand-ins of the right
 * shape come back, so that a format reads as a plain list of its fields.
 */
function createReader(source: Uint8Array, start: number) {
  let at = start
  let limit = source.length
  let fault: string | undefined

  function fail(reason: string): void {
    fault ??= reason
    at = limit
  }

  function head(list: boolean): RlpHead {
    const read = readRlpHead(source, at, limit)
    if (typeof read !== 'string' && read.list === list) return read
    fail(
      typeof read === 'string' ? read : list ? 'bytes stand where a list should' : 'a list stands where bytes should',
    )
    return { list, start: at, end: at }
  }

  function take(): Uint8Array {
    const { start, end } = head(false)
    at = end
    return source.subarray(start, end)
  }

  /** A list with a fixed number of fields, read by `read` in turn. */
  function fields<value>(read: () => value): value {
    const { start, end } = head(true)
    const outer = limit
    at = start
    limit = end
    const value = read()
    if (at !== end) fail('a list has a field too many')
    at = end
    limit = outer
    return value
  }

  /** A list of any number of like items. */
  function list<value>(read: () => value): value[] {
    return fields(() => {
      const items: value[] = []
      while (at < limit && fault === undefined) items.push(read())
      return items
    })
  }

  function integer(max = Number.MAX_SAFE_INTEGER): number {
    const bytes = take()
    if (bytes[0] === 0) fail('a number has a leading zero')
    let value = 0
    for (const byte of bytes) value = value * 256 + byte
    if (value <= max) return value
    fail(`a number is beyond ${max}`)
    return 0
  }

  function hex(size: number): Hex {
    const bytes = take()
    if (bytes.length === size) return toHex(bytes)
    fail(`an entry is not of ${size} bytes`)
    return toHex(new Uint8Array(size))
  }

  function text(lengthMax: number): string {
    const bytes = take()
    if (bytes.length <= lengthMax) return String.fromCharCode(...bytes)
    fail(`a text is longer than ${lengthMax} characters`)
    return ''
  }

  function end(): string | undefined {
    if (at !== source.length) fail('bytes follow the envelope')
    return fault
  }

  return { bytes: () => new Uint8Array(take()), fields, list, integer, hex, text, end }
}
