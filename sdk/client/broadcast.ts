import { txidOf } from '../bitcoin/index.ts'
import { SdkError } from '../errors.ts'
import type { Broadcast, BroadcastCode } from '../ports.ts'
import type { Txid } from '../units.ts'
import { decodeBitcoinTransaction } from '../verify/index.ts'
import { isNodeFault, liedNode, type Panel } from './panel.ts'

/** Refusals that a transaction also meets which is mined, and spent from. */
const perhapsMined: readonly BroadcastCode[] = ['missing-inputs', 'conflict']

type Refusal = Broadcast & { readonly ok: false }

/**
 * Hands a transaction to every node; resolves as soon as one has it, while the others are still asked.
 *
 * @param inclusion - Proof that the chain holds it.
 */
export async function broadcastTo(
  panel: Panel,
  inclusion: (txid: Txid) => Promise<unknown>,
  bytes: Uint8Array,
): Promise<void> {
  const decoded = decodeBitcoinTransaction(bytes)
  if (!decoded.ok)
    throw new SdkError('units/malformed', 'The bytes are no transaction.', {
      notes: [`The reason: ${decoded.reason}.`],
    })
  const txid = txidOf(decoded.value.txid)
  const refusals: Refusal[] = []
  const answered = await firstTaken(panel, bytes, txid, refusals)
  if (answered === 'taken') return
  // Asked of the chain alone: that the nodes fail here says nothing of the transaction.
  if (refusals.some(({ code }) => perhapsMined.includes(code)) && (await isIncluded(inclusion, txid))) return
  const notes = refusals.map(({ code, detail }) => `${code}: ${detail}`)
  if (answered === 'refused')
    throw new SdkError('node/refused', 'Every Bitcoin node refused the transaction.', { notes })
  throw new SdkError('node/unreachable', 'It is unknown whether a Bitcoin node has the transaction.', {
    retryable: true,
    notes: [...notes, 'Send the same bytes again: that does no harm.'],
  })
}

/** How the nodes answered: one has it; all refused; or not all answered, and none has it as far as is known. */
function firstTaken(
  panel: Panel,
  bytes: Uint8Array,
  txid: Txid,
  refusals: Refusal[],
): Promise<'taken' | 'refused' | 'unknown'> {
  return new Promise((resolve, reject) => {
    panel
      .ask(async (node) => {
        const answer = await node.broadcast(bytes.slice())
        if (!answer.ok && answer.code !== 'already-known') return refusals.push(answer)
        if (answer.ok && answer.txid !== txid) throw liedNode('it took another transaction than it was given')
        return resolve('taken')
      })
      .then(
        (told) => resolve(told.length === panel.nodes.length ? 'refused' : 'unknown'),
        (error) => (isNodeFault(error) ? resolve('unknown') : reject(error)),
      )
  })
}

async function isIncluded(inclusion: (txid: Txid) => Promise<unknown>, txid: Txid): Promise<boolean> {
  try {
    return (await inclusion(txid)) !== null
  } catch (error) {
    if (isNodeFault(error)) return false
    throw error
  }
}
