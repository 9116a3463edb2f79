import { setImmediate } from 'node:timers/promises'
import {
  type DecodedBatch,
  decodeBatch,
  decodeBatchJson,
  normalise,
  type ReceivedBatch,
} from '../../../../../sdk/batch/index.ts'
import { type Signed, transactionHash } from '../../../../../sdk/evm/index.ts'
import { fromHex, isHex, type TxHash, toHex } from '../../../../../sdk/units.ts'
import type { ExecutedBlock, SkippedTransaction } from '../../engine.ts'
import { type Read, readSigned } from '../admission.ts'
import { recoveredPerTurnMax } from '../limits.ts'
import { isRecord } from '../params.ts'
import type { BatchOutcome } from '../producer.ts'
import { type Answer, codes, type Methods, method, no, type RpcError, told } from '../rpc.ts'
import { type Json, quantityHex, receiptJson } from '../shapes.ts'
import type { NodeWorld } from '../world.ts'

/**
 * Runs a whole envelope as one block (`lanekit_executeBatch`): its transactions in its order, in parallel where its
 * declarations allow. It is not atomic: what cannot run is skipped, with a code.
 */
export function batchMethods(world: NodeWorld): Methods {
  return {
    lanekit_executeBatch: method(
      (params) => envelopeOf(params.raw(0)),
      (decoded) => {
        if (decoded === undefined) return no(codes.params, 'Invalid parameters: the envelope is bytes or an object')
        if (!decoded.ok) return no(codes.params, `Invalid parameters: ${decoded.reason}`, { code: decoded.code })
        return execute(world, decoded.value)
      },
    ),
  }
}

function envelopeOf(json: unknown): DecodedBatch | undefined {
  if (isHex(json)) return decodeBatch(fromHex(json))
  return isRecord(json) ? decodeBatchJson(JSON.stringify(json)) : undefined
}

async function execute(world: NodeWorld, batch: ReceivedBatch): Promise<Answer> {
  const { chainId, producer } = world
  if (batch.chainId !== chainId)
    return no(codes.params, `Invalid parameters: the envelope is for chain ${batch.chainId}`, { code: 'wrong-chain' })
  const hashes = batch.transactions.map(({ raw }) => transactionHash(raw))
  if (new Set(hashes).size < hashes.length)
    return no(codes.params, 'Invalid parameters: a transaction stands in it twice', { code: 'malformed-envelope' })
  const read = await readAll(world, batch, hashes)
  const good = batch.transactions.flatMap(({ declaration }, at) => {
    const one = read[at]
    return one?.ok ? [{ at, signed: one.signed, declaration }] : []
  })
  const gas = good.reduce((sum, { signed }) => sum + signed.prepared.gas, 0n)
  const { gasLimit } = producer.environment()
  if (gas > gasLimit)
    return no(codes.params, `Invalid parameters: gas limits of ${gas} in all, a block has ${gasLimit}`, {
      code: 'batch-too-large',
    })
  const outcome = await producer.execute({
    transactions: good.map(({ signed }) => signed),
    declarations: good.map(({ declaration }) => ({ ...declaration, ...normalise(declaration) })),
  })
  return told(outcomeJson(world, { id: batch.id, hashes, read, outcome, positionOf: (position) => good[position]?.at }))
}

/** Decodes and recovers; what a block holds already needs neither. */
async function readAll(
  world: NodeWorld,
  { transactions }: ReceivedBatch,
  hashes: readonly TxHash[],
): Promise<readonly (Read | undefined)[]> {
  const read: (Read | undefined)[] = []
  for (const [at, { raw }] of transactions.entries()) {
    if (at % recoveredPerTurnMax === recoveredPerTurnMax - 1) await setImmediate()
    const hash = hashes[at] as TxHash
    const pooled: Signed | undefined = world.pool.get(hash)
    if (world.archive.find(hash)) read.push(undefined)
    else read.push(pooled ? { ok: true, signed: pooled } : readSigned(raw, world))
  }
  return read
}

interface Result {
  readonly id: string
  readonly hashes: readonly TxHash[]
  readonly read: readonly (Read | undefined)[]
  readonly outcome: BatchOutcome
  /** Place in the batch of what was handed to the engine. */
  readonly positionOf: (position: number) => number | undefined
}

function outcomeJson(world: NodeWorld, { id, hashes, read, outcome, positionOf }: Result): Json {
  const { executed, ran } = outcome
  const placeOf = (index: number) => positionOf(ran[index] ?? -1)
  const reads = new Map(executed?.transactions.map((one) => [placeOf(one.index), one.access.reads]))
  const skipped = new Map(executed?.skipped.map((one) => [placeOf(one.index), one]))
  const results = hashes.map((hash, at): Json => {
    const position = world.archive.find(hash)
    // A receipt from before brings no reads: they are told once.
    if (position) return { hash, status: 'included', receipt: receiptJson(position), reads: reads.get(at) ?? null }
    const one = read[at]
    if (one && !one.ok) return { hash, status: 'skipped', code: 'invalid-transaction', error: one.error }
    const skip = skipped.get(at)
    return { hash, status: 'skipped', code: skip?.code ?? 'unsupported', error: skipError(skip?.code ?? 'unsupported') }
  })
  return { id, block: executed && blockJson(executed), transactions: results }
}

function blockJson({ block, access, figures }: ExecutedBlock): Json {
  const { gasUsed, criticalPathGas } = figures
  return {
    number: quantityHex(block.header.number),
    hash: block.hash,
    access: { rlp: toHex(access.rlp), hash: toHex(access.hash) },
    // With as many workers as it could use.
    figures: { ...figures, idealSpeedup: criticalPathGas === 0 ? 1 : gasUsed / criticalPathGas },
  }
}

const skipPhrases: Readonly<Record<SkippedTransaction['code'], string>> = {
  'nonce-too-low': 'nonce too low',
  'nonce-too-high': 'nonce too high',
  'insufficient-funds': 'insufficient funds for gas * price + value',
  'gas-too-low': 'intrinsic gas too low',
  'gas-too-high': 'exceeds block gas limit',
  'fee-too-low': 'max fee per gas less than block base fee',
  'wrong-chain': 'invalid chain id for signer',
  'unsupported-type': 'transaction type not supported',
  'sender-has-code': 'sender not an eoa',
  malformed: 'invalid transaction',
  blobs: 'transaction type not supported: blobs',
  'block-full': 'the block is full, try again',
  unsupported: 'a precompiled contract is unavailable',
}

function skipError(code: SkippedTransaction['code']): RpcError {
  return { code: codes.server, message: skipPhrases[code] }
}
