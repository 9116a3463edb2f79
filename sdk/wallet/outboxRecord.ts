import type { AccessSource, Declaration, Place } from '../batch/access.ts'
import { accepted, type Decoded, refused } from '../errors.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem, toBigInt } from '../rlp.ts'
import { address, blockHash, chainId, fromHex, slot, toHex, txHash, wei } from '../units.ts'
import type { Attempt, Intent, Phase, Wish } from './intent.ts'
import type { Ended, Outbox } from './outbox.ts'

/**
 * The stored form of an outbox: `0x01 || rlp(...)` of the shape below. Names are stored as their place in these
 * lists, so nothing in them is ever moved: records of every released version are read.
 */
const version = 1
const phases: readonly Phase['name'][] = ['open', 'included', 'finalized', 'lost']
const wishes: readonly Wish[] = ['send', 'speed-up', 'cancel']
const sources: readonly AccessSource[] = ['unknown', 'declared', 'template', 'trace']
const kinds = ['nonce', 'balance', 'code'] as const

/** What an RLP item must be: a number, any bytes, bytes of a size (or none), one of some names, a list, a tuple. */
type Shape =
  | 'count'
  | 'amount'
  | 'bytes'
  | { readonly size: number; readonly optional?: true }
  | { readonly among: readonly string[] }
  | { readonly each: Shape }
  | { readonly tuple: readonly Shape[] }

const account: Shape = { size: 20 }
const hash: Shape = { size: 32 }
/** With a key it is a slot, whose kind is written as 0. */
const place: Shape = { tuple: [{ among: kinds }, account, { size: 32, optional: true }] }
const places: Shape = { each: place }
const declaration: Shape = { tuple: [{ among: sources }, 'count', places, places, places] }
/** None or one. */
const refusals: Shape = { each: { tuple: ['bytes', 'bytes'] } }
const attempt: Shape = { tuple: [hash, 'bytes', 'amount', { among: wishes }, refusals, declaration] }
/** Zeros after the name where no block is named. */
const phase: Shape = { tuple: [{ among: phases }, hash, 'count', hash, 'count'] }
const intent: Shape = { tuple: ['count', phase, { each: attempt }] }
const ended: Shape = { tuple: ['count', phase] }
const outbox: Shape = { tuple: ['count', account, { each: intent }, { each: ended }] }

/** An outbox as bytes for the store. */
export function encodeOutbox(box: Outbox): Uint8Array {
  const history: readonly EndedItem[] = box.history.map(({ nonce, phase }) => [quantity(nonce), phaseItem(phase)])
  const body = encodeRlp([quantity(box.chain), fromHex(box.account), box.intents.map(intentItem), history])
  const bytes = new Uint8Array(1 + body.length)
  bytes[0] = version
  bytes.set(body, 1)
  return bytes
}

/** Reads a stored outbox. Never throws; refuses whatever {@link encodeOutbox} would not write. */
export function decodeOutbox(bytes: Uint8Array): Decoded<Outbox> {
  if (bytes[0] !== version) return refused('the version of the outbox is unknown')
  const body = decodeRlp(bytes.subarray(1))
  if (!body.ok) return body
  if (!fits(body.value, outbox)) return refused('the outbox is not of its shape')
  const [chain, owner, intentItems, endedItems] = body.value as OutboxItem
  if (chain.length === 0) return refused('the chain id is zero')
  const intents = intentItems.map(readIntent)
  const history = endedItems.map(readEnded)
  if (!isAscending(intents) || !isAscending(history)) return refused('its intents contradict themselves')
  const box: Outbox = { chain: chainId(count(chain)), account: address(toHex(owner)), intents, history }
  // One test for every second way to write the same thing.
  return isSame(encodeOutbox(box), bytes) ? accepted(box) : refused('the outbox is not in its normal form')
}

type Bytes = Uint8Array
type PlaceItem = readonly [Bytes, Bytes, Bytes]
type DeclarationItem = readonly [Bytes, Bytes, readonly PlaceItem[], readonly PlaceItem[], readonly PlaceItem[]]
type RefusalItem = readonly [Bytes, Bytes]
type AttemptItem = readonly [Bytes, Bytes, Bytes, Bytes, readonly RefusalItem[], DeclarationItem]
type PhaseItem = readonly [Bytes, Bytes, Bytes, Bytes, Bytes]
type IntentItem = readonly [Bytes, PhaseItem, readonly AttemptItem[]]
type EndedItem = readonly [Bytes, PhaseItem]
type OutboxItem = readonly [Bytes, Bytes, readonly IntentItem[], readonly EndedItem[]]

const none = new Uint8Array(0)
const zeros = new Uint8Array(32)

function intentItem({ nonce, phase, attempts }: Intent): IntentItem {
  return [quantity(nonce), phaseItem(phase), attempts.map(attemptItem)]
}

function readIntent([nonce, phase, attempts]: IntentItem): Intent | undefined {
  const [first, ...rest] = attempts.map(readAttempt)
  return first && { nonce: count(nonce), phase: readPhase(phase), attempts: [first, ...rest] }
}

function readEnded([nonce, item]: EndedItem): Ended | undefined {
  const phase = readPhase(item)
  return phase.name === 'finalized' || phase.name === 'lost' ? { nonce: count(nonce), phase } : undefined
}

function isAscending<one extends { readonly nonce: number }>(all: readonly (one | undefined)[]): all is readonly one[] {
  return all.every((item, at) => item && (at === 0 || item.nonce > (all[at - 1]?.nonce ?? -1)))
}

function phaseItem(phase: Phase): PhaseItem {
  const name = quantity(phases.indexOf(phase.name))
  if (phase.name !== 'included' && phase.name !== 'finalized') return [name, zeros, none, zeros, none]
  return [name, fromHex(phase.hash), quantity(phase.blockNumber), fromHex(phase.blockHash), quantity(phase.index)]
}

function readPhase([item, hash, number, block, index]: PhaseItem): Phase {
  const name = named(phases, item)
  if (name !== 'included' && name !== 'finalized') return { name }
  return {
    name,
    hash: txHash(toHex(hash)),
    blockNumber: count(number),
    blockHash: blockHash(toHex(block)),
    index: count(index),
  }
}

function attemptItem({ hash, bytes, costMax, wish, refusal, declaration }: Attempt): AttemptItem {
  const no: readonly RefusalItem[] = refusal ? [[utf8(refusal.code), utf8(refusal.detail)]] : []
  const reason = quantity(wishes.indexOf(wish))
  return [fromHex(hash), bytes, quantity(costMax), reason, no, declarationItem(declaration)]
}

function readAttempt([hash, bytes, costMax, wish, [refusal], declaration]: AttemptItem): Attempt {
  return {
    hash: txHash(toHex(hash)),
    bytes: bytes.slice(),
    costMax: wei(toBigInt(costMax)),
    wish: named(wishes, wish),
    refusal: refusal ? { code: text(refusal[0]), detail: text(refusal[1]) } : null,
    declaration: readDeclaration(declaration),
  }
}

function declarationItem({ source, gas, reads, writes, credits }: Declaration): DeclarationItem {
  const name = quantity(sources.indexOf(source))
  return [name, quantity(gas), reads.map(placeItem), writes.map(placeItem), credits.map(placeItem)]
}

function readDeclaration([source, gas, reads, writes, credits]: DeclarationItem): Declaration {
  return {
    source: named(sources, source),
    gas: count(gas),
    reads: reads.map(readPlace),
    writes: writes.map(readPlace),
    credits: credits.map(readPlace),
  }
}

function placeItem(place: Place): PlaceItem {
  if (place.kind === 'slot') return [none, fromHex(place.address), fromHex(place.slot)]
  return [quantity(kinds.indexOf(place.kind)), fromHex(place.address), none]
}

function readPlace([kind, owner, key]: PlaceItem): Place {
  const at = address(toHex(owner))
  return key.length > 0
    ? { kind: 'slot', address: at, slot: slot(toHex(key)) }
    : { kind: named(kinds, kind), address: at }
}

/** True when an item is of a shape; what it lets through, the readers above read without a doubt. */
function fits(item: RlpItem | undefined, shape: Shape): boolean {
  if (item === undefined) return false
  if (!(item instanceof Uint8Array)) {
    if (typeof shape === 'string') return false
    if ('each' in shape) return item.every((one) => fits(one, shape.each))
    return 'tuple' in shape && item.length === shape.tuple.length && shape.tuple.every((one, at) => fits(item[at], one))
  }
  if (shape === 'bytes') return true
  if (shape === 'amount') return isNumber(item, 32)
  if (shape === 'count') return isNumber(item, 7) && count(item) <= Number.MAX_SAFE_INTEGER
  if ('among' in shape) return isNumber(item, 1) && count(item) < shape.among.length
  if ('size' in shape) return item.length === shape.size || (shape.optional === true && item.length === 0)
  return false
}

function isNumber(bytes: Bytes, sizeMax: number): boolean {
  return bytes.length <= sizeMax && bytes[0] !== 0
}

function isSame(one: Bytes, other: Bytes): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

function count(bytes: Bytes): number {
  return Number(toBigInt(bytes))
}

function named<name>(names: readonly name[], item: Bytes): name {
  return names[count(item)] as name
}

function utf8(value: string): Bytes {
  return new TextEncoder().encode(value)
}

function text(bytes: Bytes): string {
  return new TextDecoder().decode(bytes)
}
