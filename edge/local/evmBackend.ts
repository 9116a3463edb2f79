import { availableParallelism } from 'node:os'
import type { Fork } from '../../sdk/evm/index.ts'
import { startAnvil } from './anvil.ts'
import { startExecutor } from './executor.ts'
import type { Options } from './options.ts'

/** A node to work on. */
export interface EvmBackend {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** How anvil mines: several transactions a block. */
const mining = ['--block-time', '0.5']
/** Threads beside the one that commits: the machine's other work needs a core too. */
const workersMax = 8

/** Starts the node that was asked for, or takes the one that runs already. `folder` is for the embedded one's chain. */
export async function startEvm(
  wish: Options['evm'],
  { fork, folder }: { readonly fork: Exclude<Fork, 'amsterdam'>; readonly folder: string },
): Promise<EvmBackend> {
  switch (wish.kind) {
    case 'embedded':
      return startExecutor({
        fork,
        folder,
        workers: Math.min(workersMax, availableParallelism() - 1),
        workerScript: new URL('./executorWorker.js', import.meta.url).href,
      })
    case 'anvil':
      return startAnvil({ hardfork: fork, args: mining })
    case 'json-rpc':
      return { url: wish.url, stop: async () => undefined }
  }
}
