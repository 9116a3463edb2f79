import type { TypedTransaction } from '@ethereumjs/tx'
import { createMachine, type Machine } from '../../sdk/vm/index.ts'
import { type Market, marketBlock, openMarket } from '../sdk/vm/market.ts'
import { openPeer, type Peer } from '../sdk/vm/peer.ts'
import { processorSeconds } from './clock.ts'
import type { Figure } from './run.ts'

const accounts = 1_000
/** The peer copies all its state at each call, so a small state is what it is fastest on. */
const peerAccounts = 20
const rounds = 8
const counts = { transfer: 4_000, swapAtPair: 1_500, swap: 1_000 }
const peerCounts = { transfer: 100, swapAtPair: 40, swap: 25 }
const peerName = '@ethereumjs/vm 10.1.3, runTx'

type Kind = keyof typeof counts

/**
 * Signed transactions under all rules of osaka (fees, nonces, gas, undo log, record of places), one after the other, each
 * on the state the one before left. Signatures are not checked, neither here nor by the peer. Best round each, in turn.
 * A second is one of processor time, all threads of this process counted: others on the machine do not change it much.
 */
export async function* run(): AsyncIterable<Figure> {
  const machine = createMachine({ fork: 'osaka', seed: 1 })
  const market = openMarket(accounts)
  const peerMarket = openMarket(peerAccounts)
  const peer = await openPeer(peerMarket.state, marketBlock, 'osaka')
  yield* race('ERC-20 transfers', 'transfer', { machine, market, peer, peerMarket })
  yield* race('Uniswap v2 swaps at the pair, 5 calls', 'swapAtPair', { machine, market, peer, peerMarket })
  yield* race('Uniswap v2 swaps by its router, 8 calls', 'swap', { machine, market, peer, peerMarket })
}

interface Rivals {
  readonly machine: Machine
  readonly market: Market
  readonly peer: Peer
  readonly peerMarket: Market
}

async function* race(name: string, kind: Kind, rivals: Rivals): AsyncIterable<Figure> {
  const { machine, market, peer, peerMarket } = rivals
  const best = { ours: 0, theirs: 0, gas: 0 }
  for (let round = 0; round < rounds; round++) {
    const transactions = Array.from({ length: counts[kind] }, market[kind])
    const prepared = Array.from({ length: peerCounts[kind] }, () => peer.prepare(peerMarket[kind]()))
    let gas = 0n
    const start = processorSeconds()
    for (const transaction of transactions) {
      const outcome = machine.execute(transaction, market.block, market.state)
      if (outcome.kind !== 'executed' || outcome.failure !== null) throw new Error(`A ${kind} failed.`)
      market.state.apply(outcome.changes)
      gas += outcome.gasUsed
    }
    const seconds = processorSeconds() - start
    best.ours = Math.max(best.ours, counts[kind] / seconds)
    best.gas = Math.max(best.gas, Number(gas) / 1e6 / seconds)
    best.theirs = Math.max(best.theirs, await ratePeer(peer, prepared))
  }
  const { ours, theirs, gas } = best
  yield { name, value: ours, unit: 'tx/s', peer: peerName, peerValue: theirs, ratio: ours / theirs }
  yield { name: `${name}, gas`, value: gas, unit: 'Mgas/s', peer: null, peerValue: null, ratio: null }
}

async function ratePeer(peer: Peer, prepared: readonly TypedTransaction[]): Promise<number> {
  const start = processorSeconds()
  for (const transaction of prepared) await peer.run(transaction)
  return prepared.length / (processorSeconds() - start)
}
