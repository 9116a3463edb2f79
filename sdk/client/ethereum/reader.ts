import { SdkError } from '../../errors.ts'
import { blockHashOf, decodeHeader } from '../../evm/block.ts'
import type { ProofNode } from '../../ports.ts'
import type { BlockHash, TxHash } from '../../units.ts'
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
  type Shown,
  type TrustedBlock,
  type VerifiedBlock,
  verdictOn,
  verifyBlock,
  verifyEvidence,
} from '../../verify/ethereum/index.ts'
import type { Machine } from '../../vm/index.ts'
import { failureOf, held, isNodeFault, liedNode, type Panel } from '../panel.ts'
import type { HeadUpdate, LightBook } from './lightBook.ts'

/** Which block an answer is of. A number is that of a final block. */
export type BlockChoice = BeaconVerdict['level'] | number | BlockUnder

/** A block by its number or hash that is `under` a head or is it. Under the optimistic one, a final block is still final. */
export interface BlockUnder {
  readonly under: BeaconVerdict['level']
  readonly block: number | BlockHash
}

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
  /** The block that holds a transaction; nothing when no node shows one. */
  readonly holding: (hash: TxHash, level: BeaconVerdict['level']) => Promise<Place | null>
}

export interface ReaderParts {
  readonly network: BeaconNetwork
  readonly book: LightBook
  readonly nodes: readonly ProofNode[]
  readonly panel: Panel<ProofNode>
}

export function createReader({ network, book, nodes, panel }: ReaderParts): Reader {
  const firstOf = <value>(question: (node: ProofNode) => Promise<value>) => firstProven({ nodes, panel }, question)

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

  /** A node's word for the number of a block, which the look back then proves or not. */
  const numberOf = async (hash: BlockHash): Promise<number> => {
    const { value } = await firstOf(async (asked) => {
      const bytes = await asked.header(hash)
      if (!bytes) throw behind()
      if (blockHashOf(bytes) !== hash) throw liedNode('its header does not have the hash that was asked for')
      return held(decodeHeader(bytes)).number
    })
    return value
  }

  const blockUnder = async ({ under, block }: BlockUnder): Promise<Place> => {
    const number = typeof block === 'number' ? block : await numberOf(block)
    const final = await headPlace('finalized')
    const isYounger = number > final.block.header.number && under === 'optimistic'
    const found = await ancestor(isYounger ? await headPlace('optimistic') : final, number)
    if (typeof block === 'number' || found.block.hash === block) return found
    throw notProvable('The block is not an ancestor of the signed one: it was left out of the chain.')
  }

  const place: Reader['place'] = async (choice = 'finalized') => {
    if (typeof choice === 'number') return blockUnder({ under: 'finalized', block: choice })
    return typeof choice === 'string' ? headPlace(choice) : blockUnder(choice)
  }

  const readAt: Reader['readAt'] = async (at, kind, gather, machine) => {
    const { value, node } = await firstOf(async (asked) => {
      const evidence = await gather(asked, at.block)
      const ran = machine?.()
      const shown = verifyEvidence({ network, block: at.block, evidence, ...(ran ? { machine: ran } : {}) })
      return { evidence, shown: held(shown) }
    })
    return answer(at, { ...value, node }) as Answer<ShownBy<typeof kind>>
  }

  const holding: Reader['holding'] = async (hash, level) => {
    const told = (await panel.ask((asked) => asked.blockOf(hash))).flatMap(({ value }) => value ?? [])
    const [which] = told
    return which ? blockUnder({ under: level, block: which }) : null
  }

  return { place, readAt, holding, read: async (choice, kind, gather) => readAt(await place(choice), kind, gather) }
}

/** Asks one node after the other: proofs are large, and one that holds is enough. */
async function firstProven<value>(
  { nodes, panel }: Pick<ReaderParts, 'nodes' | 'panel'>,
  question: (node: ProofNode) => Promise<value>,
): Promise<{ readonly value: value; readonly node: number }> {
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
  throw failureOf('Ethereum', faults)
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

/** A whole block of a node, verified against its hash. */
export async function wholeBlock(node: ProofNode, hash: BlockHash): Promise<VerifiedBlock> {
  const told = await node.block(hash)
  if (!told) throw behind()
  return held(verifyBlock({ ...told, expectedHash: hash }))
}

function behind(): SdkError {
  return liedNode('it does not have the block that the committee signed', { retryable: true })
}

export function notProvable(message: string): SdkError {
  return new SdkError('client/not-provable', message, {
    notes: ['Ask for a block that is signed, or for one of its last ancestors.'],
  })
}
