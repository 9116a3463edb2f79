import { type Outpoint, outpointKey, txidOf } from '../bitcoin/index.ts'
import { type ChainView, fundingOutput, type Opening } from '../channel/index.ts'
import { height } from '../units.ts'
import { burialOf, type HeaderChain, tipOf, verifyOutput } from '../verify/index.ts'
import { type Evidence, isSmall, type Prove, spendFrom } from './evidence.ts'
import { liedNode, type Panel, type Question } from './panel.ts'

/** Most channels whose proofs are remembered. */
const rememberedMax = 512

/** What was proven of one outpoint. It says in which block something is; whether the block counts is asked each time. */
interface Proofs {
  readonly funding: Evidence | null
  readonly spend: Evidence | null
}

/** Looks at funding outputs in the chain that is known. */
export interface Viewer {
  /** What `chain` holds of the opening's funding output, as far as the nodes prove it. */
  readonly look: (opening: Opening, chain: HeaderChain) => Promise<ChainView>
}

export function createViewer(panel: Panel, prove: Prove): Viewer {
  const remembered = new Map<string, Proofs>()
  const remember = (key: string, proofs: Proofs) => {
    remembered.delete(key)
    remembered.set(key, proofs)
    const [oldest] = remembered.keys()
    if (remembered.size > rememberedMax && oldest !== undefined) remembered.delete(oldest)
  }
  return {
    look: async (opening, chain) => {
      const key = outpointKey(opening.funding)
      const output = { outpoint: opening.funding, script: fundingOutput(opening).script }
      const known = standing(chain, remembered.get(key))
      const proofs = isWhole(known) ? known : await gather(panel, prove, output, known)
      remember(key, { funding: small(proofs.funding), spend: small(proofs.spend) })
      return viewOf(opening, chain, standing(chain, proofs))
    },
  }
}

/** Both are proven: what remains is to look whether their blocks still stand. */
function isWhole({ funding, spend }: Proofs): boolean {
  return funding !== null && spend !== null
}

/** Evidence that is worth its memory; the rest is asked for again. */
function small(evidence: Evidence | null): Evidence | null {
  return evidence && isSmall(evidence) ? evidence : null
}

/** The proofs whose blocks the chain holds. */
function standing(chain: HeaderChain, proofs: Proofs | undefined): Proofs {
  const inChain = (evidence: Evidence | null | undefined) =>
    evidence && burialOf(chain, evidence.blockHash) ? evidence : null
  return { funding: inChain(proofs?.funding), spend: inChain(proofs?.spend) }
}

async function gather(
  panel: Panel,
  prove: Prove,
  output: { readonly outpoint: Outpoint; readonly script: Uint8Array },
  known: Proofs,
): Promise<Proofs> {
  const [funding, spend] = await Promise.all([
    known.funding ?? firstProven(panel, (node) => prove(node, output.outpoint.txid)),
    known.spend ?? firstProven(panel, (node) => spendFrom(prove, node, output), 'it does not tell of a spend'),
  ])
  return { funding, spend }
}

/** What any node proves. `hidden` is held against those that did not tell. */
async function firstProven(
  panel: Panel,
  question: Question<Evidence | null>,
  hidden?: string,
): Promise<Evidence | null> {
  const told = await panel.ask(question)
  const proven = told.find(({ value }) => value !== null)?.value ?? null
  if (proven && hidden !== undefined)
    for (const { node, value } of told) if (!value) panel.accuse(node, liedNode(`${hidden} that the chain holds`))
  return proven
}

/** What proofs come to in one chain. A funding output of another script or amount is none. [OW8] */
function viewOf(opening: Opening, chain: HeaderChain, { funding, spend }: Proofs): ChainView {
  const output = fundingOutput(opening)
  const funded =
    funding &&
    verifyOutput({
      chain,
      header: funding.header,
      transaction: funding.transaction.bytes,
      proof: funding.proof,
      vout: opening.funding.index,
      script: output.script,
      value: output.value,
      confirmationsMin: 1,
    })
  const spentAt = spend && burialOf(chain, spend.blockHash)
  return {
    height: height(tipOf(chain).height),
    fundedAt: funded?.ok ? height(funded.value.value.block.height) : null,
    spend:
      spend && spentAt
        ? {
            txid: txidOf(spend.transaction.txid),
            height: height(spentAt.height),
            outputs: spend.transaction.outputs.map(({ script, value }) => ({ script: script.slice(), value })),
          }
        : null,
  }
}
