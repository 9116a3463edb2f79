import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blockHashOf, encodeHeader, type Header } from '../../../../sdk/evm/block.ts'
import { headerFromJson, receiptFromJson } from '../../../../sdk/evm/blockJson.ts'
import { encodeReceipt, type Receipt } from '../../../../sdk/evm/receipt.ts'
import { encodeRlp, quantity } from '../../../../sdk/rlp.ts'
import { emptyTrieRoot, orderedTrie } from '../../../../sdk/trie/index.ts'
import { address, blockHash, fromHex, type Hex, wei } from '../../../../sdk/units.ts'
import {
  type BlockFacts,
  proveReceipt,
  proveTransaction,
  type VerifiedBlock,
  verifyBlock,
  verifyReceiptProof,
  verifyTransactionProof,
} from '../../../../sdk/verify/index.ts'
import { describeVectors, readVectorJson } from '../../../vectors.ts'

type Content = Pick<BlockFacts, 'transactions' | 'receipts'>

/** Facts of a block that commits to exactly this content. */
function factsOf({ transactions, receipts }: Content, gasUsed: bigint): BlockFacts {
  const header = encodeHeader({
    era: 'london',
    parentHash: blockHash(`0x${'01'.repeat(32)}`),
    ommersHash: new Uint8Array(32),
    miner: address(`0x${'02'.repeat(20)}`),
    stateRoot: new Uint8Array(32),
    transactionsRoot: orderedTrie(transactions).root,
    receiptsRoot: orderedTrie(receipts).root,
    logsBloom: new Uint8Array(256),
    difficulty: 0n,
    number: 7,
    gasLimit: 30_000_000n,
    gasUsed,
    timestamp: 1n,
    extraData: new Uint8Array(0),
    mixHash: new Uint8Array(32),
    nonce: new Uint8Array(8),
    baseFeePerGas: wei(7n),
  })
  return { header, transactions, receipts, expectedHash: blockHashOf(header) }
}

function receiptOf(cumulativeGasUsed: bigint): Uint8Array {
  return encodeReceipt({ type: 'eip1559', outcome: 'succeeded', cumulativeGasUsed, logs: [] })
}

const transactions = [1, 2, 3, 4, 5].map((index) => new Uint8Array(40).fill(index))
const receipts = [21_000n, 42_000n, 63_000n, 84_000n, 105_000n].map(receiptOf)
const facts = factsOf({ transactions, receipts }, 105_000n)

function reasonOf(facts: BlockFacts): string {
  const block = verifyBlock(facts)
  return block.ok ? 'accepted' : block.reason
}

function verified(facts: BlockFacts): VerifiedBlock {
  const block = verifyBlock(facts)
  if (!block.ok) throw new Error(block.reason)
  return block.value
}

function unwrap<value>(
  decoded: { readonly ok: true; readonly value: value } | { readonly ok: false; readonly reason: string },
): value {
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.value
}

describe('a block', () => {
  it('is taken when its hash commits to all of it', () => {
    const block = verified(facts)
    expect(block).toMatchObject({ hash: facts.expectedHash, facts, header: { era: 'london', number: 7 } })
    expect(block.receipts.map((receipt) => receipt.cumulativeGasUsed)).toEqual([
      21_000n,
      42_000n,
      63_000n,
      84_000n,
      105_000n,
    ])
  })

  it('may be empty', () => {
    const empty = factsOf({ transactions: [], receipts: [] }, 0n)
    expect(verified(empty).header.transactionsRoot).toEqual(emptyTrieRoot())
    expect(reasonOf(factsOf({ transactions: [], receipts: [] }, 1n))).toBe('the receipts tell 0 gas, the header 1')
  })

  const others = { transactions: [...transactions].reverse(), receipts: [...receipts].reverse() }
  const extra = new Uint8Array(40).fill(9)
  const swapped = <item>([first, second, ...rest]: readonly item[]) => [second, first, ...rest] as item[]
  const noTransactions = 'the transactions do not have the root the header names'
  const noReceipts = 'the receipts do not have the root the header names'

  it.each<readonly [string, Partial<BlockFacts>, string]>([
    [
      'another header',
      { header: factsOf(others, 105_000n).header },
      'the header does not have the expected block hash',
    ],
    [
      'another hash',
      { expectedHash: blockHash(`0x${'00'.repeat(32)}`) },
      'the header does not have the expected block hash',
    ],
    ['a transaction left out', { transactions: transactions.slice(1) }, 'there are 4 transactions and 5 receipts'],
    ['a receipt left out', { receipts: receipts.slice(1) }, 'there are 5 transactions and 4 receipts'],
    [
      'the last of both left out',
      { transactions: transactions.slice(0, -1), receipts: receipts.slice(0, -1) },
      noTransactions,
    ],
    [
      'one of both added',
      { transactions: [...transactions, extra], receipts: [...receipts, receiptOf(126_000n)] },
      noTransactions,
    ],
    ['transactions moved', { transactions: swapped(transactions) }, noTransactions],
    ['a transaction changed', { transactions: [extra, ...transactions.slice(1)] }, noTransactions],
    ['receipts moved', { receipts: swapped(receipts) }, noReceipts],
    ['a receipt changed', { receipts: [receiptOf(20_000n), ...receipts.slice(1)] }, noReceipts],
    [
      'empty items added, to which no root commits',
      { transactions: [...transactions, new Uint8Array(0)], receipts: [...receipts, new Uint8Array(0)] },
      'transaction 5 is empty',
    ],
    ['an empty receipt', { receipts: [new Uint8Array(0), ...receipts.slice(1)] }, 'receipt 0 is empty'],
  ])('with %s is refused', (_, lie, reason) => {
    expect(reasonOf({ ...facts, ...lie })).toBe(reason)
  })

  it('whose header is none is refused, though its hash fits', () => {
    const header = encodeRlp([new Uint8Array(32)])
    expect(reasonOf({ ...facts, header, expectedHash: blockHashOf(header) })).toBe("no fork's header has 1 fields")
  })

  it('whose receipts contradict each other or the header is refused, though the roots fit', () => {
    const [first, second] = transactions as [Uint8Array, Uint8Array]
    const pair = { transactions: [first, second] }
    expect(reasonOf(factsOf({ ...pair, receipts: [receiptOf(42_000n), receiptOf(21_000n)] }, 21_000n))).toBe(
      'receipt 1 tells less gas than those before it',
    )
    expect(reasonOf(factsOf({ ...pair, receipts: [receiptOf(21_000n), receiptOf(42_000n)] }, 42_001n))).toBe(
      'the receipts tell 42000 gas, the header 42001',
    )
    expect(reasonOf(factsOf({ ...pair, receipts: [receiptOf(21_000n), Uint8Array.of(2, 0xc0)] }, 42_000n))).toBe(
      "receipt 1: the receipt's outcome is missing",
    )
  })

  it('never makes the verifier throw', () => {
    const item = fc.uint8Array({ maxLength: 8 })
    fc.assert(
      fc.property(
        fc.array(item),
        fc.array(item),
        fc.uint8Array(),
        fc.boolean(),
        (transactions, receipts, bytes, own) => {
          const header = own ? bytes : facts.header
          const told = { header, transactions, receipts, expectedHash: blockHashOf(header) }
          expect(verifyBlock(told).ok).toBe(false)
        },
      ),
    )
  })
})

describe('proofs of a block', () => {
  const block = verified(facts)
  const at = (index: number) => ({
    transaction: unwrap(proveTransaction(block, index)),
    receipt: unwrap(proveReceipt(block, index)),
  })

  it('show each transaction and each receipt at its index, at level node', () => {
    for (const index of transactions.keys()) {
      const { transaction, receipt } = at(index)
      expect(verifyTransactionProof({ ...transaction, sources: ['a node'] })).toMatchObject({
        ok: true,
        value: {
          value: { index, blockHash: facts.expectedHash, transaction: transactions[index] },
          verdict: {
            level: 'node',
            anchor: { kind: 'block', hash: facts.expectedHash },
            proven: ['transaction-inclusion'],
            sources: ['a node'],
          },
        },
      })
      expect(verifyReceiptProof(receipt)).toMatchObject({
        ok: true,
        value: {
          value: { index, blockHash: facts.expectedHash, receipt: block.receipts[index] as Receipt },
          verdict: { level: 'node', proven: ['receipt-inclusion'], sources: [] },
        },
      })
    }
  })

  it('exist for no index but those of the block', () => {
    for (const index of [5, -1, 0.5, Number.NaN]) {
      expect(proveTransaction(block, index)).toEqual({ ok: false, reason: `the block has no transaction ${index}` })
      expect(proveReceipt(block, index)).toEqual({ ok: false, reason: `the block has no receipt ${index}` })
    }
  })

  it('hold for no other transaction, index or header', () => {
    const { transaction: proof } = at(1)
    const other = factsOf({ transactions: [...transactions].reverse(), receipts }, 105_000n).header
    const reason = (changed: object) => {
      const held = verifyTransactionProof({ ...proof, ...changed })
      return held.ok ? 'accepted' : held.reason
    }
    expect(reason({})).toBe('accepted')
    expect(reason({ transaction: transactions[2] })).toBe('the header commits to something else at index 1')
    expect(reason({ transaction: new Uint8Array(0) })).toBe('the header commits to something else at index 1')
    expect(reason({ index: 2 })).toBe('the proof does not hold: node 2 is not the one its parent names')
    expect(reason({ proof: [] })).toBe('the proof does not hold: the proof holds no node')
    expect(reason({ header: other })).toBe('the proof does not hold: node 0 is not the one its parent names')
    expect(reason({ header: new Uint8Array(2) })).toMatch(/^the header is not/)
    for (const index of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(reason({ index })).toBe('the index is not a whole number from 0')
  })

  it('of absence are no proofs of a transaction', () => {
    const proof = block.transactionsTrie.prove(encodeRlp(quantity(9)))
    const held = verifyTransactionProof({ header: facts.header, index: 9, transaction: new Uint8Array(0), proof })
    expect(held).toEqual({ ok: false, reason: 'the header commits to nothing at index 9' })
  })

  it('of a transaction are none of a receipt', () => {
    const { transaction, receipt } = at(0)
    expect(verifyReceiptProof({ ...receipt, proof: transaction.proof }).ok).toBe(false)
    expect(verifyReceiptProof({ ...transaction, receipt: transaction.transaction }).ok).toBe(false)
  })

  it('of a receipt that is none are refused', () => {
    const header = factsOf({ transactions: [], receipts: [Uint8Array.of(9)] }, 0n).header
    const proof = orderedTrie([Uint8Array.of(9)]).prove(encodeRlp(quantity(0)))
    const held = verifyReceiptProof({ header, index: 0, receipt: Uint8Array.of(9), proof })
    expect(held).toEqual({ ok: false, reason: 'the receipt is of no known type' })
  })

  it('with any byte changed are refused, or are of another block', () => {
    const { receipt } = at(3)
    const parts = ['header', 'receipt', 'proof'] as const
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(), fc.integer({ min: 1, max: 255 }), (part, at, flip) => {
        const bytes = (part === 'proof' ? (receipt.proof[0] as Uint8Array) : receipt[part]).slice()
        bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ flip
        const held = verifyReceiptProof({
          ...receipt,
          [part]: part === 'proof' ? [bytes, ...receipt.proof.slice(1)] : bytes,
        })
        if (part !== 'header') expect(held.ok).toBe(false)
        else if (held.ok) expect(held.value.value.blockHash).not.toBe(facts.expectedHash)
      }),
      { numRuns: 500 },
    )
  })
})

describeVectors('the first block with a transaction', () => {
  const json = (name: string) =>
    readVectorJson(name) as Record<string, string> & { transactions: Record<string, string>[] }

  it('is taken from what a node tells of it, and proves its transaction and receipt', () => {
    const block = json('blocks/mainnet-46147/block.json.gz')
    const [first] = block.transactions as [Record<string, Hex>]
    const amount = (name: string) => quantity(BigInt(first[name] as Hex))
    const data = (name: string) => fromHex(first[name] as Hex)
    const transaction = encodeRlp([
      ...[amount('nonce'), amount('gasPrice'), amount('gas'), data('to'), amount('value'), data('input')],
      ...[amount('v'), amount('r'), amount('s')],
    ])
    const [receipt] = readVectorJson('light/eth/lc-e2e/receipts.json') as unknown[]
    const verifiedBlock = verified({
      header: unwrap(headerFromJson(block)),
      transactions: [transaction],
      receipts: [unwrap(receiptFromJson(receipt))],
      expectedHash: blockHash(block.hash as string),
    })
    const proven = unwrap(verifyTransactionProof(unwrap(proveTransaction(verifiedBlock, 0))))
    expect(proven.value).toMatchObject({
      hash: first.hash,
      blockHash: block.hash,
      header: { number: 46_147 } satisfies Partial<Header>,
    })
    expect(unwrap(verifyReceiptProof(unwrap(proveReceipt(verifiedBlock, 0)))).value.receipt.cumulativeGasUsed).toBe(
      21_000n,
    )
  })
})
