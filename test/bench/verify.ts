import { createHash } from 'node:crypto'
import { hash256 } from '../../sdk/verify/bitcoin/hash.ts'
import {
  extendChain,
  extendMax,
  genesisCheckpoint,
  headerSize,
  proveInclusion,
  verifyInclusion,
} from '../../sdk/verify/bitcoin/index.ts'
import { held } from '../conformance/bitcoin.ts'
import { mineBlock, mineOn, nowSeconds, regtestChain } from '../sdk/verify/bitcoin/regtest.ts'
import { lightFigures } from './light.ts'
import type { Figure } from './run.ts'

const rounds = 15
const proofs = 40
const blockTransactions = 4_000

/**
 * Bitcoin headers checked in full, and transactions proven in a block of 4,000. No other header chain for JavaScript is
 * installed, so the peer is the floor: the same hashes by node:crypto, with nothing checked.
 */
export async function* run(): AsyncIterable<Figure> {
  const chain = regtestChain(extendMax)
  const headers = mineOn(hash256(genesisCheckpoint('regtest').header), 0, extendMax)
  const each = Array.from({ length: extendMax }, (_, at) => headers.subarray(at * headerSize, (at + 1) * headerSize))
  yield race('headers checked in full', 'headers/s', extendMax, {
    ours: () => held(extendChain(chain, headers, { nowSeconds })),
    floor: () => each.map(hashByNode),
  })

  const { header, transactions, txids } = mineBlock(blockTransactions)
  const claims = Array.from({ length: proofs }, (_, at) => {
    const index = 1 + at * 97
    const transaction = transactions[index] ?? new Uint8Array(0)
    return { header, transaction, proof: held(proveInclusion(txids, index)) }
  })
  const pair = new Uint8Array(64)
  yield race('transactions proven in a block', 'proofs/s', proofs, {
    ours: () => claims.map((claim) => held(verifyInclusion(claim))),
    floor: () =>
      claims.map(({ transaction, proof }) => [
        hashByNode(transaction),
        ...Array.from({ length: proof.path.length / 32 }, () => hashByNode(pair)),
      ]),
  })
  yield* lightFigures()
}

/** Things a second, both in turn, the best round of each. */
function race(
  name: string,
  unit: string,
  count: number,
  { ours, floor }: { readonly ours: () => unknown; readonly floor: () => unknown },
): Figure {
  let [best, bestFloor] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < rounds; round++) {
    best = Math.min(best, msOf(ours))
    bestFloor = Math.min(bestFloor, msOf(floor))
  }
  const [value, peerValue] = [(1_000 * count) / best, (1_000 * count) / bestFloor]
  return { name, value, unit, peer: 'hashes alone, node:crypto', peerValue, ratio: value / peerValue }
}

function msOf(call: () => unknown): number {
  const start = performance.now()
  call()
  return performance.now() - start
}

function hashByNode(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest()
}
