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

type Parts = Pick<Payload, 'raw' | 'footprintJson'>

/** Payloads one after the other, as {@link partsFrom} reads them: two values are copied and stored sooner than hundreds. */
export function joined(payloads: readonly Parts[]): { readonly footprints: string; readonly bytes: Uint8Array } {
  return {
    footprints: payloads.map(({ footprintJson }) => footprintJson).join(''),
    bytes: joinBytes(...payloads.map(({ raw }) => raw)),
  }
}

/** Reads one payload after the other, by how long its parts are. The bytes are not copied. */
export function partsFrom(footprints: string, bytes: Uint8Array): (footprint: number, raw: number) => Parts {
  let [ofText, ofBytes] = [0, 0]
  return (footprint, raw) => {
    const parts = {
      footprintJson: footprints.slice(ofText, ofText + footprint),
      raw: bytes.subarray(ofBytes, ofBytes + raw),
    }
    ofText += footprint
    ofBytes += raw
    return parts
  }
}
