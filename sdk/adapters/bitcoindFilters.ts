import type { FilterSource } from '../ports.ts'
import { type BitcoindRpcOptions, bitcoindNode, bitcoindRpc, resultOf } from './bitcoindRpc.ts'
import { readHash, readRaw, writeHash } from './bitcoinShapes.ts'
import { fieldsOf, nonsense } from './http.ts'

/** Most bytes of one filter: what the verifier reads. */
const filterBytesMax = 4_000_000

/**
 * Block filters (BIP-158) of a bitcoind that runs with `-blockfilterindex`, over JSON-RPC. Throws `units/malformed` for a URL
 * that carries credentials; its calls throw `node/refused` for a block that the node has no filter of.
 */
export function bitcoindFilters(options: BitcoindRpcOptions): FilterSource {
  const rpc = bitcoindRpc(options)
  return {
    filters: async (blocks) => {
      const outcomes = await rpc.outcomes(blocks.map((hash) => ['getblockfilter', [writeHash(hash), 'basic']] as const))
      return outcomes.map((outcome) => {
        const fields = fieldsOf(resultOf(outcome))
        const filter = readRaw(fields?.filter, filterBytesMax)
        const header = readHash(fields?.header)
        if (!filter || !header) throw nonsense(bitcoindNode, 'getblockfilter brought no filter with its header')
        return { filter, header }
      })
    },
  }
}
