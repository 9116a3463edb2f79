import { keccak256, sha256 } from '../../../sdk/crypto/engine.ts'
import { blockHashOf, bloomOf, encodeHeader, type Fork, type Header, type Receipt } from '../../../sdk/evm/index.ts'
import { encodeFiltered } from '../../../sdk/evm/receipt.ts'
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
  const filtered = contents.receipts.map((receipt) => ({ receipt, bloom: bloomOf(receipt.logs) }))
  const cancun = {
    parentHash: contents.parentHash,
    ommersHash: keccak256(encodeRlp([])),
    miner: feeRecipient,
    stateRoot: contents.stateRoot,
    transactionsRoot: orderedTrie(contents.transactions).root,
    receiptsRoot: orderedTrie(filtered.map(({ receipt, bloom }) => encodeFiltered(receipt, bloom))).root,
    logsBloom: joined(filtered.map(({ bloom }) => bloom)),
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

/** The filter of all logs, from those of the receipts. */
function joined(blooms: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(256)
  for (const bloom of blooms)
    for (let at = 0; at < all.length; at++) all[at] = (all[at] as number) | (bloom[at] as number)
  return all
}
