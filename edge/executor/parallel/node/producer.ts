import type { Declaration } from '../../../../sdk/batch/index.ts'
import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { invariant, SdkError } from '../../../../sdk/errors.ts'
import { encodeReceipt, type Signed } from '../../../../sdk/evm/index.ts'
import { type Address, fromHex, type TxHash } from '../../../../sdk/units.ts'
import { encodeChanges } from '../changes.ts'
import type { Engine, Environment, ExecutedBlock, SealedBlock } from '../engine.ts'
import type { Archive, ArchivedBlock } from './archive.ts'
import type { ChainLog } from './chainFolder.ts'
import { nextBaseFee } from './fees.ts'
import type { Pool, PoolRefusal } from './pool.ts'
import { createWaiters, type Fate, type Waiters } from './waiters.ts'

/** How blocks come about. */
export interface Production {
  readonly feeRecipient: Address
  readonly gasLimit: bigint
  /** How long the first transaction of a block waits for others, in milliseconds; 0 waits for nobody. */
  readonly blockMs: number
}

export interface ProducerWorld {
  readonly engine: Engine
  readonly archive: Archive
  readonly pool: Pool
  /** Nothing: what happens is forgotten when the process ends. */
  readonly log: ChainLog | null
  readonly production: Production
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** Hears of the error after which no block is made any more. */
  readonly failed: (error: unknown) => void
}

/** Makes blocks, one after the other: runs, stores, and only then tells. */
export interface Producer {
  /**
   * Stores a transaction that the pool says nothing against, and only then lets it in. Another one may have come in
   * meanwhile: then it says why this one stays out.
   */
  readonly pool: (signed: Signed) => Promise<PoolRefusal | undefined>
  /** Runs these as the next block, whatever waits in the pool. What must be told of it is stored when it resolves. */
  readonly execute: (batch: BatchWish) => Promise<BatchOutcome>
  /** Resolves when the transaction is in a block or can never be, or after a time. */
  readonly fate: (hash: TxHash, timeoutMs: number) => Promise<Fate>
  /** What the block after the newest says of itself. */
  readonly environment: () => Environment
  /** Resolves when the block under way is stored. */
  readonly stop: () => Promise<void>
}

export interface BatchWish {
  readonly transactions: readonly Signed[]
  readonly declarations: readonly Declaration[]
}

/** Of a batch: the block, and which of its transactions were in blocks before. */
export interface BatchOutcome {
  /** Nothing when there was nothing left to run. */
  readonly executed: ExecutedBlock | null
  /** Positions in the batch of what was run, in the order of `executed`'s indices. */
  readonly ran: readonly number[]
}

export function createProducer(world: ProducerWorld): Producer {
  const { archive, pool, log, production, now } = world
  const waiters = createWaiters()
  const inTurn = takeTurns(world.failed)
  let timer: NodeJS.Timeout | undefined

  async function makeFromPool(): Promise<void> {
    const chosen = pool.next(nextBaseFee(archive.head().block.header), nonces(world))
    if (chosen.length === 0) return
    const { skipped } = await makeBlock(world, waiters, { transactions: chosen })
    for (const { hash, code } of skipped) {
      if (code === 'block-full') continue
      pool.remove(hash)
      waiters.tell(hash, 'dropped')
    }
    schedule()
  }

  function schedule(): void {
    if (timer !== undefined || pool.size() === 0) return
    timer = setTimeout(() => {
      timer = undefined
      // `failed` hears of it; a producer that was stopped makes no block.
      inTurn.take(makeFromPool).catch(() => undefined)
    }, production.blockMs)
  }
  schedule()

  return {
    pool: async (signed) => {
      inTurn.check()
      await log?.append([{ kind: 'pooled', raw: signed.bytes }])
      const refusal = archive.find(signed.hash) ? 'already-known' : pool.refusal(signed)
      if (refusal) return refusal
      const replaced = pool.add(signed)
      if (replaced) waiters.tell(replaced, 'dropped')
      schedule()
      return undefined
    },
    execute: ({ transactions, declarations }) =>
      inTurn.take(async () => {
        const ran = [...transactions.keys()].filter((at) => !archive.find((transactions[at] as Signed).hash))
        if (ran.length === 0) return { executed: null, ran }
        const executed = await makeBlock(world, waiters, {
          transactions: ran.map((at) => transactions[at] as Signed),
          declarations: ran.map((at) => declarations[at] as Declaration),
        })
        schedule()
        return { executed, ran }
      }),
    fate: (hash, timeoutMs) => (archive.find(hash) ? Promise.resolve('included') : waiters.wait(hash, timeoutMs)),
    environment: () => environmentAfter(archive.head().block, production, now()),
    stop: async () => {
      clearTimeout(timer)
      await inTurn.stop()
      waiters.dismiss()
    },
  }
}

/** One block at a time; none after a failure, since memory may be ahead of the disk then: nothing of it may be told. */
function takeTurns(failed: (error: unknown) => void) {
  let turn: Promise<unknown> = Promise.resolve()
  let end: unknown
  const check = () => {
    if (end !== undefined) throw end
  }
  return {
    check,
    take: <value>(make: () => Promise<value>): Promise<value> => {
      const next = turn.then(async () => {
        check()
        try {
          return await make()
        } catch (error) {
          end = error
          failed(error)
          throw error
        }
      })
      turn = next.catch(() => undefined)
      return next
    },
    stop: async () => {
      await turn
      end ??= new SdkError('node/unreachable', 'The node has stopped.')
    },
  }
}

/** The next nonce of each sender, after the newest block that is told. */
function nonces({ engine, archive }: ProducerWorld): (sender: Address) => bigint {
  const state = engine.state(archive.head().block.header.number)
  invariant(state, 'the newest state is kept')
  return (sender) => state.account(sender)?.nonce ?? 0n
}

/** Runs transactions as the next block, stores it, and takes it into what is told. */
async function makeBlock(
  world: ProducerWorld,
  waiters: Waiters,
  batch: { readonly transactions: readonly Signed[]; readonly declarations?: readonly Declaration[] },
): Promise<ExecutedBlock> {
  const { engine, archive, pool, log, production, now } = world
  const environment = environmentAfter(archive.head().block, production, now())
  const executed = await engine.execute({ ...batch, environment })
  invariant(executed.kind === 'executed', 'a block that is made here has an environment and declarations in order')
  const block = archivedFrom(executed)
  const { header, changes } = executed.record
  const { transactions } = block
  await log?.append([{ kind: 'block', header, changes: encodeChanges(changes), transactions }])
  archive.add(block)
  const nonceOf = nonces(world)
  for (const { hash, from } of transactions) {
    pool.remove(hash)
    for (const gone of pool.settle(from, nonceOf(from))) waiters.tell(gone, 'dropped')
    waiters.tell(hash, 'included')
  }
  if (log?.isLong()) await log.rotate(engine.snapshot(), () => [...pool.all()].map(({ bytes }) => bytes))
  return executed
}

/** What a block after `parent` says of itself. Its randomness is no secret: it follows from the parent. */
function environmentAfter({ header, hash }: SealedBlock, production: Production, nowMs: number): Environment {
  const { feeRecipient, gasLimit } = production
  const seconds = BigInt(Math.floor(nowMs / 1000))
  return {
    feeRecipient,
    gasLimit,
    // Blocks come closer together than seconds; then the chain's clock runs ahead.
    timestamp: seconds > header.timestamp ? seconds : header.timestamp + 1n,
    baseFeePerGas: nextBaseFee(header),
    prevRandao: keccak256(fromHex(hash)),
  }
}

function archivedFrom({ block, transactions }: ExecutedBlock): ArchivedBlock {
  return {
    block,
    transactions: transactions.map(({ signed, receipt }) => ({
      hash: signed.hash,
      from: signed.prepared.from,
      raw: signed.bytes,
      receipt: encodeReceipt(receipt),
    })),
  }
}
