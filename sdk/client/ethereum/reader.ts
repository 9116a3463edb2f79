import { keccak256 } from '../../crypto/engine.ts'
import { type Decoded, SdkError } from '../../errors.ts'
import type { ProofNode } from '../../ports.ts'
import { type BlockHash, type TxHash, toHex } from '../../units.ts'
import {
  type BeaconNetwork,
  type BeaconVerdict,
  blockOf,
  type Evidence,
  encodeProofReceipt,
  type HeadEvidence,
  historyContract,
  historySlot,
  historyWindow,
  type LookBack,
  lookBack,
  proveReceipt,
  proveTransaction,
  type Shown,
  type TrustedBlock,
  type VerifiedBlock,
  verdictOn,
  verifyBlock,
  verifyEvidence,
} from '../../verify/ethereum/index.ts'
import type { Machine } from '../../vm/index.ts'
import { isNodeFault, liedNode, type Panel } from '../panel.ts'
import type { HeadUpdate, LightBook } from './lightBook.ts'

/** Which block an answer is of. */
export type BlockChoice = 'finalized' | 'optimistic' | number

/** An answer, how far it is proven, and what anybody needs to judge it again ({@link verifyReceipt}). */
export interface Answer<value> {
  readonly value: value
  readonly verdict: BeaconVerdict & { readonly receipt: Uint8Array }
}

/** A block to read from, and what it hangs on. */
export interface Place {
  readonly block: TrustedBlock
  readonly head: HeadEvidence
  readonly level: BeaconVerdict['level']
  readonly sources: readonly string[]
}

type ShownBy<kind extends Shown['kind']> = Extract<Shown, { readonly kind: kind }>['value']

/** Reads from blocks that are trusted: one node after the other is asked, until one proves its answer. */
export interface Reader {
  readonly place: (choice?: BlockChoice) => Promise<Place>
  readonly read: <kind extends Evidence['kind']>(
    choice: BlockChoice | undefined,
    kind: kind,
    gather: (node: ProofNode, block: TrustedBlock) => Promise<Extract<Evidence, { readonly kind: kind }>>,
  ) => Promise<Answer<ShownBy<kind>>>
  readonly readAt: <kind extends Evidence['kind']>(
    place: Place,
    kind: kind,
    gather: (node: ProofNode, block: TrustedBlock) => Promise<Extract<Evidence, { readonly kind: kind }>>,
    machine?: () => Machine | undefined,
  ) => Promise<Answer<ShownBy<kind>>>
  readonly payment: (hash: TxHash, level: BeaconVerdict['level']) => Promise<Answer<ShownBy<'payment'>> | null>
}

export interface ReaderParts {
  readonly network: BeaconNetwork
  readonly book: LightBook
  readonly nodes: readonly ProofNode[]
  readonly panel: Panel<ProofNode>
}

export function createReader({ network, book, nodes, panel }: ReaderParts): Reader {
  /** Asks one node after the other: proofs are large, and one that holds is enough. */
  const firstOf = async <value>(
    question: (node: ProofNode) => Promise<value>,
  ): Promise<{ value: value; node: number }> => {
    const faults: SdkError[] = []
    for (const [node, asked] of nodes.entries()) {
      try {
        return { value: await question(asked), node }
      } catch (error) {
        if (!isNodeFault(error)) throw error
        panel.accuse(node, error)
        faults.push(error)
      }
    }
    throw worst(faults)
  }

  const headPlace = async (level: BeaconVerdict['level']): Promise<Place> => {
    const followed = await book.sync()
    const { kind, ssz, update, sources }: HeadUpdate = followed[level]
    const beacon = level === 'finalized' ? update.finality : update.attested
    const point = beacon && beacon !== 'genesis' ? beacon.execution : null
    if (!point) throw notProvable('The signed block is from before Capella: it names no execution block.')
    const { value, node } = await firstOf(async (asked) => {
      const header = await asked.header(point.hash)
      if (!header) throw behind()
      const head: HeadEvidence = { kind, update: ssz, header, lookBack: null }
      return { head, block: held(blockOf({ head, level, update, anchor: followed.anchor })) }
    })
    return { ...value, level, sources: [...sources, `node ${node}`] }
  }

  const ancestor = async (head: Place, number: number): Promise<Place> => {
    const top = head.block.header.number
    if (number === top) return head
    if (number > top) throw notProvable(`Block ${number} is younger than the ${head.level} block ${top}.`)
    if (number < top - historyWindow) throw notProvable(`Block ${number} is more than ${historyWindow} blocks back.`)
    const { value, node } = await firstOf(async (asked) => {
      const header = await asked.header(number)
      if (!header) throw behind()
      const proof = await asked.proof(historyContract, [historySlot(number)], top)
      const back: LookBack = { header, accountProof: proof.account, slotProof: proof.slots[0] ?? [] }
      const evidence: HeadEvidence = { ...head.head, lookBack: back }
      return { head: evidence, block: held(lookBack(head.block, back)) }
    })
    return { ...value, level: head.level, sources: [...new Set([...head.sources, `node ${node}`])] }
  }

  const place: Reader['place'] = async (choice = 'finalized') =>
    typeof choice === 'number' ? ancestor(await headPlace('finalized'), choice) : headPlace(choice)

  const readAt: Reader['readAt'] = async (at, kind, gather, machine) => {
    const { value, node } = await firstOf(async (asked) => {
      const evidence = await gather(asked, at.block)
      const ran = machine?.()
      const shown = verifyEvidence({ network, block: at.block, evidence, ...(ran ? { machine: ran } : {}) })
      return { evidence, shown: held(shown) }
    })
    return answer(at, { ...value, node }) as Answer<ShownBy<typeof kind>>
  }

  const payment: Reader['payment'] = async (hash, level) => {
    const head = await headPlace(level)
    const told = (await panel.ask((asked) => asked.blockOf(hash))).flatMap(({ value }) => value ?? [])
    const [which] = told
    if (!which) return null
    const { value: block } = await firstOf((asked) => wholeBlock(asked, which))
    const at = await ancestor(head, block.header.number)
    if (at.block.hash !== block.hash)
      throw liedNode('its block is not an ancestor of the signed one', { retryable: true })
    return readAt(at, 'payment', async (asked) => paymentFrom(await wholeBlock(asked, at.block.hash), hash))
  }

  return { place, readAt, payment, read: async (choice, kind, gather) => readAt(await place(choice), kind, gather) }
}

function answer(
  { block, head, level, sources }: Place,
  told: {
    readonly evidence: Evidence
    readonly shown: Shown & { readonly proven: BeaconVerdict['proven'] }
    readonly node: number
  },
): Answer<unknown> {
  const { evidence, shown, node } = told
  const verdict = verdictOn(block, shown.proven, [...new Set([...sources, `node ${node}`])])
  return { value: shown.value, verdict: { ...verdict, receipt: encodeProofReceipt({ head, level, evidence }) } }
}

async function wholeBlock(node: ProofNode, hash: BlockHash) {
  const told = await node.block(hash)
  if (!told) throw behind()
  return held(verifyBlock({ ...told, expectedHash: hash }))
}

function paymentFrom(block: VerifiedBlock, hash: TxHash): Extract<Evidence, { kind: 'payment' }> {
  const index = block.facts.transactions.findIndex((bytes) => toHex(keccak256(bytes)) === hash)
  if (index < 0) throw liedNode('the block that it names does not hold the transaction')
  const sent = held(proveTransaction(block, index))
  const done = held(proveReceipt(block, index))
  return {
    kind: 'payment',
    index,
    transaction: sent.transaction,
    transactionProof: sent.proof,
    receipt: done.receipt,
    receiptProof: done.proof,
  }
}

/** The value of what a node told, or the word that it lied. */
export function held<value>(decoded: Decoded<value>): value {
  if (!decoded.ok) throw liedNode(decoded.reason)
  return decoded.value
}

function behind(): SdkError {
  return liedNode('it does not have the block that the committee signed', { retryable: true })
}

export function notProvable(message: string): SdkError {
  return new SdkError('client/not-provable', message, {
    notes: ['Ask for a block that is signed, or for one of its last ancestors.'],
  })
}

function worst(faults: readonly SdkError[]): SdkError {
  const codes = ['node/nonsense', 'node/refused'] as const
  const code = codes.find((one) => faults.some((fault) => fault.code === one)) ?? 'node/unreachable'
  return new SdkError(code, 'Of the Ethereum nodes that were asked, none proved an answer.', {
    retryable: faults.some(({ retryable }) => retryable),
    notes: faults.map(({ message }) => message),
  })
}
