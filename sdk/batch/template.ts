import { accepted, type Decoded, invariant, refused } from '../errors.ts'
import { type Address, type Hex, toHex } from '../units.ts'
import type { Access, Place } from './access.ts'
import { type Op, opsOf, placeKey } from './place.ts'
import { type PlaceRule, placeOf, rulesFor, type TemplateCall } from './rule.ts'

/** Most places one template holds. A run that touches more teaches its first ones only. */
export const templateEntriesMax = 128
/** Observations that count; from there on newer ones outweigh older ones. */
export const templateObservationsMax = 16

/** What one run of a call touched, and the code it ran on. */
export interface Observation {
  readonly call: TemplateCall
  readonly access: Access
  readonly codeHashOf: CodeHashes
}

/** keccak256 of an account's code; nothing where that is not known, which is no answer for the recipient. */
export type CodeHashes = (account: Address) => Hex | undefined

/**
 * What calls of one function of one code touch: learnt from runs, expressed by what such a call brings. Plain data, and
 * never trusted: a forecast for what an executor checks.
 */
export interface Template {
  readonly codeHash: Hex
  /** The first four bytes of the data. */
  readonly selector: Hex
  readonly observations: number
  readonly entries: readonly TemplateEntry[]
  /** Other code that most calls run, by the hash it had: behind a proxy, that of the implementation. */
  readonly codes: readonly { readonly account: Address; readonly hash: Hex }[]
}

/** A place that calls touch. */
export interface TemplateEntry {
  /** Write wins where runs differ. */
  readonly op: Op
  /** By which it may follow from the call, all of them true of every run that touched it; the likeliest first. */
  readonly rules: readonly PlaceRule[]
  /** Runs that touched it. */
  readonly seen: number
}

/** The function that a call calls: the hash of the code and the selector. Nothing for data shorter than a selector. */
export function templateKey(call: TemplateCall, codeHash: Hex): string | undefined {
  return call.data.length < 4 ? undefined : codeHash + toHex(call.data.subarray(0, 4)).slice(2)
}

/**
 * Learns from a run: rules that are not true of it go, places that no rule explains come in. A template of other code, or one
 * whose further code has changed, is started anew.
 *
 * @param known - Of the same code and selector; nothing when this is the first run.
 */
export function learnTemplate(known: Template | undefined, observation: Observation): Template {
  const { call, access, codeHashOf } = observation
  const codeHash = codeHashOf(call.to)
  invariant(codeHash !== undefined && call.data.length >= 4, 'what is learnt from calls a function of known code')
  const isSame =
    known?.codeHash === codeHash && known.codes.every(({ account, hash }) => (codeHashOf(account) ?? hash) === hash)
  const base = isSame ? known : undefined
  const touched = opsOf(access)
  const explained = new Set<string>()
  const entries = (base?.entries ?? []).map((entry) => confirm(entry, { call, touched, explained }))
  const fresh = [...touched].filter(([key]) => !explained.has(key)).slice(0, templateEntriesMax)
  const rules = rulesFor(
    fresh.map(([, { place }]) => place),
    call,
  )
  fresh.forEach(([, { op }], at) => {
    entries.push({ op, rules: rules[at] ?? [], seen: 1 })
  })
  const seen = (base?.observations ?? 0) + 1
  const isFull = seen > templateObservationsMax
  const observations = isFull ? seen / 2 : seen
  const often = entries.sort((one, other) => other.seen - one.seen).slice(0, templateEntriesMax)
  const kept = isFull ? often.map((entry) => ({ ...entry, seen: entry.seen / 2 })) : often
  const usual = kept.filter((entry) => isUsual(entry, observations))
  const codes = codesOf(usual, (account) => codeHashOf(account) ?? hashIn(base, account))
  return { codeHash, selector: toHex(call.data.subarray(0, 4)), observations, entries: kept, codes }
}

/**
 * What a call will touch, as far as its template knows: the places that more than half of the runs touched.
 *
 * Refuses a call of another function, and code that is not what was learnt from.
 *
 * @param codeHashOf - As it is now, of the recipient and of every account in `codes`.
 */
export function applyTemplate(template: Template, call: TemplateCall, codeHashOf: CodeHashes): Decoded<Access> {
  if (toHex(call.data.subarray(0, 4)) !== template.selector) return refused('the call is of another function')
  if (codeHashOf(call.to) !== template.codeHash) return refused('the recipient runs other code')
  const changed = template.codes.find(({ account, hash }) => codeHashOf(account) !== hash)
  if (changed) return refused(`${changed.account} runs other code than when it was learnt`)
  const access: { [list in keyof Access]: Place[] } = { reads: [], writes: [], credits: [] }
  for (const entry of template.entries) {
    const [rule] = entry.rules
    const place = isUsual(entry, template.observations) && rule ? placeOf(rule, call) : undefined
    if (place) access[listOf[entry.op]].push(place)
  }
  return accepted(access)
}

const listOf = { read: 'reads', write: 'writes', credit: 'credits' } as const

function isUsual({ seen }: TemplateEntry, observations: number): boolean {
  return 2 * seen > observations
}

/** The entry after one more run: with the rules that were true of it, or as it was when it was not touched. */
function confirm(
  entry: TemplateEntry,
  run: { readonly call: TemplateCall; readonly touched: ReturnType<typeof opsOf>; readonly explained: Set<string> },
): TemplateEntry {
  const { call, touched, explained } = run
  const hits = entry.rules.flatMap((rule) => {
    const place = placeOf(rule, call)
    const hit = place && touched.get(placeKey(place))
    return place && hit ? [{ rule, key: placeKey(place), op: hit.op }] : []
  })
  const [first] = hits
  if (!first) return entry
  for (const { key } of hits) explained.add(key)
  const op = hits.every((hit) => hit.op === entry.op) ? entry.op : 'write'
  return { op, rules: hits.map(({ rule }) => rule), seen: entry.seen + 1 }
}

function codesOf(entries: readonly TemplateEntry[], codeHashOf: CodeHashes): Template['codes'] {
  const accounts = new Set<Address>()
  for (const { rules } of entries)
    for (const { kind, account } of rules)
      if (kind === 'code' && account.kind === 'fixed') accounts.add(account.address)
  return [...accounts].flatMap((account) => {
    const hash = codeHashOf(account)
    return hash === undefined ? [] : [{ account, hash }]
  })
}

function hashIn(template: Template | undefined, account: Address): Hex | undefined {
  return template?.codes.find((one) => one.account === account)?.hash
}
