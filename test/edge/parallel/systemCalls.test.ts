import { describe, expect, it } from 'vitest'
import { createEngine } from '../../../edge/executor/parallel/createEngine.ts'
import type { Engine, EngineOptions, ExecutedBlock } from '../../../edge/executor/parallel/engine.ts'
import { type Address, fromHex, type Slot, toHex } from '../../../sdk/units.ts'
import { systemContracts } from '../../../sdk/vm/index.ts'
import { memoryState } from '../../sdk/vm/memoryState.ts'
import { chain, genesisOf, laterBy } from './chain.ts'
import { workerScript } from './workerScript.ts'

/** The contracts' code as their EIPs give it, deployed. */
const beaconRootsCode = fromHex(
  '0x3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500',
)
const historyCode = fromHex(
  '0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500',
)
/** Places of both rings (EIP-4788 HISTORY_BUFFER_LENGTH, EIP-2935 HISTORY_SERVE_WINDOW). */
const ring = 8_191n
const root = new Uint8Array(32).fill(0x4b)

const state = memoryState()
const plain = { nonce: 1n, balance: 0n, slots: [] }
state.put(systemContracts.beaconRoots, { ...plain, code: beaconRootsCode })
state.put(systemContracts.history, { ...plain, code: historyCode })

async function twoBlocks(options: Partial<EngineOptions> = {}): Promise<{ engine: Engine; last: ExecutedBlock }> {
  const engine = await createEngine({ chainId: chain, fork: 'osaka', start: genesisOf(state), ...options })
  const blocks: ExecutedBlock[] = []
  for (const at of [1, 2]) {
    const environment = { ...laterBy(12 * at), parentBeaconBlockRoot: root }
    const block = await engine.execute({ transactions: [], environment })
    if (block.kind === 'refused') throw new Error(block.detail)
    blocks.push(block)
  }
  await engine.stop()
  return { engine, last: blocks[1] as ExecutedBlock }
}

function stored(engine: Engine, contract: Address, slot: bigint): string {
  const name = `0x${slot.toString(16).padStart(64, '0')}` as Slot
  return toHex(engine.state(2)?.storage(contract, name) ?? new Uint8Array(32))
}

const nothing = toHex(new Uint8Array(32))

describe('what a block does before its transactions', () => {
  it('stores the parent’s beacon root beside its timestamp (EIP-4788), and the hash of its parent (EIP-2935)', async () => {
    const { engine, last } = await twoBlocks()
    const { timestamp, parentHash } = last.block.header
    const { beaconRoots, history } = systemContracts
    expect(BigInt(stored(engine, beaconRoots, timestamp % ring))).toBe(timestamp)
    expect(stored(engine, beaconRoots, (timestamp % ring) + ring)).toBe(toHex(root))
    expect(stored(engine, history, 1n)).toBe(parentHash)
    expect(last.record.changes.map(({ address }) => address)).toEqual([history, beaconRoots].sort())
  })

  it('is part of the block that workers seal too', async () => {
    const [alone, together] = [await twoBlocks(), await twoBlocks({ workers: 1, workerScript: await workerScript() })]
    expect(together.last.block.hash).toBe(alone.last.block.hash)
    expect(toHex(together.last.access.hash)).toBe(toHex(alone.last.access.hash))
  })

  it('has no hash of its parent before prague, and nothing where it is left out', async () => {
    const cancun = await twoBlocks({ fork: 'cancun' })
    expect(stored(cancun.engine, systemContracts.history, 1n)).toBe(nothing)
    expect(cancun.last.record.changes.map(({ address }) => address)).toEqual([systemContracts.beaconRoots])
    const without = await twoBlocks({ systemCalls: false })
    expect(without.last.record.changes).toEqual([])
  })
})
