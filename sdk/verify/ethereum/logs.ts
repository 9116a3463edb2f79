import { keccak256 } from '../../crypto/engine.ts'
import { accepted, type Decoded, refused } from '../../errors.ts'
import { blockHashOf, decodeHeader, type Header } from '../../evm/block.ts'
import { type Log, mayHold, type Receipt } from '../../evm/receipt.ts'
import { type Address, type BlockHash, fromHex, sameBytes, type TxHash, toHex, txHash } from '../../units.ts'
import { committedTrie, readReceipts } from './lists.ts'
import type { TrustedBlock } from './trusted.ts'

/** Most blocks of one range: each costs a header, and its receipts where the filter may fit. */
export const logBlocksMax = 1_024
/** Most addresses, and most values of one topic, that a filter names. */
export const logChoicesMax = 256

/** Which logs are asked for: any of the addresses, and any of the values at each position; no value stands for all. */
export interface LogFilter {
  readonly addresses: readonly Address[]
  readonly topics: readonly (readonly Uint8Array[])[]
}

/** A block of the range, from the last one back. */
export interface LogBlock {
  /** In consensus encoding (RLP). */
  readonly header: Uint8Array
  /** All receipts of the block; none where its bloom filter shows that no log fits. */
  readonly receipts: readonly Uint8Array[]
  /** Beside receipts, all transactions of the block, where their hashes are asked for; else none. */
  readonly transactions: readonly Uint8Array[]
}

/** A log, and where it was written. */
export interface ProvenLog {
  readonly log: Log
  readonly blockHash: BlockHash
  readonly blockNumber: number
  readonly transactionIndex: number
  /** Of the transaction that wrote it; `null` where the block came without its transactions. */
  readonly transactionHash: TxHash | null
  /** Among all logs of the block. */
  readonly logIndex: number
}

/**
 * All logs of a range that fit a filter, in their order: none is left out, and none added. Never throws.
 *
 * Each block is the parent of the one after it, from `last` back; a block whose bloom filter does not rule a fitting log
 * out must come with all its receipts, and they with the root that the header names.
 *
 * @param last - The last block of the range.
 * @param blocks - The range from its last block back to its first.
 */
export function verifyLogs(
  last: TrustedBlock,
  { filter, blocks }: { readonly filter: LogFilter; readonly blocks: readonly LogBlock[] },
): Decoded<readonly ProvenLog[]> {
  if (blocks.length === 0 || blocks.length > logBlocksMax)
    return refused(`the range is not 1 to ${logBlocksMax} blocks`)
  if (!isFilter(filter)) return refused('the filter names too much, or what is no topic')
  const found: ProvenLog[] = []
  let expected = last.hash
  for (const { header: bytes, receipts, transactions } of blocks) {
    const hash = blockHashOf(bytes)
    if (hash !== expected) return refused('a block of the range does not follow from the one after it')
    const header = decodeHeader(bytes)
    if (!header.ok) return header
    const logs = logsOf({ hash, header: header.value, receipts, transactions, filter })
    if (!logs.ok) return refused(`block ${header.value.number}: ${logs.reason}`)
    found.unshift(...logs.value)
    expected = header.value.parentHash
  }
  return accepted(found)
}

/** The receipts of a block: all of them, in order, or a refusal. Never throws. */
export function verifyReceipts(header: Header, receipts: readonly Uint8Array[]): Decoded<readonly Receipt[]> {
  const trie = committedTrie(receipts, header.receiptsRoot, 'receipt')
  return trie.ok ? readReceipts(receipts) : trie
}

/** True when the block may have a log that fits: then all its receipts are needed. */
export function mayHaveLogs({ logsBloom }: Header, { addresses, topics }: LogFilter): boolean {
  const mayHave = (choices: readonly Uint8Array[]) =>
    choices.length === 0 || choices.some((choice) => mayHold(logsBloom, choice))
  return mayHave(addresses.map((address) => fromHex(address))) && topics.every(mayHave)
}

function logsOf(block: {
  readonly hash: BlockHash
  readonly header: Header
  readonly receipts: readonly Uint8Array[]
  readonly transactions: readonly Uint8Array[]
  readonly filter: LogFilter
}): Decoded<readonly ProvenLog[]> {
  const { hash, header, filter, transactions } = block
  if (!mayHaveLogs(header, filter))
    return block.receipts.length === 0 && transactions.length === 0
      ? accepted([])
      : refused('it comes with receipts or transactions that prove nothing')
  const receipts = verifyReceipts(header, block.receipts)
  if (!receipts.ok) return receipts
  if (transactions.length > 0) {
    const trie = committedTrie(transactions, header.transactionsRoot, 'transaction')
    if (!trie.ok) return trie
  }
  const logs: ProvenLog[] = []
  let logIndex = 0
  for (const [transactionIndex, receipt] of receipts.value.entries()) {
    const raw = transactions[transactionIndex]
    const transactionHash = raw && receipt.logs.length > 0 ? txHash(toHex(keccak256(raw))) : null
    const place = { blockHash: hash, blockNumber: header.number, transactionIndex, transactionHash }
    for (const log of receipt.logs) {
      if (fits(log, filter)) logs.push({ log, ...place, logIndex })
      logIndex += 1
    }
  }
  return accepted(logs)
}

function fits(log: Log, { addresses, topics }: LogFilter): boolean {
  if (addresses.length > 0 && !addresses.includes(log.address)) return false
  if (topics.length > log.topics.length) return false
  return topics.every((choices, at) => {
    const topic = log.topics[at] as Uint8Array
    return choices.length === 0 || choices.some((choice) => sameBytes(choice, topic))
  })
}

function isFilter({ addresses, topics }: LogFilter): boolean {
  if (addresses.length > logChoicesMax || topics.length > 4) return false
  return topics.every((choices) => choices.length <= logChoicesMax && choices.every((topic) => topic.length === 32))
}
