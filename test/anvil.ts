import { type Anvil, type AnvilOptions, startAnvil as start } from '../edge/local/anvil.ts'

export type { Anvil }

/** A real node for a test, gone after ten minutes at the latest. */
export function startAnvil(options: Omit<AnvilOptions, 'lifetimeMs'> = {}): Promise<Anvil> {
  return start({ ...options, lifetimeMs: 10 * 60_000 })
}
