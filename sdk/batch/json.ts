import { address, type BatchId, batchId, fromHex, type Hex, isHex, slot, toHex } from '../units.ts'
import {
  accessSources,
  type Envelope,
  type EnvelopeRefusal,
  type EnvelopeTransaction,
  envelopeVersion,
  refuse,
} from './envelope.ts'

/** The JSON form: fields in the order of the binary form, bytes as lower-case hex, and the digest of the binary form. */
export function writeJson(envelope: Envelope, digest: BatchId): string {
  return JSON.stringify({
    version: envelopeVersion,
    chainId: envelope.chainId,
    fork: envelope.fork,
    accounts: envelope.accounts,
    slots: envelope.slots.map(({ account, slots }) => [account, slots]),
    txs: envelope.txs.map(({ raw, ...declared }) => ({ raw: toHex(raw), ...declared })),
    digest,
  })
}

/** Reads the JSON form; the rules that both forms share, and the digest, are judged later. Never throws. */
export function readJson(
  text: string,
): { readonly ok: true; readonly envelope: Envelope; readonly digest: BatchId } | EnvelopeRefusal {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return refuse('malformed-envelope', 'the text is not JSON')
  }
  const reader = createReader()
  const { version, chainId, fork, accounts, slots, txs, digest } = reader.fields(parsed, envelopeFields)
  if (typeof version === 'number' && version !== envelopeVersion)
    return refuse('unsupported-version', `there is no version ${version}`)
  reader.integer(version)
  const envelope = {
    chainId: reader.integer(chainId),
    fork: reader.text(fork),
    accounts: reader.list(accounts, (item) => address(reader.hex(item, 20))),
    slots: reader.list(slots, (group) => {
      const [account, items] = reader.pair(group)
      return { account: reader.integer(account), slots: reader.list(items, (item) => slot(reader.hex(item, 32))) }
    }),
    txs: reader.list(txs, (tx) => readTransaction(reader, tx)),
  }
  const claimed = batchId(reader.hex(digest, 32))
  const fault = reader.fault()
  return fault === undefined ? { ok: true, envelope, digest: claimed } : refuse('malformed-envelope', fault)
}

const envelopeFields = ['version', 'chainId', 'fork', 'accounts', 'slots', 'txs', 'digest'] as const
const transactionFields = ['raw', 'reads', 'writes', 'credits', 'source', 'gas'] as const

function readTransaction(reader: Reader, tx: unknown): EnvelopeTransaction {
  const { raw, reads, writes, credits, source, gas } = reader.fields(tx, transactionFields)
  return {
    raw: fromHex(reader.hex(raw)),
    reads: reader.list(reads, reader.integer),
    writes: reader.list(writes, reader.integer),
    credits: reader.list(credits, reader.integer),
    source: reader.oneOf(source, accessSources, 'unknown'),
    gas: reader.integer(gas),
  }
}

type Reader = ReturnType<typeof createReader>

/**
 * Reads values of known kinds out of parsed JSON. The first fault stays, and from there on stand-ins of the right shape
 * come back, so that a format reads as a plain list of its fields.
 */
function createReader() {
  let fault: string | undefined

  function fail<value>(reason: string, standIn: value): value {
    fault ??= reason
    return standIn
  }

  /** Exactly these fields: one more would be lost on the way to the binary form. */
  function fields<name extends string>(value: unknown, names: readonly name[]): Partial<Record<name, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('an object is missing', {})
    if (Object.keys(value).length !== names.length || !names.every((name) => Object.hasOwn(value, name)))
      return fail(`an object has other fields than ${names.join(', ')}`, {})
    return value
  }

  function list<value>(items: unknown, read: (item: unknown) => value): value[] {
    if (!Array.isArray(items)) return fail('a list is missing', [])
    const values: value[] = []
    for (const item of items) {
      if (fault !== undefined) break
      values.push(read(item))
    }
    return values
  }

  function pair(value: unknown): readonly [unknown, unknown] {
    if (Array.isArray(value) && value.length === 2) return [value[0], value[1]]
    return fail('a pair is missing', [0, []])
  }

  function integer(value: unknown): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) return value
    return fail('a number is not a whole one from 0 to 2^53 - 1', 0)
  }

  /** Hex in either case, of `size` bytes or of any. */
  function hex(value: unknown, size?: number): Hex {
    if (isHex(value, size)) return value
    return fail('an entry is not hex of the size it should have', toHex(new Uint8Array(size ?? 0)))
  }

  function text(value: unknown): string {
    return typeof value === 'string' ? value : fail('a text is missing', '')
  }

  function oneOf<name extends string>(value: unknown, names: readonly name[], standIn: name): name {
    return names.find((name) => name === value) ?? fail(`a text is none of ${names.join(', ')}`, standIn)
  }

  return { fields, list, pair, integer, hex, text, oneOf, fault: () => fault }
}
