import { chainConfig } from '../../edge/config.ts'
import { useFastEngine } from '../../edge/executor/parallel/fastEngine.ts'
import { judge } from '../../edge/intake.ts'
import { useEngine } from '../../sdk/crypto/engine.ts'
import { currentEngine, nobleEngine } from '../../sdk/crypto/index.ts'
import { anvilChain, type Transfer } from '../edge/transfers.ts'

/** Transactions a second and core that the edge judges, nearly all of it the recovery of their senders. */
export interface RecoveryRate {
  readonly noble: number
  /** With the engine that the worker runs. */
  readonly wasm: number
}

/** Counts processor time, which one thread uses alone: another user of the machine does not slow it. */
export function recoveryRate(transfers: readonly Transfer[]): RecoveryRate {
  const config = chainConfig(
    JSON.stringify({ [anvilChain]: { fork: 'osaka', executors: ['http://none.invalid'] } }),
    anvilChain,
  )
  const before = currentEngine()
  try {
    useEngine(nobleEngine)
    const noble = rateOf(() => judgeAll(transfers, config))
    useFastEngine()
    return { noble, wasm: rateOf(() => judgeAll(transfers, config)) }
  } finally {
    useEngine(before)
  }

  function rateOf(work: () => void): number {
    work() // Warms up.
    const start = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(start)
    return (transfers.length * 1e6) / (user + system)
  }
}

function judgeAll(transfers: readonly Transfer[], config: ReturnType<typeof chainConfig>): void {
  for (const { raw } of transfers) {
    const judged = judge({ raw, declaration: null }, config)
    if (!judged.ok) throw new Error(`It is no transaction: ${judged.detail}`)
  }
}
