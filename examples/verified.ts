import { beaconApi, proofNode } from 'lanekit/adapters'
import { createEthereumClient } from 'lanekit/client/ethereum'
import { verified } from 'lanekit/connect'
import { loadPrecompiles } from 'lanekit/crypto/precompiles'
import { createMachine } from 'lanekit/vm'
import { createPublicClient, type Hex } from 'viem'

/** viem, with every answer proven from a checkpoint: what cannot be proven is refused. */
export function verifiedMainnet(
  urls: { readonly beacons: readonly string[]; readonly nodes: readonly string[] },
  checkpoint: Hex,
) {
  const client = createEthereumClient({
    checkpoint, // the root of a finalized beacon block, from a source you trust
    beacons: urls.beacons.map((url) => beaconApi({ url })),
    nodes: urls.nodes.map((url) => proofNode({ url })),
    machines: async (fork, needed) => createMachine({ fork, precompiles: await loadPrecompiles(needed) }),
  })
  return createPublicClient({ transport: verified(client) })
}
