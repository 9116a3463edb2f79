import { type Declaration, undeclared } from '../batch/index.ts'
import { accepted, type Decoded, refused, SdkError } from '../errors.ts'
import type { AccessList } from '../evm/index.ts'
import type { EvmNode, NodeCall, NodeRefusal } from '../ports.ts'
import { type Address, address, type ChainId, isHex } from '../units.ts'
import { accessedIn, declareFromAccessList, declareFromTrace } from './declare.ts'
import { inParallel } from './pool.ts'

/** Most questions that are open at a node at once. */
export const nodeInFlightMax = 16

/** What the chain charges now, and whom it pays. */
export interface ChainFacts {
  readonly baseFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly feeRecipient: Address | null
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

/** How a node lets itself be asked what a call touches, best first. */
type Method = 'trace' | 'access-list' | 'none'

/** A fact finder for one node, which must be one of the chain `id`: else everything throws `wallet/wrong-chain`. */
export function factFinder(evm: EvmNode, id: ChainId): FactFinder {
  let method: Method = 'trace'
  let isRightChain = false
  const checkChain = async () => {
    if (isRightChain) return
    const told = await evm.chainId()
    if (told !== id) throw new SdkError('wallet/wrong-chain', `The node is one of chain ${told}, not ${id}.`)
    isRightChain = true
  }

  const touched = async (call: NodeCall, { feeRecipient }: ChainFacts): Promise<Omit<RunFacts, 'gasNeeded'> | null> => {
    if (method === 'trace') {
      const run = await unlessMissing(evm.trace(call))
      if (run) {
        const told = { call, run, feeRecipient }
        return { gasUsed: run.gasUsed, declaration: declareFromTrace(told), accessed: accessedIn(told) }
      }
      method = 'access-list'
    }
    if (method === 'access-list') {
      const run = await unlessMissing(evm.createAccessList(call))
      if (run) {
        const declaration = declareFromAccessList({ call, run, feeRecipient })
        return { gasUsed: run.gasUsed, declaration, accessed: run.entries as AccessList }
      }
      method = 'none'
    }
    return null
  }

  const run = async ({ call, gas, chain }: Run): Promise<Decoded<RunFacts>> => {
    try {
      const [gasNeeded, told] = await Promise.all([
        gas ?? evm.estimateGas(call),
        gas === undefined ? touched(call, chain) : unlessRefused(touched(call, chain)),
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
      return { ...fees, feeRecipient: isHex(miner, 20) ? address(miner) : null }
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
    runs: (runs) => inParallel(runs, nodeInFlightMax, run),
    gasUsed: (calls) =>
      inParallel(calls, nodeInFlightMax, async (call) => (await unlessRefused(evm.trace(call)))?.gasUsed),
  }
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
