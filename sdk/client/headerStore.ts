import { SdkError } from '../errors.ts'
import type { Store } from '../ports.ts'
import { sameBytes } from '../units.ts'
import { decodeChain, encodeChain, type HeaderChain, headerAt, tipOf } from '../verify/index.ts'

/** Most bytes of the record: what every store takes. */
const recordBytesMax = 1_048_576
/** Most headers that fit such a record without their rivals. */
export const storedHeadersMax = 13_000
/** How often a save is tried against another program on the store. */
const savesMax = 3

/** Where headers are kept between two runs. */
export interface HeaderStore {
  /** What was kept, or the start. */
  readonly chain: HeaderChain
  /** Keeps a chain, where it is a new one. The heavier one comes back when another program stores headers too. */
  readonly save: (chain: HeaderChain) => Promise<HeaderChain>
}

/**
 * The headers of a store, under one key a network. A record that is damaged, or does not hold the anchor, is replaced.
 *
 * Funds at risk: who can write the store can choose the chain.
 */
export async function openHeaderStore(store: Store | null, start: HeaderChain): Promise<HeaderStore> {
  if (!store) return { chain: start, save: async (chain) => chain }
  const key = `client/headers/${start.network}`
  const record = await store.get(key)
  let version = record?.version ?? 0
  let saved = record ? readChain(record.bytes, start) : null
  const chain = saved ?? start

  const replace = async (chain: HeaderChain): Promise<HeaderChain> => {
    for (let tries = 1; ; tries++) {
      try {
        await store.commit([{ key, expected: version, bytes: recordOf(chain) }])
        version += 1
        return chain
      } catch (error) {
        if (!(error instanceof SdkError) || error.code !== 'store/conflict' || tries === savesMax) throw error
        const other = await store.get(key)
        version = other?.version ?? 0
        const theirs = other ? readChain(other.bytes, start) : null
        if (theirs && theirs.best.work >= chain.best.work) return theirs
      }
    }
  }

  return {
    chain,
    save: async (chain) => {
      if (saved && sameBytes(saved.best.hash, chain.best.hash)) return chain
      try {
        saved = await replace(chain)
        return saved
      } catch (error) {
        // The nodes have the headers: a store that fails costs the next start a few rounds, and is tried again.
        if (error instanceof SdkError && error.code.startsWith('store/')) return chain
        throw error
      }
    },
  }
}

function recordOf(chain: HeaderChain): Uint8Array {
  const bytes = encodeChain(chain)
  return bytes.length <= recordBytesMax ? bytes : encodeChain({ ...chain, rivals: [] })
}

/** The chain of a record, if the anchor is part of it or lies below what it keeps. */
function readChain(bytes: Uint8Array, start: HeaderChain): HeaderChain | null {
  const decoded = decodeChain(start.network, bytes)
  if (!decoded.ok) return null
  const chain = { ...decoded.value, headersMax: start.headersMax }
  const { height, header } = start.base
  if (height > tipOf(chain).height) return null
  const own = headerAt(chain, height)
  return own === undefined || sameBytes(own, header) ? chain : null
}
