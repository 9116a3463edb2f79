import { loadPrecompiles } from '../../sdk/crypto/precompiles.ts'
import { useFastEngine } from '../executor/parallel/fastEngine.ts'
import { openNode } from '../executor/parallel/node/node.ts'
import { serveRpc } from '../executor/parallel/node/server.ts'
import { developmentChain } from './developmentChain.ts'
import type { ExecutorOrder } from './executor.ts'

/**
 * The process around one embedded executor: started by {@link startExecutor}, told what to run by its first message, ended
 * by its second one or by the end of whoever started it. It ends by itself when its log can no longer be written.
 */
process.once('message', (order: ExecutorOrder) => {
  serve(order).then(
    (url) => process.send?.({ url }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})

/** Precompiled contracts that need large libraries. */
const large = [6, 10, 256]

async function serve(order: ExecutorOrder): Promise<string> {
  const { folder, port, blockMs, workers, accounts, fork, workerScript, segmentBytes } = order
  const failed = (error: unknown) => {
    process.stderr.write(
      `The executor ends: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    process.exit(1)
  }
  useFastEngine()
  const node = await openNode({
    ...developmentChain({ fork, accounts, blockMs }),
    folder,
    precompiles: await loadPrecompiles(large),
    failed,
    ...(segmentBytes === null ? {} : { segmentBytes }),
    ...(workerScript ? { workers, workerScript: new URL(workerScript) } : {}),
  })
  const server = await serveRpc(node.methods, port, failed)
  const end = () =>
    server
      .stop()
      .then(node.stop)
      .finally(() => process.exit(0))
  process.once('message', end)
  process.once('disconnect', end)
  return server.url
}
