import { accepted, type Decoded, refused } from '../../errors.ts'
import type { LightBlock, Moment } from './block.ts'
import { type CometTrust, verifyCometBlock } from './verify.ts'

/** Most blocks that may wait for a nearer one: a range of 2^64 heights is halved no more often. */
const waitingMax = 64

/** A way from a trusted block to a height, halved where the validators changed too much. It never changes. */
export interface Skipping {
  readonly trusted: LightBlock
  /** Blocks that are to be reached, the farthest first. */
  readonly waiting: readonly LightBlock[]
  /** The height of the block that is needed next; `null` when the goal is trusted. */
  readonly needs: bigint | null
}

/** Begins at a trusted block, for a goal above it. */
export function startSkipping(trusted: LightBlock, goal: bigint): Skipping {
  return { trusted, waiting: [], needs: goal > trusted.header.height ? goal : null }
}

/**
 * Takes the block that is needed, and goes as far as it leads (CometBFT, `spec/light-client/verification`, bisection). Never
 * throws. Refuses a block of another height, one that breaks a rule, and a next block that too few stand behind.
 */
export function skip(
  { trusted, waiting, needs }: Skipping,
  block: LightBlock,
  { now, trust }: { readonly now: Moment; readonly trust: CometTrust },
): Decoded<Skipping> {
  if (needs === null || block.header.height !== needs) return refused('the block is not of the height that is needed')
  if (waiting.length === waitingMax) return refused(`more than ${waitingMax} blocks wait`)
  let base = trusted
  let left = [...waiting, block]
  // Ends: each turn takes a block off, or asks for one.
  for (let next = left.at(-1); next; next = left.at(-1)) {
    const step = verifyCometBlock({ trusted: base, block: next, now, trust })
    if (step.kind === 'refused') return refused(`block ${next.header.height}: ${step.reason}`)
    if (step.kind === 'not-enough-trust') {
      const middle = (base.header.height + next.header.height) / 2n
      if (middle <= base.header.height) return refused(`block ${next.header.height} has too few signers`)
      return accepted({ trusted: base, waiting: left, needs: middle })
    }
    base = next
    left = left.slice(0, -1)
  }
  return accepted({ trusted: base, waiting: [], needs: null })
}
