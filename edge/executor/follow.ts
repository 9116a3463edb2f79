import type { BlockHash, TxHash } from '../../sdk/units.ts'
import { blocksKept, blocksPerPollMax } from '../limits.ts'
import type { Block, Executor, Inclusion } from './port.ts'

/** A block with the receipts of the transactions we wait for. */
export interface FollowedBlock extends Pick<Block, 'number' | 'hash' | 'parentHash'> {
  readonly inclusions: readonly Inclusion[]
}

/** What is new on the chain since the last look. */
export interface Progress {
  /** Ascending without holes; the first one's parent is known, unless `isGap`. */
  readonly blocks: readonly FollowedBlock[]
  /** Blocks were passed over: what they held, and whether older ones still stand, is found by hash. */
  readonly isGap: boolean
  readonly finalized: number
}

/** What the follower knows already. */
export interface Followed {
  /** Highest known block; nothing at first. */
  readonly tip: number | undefined
  readonly hashAt: (number: number) => BlockHash | undefined
  readonly isWanted: (hash: TxHash) => boolean
}

/**
 * Reads the blocks between what is known and the executor's head, and further back where the known ones no longer
 * stand. Throws as {@link Executor} does; then nothing is known more than before.
 */
export async function follow(executor: Executor, { tip, hashAt, isWanted }: Followed): Promise<Progress> {
  const head = await executor.head()
  const { finalized } = head
  if (hashAt(head.number) === head.hash) return { blocks: [], isGap: false, finalized }

  const isBehind = tip !== undefined && head.number - tip > blocksPerPollMax
  const isGap = tip === undefined || isBehind
  // A head at or below the tip is another branch, or a node that lags: the walk back finds out.
  const first = isGap ? Math.max(0, head.number - blocksPerPollMax + 1) : Math.min(tip + 1, head.number)
  const blocks: Block[] = []
  for (let number = tip === undefined ? head.number : first; number <= head.number; number++) {
    const block = await executor.block(number)
    const before = blocks.at(-1)
    // The chain moved while it was read: the next look starts from what is known.
    if (!block || (before && block.parentHash !== before.hash)) break
    blocks.push(block)
  }
  let isCut = isGap
  for (let oldest = blocks[0]; oldest && !isCut; oldest = blocks[0]) {
    const known = hashAt(oldest.number - 1)
    if (known === oldest.parentHash) break
    const parent =
      known === undefined || blocks.length >= blocksKept ? undefined : await executor.block(oldest.number - 1)
    if (parent?.hash === oldest.parentHash) blocks.unshift(parent)
    else isCut = true
  }
  return {
    blocks: await Promise.all(blocks.map((block) => withInclusions(executor, block, isWanted))),
    isGap: isCut,
    finalized,
  }
}

async function withInclusions(
  executor: Executor,
  block: Block,
  isWanted: (hash: TxHash) => boolean,
): Promise<FollowedBlock> {
  const { number, hash, parentHash, transactions } = block
  return { number, hash, parentHash, inclusions: await executor.inclusions(block, transactions.filter(isWanted)) }
}
