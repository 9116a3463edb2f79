import type { Footprint } from '../sdk/batch/access.ts'
import { joinBytes, type TxHash } from '../sdk/units.ts'

/**
 * What never changes about a transaction, kept apart so that a change of state does not rewrite it.
 *
 * The footprint is text from where it is judged to where it is planned: whoever hands it on, or stores it, does not read it.
 */
export interface Payload {
  readonly hash: TxHash
  readonly raw: Uint8Array
  readonly footprintJson: string
}

export function footprintJson(footprint: Footprint): string {
  return JSON.stringify(footprint)
}

/** It was written here: nobody else's text comes this far. */
export function footprintOf({ footprintJson }: Pick<Payload, 'footprintJson'>): Footprint {
  return JSON.parse(footprintJson)
}

/** The same with all bytes in one buffer, which is copied once on its way to another object, and nothing else with it. */
export function packed<item extends Pick<Payload, 'raw'>>(items: readonly item[]): readonly item[] {
  const bytes = joinBytes(...items.map(({ raw }) => raw))
  let end = 0
  return items.map((item) => {
    const start = end
    end += item.raw.length
    return { ...item, raw: bytes.subarray(start, end) }
  })
}
