import { decodeTransaction, txidBytes, txidOf } from '../../bitcoin/index.ts'
import { asBytes, asFixed, asList, asName, asNumber, asOptional, asSats } from '../../channel/fields.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../rlp.ts'
import { height, type Txid } from '../../units.ts'
import type { Attempt, Book, Outlay, OutlayPhase, OwnPath, Settled } from './book.ts'

/**
 * The stored form of a book: `0x01 || rlp([used, outlays, settled])`. Names are stored as their place in these lists, so
 * nothing in them is ever moved: records of every released version are read.
 */
const version = 1
const kinds = ['payment', 'funding'] as const
const phases = ['held', 'sent', 'confirmed', 'lost'] as const
const chains = ['receive', 'change'] as const

const indexMax = 0x7fffffff
const heightMax = 499_999_999
const accountsMax = 16
const attemptBytesMax = 400_000

/** A book as bytes for the store. */
export function encodeBook(book: Book): Uint8Array {
  const body = encodeRlp([
    book.used.map(({ receive, change }) => [quantity(receive), quantity(change)]),
    book.outlays.map(outlayItem),
    book.settled.map(({ txid, phase }) => [txidBytes(txid), phaseItem(phase)]),
  ])
  const bytes = new Uint8Array(1 + body.length)
  bytes[0] = version
  bytes.set(body, 1)
  return bytes
}

/** Reads a stored book. Never throws; refuses whatever {@link encodeBook} would not write. */
export function decodeBook(bytes: Uint8Array): Decoded<Book> {
  if (bytes[0] !== version) return refused('the version of the book is unknown')
  const body = decodeRlp(bytes.subarray(1))
  if (!body.ok) return body
  const parts = asList(body.value, 3)
  const used = asEach(parts?.[0], usedFrom)
  const outlays = asEach(parts?.[1], outlayFrom)
  const settled = asEach(parts?.[2], settledFrom)
  if (!used || !outlays || !settled || used.length > accountsMax) return refused('the book is not of its shape')
  return accepted({ used, outlays, settled })
}

function usedFrom(item: RlpItem): Book['used'][number] | undefined {
  const parts = asList(item, 2)
  const [receive, change] = [asNumber(parts?.[0], indexMax), asNumber(parts?.[1], indexMax)]
  return receive === undefined || change === undefined ? undefined : { receive, change }
}

function outlayItem({ kind, phase, attempts, change }: Outlay): RlpItem {
  return [quantity(kinds.indexOf(kind)), phaseItem(phase), attempts.map(attemptItem), change ? pathItem(change) : []]
}

function outlayFrom(item: RlpItem): Outlay | undefined {
  const parts = asList(item, 4)
  const kind = asName(parts?.[0], kinds)
  const phase = phaseFrom(parts?.[1])
  const [first, ...rest] = asEach(parts?.[2], attemptFrom) ?? []
  const change = asOptional(parts?.[3], pathFrom)
  if (!kind || !phase || !first || change === undefined) return undefined
  return { kind, phase, attempts: [first, ...rest], change }
}

function settledFrom(item: RlpItem): Settled | undefined {
  const parts = asList(item, 2)
  const txid = txidFrom(parts?.[0])
  const phase = phaseFrom(parts?.[1])
  return txid && (phase?.name === 'confirmed' || phase?.name === 'lost') ? { txid, phase } : undefined
}

function phaseItem(phase: OutlayPhase): RlpItem {
  const name = quantity(phases.indexOf(phase.name))
  return 'txid' in phase ? [name, txidBytes(phase.txid), quantity(phase.height)] : [name]
}

function phaseFrom(item: RlpItem | undefined): OutlayPhase | undefined {
  const short = asName(asList(item, 1)?.[0], phases)
  if (short === 'held' || short === 'sent') return { name: short }
  const parts = asList(item, 3)
  const name = asName(parts?.[0], phases)
  const txid = txidFrom(parts?.[1])
  const at = asNumber(parts?.[2], heightMax)
  if ((name !== 'confirmed' && name !== 'lost') || !txid || at === undefined) return undefined
  return { name, txid, height: height(at) }
}

function attemptItem({ bytes, fee, weight }: Attempt): RlpItem {
  return [bytes, quantity(fee), quantity(weight)]
}

/** The name of an attempt is not stored: its bytes have it. */
function attemptFrom(item: RlpItem): Attempt | undefined {
  const parts = asList(item, 3)
  const bytes = asBytes(parts?.[0], attemptBytesMax)
  const fee = asSats(parts?.[1])
  const weight = asNumber(parts?.[2], 4 * attemptBytesMax)
  const decoded = bytes && decodeTransaction(bytes)
  if (!bytes || !decoded?.ok || fee === undefined || weight === undefined) return undefined
  return { txid: decoded.value.txid, bytes, fee, weight }
}

function pathItem({ account, keyPath: { chain, index } }: OwnPath): RlpItem {
  return [quantity(account), quantity(chains.indexOf(chain)), quantity(index)]
}

function pathFrom(item: RlpItem | undefined): OwnPath | undefined {
  const parts = asList(item, 3)
  const account = asNumber(parts?.[0], accountsMax)
  const chain = asName(parts?.[1], chains)
  const index = asNumber(parts?.[2], indexMax)
  return account === undefined || !chain || index === undefined ? undefined : { account, keyPath: { chain, index } }
}

function txidFrom(item: RlpItem | undefined): Txid | undefined {
  const bytes = asFixed(item, 32)
  return bytes && txidOf(bytes)
}

/** The items of a list, each as `read` makes it; nothing when one is malformed. */
function asEach<value>(
  item: RlpItem | undefined,
  read: (item: RlpItem) => value | undefined,
): readonly value[] | undefined {
  if (item === undefined || item instanceof Uint8Array) return undefined
  const values: value[] = []
  for (const one of item) {
    const value = read(one)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}
