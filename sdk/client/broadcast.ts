import { txidOf } from '../bitcoin/index.ts'
import { SdkError } from '../errors.ts'
import type { Broadcast, BroadcastCode } from '../ports.ts'
import type { Txid } from '../units.ts'
import { decodeBitcoinTransaction } from '../verify/index.ts'
import { isNodeFault, liedNode, type Panel, type Question } from './panel.ts'

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
  const said: Said = { refusals: [], failures: [] }
  const outcome = await handOver(panel, bytes, txid, said)
  if (outcome === 'taken') return
  if (said.refusals.some(({ code }) => perhapsMined.includes(code)) && (await isIncluded(inclusion, txid))) return
  const notes = [...said.refusals.map(({ code, detail }) => `${code}: ${detail}`), ...said.failures]
  if (outcome === 'refused')
    throw new SdkError('node/refused', 'Every Bitcoin node refused the transaction.', { notes })
  throw new SdkError('node/unreachable', 'It is unknown whether a Bitcoin node has the transaction.', {
    retryable: true,
    notes: [...notes, 'Send the same bytes again: that does no harm.'],
  })
}

/** What the nodes said that did not take it. */
interface Said {
  readonly refusals: Refusal[]
  /** Of nodes that gave no answer to go by. */
  readonly failures: string[]
}

/** `unknown`: not all have refused, and none has it as far as is known. */
function handOver(panel: Panel, bytes: Uint8Array, txid: Txid, said: Said): Promise<'taken' | 'refused' | 'unknown'> {
  return new Promise((resolve, reject) => {
    const hand: Question<void> = async (node) => {
      const answer = await node.broadcast(bytes.slice())
      if (answer.ok && answer.txid !== txid) throw liedNode('it took another transaction than it was given')
      if (answer.ok || answer.code === 'already-known') resolve('taken')
      else said.refusals.push(answer)
    }
    const asked: Question<void> = (node, index) =>
      hand(node, index).catch((error: unknown) => {
        if (isNodeFault(error)) said.failures.push(error.message)
        throw error
      })
    const end = () => resolve(said.refusals.length === panel.size ? 'refused' : 'unknown')
    panel.askAll(asked).then(end, (error) => (isNodeFault(error) ? end() : reject(error)))
  })
}

/** Asked of the chain alone: that the nodes fail here says nothing of the transaction. */
async function isIncluded(inclusion: (txid: Txid) => Promise<unknown>, txid: Txid): Promise<boolean> {
  try {
    return (await inclusion(txid)) !== null
  } catch (error) {
    if (isNodeFault(error)) return false
    throw error
  }
}
