import { SdkError } from '../errors.ts'
import type { TxHash } from '../units.ts'
import type { Verified } from '../verify/index.ts'
import { type BlockBook, type Included, type KnownBlock, proveIncluded } from './blocks.ts'
import type { Life } from './life.ts'
import { inParallel } from './pool.ts'

/** Most blocks that are fetched at once for proof. */
const blocksInFlightMax = 4
/** How often a block that the node does not have yet is asked for, before the claim that named it is dropped. */
export const claimTriesMax = 8

/** Whoever said that a block holds a transaction is believed when the block proves it. [OB6] */
export interface Prover {
  /** Takes up a claim; a second one about the same hash waits for the first to be dropped. */
  readonly claim: (hash: TxHash, blockNumber: number) => void
  /** True from the claim until {@link Prover.forget} or a doubt. */
  readonly isClaimed: (hash: TxHash) => boolean
  readonly proofOf: (hash: TxHash) => Verified<Included> | undefined
  readonly forget: (hash: TxHash) => void
}

interface Claim {
  readonly blockNumber: number
  tries: number
  proof: Verified<Included> | undefined
}

/**
 * A prover over one node's blocks.
 *
 * @param told.proven - Claims that hold, several of one moment together.
 * @param told.doubted - A claim that does not hold: the block is there without the transaction, or does not come.
 */
export function createProver(
  blocks: BlockBook,
  life: Life,
  told: {
    readonly proven: (inclusions: readonly Verified<Included>[]) => void
    readonly doubted: (hash: TxHash) => void
  },
): Prover {
  const claims = new Map<TxHash, Claim>()
  let isBusy = false

  const round = async (): Promise<'moved' | 'stuck'> => {
    const open = [...claims].filter(([, { proof }]) => !proof)
    const numbers = [...new Set(open.map(([, { blockNumber }]) => blockNumber))]
    const answers = await inParallel(numbers, blocksInFlightMax, (number) => ask(blocks, number, 'kept'))
    const proven: Verified<Included>[] = []
    let isStuck = false
    for (const [hash, claim] of open) {
      const answer = answers[numbers.indexOf(claim.blockNumber)]
      claim.proof = await proofIn(blocks, hash, answer)
      if (claim.proof) proven.push(claim.proof)
      else if (answer?.block || (answer && ++claim.tries === claimTriesMax)) {
        claims.delete(hash)
        told.doubted(hash)
      } else isStuck = true
    }
    if (proven.length > 0) told.proven(proven)
    return isStuck ? 'stuck' : 'moved'
  }

  const work = async () => {
    const isOpen = () => [...claims.values()].some(({ proof }) => !proof)
    try {
      for (let failures = 0; isOpen(); ) {
        if ((await round()) === 'moved') failures = 0
        else await life.pause(failures++)
      }
    } finally {
      isBusy = false // In the same turn as the last look at the claims.
    }
  }

  return {
    isClaimed: (hash) => claims.has(hash),
    proofOf: (hash) => claims.get(hash)?.proof,
    forget: (hash) => {
      claims.delete(hash)
    },
    claim: (hash, blockNumber) => {
      if (claims.has(hash)) return
      claims.set(hash, { blockNumber, tries: 0, proof: undefined })
      if (isBusy) return
      isBusy = true
      life.task(work())
    },
  }
}

/** What the node says of a number; nothing when it could not be asked, or told nonsense. */
async function ask(
  blocks: BlockBook,
  number: number,
  age: 'kept' | 'fresh',
): Promise<{ readonly block: KnownBlock | undefined } | undefined> {
  try {
    return { block: await blocks.at(number, age) }
  } catch (error) {
    if (error instanceof SdkError && error.code.startsWith('node/')) return undefined
    throw error
  }
}

/** A kept block may be one that another has replaced since, so a no is asked for once more. */
async function proofIn(
  blocks: BlockBook,
  hash: TxHash,
  answer: { readonly block: KnownBlock | undefined } | undefined,
): Promise<Verified<Included> | undefined> {
  if (!answer?.block) return undefined
  const proof = proveIncluded(answer.block, hash)
  if (proof) return proof
  const fresh = await ask(blocks, answer.block.block.header.number, 'fresh')
  return fresh?.block && proveIncluded(fresh.block, hash)
}
