import type { BitcoinBackend } from '../../../edge/local/bitcoinBackend.ts'
import { txidOf } from '../../../sdk/bitcoin/index.ts'
import type { BlockFilter, FilterSource } from '../../../sdk/ports.ts'
import { buildFilter, decodeBitcoinTransaction, filterHeaderOf, verifyBitcoinBlock } from '../../../sdk/verify/index.ts'
import { held } from '../../conformance/bitcoin.ts'

type Change = (scripts: readonly Uint8Array[]) => readonly Uint8Array[]

/** Filters made of the node's own blocks and of what they spend; `spent` may leave some of that out. */
export function filtersOf({ node }: BitcoinBackend, spent: Change = (scripts) => scripts, made = true): FilterSource {
  const filterOf = async (hash: Uint8Array): Promise<Uint8Array> => {
    const block = held(verifyBitcoinBlock((await node.block(hash)) as Uint8Array))
    const inputs = block.transactions.flatMap(({ inputs, coinbase }) => (coinbase ? [] : inputs))
    const scripts = await Promise.all(
      inputs.map(async ({ txid, vout }) => {
        const raw = (await node.transaction(txidOf(txid))) as Uint8Array
        return held(decodeBitcoinTransaction(raw)).outputs[vout]?.script as Uint8Array
      }),
    )
    const shown = made ? block : { ...block, transactions: [] }
    return buildFilter(shown, spent(scripts))
  }
  return {
    filters: async (blocks) => {
      let previous: Uint8Array = new Uint8Array(32)
      const told: BlockFilter[] = []
      for (const hash of blocks) {
        const filter = await filterOf(hash)
        previous = filterHeaderOf(filter, previous)
        told.push({ filter, header: previous })
      }
      return told
    },
  }
}
