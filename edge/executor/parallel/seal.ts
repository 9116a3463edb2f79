import { keccak256, sha256 } from '../../../sdk/crypto/engine.ts'
import {
  blockHashOf,
  bloomOf,
  encodeHeader,
  encodeReceipt,
  type Fork,
  type Header,
  type Receipt,
} from '../../../sdk/evm/index.ts'
import { encodeRlp } from '../../../sdk/rlp.ts'
import { emptyTrieRoot, orderedTrie } from '../../../sdk/trie/index.ts'
import { type BlockHash, wei } from '../../../sdk/units.ts'
import type { Environment, SealedBlock } from './engine.ts'

/** What a block holds, when everything in it has run. */
export interface BlockContents {
  readonly number: number
  readonly parentHash: BlockHash
  readonly stateRoot: Uint8Array
  /** Raw (EIP-2718). */
  readonly transactions: readonly Uint8Array[]
  readonly receipts: readonly Receipt[]
  readonly gasUsed: bigint
}

/** The block with its header, as the rules of `fork` have it: no uncles, withdrawals, blobs or requests. */
export function seal(fork: Fork, environment: Environment, contents: BlockContents): SealedBlock {
  const header = headerOf(fork, environment, contents)
  return { header, hash: blockHashOf(encodeHeader(header)) }
}

function headerOf(fork: Fork, environment: Environment, contents: BlockContents): Header {
  const { feeRecipient, gasLimit, timestamp, baseFeePerGas } = environment
  const cancun = {
    parentHash: contents.parentHash,
    ommersHash: keccak256(encodeRlp([])),
    miner: feeRecipient,
    stateRoot: contents.stateRoot,
    transactionsRoot: orderedTrie(contents.transactions).root,
    receiptsRoot: orderedTrie(contents.receipts.map(encodeReceipt)).root,
    logsBloom: bloomOfAll(contents.receipts),
    difficulty: 0n,
    number: contents.number,
    gasLimit,
    gasUsed: contents.gasUsed,
    timestamp,
    extraData: environment.extraData ?? new Uint8Array(0),
    mixHash: environment.prevRandao ?? new Uint8Array(32),
    nonce: new Uint8Array(8),
    baseFeePerGas: wei(baseFeePerGas),
    withdrawalsRoot: emptyTrieRoot(),
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: environment.parentBeaconBlockRoot ?? new Uint8Array(32),
  }
  if (fork === 'cancun') return { era: 'cancun', ...cancun }
  return { era: 'prague', ...cancun, requestsHash: sha256(new Uint8Array(0)) }
}

/** The filter of all logs. The same addresses and topics come again and again, and each would cost a hash. */
function bloomOfAll(receipts: readonly Receipt[]): Uint8Array {
  const seen = new Set<string>()
  const isNew = (entry: string) => seen.size < seen.add(entry).size
  const once = receipts.flatMap(({ logs }) =>
    logs
      .map((log) => ({ ...log, isNew: isNew(log.address), topics: log.topics.filter((topic) => isNew(nameOf(topic))) }))
      .filter((log) => log.isNew || log.topics.length > 0),
  )
  return bloomOf(once)
}

function nameOf(topic: Uint8Array): string {
  return Buffer.from(topic).toString('latin1')
}
