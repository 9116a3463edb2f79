import { keccak256 } from '../crypto/engine.ts'
import { type Address, address, fromHex, type Slot, slot, toHex } from '../units.ts'
import type { Place } from './access.ts'

/** What a place can be worked out from: who calls, whom, and with what. */
export interface TemplateCall {
  readonly from: Address
  readonly to: Address
  readonly data: Uint8Array
}

/** A word that a call brings; a number is the place of a word among its arguments. */
export type Source = 'sender' | 'recipient' | number

/** How an account follows from a call. */
export type AccountRule =
  | { readonly kind: 'word'; readonly of: Source }
  | { readonly kind: 'fixed'; readonly address: Address }

/**
 * How a slot follows from a call. `mapped` is an element of a mapping at slot `index`, or of a mapping in it when there are
 * two keys, as Solidity lays them out: `keccak256(key . keccak256(key . index))`; `offset` is the member of a struct there.
 */
export type SlotRule =
  | { readonly kind: 'mapped'; readonly keys: readonly Source[]; readonly index: number; readonly offset: number }
  | { readonly kind: 'fixed'; readonly slot: Slot }

/** How one place follows from a call. */
export type PlaceRule =
  | { readonly kind: 'nonce' | 'balance' | 'code'; readonly account: AccountRule }
  | { readonly kind: 'slot'; readonly account: AccountRule; readonly slot: SlotRule }

/** Words of the arguments that rules look at. */
export const ruleArgumentsMax = 8
/** Slots, counted from 0, where a mapping is looked for. */
export const ruleIndexMax = 24
/** Members of a struct, beyond the first, that are looked for. */
export const ruleOffsetMax = 3

const selectorBytes = 4
const wordBytes = 32

/** The place that a rule names for a call; nothing when the call does not bring the words for it. */
export function placeOf(rule: PlaceRule, call: TemplateCall): Place | undefined {
  const account = accountBy(rule.account, call)
  if (account === undefined) return undefined
  if (rule.kind !== 'slot') return { kind: rule.kind, address: account }
  const at = slotBy(rule.slot, call)
  return at === undefined ? undefined : { kind: 'slot', address: account, slot: at }
}

/** Finds the rules by which a call could lead to each of some places, the likeliest first. Never none: a place may be fixed. */
export function rulesFor(places: readonly Place[], call: TemplateCall): readonly (readonly PlaceRule[])[] {
  const sources = sourcesOf(call)
  const hashed = places.flatMap((place) => (place.kind === 'slot' && isHashed(place.slot) ? [place.slot] : []))
  const table = mappedSlots(sources, hashed)
  return places.map((place) => {
    const accounts = accountRules(place.address, sources)
    if (place.kind !== 'slot') return accounts.map((account) => ({ kind: place.kind, account }))
    const slots = slotRules(place.slot, table)
    return accounts.flatMap((account) => slots.map((at) => ({ kind: 'slot' as const, account, slot: at })))
  })
}

function accountBy(rule: AccountRule, call: TemplateCall): Address | undefined {
  if (rule.kind === 'fixed') return rule.address
  const word = wordOf(rule.of, call)
  return word && isAddress(word) ? address(toHex(word.subarray(12))) : undefined
}

function slotBy(rule: SlotRule, call: TemplateCall): Slot | undefined {
  if (rule.kind === 'fixed') return rule.slot
  let hash = indexWord(rule.index)
  for (const key of rule.keys) {
    const word = wordOf(key, call)
    if (!word) return undefined
    hash = elementOf(word, hash)
  }
  return rule.offset === 0 ? slot(toHex(hash)) : moved(slot(toHex(hash)), rule.offset)
}

function wordOf(source: Source, { from, to, data }: TemplateCall): Uint8Array | undefined {
  if (typeof source !== 'number') return padded(fromHex(source === 'sender' ? from : to))
  const start = selectorBytes + wordBytes * source
  return start + wordBytes <= data.length ? data.subarray(start, start + wordBytes) : undefined
}

/** Words that a call brings, each with everything that brings it: two arguments may be equal by chance. */
type Sources = ReadonlyMap<string, { readonly word: Uint8Array; readonly from: Source[] }>

function sourcesOf(call: TemplateCall): Sources {
  const sources = new Map<string, { word: Uint8Array; from: Source[] }>()
  const count = Math.min(ruleArgumentsMax, Math.floor((call.data.length - selectorBytes) / wordBytes))
  const all: Source[] = ['sender', 'recipient', ...Array.from({ length: Math.max(0, count) }, (_, at) => at)]
  for (const source of all) {
    const word = wordOf(source, call) as Uint8Array
    const key = toHex(word)
    const known = sources.get(key)
    if (known) known.from.push(source)
    else sources.set(key, { word, from: [source] })
  }
  return sources
}

function accountRules(account: Address, sources: Sources): readonly AccountRule[] {
  const from = sources.get(toHex(padded(fromHex(account))))?.from ?? []
  const words = from.map((of): AccountRule => ({ kind: 'word', of }))
  // What is called is the recipient, whatever else brings its address: clones share a template.
  return from.includes('recipient') ? words : [...words, { kind: 'fixed', address: account }]
}

type MappedSlots = ReadonlyMap<Slot, readonly SlotRule[]>

/** The slots that mappings have for the words of a call, and mappings in them too when some of `wanted` are left without. */
function mappedSlots(sources: Sources, wanted: readonly Slot[]): MappedSlots {
  const table = new Map<Slot, SlotRule[]>()
  if (wanted.length === 0) return table
  const add = (hash: Uint8Array, keys: readonly (readonly Source[])[], index: number) => {
    const rules: SlotRule[] = combinations(keys).map((each) => ({ kind: 'mapped', keys: each, index, offset: 0 }))
    table.set(slot(toHex(hash)), rules)
  }
  const outer = [...sources.values()].flatMap(({ word, from }) =>
    Array.from({ length: ruleIndexMax }, (_, index) => ({ from, index, element: elementOf(word, indexWord(index)) })),
  )
  for (const { from, index, element } of outer) add(element, [from], index)
  if (wanted.every((at) => isIn(table, at))) return table
  for (const { from, index, element } of outer)
    for (const inner of sources.values()) add(elementOf(inner.word, element), [from, inner.from], index)
  return table
}

function isIn(table: MappedSlots, at: Slot): boolean {
  return slotRules(at, table).some(({ kind }) => kind === 'mapped')
}

function combinations(keys: readonly (readonly Source[])[]): readonly (readonly Source[])[] {
  return keys.reduce<readonly (readonly Source[])[]>(
    (made, next) => made.flatMap((some) => next.map((one) => [...some, one])),
    [[]],
  )
}

function slotRules(at: Slot, table: MappedSlots): readonly SlotRule[] {
  const fixed: SlotRule = { kind: 'fixed', slot: at }
  if (!isHashed(at)) return [fixed]
  for (let offset = 0; offset <= ruleOffsetMax; offset++) {
    const rules = table.get(offset === 0 ? at : moved(at, -offset))
    // Nobody hits a hash by chance: where it fits, the slot is not fixed.
    if (rules) return rules.map((rule) => (rule.kind === 'mapped' ? { ...rule, offset } : rule))
  }
  return [fixed]
}

function elementOf(key: Uint8Array, map: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 * wordBytes)
  bytes.set(key, 0)
  bytes.set(map, wordBytes)
  return keccak256(bytes)
}

function moved(at: Slot, by: number): Slot {
  const value = BigInt.asUintN(256, BigInt(at) + BigInt(by))
  return slot(`0x${value.toString(16).padStart(64, '0')}`)
}

/** Slots that compilers count from zero have no hash behind them. */
function isHashed(at: Slot): boolean {
  return !at.startsWith(`0x${'0'.repeat(32)}`)
}

function isAddress(word: Uint8Array): boolean {
  return word.subarray(0, 12).every((byte) => byte === 0)
}

function padded(bytes: Uint8Array): Uint8Array {
  const word = new Uint8Array(wordBytes)
  word.set(bytes, wordBytes - bytes.length)
  return word
}

function indexWord(index: number): Uint8Array {
  const word = new Uint8Array(wordBytes)
  word[wordBytes - 1] = index
  return word
}
