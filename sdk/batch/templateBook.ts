import type { Address, Hex } from '../units.ts'
import type { Access } from './access.ts'
import type { TemplateCall } from './rule.ts'
import {
  applyTemplate,
  type CodeHashes,
  learnTemplate,
  type Observation,
  type Template,
  templateKey,
} from './template.ts'

/** Most templates a book keeps; beyond, the one that was of no use for longest is forgotten. */
export const templatesMax = 1_024
/** Runs that a template is learnt from before it forecasts: the first cannot tell an argument from what is equal by chance. */
export const templateRunsMin = 2

/** What was learnt of many functions. It holds at most {@link templatesMax} templates of bounded size. */
export interface TemplateBook {
  /** Learns from a run. Data shorter than a selector teaches nothing. */
  readonly learn: (observation: Observation) => void
  /** The template of a call, once it may forecast. Its `codes` say which code is to be looked up before it is applied. */
  readonly find: (call: TemplateCall, codeHash: Hex) => Template | undefined
  /** What a call will touch; nothing without a template that holds for the code as it is now. */
  readonly forecast: (call: TemplateCall, codeHashOf: CodeHashes) => Access | undefined
  readonly size: () => number
  /** All of them, the one that was of no use for longest first: what {@link createTemplateBook} begins with again. */
  readonly templates: () => readonly Template[]
  /** Runs it has learnt from since it began. */
  readonly lessons: () => number
}

/** @param known - What an earlier book held. */
export function createTemplateBook(known: readonly Template[] = []): TemplateBook {
  const templates = new Map(known.map((one) => [one.codeHash + one.selector.slice(2), one]))
  let lessons = 0
  const put = (key: string, template: Template) => {
    templates.delete(key) // A map keeps its order of insertion: the first is the one to forget.
    templates.set(key, template)
    if (templates.size <= templatesMax) return
    for (const oldest of templates.keys()) {
      templates.delete(oldest)
      return
    }
  }
  const keyOf = (call: TemplateCall, codeHashOf: (account: Address) => Hex | undefined) => {
    const codeHash = codeHashOf(call.to)
    return codeHash === undefined ? undefined : templateKey(call, codeHash)
  }
  const find = (call: TemplateCall, codeHash: Hex) => {
    const key = templateKey(call, codeHash)
    const template = key === undefined ? undefined : templates.get(key)
    if (key === undefined || !template || template.observations < templateRunsMin) return undefined
    put(key, template)
    return template
  }
  return {
    learn: (observation) => {
      const key = keyOf(observation.call, observation.codeHashOf)
      if (key === undefined) return
      put(key, learnTemplate(templates.get(key), observation))
      lessons += 1
    },
    find,
    forecast: (call, codeHashOf) => {
      const codeHash = codeHashOf(call.to)
      const template = codeHash === undefined ? undefined : find(call, codeHash)
      const access = template && applyTemplate(template, call, codeHashOf)
      return access?.ok ? access.value : undefined
    },
    size: () => templates.size,
    templates: () => [...templates.values()],
    lessons: () => lessons,
  }
}
