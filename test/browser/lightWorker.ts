import { createEthereumClient } from '../../sdk/client/ethereum/index.ts'
import { serveEthereumClient, type ThreadPort } from '../../sdk/client/remote/index.ts'
import { toHex } from '../../sdk/units.ts'
import { createMachine } from '../../sdk/vm/index.ts'
import { beaconNode, checkpoint, clock, proofNodeOf } from '../sdk/client/ethereum/setting.ts'
import { testNetwork } from '../sdk/verify/ethereum/beacon.ts'

/** The whole program of the worker: the client of the tests, behind the thread's own port. */
serveEthereumClient(
  globalThis as unknown as ThreadPort,
  createEthereumClient({
    network: testNetwork,
    checkpoint: toHex(checkpoint.root),
    beacons: [beaconNode()],
    nodes: [proofNodeOf()],
    clock,
    machines: async (fork) => createMachine({ fork }),
  }),
)
