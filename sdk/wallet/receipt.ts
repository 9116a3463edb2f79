import { SdkError } from '../errors.ts'
import type { EvmNode } from '../ports.ts'
import type { TxHash } from '../units.ts'
import type { Verified } from '../verify/index.ts'
import { type BlockBook, blockBook, type Included, proveIncluded } from './blocks.ts'
import { blockNumberOf } from './watch.ts'

/**
 * What became of a transaction, whoever sent it: its block is fetched whole and checked, and transaction and receipt are
 * proven against its roots.
 *
 * @param blocks - Blocks known already; left out, of this node.
 * @returns Nothing while the node knows of no block that holds it. The verdict is of level `node`: of the header
 *   nothing is proven. Throws what the node throws, and `node/nonsense` when its block does not hold together.
 */
export async function provenReceipt(
  evm: EvmNode,
  hash: TxHash,
  blocks: BlockBook = blockBook(evm),
): Promise<Verified<Included> | undefined> {
  const number = await blockNumberOf(evm, hash)
  if (number === undefined) return undefined
  for (const age of ['kept', 'fresh'] as const) {
    const block = await blocks.at(number, age)
    const proof = block && proveIncluded(block, hash)
    if (proof) return proof
  }
  throw new SdkError('node/nonsense', 'The node names a block for the transaction that does not hold it.', {
    retryable: true, // A reorganisation between two questions looks the same.
  })
}
