import { SdkError } from '../../sdk/errors.ts'

/**
 * What every adapter of a port must do, as plain functions: no test runner and no platform inside, so that the
 * same rules run in Node, in workerd and in a browser's page.
 */
export interface Contract {
  readonly name: string
  readonly rules: readonly Rule[]
}

export interface Rule {
  /** Number and sentence, as it reads in a report. */
  readonly title: string
  /** Throws when the rule is broken. */
  readonly check: () => Promise<void>
}

/** Demands equality of plain data and bytes. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [shown(actual), shown(expected)]
  if (one !== other) throw new Error(`${what}: got ${one}, not ${other}.`)
}

/** Demands that `call` rejects with an SdkError of this code. */
export async function refuses(call: Promise<unknown>, code: string, what: string): Promise<void> {
  same(await refusalOf(call), code, what)
}

/** The code of the SdkError that `call` rejects with; `none` when it resolves. Other errors pass through. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (error) {
    if (error instanceof SdkError) return error.code
    throw error
  }
  return 'none'
}

/** One text for equal data; bytes differ from lists, and absent from null. */
function shown(data: unknown): string {
  return JSON.stringify(data, (_, value) => {
    if (value instanceof Uint8Array) return `bytes ${Array.from(value).join(' ')}`
    if (typeof value === 'bigint') return `${value} whole`
    return value === undefined ? 'absent' : value
  })
}
