import { vi } from 'vitest'
import { decodeTransaction } from '../../../sdk/evm/index.ts'
import { type Address, fromHex, type Hex } from '../../../sdk/units.ts'

interface Transaction {
  readonly hash: Hex
  readonly sender: Address
  readonly nonce: number
}

/** An Ethereum node as far as the edge asks it, inside the test. It holds to the contract of executor/port.ts. */
export interface FakeNode {
  /** Puts what it can of the pool into a block. */
  readonly mine: () => void
  /** Next nonce of a sender. */
  readonly nonces: Map<Address, number>
  /** Senders that cannot pay. */
  readonly broke: Set<Address>
  /** How it behaves from now on. */
  mood: 'well' | 'down' | 'nonsense' | 'deaf'
  /** Raw transactions in the order of their arrival. */
  readonly arrivals: Hex[]
  readonly includes: (hash: Hex) => number
  /** How often it was asked for a block. */
  polls: number
}

const nodes = new Map<string, FakeNode & { readonly answer: (method: string, params: readonly unknown[]) => unknown }>()

/** The node of one chain; answers at the address that vitest.workerd.config.ts gives that chain. */
export function fakeNode(chain: number): FakeNode {
  const pool: Transaction[] = []
  const blocks: Transaction[][] = [[]]
  const hashAt = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`
  const blockAt = (number: number) => ({
    number: `0x${number.toString(16)}`,
    hash: hashAt(number),
    parentHash: hashAt(Math.max(0, number - 1)),
    transactions: blocks[number]?.map(({ hash }) => hash) ?? [],
  })
  const receiptOf = (wanted: unknown) => {
    for (const [number, block] of blocks.entries()) {
      const index = block.findIndex(({ hash }) => hash === wanted)
      if (index >= 0)
        return {
          transactionHash: wanted,
          blockHash: hashAt(number),
          blockNumber: `0x${number.toString(16)}`,
          transactionIndex: `0x${index.toString(16)}`,
          gasUsed: '0x5208',
          status: '0x1',
        }
    }
    return null
  }
  const send = (raw: Hex) => {
    node.arrivals.push(raw)
    const decoded = decodeTransaction(fromHex(raw))
    if (!decoded.ok) return { error: { code: -32000, message: 'rlp: cannot decode' } }
    const { hash, prepared } = decoded.value
    const { from: sender, nonce } = prepared
    const no = (message: string) => ({ error: { code: -32000, message } })
    if (pool.some((entry) => entry.hash === hash)) return no('already known')
    if (nonce < (node.nonces.get(sender) ?? 0)) return no('nonce too low')
    if (node.broke.has(sender)) return no('insufficient funds for gas * price + value')
    const rival = pool.findIndex((entry) => entry.sender === sender && entry.nonce === nonce)
    if (rival >= 0) pool.splice(rival, 1)
    pool.push({ hash, sender, nonce })
    return { result: hash }
  }
  const node: FakeNode & { answer: (method: string, params: readonly unknown[]) => unknown } = {
    nonces: new Map(),
    broke: new Set(),
    mood: 'well',
    arrivals: [],
    polls: 0,
    includes: (hash) => blocks.flat().filter((entry) => entry.hash === hash).length,
    mine: () => {
      const block: Transaction[] = []
      for (const entry of [...pool].sort((one, other) => one.nonce - other.nonce)) {
        if (entry.nonce !== (node.nonces.get(entry.sender) ?? 0)) continue
        node.nonces.set(entry.sender, entry.nonce + 1)
        pool.splice(pool.indexOf(entry), 1)
        block.push(entry)
      }
      blocks.push(block)
    },
    answer: (method, params) => {
      const [first] = params
      switch (method) {
        case 'eth_sendRawTransaction':
          return send(first as Hex)
        case 'eth_getTransactionCount':
          return { result: `0x${(node.nonces.get(first as Address) ?? 0).toString(16)}` }
        case 'eth_getTransactionReceipt':
          return { result: receiptOf(first) }
        case 'eth_getTransactionByHash':
          return { result: receiptOf(first) ?? pool.find(({ hash }) => hash === first) ?? null }
        case 'eth_getBlockByNumber':
          node.polls += 1
          return { result: blockAt(first === 'latest' ? blocks.length - 1 : Number(first)) }
        case 'eth_getBlockReceipts':
          return { result: blocks[Number(first)]?.map(({ hash }) => receiptOf(hash)) ?? null }
        case 'lanekit_sequencedBlock':
          return { result: { header: '0xc0', signature: `0x${'07'.repeat(65)}`, asked: params } }
        default:
          return { error: { code: -32601, message: 'no such method' } }
      }
    },
  }
  nodes.set(String(chain), node)
  vi.stubGlobal('fetch', answerFetch)
  return node
}

async function answerFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input)
  const node = url.host === 'node.test' ? nodes.get(url.pathname.slice(1)) : undefined
  if (!node || node.mood === 'down') throw new TypeError('connection refused')
  const json = JSON.parse(String(init?.body))
  const calls: { id: number; method: string; params: readonly unknown[] }[] = Array.isArray(json) ? json : [json]
  if (node.mood === 'nonsense') return new Response('<html>no node here</html>')
  const answers = calls.map(({ id, method, params }) => ({
    jsonrpc: '2.0',
    id,
    ...(node.answer(method, params) as object),
  }))
  // It does what it is told, and the answer is lost.
  if (node.mood === 'deaf') return new Response('{}', { status: 502 })
  return Response.json(Array.isArray(json) ? answers : answers[0])
}
