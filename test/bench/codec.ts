import { fromRlp, keccak256, toRlp } from 'viem'
import type { BatchTransaction } from '../../sdk/batch/access.ts'
import {
  type Batch,
  batchTransactionsMax,
  declare,
  decodeBatch,
  decodeBatchJson,
  encodeBatch,
  encodeBatchJson,
} from '../../sdk/batch/index.ts'
import { decodeRlp, encodeRlp, type RlpItem } from '../../sdk/rlp.ts'
import { type Address, address, chainId, type Hex, slot, toHex } from '../../sdk/units.ts'
import type { Figure } from './run.ts'

const rounds = 20
const callsPerRound = 3

/**
 * A full batch of 256 token transfers through both encodings. Ours build tables of places, judge them and put the places
 * back; the peers turn a finished tree into bytes or text and back, and hash where ours do, so theirs is the smaller job.
 * `ratio` says how many times faster ours is (for sizes, how many times smaller).
 */
export async function* run(): AsyncIterable<Figure> {
  const batch = transfers(batchTransactionsMax)
  const bytes = encodeBatch(batch)
  const text = encodeBatchJson(batch)
  const payload = bytes.subarray(1)
  const tree = treeOf(payload)
  const hexTree = hexOf(tree)
  const parsed: unknown = JSON.parse(text)

  const rlpByViem = () => toRlp(hexTree, 'bytes')
  yield* race('RLP alone, encode', 'viem toRlp', () => encodeRlp(tree), rlpByViem)
  yield* race(
    'RLP alone, decode',
    'viem fromRlp',
    () => decodeRlp(payload),
    () => fromRlp(payload, 'hex'),
  )
  yield* race('binary envelope, encode', 'viem toRlp', () => encodeBatch(batch), rlpByViem)
  yield* race(
    'binary envelope, decode',
    'viem fromRlp, keccak256',
    () => decodeBatch(bytes),
    () => [fromRlp(payload, 'hex'), keccak256(bytes)],
  )
  yield* race(
    'JSON envelope, encode',
    'JSON.stringify, viem toRlp, keccak256',
    () => encodeBatchJson(batch),
    () => [JSON.stringify(parsed), keccak256(rlpByViem())],
  )
  yield* race(
    'JSON envelope, decode',
    'JSON.parse, viem toRlp, keccak256',
    () => decodeBatchJson(text),
    () => [JSON.parse(text), keccak256(rlpByViem())],
  )
  const size = bytes.length / batchTransactionsMax
  const jsonSize = text.length / batchTransactionsMax
  yield {
    name: 'binary envelope, size of a transaction',
    value: size,
    unit: 'B',
    peer: 'JSON',
    peerValue: jsonSize,
    ratio: jsonSize / size,
  }
}

/** Transactions a second, ours and the peer's in turn, the best round of each. */
function* race(name: string, peer: string, ours: () => unknown, theirs: () => unknown): Iterable<Figure> {
  const best = { ours: Number.POSITIVE_INFINITY, theirs: Number.POSITIVE_INFINITY }
  for (let round = 0; round < rounds; round++) {
    best.ours = Math.min(best.ours, msOf(ours))
    best.theirs = Math.min(best.theirs, msOf(theirs))
  }
  const perSecond = (ms: number) => (1_000 * callsPerRound * batchTransactionsMax) / ms
  const [value, peerValue] = [perSecond(best.ours), perSecond(best.theirs)]
  yield { name, value, unit: 'tx/s', peer, peerValue, ratio: value / peerValue }
}

function msOf(call: () => unknown): number {
  const start = performance.now()
  for (let again = 0; again < callsPerRound; again++) call()
  return performance.now() - start
}

/** Transfers of one token between accounts drawn from a few hundred, with raw bytes of the usual length. */
function transfers(count: number): Batch {
  const token = accountOf(0)
  const slotAt = (n: number) => ({ kind: 'slot' as const, address: token, slot: slot(toHex(spread(n, 32))) })
  const transaction = (n: number): BatchTransaction => ({
    raw: spread(n, 176),
    declaration: declare(
      {
        reads: [{ kind: 'code', address: token }],
        writes: [
          { kind: 'nonce', address: accountOf(n) },
          { kind: 'balance', address: accountOf(n) },
          slotAt(n),
          slotAt((7 * n + 1) % count),
        ],
        credits: [],
      },
      50_000,
      'trace',
    ),
  })
  return {
    chainId: chainId(1),
    fork: 'osaka',
    transactions: Array.from({ length: count }, (_, n) => transaction(n + 1)),
  }
}

function accountOf(n: number): Address {
  return address(toHex(spread(n, 20)))
}

/** Bytes that look like a hash, the same for the same number. */
function spread(n: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => Math.imul(n * 64 + at + 1, 0x9e3779b1) >>> 24)
}

function treeOf(payload: Uint8Array): RlpItem {
  const decoded = decodeRlp(payload)
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.value
}

type HexTree = Hex | readonly HexTree[]

function hexOf(item: RlpItem): HexTree {
  return item instanceof Uint8Array ? toHex(item) : item.map(hexOf)
}
