import { SdkError } from '../../errors.ts'
import type { SequencedVerdict, Verified } from '../../verify/index.ts'
import { isEquivocation, type SequencedBlock } from '../../verify/sequenced/index.ts'
import { liedNode } from '../panel.ts'

/** A block that a sequencer signed, as far as it is followed. */
type Head = Pick<SequencedBlock, 'hash' | 'header'> & { readonly signed: unknown }

/** Two blocks of one number that the sequencer signed: evidence that anybody can judge. */
export interface Equivocation<signed> {
  readonly one: signed
  readonly other: signed
}

/** Follows the blocks that one sequencer signs. */
export interface SignedHeads<head extends Head> {
  /**
   * A head, if it goes on from those before. Throws `node/nonsense` (retryable) for one behind them, and `client/conflict` from the
   * second block of one number on.
   */
  readonly take: (head: Verified<head, SequencedVerdict>) => Verified<head, SequencedVerdict>
  readonly equivocations: () => readonly Equivocation<head['signed']>[]
}

export function followHeads<head extends Head>(): SignedHeads<head> {
  const equivocations: Equivocation<head['signed']>[] = []
  let youngest: head | null = null
  return {
    take: (told) => {
      const { value } = told
      if (youngest && isEquivocation(youngest, value)) equivocations.push({ one: youngest.signed, other: value.signed })
      if (equivocations.length > 0) throw twoFaced()
      if (youngest && value.header.number < youngest.header.number)
        throw liedNode('it goes back behind a block that the sequencer signed', { retryable: true })
      youngest = value
      return told
    },
    equivocations: () => equivocations,
  }
}

/** What the first of several answers; when none does, the worst that they did. */
export async function firstOf<asked, value>(
  all: readonly asked[],
  question: (one: asked, index: number) => Promise<value>,
): Promise<value> {
  const faults: SdkError[] = []
  for (const [index, one] of all.entries()) {
    try {
      return await question(one, index)
    } catch (error) {
      if (!(error instanceof SdkError) || error.code.startsWith('client/')) throw error
      faults.push(error)
    }
  }
  throw faults.find(({ code }) => code === 'node/nonsense') ?? faults[0]
}

function twoFaced(): SdkError {
  return new SdkError('client/conflict', 'The sequencer has signed two blocks of one number.', {
    notes: ['The client has stopped, and keeps both as evidence.'],
  })
}
