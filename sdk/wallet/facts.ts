import { type Access, type Declaration, undeclared } from '../batch/index.ts'
import type { Machines } from '../client/ethereum/index.ts'
import { accepted, type Decoded, refused, SdkError } from '../errors.ts'
import { type AccessList, decodeHeader, type Header, headerFromJson } from '../evm/index.ts'
import type { EvmNode, NodeAccessList, NodeCall, NodeRefusal } from '../ports.ts'
import { type Address, address, isHex } from '../units.ts'
import {
  accessedBy,
  accessedIn,
  declareFromAccessList,
  declareFromRun,
  declareFromTemplate,
  declareFromTrace,
} from './declare.ts'
import { type BlockState, blockState, foretold, learnFrom, runLocally } from './localRun.ts'
import type { Chain } from './order.ts'
import { inParallel } from './pool.ts'
import { emptyShelf, type TemplateShelf } from './templateShelf.ts'

/** Most questions that are open at a node at once. */
export const nodeInFlightMax = 16

/** What the chain charges now, and whom it pays. */
export interface ChainFacts {
  readonly baseFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly feeRecipient: Address | null
  /** Of the newest block; nothing where the node does not tell all of it. */
  readonly header: Header | null
}

/** What the chain says of an account: balance and next nonce as executed, and the next nonce with the node's pool. */
export interface AccountFacts {
  readonly balance: bigint
  readonly latest: number
  readonly pending: number
}

/** What a run of a call told. */
export interface RunFacts {
  /** Enough for the run as it would be now. */
  readonly gasNeeded: bigint
  /** What it used, refunds taken off. */
  readonly gasUsed: bigint
  readonly declaration: Declaration
  readonly accessed: AccessList
}

export interface Run {
  readonly call: NodeCall
  /** A limit fixed by hand: the call is not estimated then, and may fail as it would run now. */
  readonly gas: bigint | undefined
  readonly chain: ChainFacts
}

/** One node, asked for facts. It remembers which tracers the node does not have. */
export interface FactFinder {
  readonly chain: () => Promise<ChainFacts>
  readonly accounts: (accounts: readonly Address[]) => Promise<ReadonlyMap<Address, AccountFacts>>
  /**
   * Runs each call on the state of now. A call that fails is a refusal with the node's words; a node that fails throws.
   */
  readonly runs: (runs: readonly Run[]) => Promise<readonly Decoded<RunFacts>[]>
  /** Gas that each call uses on the state of now, its access list attached; nothing where the node cannot tell. */
  readonly gasUsed: (calls: readonly NodeCall[]) => Promise<readonly (bigint | undefined)[]>
}

type Touched = Omit<RunFacts, 'gasNeeded'>

/** What a fact finder may have. */
export interface FactFinderParts {
  /** Lets it run calls itself. */
  readonly machines?: Machines | undefined
  /** Where what such runs teach is kept. */
  readonly shelf?: TemplateShelf
}

/** A fact finder for one node, which must be one of the chain: else everything throws `wallet/wrong-chain`. */
export function factFinder(
  evm: EvmNode,
  chain: Chain,
  { machines, shelf = emptyShelf() }: FactFinderParts = {},
): FactFinder {
  const { id } = chain
  let isRightChain = false
  const checkChain = async () => {
    if (isRightChain) return
    const told = await evm.chainId()
    if (told !== id) throw new SdkError('wallet/wrong-chain', `The node is one of chain ${told}, not ${id}.`)
    isRightChain = true
  }

  const touched = touchFinder(evm, chain, { machines, shelf })

  const run = async (one: Run, state: BlockState | null): Promise<Decoded<RunFacts>> => {
    const { call, gas } = one
    try {
      const [gasNeeded, told] = await Promise.all([
        gas ?? evm.estimateGas(call),
        gas === undefined ? touched(one, state) : unlessRefused(touched(one, state)),
      ])
      if (told) return accepted({ gasNeeded, ...told })
      return accepted({ gasNeeded, gasUsed: gasNeeded, declaration: undeclared(Number(gasNeeded)), accessed: [] })
    } catch (error) {
      const words = refusalOf(error)?.message
      if (words === undefined) throw error
      return refused(words)
    }
  }

  return {
    chain: async () => {
      const ask = () => evm.request('eth_getBlockByNumber', ['latest', false])
      const [fees, head] = await Promise.all([evm.fees(), ask(), checkChain()])
      const miner = (head as { readonly miner?: unknown } | null)?.miner
      return { ...fees, feeRecipient: isHex(miner, 20) ? address(miner) : null, header: headerOf(head) }
    },
    accounts: async (accounts) => {
      const told = await inParallel(accounts, nodeInFlightMax, async (account) => {
        const [balance, latest, pending] = await Promise.all([
          evm.balance(account),
          evm.nonce(account, 'latest'),
          evm.nonce(account, 'pending'),
        ])
        return [account, { balance, latest, pending: Math.max(latest, pending) }] as const
      })
      return new Map(told)
    },
    runs: async (runs) => {
      const states = new Map<Header, BlockState>() // Runs on one block share what was fetched of it.
      const told = await inParallel(runs, nodeInFlightMax, (one) => {
        const { header } = one.chain
        if (!header) return run(one, null)
        const state = states.get(header) ?? blockState(evm, header)
        states.set(header, state)
        return run(one, state)
      })
      await shelf.keep()
      return told
    },
    gasUsed: (calls) =>
      inParallel(calls, nodeInFlightMax, async (call) => (await unlessRefused(evm.trace(call)))?.gasUsed),
  }
}

type Own = Required<Pick<FactFinderParts, 'shelf'>> & Pick<FactFinderParts, 'machines'>

type TouchFinder = (run: Run, state: BlockState | null) => Promise<Touched | null>

/**
 * Says what calls touch by the best way there is: a trace of the node, a run on `machines` (if there are any) over state of the
 * node, an access list that the node makes; else it is unknown. Own runs teach templates: from them the next ones know what
 * to fetch, and calls that cannot be run here (they carry authorizations, or a list already) are declared by them, as far as
 * the node's list agrees.
 */
function touchFinder(evm: EvmNode, { id, fork }: Chain, { machines, shelf }: Own): TouchFinder {
  const offers = { traces: true, lists: true }

  const traced = async (call: NodeCall, { feeRecipient }: ChainFacts): Promise<Touched | null> => {
    const run = offers.traces ? await unlessMissing(evm.trace(call)) : null
    offers.traces = run !== null
    if (!run) return null
    const told = { call, run, feeRecipient }
    return { gasUsed: run.gasUsed, declaration: declareFromTrace(told), accessed: accessedIn(told) }
  }

  const listed = async (call: NodeCall): Promise<NodeAccessList | null> => {
    const list = offers.lists ? await unlessMissing(evm.createAccessList(call)) : null
    offers.lists = list !== null
    return list
  }

  const ran = async ({ call, gas }: Run, state: BlockState, own: Machines): Promise<Touched | null> => {
    const book = await shelf.book()
    const access = await foretold(book, state, call)
    const expected = access ? accessedBy(access) : (((await listed(call))?.entries ?? []) as AccessList)
    const run = await runLocally({ machines: own, chain: { id, fork }, state, call, gas, expected })
    if (!run) return null
    learnFrom(book, state, call, run)
    return { gasUsed: run.gasUsed, declaration: declareFromRun({ call, run }), accessed: accessedBy(run.access) }
  }

  const foretell = async (call: NodeCall, state: BlockState): Promise<Access | null> =>
    (await foretold(await shelf.book(), state, call)) ?? null

  return async (one, state) => {
    const { call, chain } = one
    const told = await traced(call, chain)
    if (told) return told
    const own = machines && state ? await unlessRefused(ran(one, state, machines)) : null
    if (own) return own
    const list = await listed(call)
    if (!list) return null
    const forecast = state ? await unlessRefused(foretell(call, state)) : null
    const declaration =
      (forecast && declareFromTemplate({ call, run: list }, forecast)) ??
      declareFromAccessList({ call, run: list, feeRecipient: chain.feeRecipient })
    return { gasUsed: list.gasUsed, declaration, accessed: list.entries as AccessList }
  }
}

function headerOf(json: unknown): Header | null {
  const bytes = headerFromJson(json)
  const header = bytes.ok ? decodeHeader(bytes.value) : bytes
  return header.ok ? header.value : null
}

/** What a node said when it refused, or nothing when it was something else that failed. */
export function refusalOf(error: unknown): NodeRefusal | undefined {
  return error instanceof SdkError && error.code === 'node/refused' ? (error.cause as NodeRefusal) : undefined
}

/** Codes of JSON-RPC and EIP-1474 for a method that a node does not offer; 403 and 404 come from gateways. */
const missingCodes: readonly number[] = [-32601, -32004, 403, 404]

/** The answer, or nothing when the node does not offer the method. */
function unlessMissing<answer>(asked: Promise<answer>): Promise<answer | null> {
  return asked.catch((error) => {
    if (missingCodes.includes(refusalOf(error)?.code ?? 0)) return null
    throw error
  })
}

/** The answer, or nothing when the node refused. */
function unlessRefused<answer>(asked: Promise<answer>): Promise<answer | null> {
  return asked.catch((error) => {
    if (refusalOf(error)) return null
    throw error
  })
}
