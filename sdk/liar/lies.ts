import { fieldsOf, flipped, type Json, listOf } from './change.ts'

/** One way to lie: what an honest answer is turned into. Everything but the methods it is about stays honest. */
export interface Lie {
  /** Short and stable: what a report calls it. */
  readonly name: string
  /** What the lie would have somebody believe. */
  readonly claim: string
  /** Methods of JSON-RPC, paths of the Beacon API after `/eth/v1/beacon/`, or `latest` of a server of heads, that it changes. */
  readonly about: readonly string[]
  /**
   * The lie.
   *
   * @param result - What the honest server answered: `result` of JSON-RPC, `data` of the Beacon API.
   * @param ask - Asks the honest server something else about the same method.
   */
  readonly tell: (result: unknown, asked: Asked) => unknown | Promise<unknown>
}

/** The question that is lied about. */
export interface Asked {
  readonly params: readonly unknown[]
  readonly ask: (params: readonly unknown[]) => Promise<unknown>
}

/** How often a huge answer repeats itself: more than any real one, and small enough to send. */
const hugeCount = 20_000
/** Nesting of lists that no consensus format has. */
const depth = 2_000

const proofs = ['eth_getProof']
const headers = ['eth_getBlockByHash', 'eth_getBlockByNumber']
const receipts = ['eth_getBlockReceipts']

function onAccount(change: (nodes: readonly unknown[]) => readonly unknown[]) {
  return (result: unknown) => ({ ...fieldsOf(result), accountProof: change(listOf(fieldsOf(result).accountProof)) })
}

function onSlots(change: (slot: Json) => Json) {
  return (result: unknown) => ({
    ...fieldsOf(result),
    storageProof: listOf(fieldsOf(result).storageProof).map((slot) => change(fieldsOf(slot))),
  })
}

function onReceipts(change: (list: readonly Json[]) => readonly Json[]) {
  return (result: unknown) => change(listOf(result).map(fieldsOf))
}

/** Of a whole block: where only hashes are told, nobody looks at them. */
function onTransactions(change: (list: readonly unknown[]) => readonly unknown[]) {
  return (result: unknown) => {
    const { transactions } = fieldsOf(result)
    return result === null ? null : { ...fieldsOf(result), transactions: change(listOf(transactions)) }
  }
}

/** Of a whole block that has some; where the client looks at the header alone, nobody looks at them. */
function onWithdrawals(change: (list: readonly Json[]) => readonly unknown[]) {
  return (result: unknown) => {
    const { withdrawals } = fieldsOf(result)
    return result === null ? null : { ...fieldsOf(result), withdrawals: change(listOf(withdrawals).map(fieldsOf)) }
  }
}

function deepRlp(): string {
  // Lists in lists, each in the short form for as long as it can be.
  return `0x${'c1'.repeat(depth)}c0`
}

/** Lies of an Ethereum node. */
export const nodeLies: readonly Lie[] = [
  {
    name: 'truncated-proof',
    claim: 'the way to the account ends early',
    about: proofs,
    tell: onAccount((nodes) => nodes.slice(0, -1)),
  },
  { name: 'no-proof', claim: 'the account is absent, without a proof', about: proofs, tell: onAccount(() => []) },
  { name: 'empty-trie-proof', claim: 'the state holds nothing at all', about: proofs, tell: onAccount(() => ['0x80']) },
  {
    name: 'longer-proof',
    claim: 'a node more than the way has',
    about: proofs,
    tell: onAccount((nodes) => [...nodes, nodes.at(-1)]),
  },
  { name: 'doubled-node', claim: 'a node twice', about: proofs, tell: onAccount((nodes) => [nodes[0], ...nodes]) },
  {
    name: 'changed-value',
    claim: 'another balance, nonce or root',
    about: proofs,
    tell: onAccount((nodes) => [...nodes.slice(0, -1), flipped(nodes.at(-1))]),
  },
  {
    name: 'changed-root-node',
    claim: 'another state',
    about: proofs,
    tell: onAccount((nodes) => [flipped(nodes[0]), ...nodes.slice(1)]),
  },
  {
    name: 'another-account',
    claim: 'what somebody else holds',
    about: proofs,
    tell: (_, { params, ask }) => ask([`0x${'00'.repeat(19)}01`, ...params.slice(1)]),
  },
  {
    name: 'another-block',
    claim: 'what was there before',
    about: proofs,
    tell: (_, { params, ask }) => ask([params[0], params[1], '0x1']),
  },
  {
    name: 'huge-proof',
    claim: 'a proof of twenty thousand nodes',
    about: proofs,
    tell: onAccount((nodes) => new Array(hugeCount).fill(nodes[0])),
  },
  { name: 'deep-rlp', claim: 'lists two thousand deep', about: proofs, tell: onAccount(() => [deepRlp()]) },
  { name: 'not-a-proof', claim: 'an answer of another shape', about: proofs, tell: () => ({ accountProof: 'none' }) },
  {
    name: 'truncated-slot',
    claim: 'the way to the slot ends early',
    about: proofs,
    tell: onSlots((slot) => ({ ...slot, proof: listOf(slot.proof).slice(0, -1) })),
  },
  {
    name: 'slot-without-proof',
    claim: 'the slot is empty, without a proof',
    about: proofs,
    tell: onSlots((slot) => ({ ...slot, proof: [] })),
  },
  {
    name: 'changed-slot',
    claim: 'another number in the slot',
    about: proofs,
    tell: onSlots((slot) => ({
      ...slot,
      proof: [...listOf(slot.proof).slice(0, -1), flipped(listOf(slot.proof).at(-1))],
    })),
  },
  { name: 'other-code', claim: 'the contract does something else', about: ['eth_getCode'], tell: () => '0x5f5ff3' },
  { name: 'no-code', claim: 'the contract has no code', about: ['eth_getCode'], tell: () => '0x' },
  { name: 'no-block', claim: 'there is no such block', about: headers, tell: () => null },
  {
    name: 'other-header',
    claim: 'the header of another block',
    about: headers,
    tell: (_, { params, ask }) => (String(params[0]).length > 20 ? null : ask(['0x1', ...params.slice(1)])),
  },
  {
    name: 'changed-state-root',
    claim: 'a header with another state',
    about: headers,
    tell: (result) => ({ ...fieldsOf(result), stateRoot: flipped(fieldsOf(result).stateRoot) }),
  },
  {
    name: 'changed-timestamp',
    claim: 'a header of another time',
    about: headers,
    tell: (result) => ({ ...fieldsOf(result), timestamp: '0x1' }),
  },
  { name: 'missing-receipts', claim: 'the block has no receipts', about: receipts, tell: () => [] },
  {
    name: 'missing-receipt',
    claim: 'the block has one receipt less',
    about: receipts,
    tell: onReceipts((list) => list.slice(0, -1)),
  },
  {
    name: 'missing-log',
    claim: 'the transaction wrote nothing',
    about: receipts,
    tell: onReceipts((list) => list.map((one) => ({ ...one, logs: [], logsBloom: `0x${'00'.repeat(256)}` }))),
  },
  {
    name: 'failed-outcome',
    claim: 'transactions that went through had failed, and the other way round',
    about: receipts,
    tell: onReceipts((list) => list.map((one) => ({ ...one, status: one.status === '0x1' ? '0x0' : '0x1' }))),
  },
  {
    name: 'missing-transaction',
    claim: 'the block has one transaction less',
    about: headers,
    tell: onTransactions((list) => list.slice(0, -1)),
  },
  {
    name: 'moved-transaction',
    claim: 'transactions ran in another order',
    about: headers,
    tell: onTransactions((list) => [...list].reverse()),
  },
  {
    name: 'changed-transaction',
    claim: 'somebody else was paid',
    about: headers,
    tell: onTransactions((list) => list.map((one) => ({ ...fieldsOf(one), to: `0x${'66'.repeat(20)}` }))),
  },
  {
    name: 'added-transaction',
    claim: 'a transaction ran twice',
    about: headers,
    tell: onTransactions((list) => [...list, ...list.slice(-1)]),
  },
  {
    name: 'missing-withdrawal',
    claim: 'the block has one withdrawal less',
    about: headers,
    tell: onWithdrawals((list) => list.slice(0, -1)),
  },
  {
    name: 'changed-withdrawal',
    claim: 'somebody else was paid by the beacon chain',
    about: headers,
    tell: onWithdrawals((list) => list.map((one) => ({ ...one, address: `0x${'66'.repeat(20)}` }))),
  },
  {
    name: 'payment-elsewhere',
    claim: 'the transaction is in another block',
    about: ['eth_getTransactionReceipt'],
    tell: (result) => (result === null ? null : { ...fieldsOf(result), blockHash: `0x${'11'.repeat(32)}` }),
  },
]
