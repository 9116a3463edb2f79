import { accepted, type Decoded, refused } from '../../errors.ts'
import { joinBytes, sameBytes } from '../../units.ts'
import { hash256 } from './hash.ts'
import { type BitcoinHeader, decodeHeader, hashSize, headerSize } from './header.ts'
import { blockTransactionsMax, merkleRoot } from './merkle.ts'
import { readBytes, readCount, readerOf } from './reader.ts'
import { type BitcoinTransaction, readTransaction, weightMax } from './transaction.ts'

/** A block that holds exactly what its header commits to. */
export interface BitcoinBlock {
  readonly header: BitcoinHeader
  readonly transactions: readonly BitcoinTransaction[]
}

/** Least bytes of a transaction without witness. */
const transactionSizeMin = 60
/** Size of the script by which a coinbase commits to all witnesses: 6 bytes that mark it, and a hash. */
const commitmentSize = 6 + hashSize

/**
 * Reads a whole block and checks that its transactions are those of the header, none added, left out, repeated
 * (CVE-2012-2459) or put for an inner node (CVE-2017-12842), and that their witnesses are those the coinbase commits to
 * (BIP-141).
 *
 * Funds at risk: nothing is said of the header, nor whether the transactions are valid: that is the work of miners, which
 * only a chain shows ({@link burialOf}).
 */
export function verifyBlock(bytes: Uint8Array): Decoded<BitcoinBlock> {
  if (bytes.length > weightMax) return refused('the block is larger than any can be')
  const reader = readerOf(bytes)
  const header = decodeHeader(readBytes(reader, headerSize))
  if (!header.ok) return header
  const count = readCount(reader, transactionSizeMin, blockTransactionsMax)
  let weight = 4 * reader.at
  const transactions: BitcoinTransaction[] = []
  for (let index = 0; index < count; index++) {
    const transaction = readTransaction(reader)
    if (!transaction.ok) return refused(`transaction ${index}: ${transaction.reason}`)
    // With a coinbase in front the list cannot be a row of inner nodes: no two hashes hold the bytes of its input.
    if (transaction.value.coinbase !== (index === 0))
      return refused('a coinbase, and nothing else, stands first in a block')
    weight += transaction.value.weight
    transactions.push(transaction.value)
  }
  if (reader.fault !== null) return refused(reader.fault)
  if (reader.at !== bytes.length) return refused('bytes follow the block')
  if (weight > weightMax) return refused('the block outweighs what one can')
  const root = merkleRoot(transactions.map(({ txid }) => txid))
  if (!root.ok) return root
  if (!sameBytes(root.value, header.value.merkleRoot)) return refused('the transactions are not those of the header')
  const fault = faultOfWitnesses(transactions)
  return fault === null ? accepted({ header: header.value, transactions }) : refused(fault)
}

function faultOfWitnesses(transactions: readonly BitcoinTransaction[]): string | null {
  const [coinbase] = transactions
  const script = coinbase?.outputs.filter(({ script }) => isCommitment(script)).at(-1)?.script
  if (!coinbase || !script)
    return transactions.some(({ witness }) => witness.length > 0) ? 'it has witnesses that nothing commits to' : null
  // One stack of one piece of 32 bytes, which the commitment is made with.
  const { witness } = coinbase
  if (witness.length !== 2 + hashSize || witness[0] !== 1 || witness[1] !== hashSize)
    return 'its coinbase has not the witness that its commitment needs'
  const root = merkleRoot(transactions.map(({ wtxid, coinbase }) => (coinbase ? new Uint8Array(hashSize) : wtxid)))
  if (!root.ok) return root.reason
  const commitment = hash256(joinBytes(root.value, witness.subarray(2)))
  return sameBytes(commitment, script.subarray(6, commitmentSize)) ? null : 'its witnesses are not those it commits to'
}

function isCommitment(script: Uint8Array): boolean {
  const mark = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed]
  return script.length >= commitmentSize && mark.every((byte, at) => script[at] === byte)
}
