import type { Items } from '../../edge/parcel.ts'
import { chainId, joinBytes } from '../../sdk/units.ts'

/** A chain whose object never answers what it is handed: what is measured is a shard that stores, and nothing else. */
export const silentChain = chainId(31338)

/** The sizes of a parcel's texts stand before it, in 32 bits each. */
const textsOf = ['lines', 'sizes', 'footprints'] as const
const sizeBytes = 4

/** A parcel as {@link parcelOf} reads it. */
export function bodyOf({ bytes, ...texts }: Items): Uint8Array {
  const parts = textsOf.map((name) => new TextEncoder().encode(texts[name]))
  const head = new Uint8Array(sizeBytes * parts.length)
  for (const [at, { length }] of parts.entries()) new DataView(head.buffer).setUint32(sizeBytes * at, length)
  return joinBytes(head, ...parts, bytes)
}

/** A parcel out of a body. */
export function parcelOf(body: Uint8Array): Items {
  const view = new DataView(body.buffer)
  let from = sizeBytes * textsOf.length
  const texts = textsOf.map((name, at) => {
    const end = from + view.getUint32(sizeBytes * at)
    const text = new TextDecoder().decode(body.subarray(from, end))
    from = end
    return [name, text]
  })
  return { ...Object.fromEntries(texts), bytes: body.slice(from) }
}
