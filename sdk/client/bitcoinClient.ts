import { type BitcoinTransaction, decodeTransaction, type Outpoint } from '../bitcoin/index.ts'
import type { ChainView, Opening } from '../channel/index.ts'
import { invariant, SdkError } from '../errors.ts'
import type { BitcoinNode, Clock, FilterSource, Store } from '../ports.ts'
import { type Feerate, type Height, height, sameBytes, type Txid } from '../units.ts'
import {
  agreedBlock,
  type BitcoinCheckpoint,
  type BitcoinNetwork,
  burialOf,
  type ConfirmedOutput,
  type ConfirmedVerdict,
  genesisCheckpoint,
  type HeaderChain,
  tipOf,
  type VouchedBlock,
  verifyOutput,
} from '../verify/index.ts'
import { broadcastTo } from './broadcast.ts'
import { createProver, type Prove, spendFrom } from './evidence.ts'
import { feerateOf } from './feerate.ts'
import { type HeaderBook, openHeaderBook } from './headers.ts'
import { createPanel, type NodeFault, type Panel } from './panel.ts'
import { platformClock } from './platform.ts'
import { createSpendLook, type FilterConflict, type MadeOutput, type Spentness } from './unspent.ts'
import { createViewer } from './view.ts'

/** Headers kept above the base where nothing else is asked for: ten weeks. */
export const headersMaxDefault = 10_080
/** How often a question is asked anew because the chain moved while the nodes answered. */
const looksMax = 6
/** And how often where it has only grown: that makes the answer older, and no less true. */
const looksForNewestMax = 2

/**
 * A checkpoint that nobody is believed about alone: its block must be named by at least `agree` makers, and by none another.
 *
 * Funds at risk: makers who copy each other are one.
 */
export interface AgreedAnchor {
  readonly checkpoint: BitcoinCheckpoint
  readonly vouched: readonly VouchedBlock[]
  /** At least 2. */
  readonly agree: number
}

/** What a client of the Bitcoin chain is made of. */
export interface BitcoinClientParts {
  readonly network: BitcoinNetwork
  /**
   * Asked side by side, and none of them believed.
   *
   * Funds at risk: whatever all of them hide is not seen, and neither is a chain that none of them shows. Take several
   * that do not know of each other.
   */
  readonly nodes: readonly BitcoinNode[]
  /**
   * Where trust begins; what lies below cannot be proven. Block 0 without one, which suits regtest: elsewhere that is
   * hours of headers.
   */
  readonly anchor?: BitcoinCheckpoint | AgreedAnchor
  /** Tell block filters, for {@link BitcoinClient.unspent}. Take at least two that do not know of each other. */
  readonly filters?: readonly FilterSource[]
  /** Keeps headers from one start to the next. */
  readonly store?: Store
  readonly clock?: Pick<Clock, 'now'>
  /**
   * Headers kept; what lies deeper cannot be proven any more, so more than the longest channel has blocks. With a store,
   * at most {@link storedHeadersMax}.
   */
  readonly headersMax?: number
}

/** A transaction in the chain of most work, and how far that is proven. */
export interface ConfirmedTransaction {
  readonly value: Omit<ConfirmedOutput, 'vout'>
  readonly verdict: ConfirmedVerdict
}

/** A transaction that spends an output, and the block that holds it. */
export interface ProvenSpend {
  readonly transaction: BitcoinTransaction
  readonly height: Height
}

/**
 * The chain of most work, as several nodes show it and headers prove it. Every call throws `node/unreachable` when no
 * node could be asked, `node/nonsense` when all that answered lied, `node/refused` when all refused. Calls may overlap.
 */
export interface BitcoinClient {
  readonly network: BitcoinNetwork
  readonly nodes: readonly BitcoinNode[]
  /**
   * Brings the headers up to date.
   *
   * @returns The tip, no older than the call. Compare its time with a clock: newer blocks can be withheld.
   */
  readonly sync: () => Promise<{ readonly height: Height; readonly hash: Uint8Array; readonly time: number }>
  /**
   * What the chain shows of a channel's funding output, all of it at one tip: proven by headers of most work, a merkle
   * proof, the transaction hashed here, and the exact script and amount.
   *
   * Funds at risk: only a spend that a node proves is told. One that all nodes hide is not seen, and one that waits for
   * a block is nothing yet. A reorganisation takes back what it takes back: judge by depth, and look again.
   */
  readonly view: (opening: Opening) => Promise<ChainView>
  /**
   * Proof that the chain holds a transaction, or nothing when no node proves it.
   *
   * Funds at risk: no proof is no proof of absence. And of the transaction everything is proven but its witness.
   */
  readonly inclusion: (txid: Txid) => Promise<ConfirmedTransaction | null>
  /**
   * What spends an output, proven as {@link BitcoinClient.view} proves it; nothing when no node proves a spend.
   *
   * Funds at risk: a spend that all nodes hide is not seen, and one that waits for a block is nothing yet.
   *
   * @param output.script - The output's own: some nodes find spends by it.
   */
  readonly spend: (output: { readonly outpoint: Outpoint; readonly script: Uint8Array }) => Promise<ProvenSpend | null>
  /**
   * Hands a signed transaction to every node. Resolves when one has taken it or knows it, or when the chain holds it.
   *
   * Funds at risk: taken by a node is not mined. Look for it, and broadcast again until the chain holds it.
   *
   * Throws `node/refused` when all refused, each node's code and words a note; `node/unreachable` (retryable) while
   * it is unknown whether one has it; `units/malformed` for bytes that are no transaction.
   */
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
  /**
   * What confirms in good time: the median of what the nodes say, held between {@link feerateMin} and
   * {@link feerateMax}, and not below what a node takes.
   *
   * Funds at risk: one node alone, or one of two, can name the highest.
   */
  readonly feerate: () => Promise<Feerate>
  /**
   * Whether an output is spent, by filters of every block since (BIP-157 and 158), that all sources must agree on. A spend is
   * proven by its block; that there is none is as true as one of the sources is honest, which the verdict says.
   *
   * Throws `client/not-provable` without sources of filters, and for an output of more than {@link filterBlocksMax} blocks ago;
   * `client/conflict` where sources disagree and the block cannot tell who lied.
   */
  readonly unspent: (output: MadeOutput) => Promise<Spentness>
  /** Filters that sources disagree about, as they told them. */
  readonly conflicts: () => readonly FilterConflict[]
  /** The last thing that each node did wrong, and when: the evidence against it. */
  readonly faults: () => readonly NodeFault[]
  /** The same of each source of filters. */
  readonly filterFaults: () => readonly NodeFault[]
}

/**
 * Follows the Bitcoin chain through nodes that are not trusted.
 *
 * Funds at risk: the anchor is believed, and so is a chain in the store. Throws `client/malformed-anchor` when no chain
 * can begin there or its makers do not agree, and what the store throws when it cannot be read.
 */
export async function createBitcoinClient(parts: BitcoinClientParts): Promise<BitcoinClient> {
  const { network, nodes, store = null, clock = platformClock, headersMax = headersMaxDefault } = parts
  invariant(nodes.length > 0, 'a client has a node to ask')
  const panel = createPanel(nodes, clock)
  const anchor = anchorOf(network, parts.anchor ?? genesisCheckpoint(network))
  const book = await openHeaderBook({ panel, network, anchor, headersMax, clock, store })
  const prove = createProver(book)
  const viewer = createViewer(panel, prove)
  const filterPanel = createPanel(parts.filters ?? [], clock, 'filter')
  const spends = createSpendLook(filterPanel, panel)
  const inclusion = (txid: Txid) => atOneTip(book, (chain) => include(panel, prove, chain, txid))
  return {
    network,
    nodes,
    sync: async () => {
      const tip = tipOf(await book.sync())
      return { ...tip, height: height(tip.height) }
    },
    view: (opening) => atOneTip(book, (chain) => viewer.look(opening, chain)),
    inclusion,
    spend: (output) => atOneTip(book, (chain) => spendOf(panel, prove, chain, output)),
    broadcast: (transaction) => broadcastTo(panel, inclusion, transaction),
    feerate: () => feerateOf(panel),
    unspent: async (output) => {
      if (filterPanel.size === 0) throw withoutFilters()
      return atOneTip(book, (chain) => spends.look(chain, output))
    },
    conflicts: spends.conflicts,
    faults: panel.faults,
    filterFaults: filterPanel.faults,
  }
}

function anchorOf(network: BitcoinNetwork, anchor: BitcoinCheckpoint | AgreedAnchor): BitcoinCheckpoint {
  if (!('checkpoint' in anchor)) return anchor
  const agreed = agreedBlock({ network, ...anchor })
  if (agreed.ok) return agreed.value
  throw new SdkError('client/malformed-anchor', 'The makers of the checkpoint do not agree on it.', {
    notes: [`The reason: ${agreed.reason}.`, 'Take a block that more of them name, or find out who is wrong.'],
  })
}

function withoutFilters(): SdkError {
  return new SdkError(
    'client/not-provable',
    'That an output is unspent needs filters, and there is no source of them.',
    {
      notes: ['An inclusion proves that it was made, and no more.', 'Add sources of block filters: `filters: [...]`.'],
    },
  )
}

/**
 * Looks at the chain, and again when it has moved meanwhile: parts of two branches are no answer. One of a chain on which blocks come
 * faster than nodes answer is as of a block that is in it still.
 */
async function atOneTip<value>(book: HeaderBook, look: (chain: HeaderChain) => Promise<value>): Promise<value> {
  let chain = await book.sync()
  for (let looks = 1; looks <= looksMax; looks++) {
    const seen = await look(chain)
    const after = await book.sync()
    const { hash } = chain.best
    if (sameBytes(after.best.hash, hash) || (looks >= looksForNewestMax && burialOf(after, hash))) return seen
    chain = after
  }
  throw new SdkError('node/unreachable', 'The chain moved each time that it was looked at.', { retryable: true })
}

async function include(
  panel: Panel,
  prove: Prove,
  chain: HeaderChain,
  txid: Txid,
): Promise<ConfirmedTransaction | null> {
  const told = await panel.ask((node) => prove(node, txid))
  const sources = told.flatMap(({ node, value }) => (value ? [`node ${node}`] : []))
  for (const { value: evidence } of told) {
    const [output] = evidence?.transaction.outputs ?? []
    if (!evidence || !output) continue
    const { header, transaction, proof } = evidence
    const claim = {
      chain,
      header,
      transaction: transaction.bytes,
      proof,
      vout: 0,
      ...output,
      confirmationsMin: 1,
      sources,
    }
    const proven = verifyOutput(claim)
    if (!proven.ok) continue
    const { vout: _, ...value } = proven.value.value
    return { value, verdict: proven.value.verdict }
  }
  return null
}

async function spendOf(
  panel: Panel,
  prove: Prove,
  chain: HeaderChain,
  output: { readonly outpoint: Outpoint; readonly script: Uint8Array },
): Promise<ProvenSpend | null> {
  const told = await panel.ask((node) => spendFrom(prove, node, output))
  for (const { value: evidence } of told) {
    const block = evidence && burialOf(chain, evidence.blockHash)
    const decoded = evidence && decodeTransaction(evidence.transaction.bytes)
    if (block && decoded?.ok) return { transaction: decoded.value, height: height(block.height) }
  }
  return null
}
