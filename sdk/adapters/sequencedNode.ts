import type { SequencedNode } from '../ports.ts'
import { fromHex, isHex } from '../units.ts'
import { type Counterpart, fieldsOf, nonsense } from './http.ts'
import { proofNode } from './proofNode.ts'
import { type RpcNodeOptions, rpcNode } from './rpcNode.ts'
import { readBytes, writeQuantity } from './rpcShapes.ts'

const node: Counterpart = { name: 'node', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/**
 * The embedded executor over JSON-RPC, with its signatures (`lanekit_sequencedBlock`). Throws what {@link proofNode} throws;
 * `node/refused` by a node that signs no blocks.
 */
export function sequencedNode(options: RpcNodeOptions): SequencedNode {
  const rpc = rpcNode(options)
  return {
    ...proofNode(options),
    signedHeader: async (which) => {
      const told = await rpc.request('lanekit_sequencedBlock', [
        typeof which === 'number' ? writeQuantity(which) : which,
      ])
      if (told === null) return undefined
      const fields = fieldsOf(told)
      const header = readBytes(fields?.header)
      const signature = fields?.signature
      if (!header || !isHex(signature, 65)) throw nonsense(node, 'the signed block is not of its shape')
      return { header, signature: fromHex(signature) }
    },
  }
}
