import { describe, expect, it } from 'vitest'
import type { Fork } from '../../../sdk/evm/fork.ts'
import { toHex } from '../../../sdk/units.ts'
import { createMachine, type Outcome } from '../../../sdk/vm/index.ts'
import { marketBlock } from './market.ts'
import { dumpState, openPeer } from './peer.ts'
import { heavyPrecompiles } from './precompiles.ts'
import { createChance, drawWorld } from './programs.ts'

/** More of them by LANEKIT_FUZZ_RUNS, from LANEKIT_FUZZ_FROM on. */
const runs = Number(process.env.LANEKIT_FUZZ_RUNS ?? 30)
const from = Number(process.env.LANEKIT_FUZZ_FROM ?? 1)

const forks: readonly Fork[] = ['cancun', 'prague', 'osaka']

describe('random programs, against EthereumJS', () => {
  it.each(forks)(`%s: equal status, gas, logs and state, ${runs} worlds`, { timeout: 3_600_000 }, async (fork) => {
    const machine = createMachine({ fork, precompiles: heavyPrecompiles })
    for (let seed = from; seed < from + runs; seed++)
      expect(await judge(seed, fork, machine), `seed ${seed}`).toBe('equal')
  })
})

async function judge(seed: number, fork: Fork, machine: ReturnType<typeof createMachine>): Promise<string> {
  const { state, transactions } = drawWorld(createChance(seed), fork !== 'cancun')
  const peer = await openPeer(state, marketBlock, fork)
  for (const [at, transaction] of transactions.entries()) {
    const outcome = machine.execute(transaction, marketBlock, state)
    const theirs = await peer.execute(transaction)
    if (outcome.kind === 'executed') state.apply(outcome.changes)
    const [one, other] = [tell(outcome), theirs ? tellPeer(theirs) : 'refused']
    if (one !== other) return `transaction ${at}: ours ${one}, theirs ${other}`
  }
  const [ours, theirs] = [dumpState(state), await peer.dump()]
  const difference = ours.findIndex((line, at) => line !== theirs[at])
  if (difference >= 0) return `state: ours ${ours[difference]}, theirs ${theirs[difference]}`
  return ours.length === theirs.length ? 'equal' : `state: theirs has ${theirs[ours.length]} too`
}

function tell(outcome: Outcome): string {
  if (outcome.kind !== 'executed') return outcome.kind
  const logs = outcome.logs.map(({ address, topics, data }) => [address, ...topics.map(toHex), toHex(data)].join())
  return `${outcome.status === 'succeeded'} ${outcome.gasUsed} ${logs.join(' ')}`
}

function tellPeer({
  succeeded,
  gasUsed,
  logs,
}: {
  succeeded: boolean
  gasUsed: bigint
  logs: readonly string[]
}): string {
  return `${succeeded} ${gasUsed} ${logs.join(' ')}`
}
