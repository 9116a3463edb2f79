import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deployToken } from '../edge/local/furnish.ts'
import { startEdge, startMortalEdge } from '../edge/local/workerd.ts'
import { rpcNode } from '../sdk/adapters/index.ts'
import type { EvmNode } from '../sdk/ports.ts'
import { type Address, type ChainId, chainId } from '../sdk/units.ts'
import { startAnvil } from './anvil.ts'

/** A real node with a token and the real worker in front of it, as `npm start` has them. */
export interface House {
  readonly edge: string
  readonly rpc: string
  readonly evm: EvmNode
  readonly chain: ChainId
  readonly token: Address
  /** Kills the edge as a power cut would, and starts it again on its rows, at the same address. */
  readonly crashEdge: () => Promise<void>
  readonly stop: () => Promise<void>
}

const root = join(import.meta.dirname, '..')

export async function openHouse(): Promise<House> {
  const chain = chainId(31_337)
  const anvil = await startAnvil({ hardfork: 'osaka', args: ['--block-time', '0.5'] })
  const persist = mkdtempSync(join(tmpdir(), 'lanekit-house-'))
  const edge = await startMortalEdge((port) =>
    startEdge({
      outdir: join(root, '.lanekit/worker'),
      config: join(root, '.lanekit/worker-options.json'),
      persist,
      chains: { [chain]: { fork: 'osaka', executors: [anvil.url] } },
      port,
      program: join(root, '.lanekit/programs/edge.js'),
    }),
  )
  const evm = rpcNode({ url: anvil.url })
  const stop = async () => {
    await edge.stop()
    await anvil.stop()
    rmSync(persist, { recursive: true, force: true })
  }
  const crashEdge = async () => {
    await edge.kill()
    await edge.raise()
  }
  return { edge: edge.url, rpc: anvil.url, evm, chain, token: await deployToken(evm), crashEdge, stop }
}
