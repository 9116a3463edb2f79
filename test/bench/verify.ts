import { createHash } from 'node:crypto'
import { Block } from 'bitcoinjs-lib'
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
import { raced } from './turns.ts'

const rounds = 8
const proofs = 40
const blockTransactions = 4_000

/**
 * Bitcoin headers checked in full, and transactions proven in a block of 4,000, beside the floor: the same hashes by
 * node:crypto, with nothing checked. bitcoinjs-lib has no header chain; it judges a header's hash by its own target, and
 * neither the link to the one before nor the difficulty.
 */
export async function* run(): AsyncIterable<Figure> {
  const chain = regtestChain(extendMax)
  const headers = mineOn(hash256(genesisCheckpoint('regtest').header), 0, extendMax)
  const each = Array.from({ length: extendMax }, (_, at) => headers.subarray(at * headerSize, (at + 1) * headerSize))
  const ours = () => held(extendChain(chain, headers, { nowSeconds }))
  yield await race('headers checked in full', 'headers/s', extendMax, { ours, floor: () => each.map(hashByNode) })
  const peer = 'bitcoinjs-lib, work alone'
  const floor = () => each.every((header) => Block.fromBuffer(header).checkProofOfWork())
  yield await race('headers checked in full', 'headers/s', extendMax, { ours, floor, peer })

  const { header, transactions, txids } = mineBlock(blockTransactions)
  const claims = Array.from({ length: proofs }, (_, at) => {
    const index = 1 + at * 97
    const transaction = transactions[index] ?? new Uint8Array(0)
    return { header, transaction, proof: held(proveInclusion(txids, index)) }
  })
  const pair = new Uint8Array(64)
  yield await race('transactions proven in a block', 'proofs/s', proofs, {
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
async function race(
  name: string,
  unit: string,
  count: number,
  told: { readonly ours: () => unknown; readonly floor: () => unknown; readonly peer?: string },
): Promise<Figure> {
  const [best, bestFloor] = await raced({ ...told, rounds })
  const [value, peerValue] = [(1_000 * count) / best, (1_000 * count) / bestFloor]
  return { name, value, unit, peer: told.peer ?? 'hashes alone, node:crypto', peerValue, ratio: value / peerValue }
}

function hashByNode(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(createHash('sha256').update(bytes).digest()).digest()
}
