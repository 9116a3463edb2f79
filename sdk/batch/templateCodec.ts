import { accepted, type Decoded, refused } from '../errors.ts'
import { isHex } from '../units.ts'
import {
  type AccountRule,
  type PlaceRule,
  ruleArgumentsMax,
  ruleIndexMax,
  ruleOffsetMax,
  type SlotRule,
  type Source,
} from './rule.ts'
import { type Template, type TemplateEntry, templateEntriesMax, templateObservationsMax } from './template.ts'
import { templatesMax } from './templateBook.ts'

/** Longest stored templates that are read. */
export const templateBytesMax = 4_194_304
const version = 1
/** Rules that one place can have: any two words of a call, as keys of one mapping. */
const rulesMax = (ruleArgumentsMax + 2) ** 2 * ruleIndexMax

/** Templates as a store keeps them: JSON, since a look-up costs more than reading it. */
export function encodeTemplates(templates: readonly Template[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version, templates }))
}

/**
 * Reads what {@link encodeTemplates} wrote. Never throws; refuses whatever `learnTemplate` could not have made by its kinds
 * and bounds. What a template says is a forecast all the same, whoever has kept it.
 */
export function decodeTemplates(bytes: Uint8Array): Decoded<readonly Template[]> {
  if (bytes.length > templateBytesMax) return refused(`the templates are longer than ${templateBytesMax} bytes`)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    return refused('the templates are no JSON')
  }
  if (!isRecord(json) || json.version !== version) return refused('the templates are of another version')
  const { templates } = json
  if (!isListOf(templates, isTemplate, templatesMax)) return refused('a template is malformed')
  return accepted(templates)
}

function isTemplate(json: unknown): json is Template {
  return (
    isRecord(json) &&
    isHex(json.codeHash, 32) &&
    isHex(json.selector, 4) &&
    isCount(json.observations, templateObservationsMax) &&
    isListOf(json.entries, isEntry, templateEntriesMax) &&
    isListOf(json.codes, isCode, templateEntriesMax)
  )
}

function isEntry(json: unknown): json is TemplateEntry {
  return (
    isRecord(json) &&
    (json.op === 'read' || json.op === 'write' || json.op === 'credit') &&
    isCount(json.seen, templateObservationsMax) &&
    isListOf(json.rules, isPlaceRule, rulesMax)
  )
}

function isCode(json: unknown): json is Template['codes'][number] {
  return isRecord(json) && isAddress(json.account) && isHex(json.hash, 32)
}

function isPlaceRule(json: unknown): json is PlaceRule {
  if (!isRecord(json) || !isAccountRule(json.account)) return false
  if (json.kind === 'slot') return isSlotRule(json.slot)
  return json.kind === 'nonce' || json.kind === 'balance' || json.kind === 'code'
}

function isAccountRule(json: unknown): json is AccountRule {
  if (!isRecord(json)) return false
  return json.kind === 'word' ? isSource(json.of) : json.kind === 'fixed' && isAddress(json.address)
}

function isSlotRule(json: unknown): json is SlotRule {
  if (!isRecord(json)) return false
  if (json.kind === 'fixed') return isHex(json.slot, 32)
  return (
    json.kind === 'mapped' &&
    isListOf(json.keys, isSource, 2) &&
    isWhole(json.index, ruleIndexMax) &&
    isWhole(json.offset, ruleOffsetMax)
  )
}

function isSource(json: unknown): json is Source {
  return json === 'sender' || json === 'recipient' || isWhole(json, ruleArgumentsMax - 1)
}

/** Addresses are lower case wherever they are compared. */
function isAddress(json: unknown): boolean {
  return isHex(json, 20) && json === json.toLowerCase()
}

function isWhole(json: unknown, max: number): json is number {
  return Number.isInteger(json) && (json as number) >= 0 && (json as number) <= max
}

/** Runs that count are halved when they are many, so they need not be whole. */
function isCount(json: unknown, max: number): json is number {
  return typeof json === 'number' && json > 0 && json <= max
}

function isListOf<item>(json: unknown, isItem: (one: unknown) => one is item, max: number): json is readonly item[] {
  return Array.isArray(json) && json.length <= max && json.every(isItem)
}

function isRecord(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
