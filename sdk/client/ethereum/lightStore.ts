import { sha256 } from '../../crypto/engine.ts'
import type { Store } from '../../ports.ts'
import { sameBytes } from '../../units.ts'
import { type BeaconNetwork, decodeLightChain, encodeLightChain, type LightChain } from '../../verify/ethereum/index.ts'

/** Where a light chain is kept between two runs. */
export interface LightStore {
  /** What was kept; nothing where there is none, or where it has changed. */
  readonly load: () => Promise<LightChain | null>
  /** Keeps a chain. Of two programs on one store, the one that is further stays. */
  readonly save: (chain: LightChain) => Promise<void>
}

const pointerSize = 33

/**
 * Two records in turn and a pointer: the snapshot is written first, and only then does the pointer name it, with its
 * hash. A write that breaks off leaves the one before.
 */
export function openLightStore(store: Store | null, network: BeaconNetwork): LightStore {
  if (!store) return { load: async () => null, save: async () => undefined }
  const key = `client/light/${network.name}`
  const read = async () => {
    const pointer = await store.get(key)
    const side = pointer?.bytes.length === pointerSize ? (pointer.bytes[0] as number) & 1 : 0
    const record = pointer && (await store.get(`${key}/${side}`))
    const isWhole = record && sameBytes(sha256(record.bytes), pointer.bytes.subarray(1))
    const decoded = isWhole ? decodeLightChain(network, record.bytes) : null
    return { pointer, side, chain: decoded?.ok ? decoded.value : null }
  }
  return {
    load: async () => (await read()).chain,
    save: async (chain) => {
      const { pointer, side, chain: kept } = await read()
      if (kept && kept.finalized.slot >= chain.finalized.slot && (kept.next || !chain.next)) return
      const other = pointer ? 1 - side : 0
      const bytes = encodeLightChain(chain)
      const place = `${key}/${other}`
      const before = await store.get(place)
      await store.commit([{ key: place, expected: before?.version ?? 0, bytes }])
      const flipped = new Uint8Array(pointerSize)
      flipped[0] = other
      flipped.set(sha256(bytes), 1)
      await store.commit([{ key, expected: pointer?.version ?? 0, bytes: flipped }])
    },
  }
}
