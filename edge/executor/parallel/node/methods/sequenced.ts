import { encodeHeader } from '../../../../../sdk/evm/index.ts'
import { sequencedDigest } from '../../../../../sdk/evm/sequenced.ts'
import { toHex } from '../../../../../sdk/units.ts'
import { type Methods, method, told } from '../rpc.ts'
import { blockOf, type NodeWorld } from '../world.ts'

/**
 * Blocks under the sequencer's signature (`lanekit_sequencedBlock`): what a light client takes as `sequenced`. A block that is
 * told is stored, so no block of its number is ever signed beside it.
 */
export function sequencedMethods(world: NodeWorld): Methods {
  const { sequencer, chainId } = world
  if (!sequencer) return {}
  return {
    lanekit_sequencedBlock: method(
      (params) => params.block(0),
      (ref) => {
        const block = blockOf(world, ref)?.block
        if (!block) return told(null)
        const signature = sequencer(sequencedDigest(chainId, block.hash))
        return told({ header: toHex(encodeHeader(block.header)), signature: toHex(signature) })
      },
    ),
  }
}
