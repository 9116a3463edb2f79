import { accepted, type Decoded, refused } from '../../errors.ts'
import { joinBytes, type Sats, sats } from '../../units.ts'
import { hash256 } from './hash.ts'
import { type Reader, readBytes, readCount, readerOf, readNumber, skipBytes } from './reader.ts'

/** Largest weight of a block, so of a transaction (BIP-141). */
export const weightMax = 4_000_000
/** Most bytes of a transaction without witness, which weigh four each. */
const strippedMax = weightMax / 4
/** Least bytes of an input and of an output, without witness. */
const inputSizeMin = 41
const outputSizeMin = 9
/** All the bitcoin there will be, in satoshi. */
const moneyMax = 2_100_000_000_000_000
/** Size of a coinbase's input script, least and most. */
const [coinbaseScriptMin, coinbaseScriptMax] = [2, 100]

/** An input: which output it spends. */
export interface TransactionInput {
  /** Transaction that made the output; 32 bytes, wire order. */
  readonly txid: Uint8Array
  /** Which of its outputs. */
  readonly vout: number
  readonly script: Uint8Array
  readonly sequence: number
}

export interface TransactionOutput {
  readonly value: Sats
  readonly script: Uint8Array
}

/** A transaction, taken apart. Hashes are 32 bytes in wire order; scripts and bytes are views of what it was read from. */
export interface BitcoinTransaction {
  /** Hash without witness: its identity, and its leaf in the block's Merkle tree. */
  readonly txid: Uint8Array
  /** Hash with witness (BIP-141); the txid where there is none. */
  readonly wtxid: Uint8Array
  readonly version: number
  readonly inputs: readonly TransactionInput[]
  readonly outputs: readonly TransactionOutput[]
  readonly locktime: number
  /** True for the one that makes new bitcoin: its only input spends nothing. */
  readonly coinbase: boolean
  /** Serialised witnesses of all inputs, empty where there are none. */
  readonly witness: Uint8Array
  /** Bytes without witness. */
  readonly strippedSize: number
  /** Three times the bytes without witness, plus all bytes (BIP-141). */
  readonly weight: number
  /** All bytes, as they were given. */
  readonly bytes: Uint8Array
}

/**
 * Reads one transaction that fills `bytes`, with witness (BIP-144) or without, and computes its hashes from them.
 *
 * Refuses what no block can hold: lengths that have a shorter form, no inputs or outputs, a witness flag without a
 * witness, amounts beyond all bitcoin, a coinbase among others, more weight than a block, bytes that follow. Scripts and
 * signatures are not judged. Allocates at most a few hundred bytes for each input and output that the bytes really hold.
 */
export function decodeTransaction(bytes: Uint8Array): Decoded<BitcoinTransaction> {
  const reader = readerOf(bytes)
  const transaction = readTransaction(reader)
  if (transaction.ok && reader.at !== bytes.length) return refused('bytes follow the transaction')
  return transaction
}

/** Reads the transaction that comes next; see {@link decodeTransaction}. */
export function readTransaction(reader: Reader): Decoded<BitcoinTransaction> {
  const start = reader.at
  const version = readNumber(reader, 4) | 0
  const flagged = reader.bytes[reader.at] === 0
  if (flagged && readNumber(reader, 2) !== 0x0100) return refused('it has neither inputs nor the flag of a witness')
  const bodyStart = reader.at
  const inputs = readInputs(reader)
  const outputs = readOutputs(reader)
  const bodyEnd = reader.at
  const witness = flagged ? readWitness(reader, inputs.length) : new Uint8Array(0)
  const locktime = readNumber(reader, 4)
  if (reader.fault !== null) return refused(reader.fault)
  if (flagged && witness.every((byte) => byte === 0)) return refused('it has the flag of a witness and no witness')

  const whole = reader.bytes.subarray(start, reader.at)
  const strippedSize = bodyEnd - bodyStart + 8
  const weight = 3 * strippedSize + whole.length
  const fault = faultOfInputs(inputs) ?? faultOfOutputs(outputs) ?? (weight > weightMax ? 'it outweighs a block' : null)
  if (fault !== null) return refused(fault)
  const wtxid = hash256(whole)
  const body = reader.bytes.subarray(bodyStart, bodyEnd)
  return accepted({
    txid: flagged ? hash256(joinBytes(whole.subarray(0, 4), body, whole.subarray(-4))) : wtxid,
    wtxid,
    version,
    inputs,
    outputs: outputs.map(({ value, script }) => ({ value: sats(BigInt(value)), script })),
    locktime,
    coinbase: inputs.some(spendsNothing),
    witness,
    strippedSize,
    weight,
    bytes: whole,
  })
}

/** An output before its amount is known to be one. */
interface RawOutput {
  readonly value: number
  readonly script: Uint8Array
}

function readInputs(reader: Reader): readonly TransactionInput[] {
  const count = readCount(reader, inputSizeMin, strippedMax / inputSizeMin)
  return Array.from({ length: count }, () => ({
    txid: readBytes(reader, 32),
    vout: readNumber(reader, 4),
    script: readBytes(reader, readCount(reader, 1)),
    sequence: readNumber(reader, 4),
  }))
}

function readOutputs(reader: Reader): readonly RawOutput[] {
  const count = readCount(reader, outputSizeMin, strippedMax / outputSizeMin)
  return Array.from({ length: count }, () => ({
    value: readNumber(reader, 8),
    script: readBytes(reader, readCount(reader, 1)),
  }))
}

/** One stack for each input. Passed over piece by piece: millions of empty pieces are a valid witness. */
function readWitness(reader: Reader, inputs: number): Uint8Array {
  const from = reader.at
  for (let input = 0; input < inputs; input++)
    for (let pieces = readCount(reader, 1); pieces > 0; pieces--) skipBytes(reader, readCount(reader, 1))
  return reader.bytes.subarray(from, reader.at)
}

function faultOfInputs(inputs: readonly TransactionInput[]): string | null {
  const [first] = inputs
  if (first === undefined) return 'it has no inputs'
  if (!inputs.some(spendsNothing)) return null
  if (inputs.length > 1) return 'it makes bitcoin and spends some too'
  const { length } = first.script
  return length < coinbaseScriptMin || length > coinbaseScriptMax ? 'its coinbase script has a wrong size' : null
}

function faultOfOutputs(outputs: readonly RawOutput[]): string | null {
  if (outputs.length === 0) return 'it has no outputs'
  let total = 0
  for (const { value } of outputs) {
    total += value
    if (total > moneyMax) return 'it pays more than all bitcoin'
  }
  return null
}

function spendsNothing({ txid, vout }: TransactionInput): boolean {
  return vout === 0xffff_ffff && txid.every((byte) => byte === 0)
}
