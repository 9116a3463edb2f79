import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import { encodeHeader } from '../../../../sdk/evm/block.ts'
import { decodeTransaction, type Signed } from '../../../../sdk/evm/index.ts'
import { encodeReceipt } from '../../../../sdk/evm/receipt.ts'
import type { EvmNode, NodeBlock, NodeCall } from '../../../../sdk/ports.ts'
import { emptyTrieRoot, orderedTrie } from '../../../../sdk/trie/index.ts'
import {
  type Address,
  type BlockHash,
  blockHash,
  type ChainId,
  type TxHash,
  toHex,
  wei,
} from '../../../../sdk/units.ts'

/** A chain in memory that moves ether and does nothing else, in blocks whose roots are true. */
export interface ModelChain {
  readonly id: ChainId
  readonly node: EvmNode
  readonly fund: (account: Address, amount: bigint) => void
  /** Puts a transaction into the pool. Returns why not, or nothing. */
  readonly pool: (raw: Uint8Array) => 'nonce too low' | 'insufficient funds' | 'already known' | undefined
  /** Seals a block of what the pool can have executed. */
  readonly mine: () => void
  /** Takes blocks back, none that is final, and what they held into the pool again, or nowhere. */
  readonly reorganize: (depth: number, fate: 'pooled' | 'forgotten') => void
  readonly finalize: () => void
  readonly nonceOf: (account: Address) => number
  readonly balanceOf: (account: Address) => bigint
  /** Where a block holds the transaction. */
  readonly find: (
    hash: TxHash,
  ) => { readonly number: number; readonly hash: BlockHash; readonly index: number } | undefined
}

interface State {
  readonly nonces: Map<Address, number>
  readonly balances: Map<Address, bigint>
}

interface Sealed {
  readonly block: NodeBlock
  readonly hashes: readonly TxHash[]
  readonly before: State
}

export const baseFeePerGas = 10n
const transferGas = 21_000n

export function modelChain(id: ChainId): ModelChain {
  let state: State = { nonces: new Map(), balances: new Map() }
  let blocks: Sealed[] = []
  let pooled: Signed[] = []
  let finalized = 0
  let salt = 0

  const nonceOf = (account: Address) => state.nonces.get(account) ?? 0
  const balanceOf = (account: Address) => state.balances.get(account) ?? 0n
  const find = (hash: TxHash) => {
    for (const { block, hashes } of blocks) {
      const index = hashes.indexOf(hash)
      if (index >= 0) return { number: block.number, hash: block.hash, index }
    }
    return undefined
  }

  const execute = ({ prepared }: Signed): boolean => {
    const { from, to, value, nonce } = prepared
    const price = priceOf(prepared.pricing)
    const cost = value + transferGas * price
    if (nonce !== nonceOf(from) || balanceOf(from) < cost || price < baseFeePerGas) return false
    state.nonces.set(from, nonce + 1)
    state.balances.set(from, balanceOf(from) - cost)
    if (to) state.balances.set(to, balanceOf(to) + value)
    return true
  }

  const mine = () => {
    const before = { nonces: new Map(state.nonces), balances: new Map(state.balances) }
    const executed: Signed[] = []
    const order = [...pooled].sort((one, other) => one.prepared.nonce - other.prepared.nonce)
    for (const signed of order) if (execute(signed)) executed.push(signed)
    pooled = pooled.filter(({ prepared }) => prepared.nonce >= nonceOf(prepared.from))
    salt += 1
    blocks.push({ block: seal(blocks, executed, salt), hashes: executed.map(({ hash }) => hash), before })
  }
  mine()

  const chain: ModelChain = {
    id,
    node: undefined as unknown as EvmNode,
    fund: (account, amount) => {
      state.balances.set(account, balanceOf(account) + amount)
    },
    pool: (raw) => {
      const signed = read(raw)
      const { hash, prepared } = signed
      if (find(hash) || pooled.some((one) => one.hash === hash)) return 'already known'
      if (prepared.nonce < nonceOf(prepared.from)) return 'nonce too low'
      if (balanceOf(prepared.from) < prepared.value) return 'insufficient funds'
      // Of two with one nonce the dearer stays.
      const isSamePlace = (one: Signed) => one.prepared.from === prepared.from && one.prepared.nonce === prepared.nonce
      pooled = [...pooled.filter((one) => !isSamePlace(one)), signed]
      return undefined
    },
    mine,
    reorganize: (wanted, fate) => {
      const depth = Math.min(wanted, blocks.length - 1 - finalized)
      const gone = blocks.slice(blocks.length - depth)
      blocks = blocks.slice(0, blocks.length - depth)
      const [first] = gone
      if (first) state = { nonces: new Map(first.before.nonces), balances: new Map(first.before.balances) }
      if (fate === 'pooled') for (const { block } of gone) for (const raw of block.transactions) chain.pool(raw)
    },
    finalize: () => {
      finalized = blocks.length - 1
    },
    nonceOf,
    balanceOf,
    find,
  }
  const nonceAt = (account: Address, number: number) =>
    (blocks[number + 1]?.before.nonces ?? state.nonces).get(account) ?? 0
  const pendingNonce = (account: Address) => {
    let nonce = nonceOf(account)
    while (pooled.some(({ prepared }) => prepared.from === account && prepared.nonce === nonce)) nonce += 1
    return nonce
  }
  const node: EvmNode = {
    chainId: async () => id,
    nonce: async (account, tag) => {
      if (tag === 'pending') return pendingNonce(account)
      return tag === 'latest' ? nonceOf(account) : nonceAt(account, finalized)
    },
    balance: async (account) => balanceOf(account),
    code: async () => new Uint8Array(0),
    account: async (account, number) => {
      const balances = blocks[number + 1]?.before.balances ?? state.balances
      return { nonce: nonceAt(account, number), balance: balances.get(account) ?? 0n, code: new Uint8Array(0) }
    },
    slot: async () => new Uint8Array(32),
    fees: async () => ({ baseFeePerGas, maxPriorityFeePerGas: 1n }),
    call: async () => new Uint8Array(0),
    estimateGas: async (call) => {
      if (call.value > balanceOf(call.from)) throw refused(-32000, 'insufficient funds for transfer')
      return transferGas
    },
    createAccessList: async () => ({ entries: [], gasUsed: transferGas }),
    trace: async (call) => traceOf(call, state),
    block: async (which) => {
      if (which === 'latest') return blocks.at(-1)?.block
      if (which === 'finalized') return blocks[finalized]?.block
      if (typeof which === 'number') return blocks[which]?.block
      return blocks.find(({ block }) => block.hash === which)?.block
    },
    send: async (raw) => {
      const why = chain.pool(raw)
      if (why && why !== 'already known') throw refused(-32000, why)
      return read(raw).hash
    },
    request: async (method, params) => {
      switch (method) {
        case 'eth_getTransactionReceipt': {
          const found = find(params[0] as TxHash)
          return found ? { blockNumber: `0x${found.number.toString(16)}` } : null
        }
        case 'eth_getTransactionByHash':
          return null
        case 'eth_getBlockByNumber':
          return { number: `0x${finalized.toString(16)}`, miner: `0x${'00'.repeat(20)}` }
        default:
          throw refused(-32601, 'method not found')
      }
    },
  }
  return Object.assign(chain, { node })
}

const known = new Map<string, Signed>()

/** Bytes are decoded once: recovering a sender is what takes the time here. */
export function read(raw: Uint8Array): Signed {
  const text = toHex(raw)
  const signed = known.get(text)
  if (signed) return signed
  const decoded = decodeTransaction(raw)
  if (!decoded.ok) throw refused(-32000, decoded.reason)
  known.set(text, decoded.value)
  return decoded.value
}

function refused(code: number, message: string): SdkError {
  return new SdkError('node/refused', `The node refused: ${message}.`, { cause: { code, message, data: null } })
}

function priceOf(pricing: Signed['prepared']['pricing']): bigint {
  if ('gasPrice' in pricing) return pricing.gasPrice
  const { maxFeePerGas, maxPriorityFeePerGas } = pricing
  const wanted = baseFeePerGas + maxPriorityFeePerGas
  return maxFeePerGas < wanted ? maxFeePerGas : wanted
}

function traceOf({ from, to, value }: NodeCall, { nonces, balances }: State) {
  const told = (account: Address, change: bigint) => ({
    balance: (balances.get(account) ?? 0n) + change,
    nonce: nonces.get(account) ?? 0,
    storage: new Map(),
  })
  const accounts = to === null ? [from] : [from, to]
  return {
    before: new Map(accounts.map((account) => [account, told(account, 0n)])),
    after: new Map(
      to === null || value === 0n ? [] : [[from, told(from, -value)] as const, [to, told(to, value)] as const],
    ),
    gasUsed: transferGas,
  }
}

function seal(blocks: readonly Sealed[], executed: readonly Signed[], salt: number): NodeBlock {
  const transactions = executed.map(({ bytes }) => bytes)
  const receipts = executed.map(({ prepared }, at) => {
    const cumulativeGasUsed = transferGas * BigInt(at + 1)
    return encodeReceipt({ type: prepared.pricing.type, outcome: 'succeeded', cumulativeGasUsed, logs: [] })
  })
  const header = encodeHeader({
    era: 'london',
    parentHash: blocks.at(-1)?.block.hash ?? blockHash(`0x${'00'.repeat(32)}`),
    ommersHash: new Uint8Array(32),
    miner: `0x${'00'.repeat(20)}` as Address,
    stateRoot: emptyTrieRoot(),
    transactionsRoot: orderedTrie(transactions).root,
    receiptsRoot: orderedTrie(receipts).root,
    logsBloom: new Uint8Array(256),
    difficulty: 0n,
    number: blocks.length,
    gasLimit: 30_000_000n,
    gasUsed: transferGas * BigInt(executed.length),
    // Two blocks of one number differ.
    timestamp: BigInt(salt),
    extraData: new Uint8Array(0),
    mixHash: new Uint8Array(32),
    nonce: new Uint8Array(8),
    baseFeePerGas: wei(baseFeePerGas),
  })
  return { number: blocks.length, hash: blockHash(toHex(keccak256(header))), header, transactions, receipts }
}
