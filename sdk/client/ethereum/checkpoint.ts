import { SdkError } from '../../errors.ts'
import type { BeaconNode } from '../../ports.ts'
import type { Hex } from '../../units.ts'
import { isNodeFault } from '../panel.ts'

/** Sources of a checkpoint that do not know of each other, and how many must name the same block. */
export interface CheckpointQuorum {
  readonly providers: readonly Pick<BeaconNode, 'finalizedRoot'>[]
  /** At least 2, unless one provider is all there is: then it alone is believed. */
  readonly agree: number
}

/**
 * The block that enough providers call final.
 *
 * Funds at risk: it is believed. Providers that belong together, or ask each other, are one.
 *
 * Throws `client/conflict` when too few name the same, each a note; `node/unreachable` when too few answer.
 */
export async function agreedCheckpoint({ providers, agree }: CheckpointQuorum): Promise<Hex> {
  const told = await Promise.all(
    providers.map((provider) =>
      provider.finalizedRoot().catch((error: unknown) => {
        if (!isNodeFault(error)) throw error
        return error
      }),
    ),
  )
  const counts = new Map<Hex, number>()
  for (const root of told) if (typeof root === 'string') counts.set(root, (counts.get(root) ?? 0) + 1)
  const [best] = [...counts].sort((one, other) => other[1] - one[1])
  if (best && best[1] >= agree) return best[0]
  const answered = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const notes = told.map((one, at) => `Provider ${at}: ${typeof one === 'string' ? one : one.message}`)
  if (answered < agree)
    throw new SdkError('node/unreachable', `Of ${providers.length} checkpoint providers, ${answered} answered.`, {
      retryable: true,
      notes,
    })
  throw new SdkError('client/conflict', `No ${agree} checkpoint providers name the same finalized block.`, {
    retryable: true,
    notes: [...notes, 'They may be an epoch apart: try again. If they stay apart, one of them is wrong.'],
  })
}
