import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { SdkError } from 'lanekit'
import type { Terminal } from './terminal.ts'

/** How a command ended, and the exit code that says so. docs/cli.md. */
export const exitCodes = { ok: 0, refused: 1, usage: 2, world: 3, bug: 4 } as const

/** What a command answers: facts for `--json`, lines for people. */
export type Answer =
  | { readonly end: 'ok'; readonly facts: Facts; readonly lines: readonly string[] }
  /** An expected no: the answer is that it does not hold, is not there, or does not fit. */
  | { readonly end: 'refused'; readonly code: string; readonly reason: string; readonly notes?: readonly string[] }
  /** Called in a way that means nothing. */
  | { readonly end: 'usage'; readonly reason: string }

/** What `--json` prints, whole numbers beyond 2^53 as text. */
export type Facts = Readonly<Record<string, unknown>>

/** An option of a command. */
export interface Option {
  readonly type: 'string' | 'boolean'
  /** What stands for its value in help, `URL` say. */
  readonly value?: string
  readonly help: string
}

/** What was asked on the command line. */
export interface Asked {
  /** The words after the command's name. */
  readonly words: readonly string[]
  readonly text: (option: string) => string | undefined
  readonly flag: (option: string) => boolean
}

/** The work of a command, over the public API. */
export type Run = (asked: Asked, terminal: Terminal) => Promise<Answer>

/** How a command is called, which holds no more than help has to tell. */
export interface Command {
  /** `batch plan` say. */
  readonly name: string
  /** Its words in help, `[FILE]` say. */
  readonly words: string
  readonly wordsMin: number
  readonly wordsMax: number
  readonly summary: string
  /** Lines of help about what it does and does not prove, and about files. */
  readonly about: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  /** Loads the work, with the rooms it is over, and does it. */
  readonly run: Run
}

/** Options of every command. */
export const commonOptions: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', help: 'one line of JSON on the standard output, whatever the end' },
  help: { type: 'boolean', help: 'this text' },
}

/** Reads the words after a command's name, or says what is wrong with them. */
export function readAsked(
  command: Command,
  args: readonly string[],
): Asked | { readonly end: 'usage'; readonly reason: string } {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { type }] of Object.entries({ ...commonOptions, ...command.options })) options[name] = { type }
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    // The first sentence says it; the others are advice about `--` that fits no command here.
    return usage(String((error as Error).message).split('. ')[0] ?? '')
  }
  const { values, positionals } = parsed
  const { wordsMin, wordsMax, name } = command
  if (values.help !== true && positionals.length < wordsMin)
    return usage(`'${name}' wants ${command.words}, and got too little`)
  if (positionals.length > wordsMax) return usage(`'${name}' does not know what to do with '${positionals[wordsMax]}'`)
  return {
    words: positionals,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
    flag: (option) => values[option] === true,
  }
}

/** Says what a command was called with, and why it cannot be. */
export function usage(reason: string): { readonly end: 'usage'; readonly reason: string } {
  return { end: 'usage', reason }
}

/** Says no. `code` is stable, `reason` a sentence without its full stop. */
export function refuse(code: string, reason: string, notes: readonly string[] = []): Answer {
  return { end: 'refused', code, reason, notes }
}

/** Told by its name, since the class would bring the whole package with it. */
export function isSdkError(error: unknown): error is SdkError {
  return error instanceof Error && error.name === 'SdkError'
}
