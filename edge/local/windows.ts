import { SdkError } from '../../sdk/errors.ts'
import type { ChainId } from '../../sdk/units.ts'

/** The plans of all windows, added up. */
export interface WindowTotals {
  readonly lanes: number
  readonly criticalPathGas: number
  /** All gas, over what four workers would need for one window after the other. */
  readonly idealSpeedup4: number
}

/** One window's plan, as the edge tells it (docs/http.md). */
interface Window {
  readonly window: number
  readonly lanes: number
  readonly criticalPathGas: number
  readonly totalGas: number
  readonly makespanGas4: number
}

const pagesMax = 100

/** Reads every window of a chain from the edge. Throws `relay/unreachable` and `relay/nonsense`. */
export async function totalsOf(edgeUrl: string, chain: ChainId): Promise<WindowTotals> {
  const windows: Window[] = []
  for (let page = 0; page < pagesMax; page++) {
    const next = await pageAfter(edgeUrl, chain, windows.at(-1)?.window ?? 0)
    if (next.length === 0) break
    windows.push(...next)
  }
  const sum = (field: Exclude<keyof Window, 'window'>) => windows.reduce((total, window) => total + window[field], 0)
  const makespan = sum('makespanGas4')
  return {
    lanes: sum('lanes'),
    criticalPathGas: sum('criticalPathGas'),
    idealSpeedup4: makespan === 0 ? 1 : Number((sum('totalGas') / makespan).toFixed(2)),
  }
}

async function pageAfter(edgeUrl: string, chain: ChainId, after: number): Promise<readonly Window[]> {
  const response = await fetch(new URL(`/v1/chains/${chain}/windows?after=${after}`, edgeUrl))
  if (!response.ok)
    throw new SdkError('relay/unreachable', `The edge answered ${response.status} when asked for windows.`)
  const { windows } = (await response.json()) as { windows?: unknown }
  if (!Array.isArray(windows) || !windows.every(isWindow))
    throw new SdkError('relay/nonsense', 'The edge told windows that are none.')
  return windows
}

function isWindow(value: unknown): value is Window {
  const fields: readonly (keyof Window)[] = ['window', 'lanes', 'criticalPathGas', 'totalGas', 'makespanGas4']
  const record = value as Partial<Record<keyof Window, unknown>> | null
  return typeof record === 'object' && record !== null && fields.every((field) => Number.isSafeInteger(record[field]))
}
