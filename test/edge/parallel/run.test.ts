import { describe, expect, it } from 'vitest'
import { createOverlay } from '../../../edge/executor/parallel/overlay.ts'
import { type AheadRun, run } from '../../../edge/executor/parallel/run.ts'
import { address, fromHex, type Slot, wei } from '../../../sdk/units.ts'
import { createMachine, type Transaction } from '../../../sdk/vm/index.ts'
import { marketBlock } from '../../sdk/vm/market.ts'
import { memoryState } from '../../sdk/vm/memoryState.ts'
import { heavyPrecompiles } from '../../sdk/vm/precompiles.ts'
import { storeOf } from './chain.ts'
import { judgeErratic } from './erratic.ts'

/** More by `npm run conformance -- corrupted 10000`. */
const batches = 60

/**
 * By the length of its calldata: 0 sets slot 0; 1 sets slot 1 unless slot 0 is set; 2 copies slot 1 to slot 2.
 */
const code = fromHex('0x368015602057600114601357600154600255005b5f54601e5760016001555b005b60015f5500')

describe('a stretch of which one run is not taken', () => {
  it('is not taken behind that one either, though nobody has changed what the later runs saw', async () => {
    const machine = createMachine({ fork: 'osaka' })
    const state = memoryState()
    const contract = address(`0x${'cc'.repeat(20)}`)
    const senders = [1, 2, 3].map((at) => address(`0x${`5${at}`.repeat(20)}`))
    state.put(contract, { nonce: 1n, balance: 0n, code, slots: [] })
    for (const sender of senders) state.put(sender, { nonce: 0n, balance: 10n ** 24n, code: noBytes, slots: [] })
    const transactions = senders.map((from, at): Transaction => {
      const pricing = { type: 'legacy', gasPrice: wei(2_000_000_000n) } as const
      return { chainId: 1, from, to: contract, nonce: 0n, value: 0n, gas: 100_000n, data: new Uint8Array(at), pricing }
    })
    const store = storeOf(state)
    // The second and third run before the first, one on what the other leaves: slot 1 is set, and copied.
    const overlay = createOverlay(store.state, () => undefined)
    const ahead = [1, 2].map((index): [number, AheadRun] => {
      const outcome = machine.execute(transactions[index] as Transaction, marketBlock, overlay.state)
      if (outcome.kind !== 'executed' || outcome.failure) throw new Error('It does not run.')
      overlay.apply(outcome.changes)
      return [index, { outcome, since: 1, stretch: 1, ms: 0 }]
    })
    const runs = new Map(ahead)
    const refused: number[] = []
    const { ranAhead, reExecutions } = await run(transactions, {
      machine,
      block: marketBlock,
      store,
      sequence: 1,
      ahead: () => ({
        take: (index) => runs.get(index),
        refused: (index) => refused.push(index),
        publish: () => undefined,
        settled: () => undefined,
      }),
    })
    expect({ ranAhead, reExecutions, refused }).toEqual({ ranAhead: 0, reExecutions: 2, refused: [1, 2] })
    const slots = [0, 1, 2].map((slot) => store.state.storage(contract, toSlot(slot))?.[31] ?? 0)
    expect(slots).toEqual([1, 0, 0])
  })
})

const noBytes = new Uint8Array(0)

function toSlot(number: number): Slot {
  return `0x${number.toString(16).padStart(64, '0')}` as Slot
}

describe('a run with others ahead', () => {
  it('comes to what running one by one comes to, whatever was declared and however stale the runs', async () => {
    const machine = createMachine({ fork: 'osaka', precompiles: heavyPrecompiles })
    let ranAhead = 0
    let reExecutions = 0
    for (let seed = 1; seed <= batches; seed++) {
      const judged = await judgeErratic(seed, machine)
      expect(judged.together, `seed ${seed}`).toBe(judged.alone)
      ranAhead += judged.ranAhead
      reExecutions += judged.reExecutions
    }
    // The check that decides between the two is worth something only when both happen.
    expect(ranAhead).toBeGreaterThan(batches)
    expect(reExecutions).toBeGreaterThan(batches / 10)
  })
})
