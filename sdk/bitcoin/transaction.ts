import { Transaction } from 'bitcoinjs-lib/src/transaction'
import { accepted, type Decoded, invariant, refused } from '../errors.ts'
import { fromHex, type Sats, sats, type Txid, toHex } from '../units.ts'
import { compareBytes, equalBytes } from './script.ts'

/** Largest transaction {@link decodeTransaction} reads: what a block holds (BIP-141). */
export const transactionBytesMax = 4_000_000

/** Sequence of an input that may be replaced and has no relative lock (BIP-125, BIP-68). */
export const sequenceReplaceable = 0xfffffffd
/** Highest sequence with which nLockTime still counts, and that does not invite replacement. */
export const sequenceLocktimeOnly = 0xfffffffe

/** Names one output of one transaction. */
export interface Outpoint {
  readonly txid: Txid
  readonly index: number
}

/** An amount, and the script that must be satisfied to spend it. */
export interface Output {
  readonly script: Uint8Array
  readonly value: Sats
}

export interface Input {
  readonly outpoint: Outpoint
  readonly sequence: number
  readonly scriptSig: Uint8Array
  readonly witness: readonly Uint8Array[]
}

/** A transaction as it stands on the wire, with its identity. */
export interface BitcoinTransaction {
  readonly txid: Txid
  readonly version: number
  readonly inputs: readonly Input[]
  readonly outputs: readonly Output[]
  /** Below 500,000,000 a height, else a time in seconds (BIP-65). */
  readonly locktime: number
  /** In weight units (BIP-141). */
  readonly weight: number
}

/** What is signed over: everything but scripts and witnesses. */
export interface UnsignedTransaction {
  readonly version: number
  readonly inputs: readonly { readonly outpoint: Outpoint; readonly sequence: number }[]
  readonly outputs: readonly Output[]
  readonly locktime: number
}

/**
 * Reads a transaction. Never throws.
 *
 * Refuses bytes left over, lengths not written in their shortest form, amounts beyond 21 million coins, and
 * more than {@link transactionBytesMax} bytes.
 */
export function decodeTransaction(bytes: Uint8Array): Decoded<BitcoinTransaction> {
  if (bytes.length > transactionBytesMax) return refused('the transaction is larger than a block')
  try {
    const raw = Transaction.fromBuffer(bytes.slice())
    // The library takes lengths in any form; what it writes is the one form that has this txid.
    if (!equalBytes(raw.toBuffer(), bytes)) return refused('the transaction has a second encoding')
    return accepted({
      txid: raw.getId() as Txid,
      version: raw.version,
      inputs: raw.ins.map(({ hash, index, sequence, script, witness }) => ({
        outpoint: { txid: txidOf(hash), index },
        sequence,
        scriptSig: script,
        witness,
      })),
      outputs: raw.outs.map(({ script, value }) => ({ script, value: sats(value) })),
      locktime: raw.locktime,
      weight: raw.weight(),
    })
  } catch {
    return refused('the bytes are no transaction')
  }
}

/** Bytes of a transaction whose inputs carry these witnesses, in order; none leaves it unsigned. */
export function encodeTransaction(
  unsigned: UnsignedTransaction,
  witnesses: readonly (readonly Uint8Array[])[] = [],
): Uint8Array {
  const raw = rawTransaction(unsigned)
  witnesses.forEach((witness, at) => {
    raw.setWitness(at, [...witness])
  })
  return raw.toBuffer()
}

/** Identity of an unsigned transaction; segwit signatures do not change it (BIP-141). */
export function txidOfUnsigned(unsigned: UnsignedTransaction): Txid {
  return rawTransaction(unsigned).getId() as Txid
}

/** An outpoint as text, to compare by and to key maps with. */
export function outpointKey({ txid, index }: Outpoint): string {
  return `${txid}:${index}`
}

/** Order of inputs (BIP-69): printed txid, then index. */
export function compareOutpoints(a: Outpoint, b: Outpoint): number {
  if (a.txid !== b.txid) return a.txid < b.txid ? -1 : 1
  return a.index - b.index
}

/** Order of outputs (BIP-69): value, then script. */
export function compareOutputs(a: Output, b: Output): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1
  return compareBytes(a.script, b.script)
}

/** Bytes of a txid as transactions carry them. */
export function txidBytes(id: Txid): Uint8Array {
  return fromHex(`0x${id}`).reverse()
}

/** The txid that transactions carry as these 32 bytes. */
export function txidOf(bytes: Uint8Array): Txid {
  invariant(bytes.length === 32, 'a txid has 32 bytes')
  return toHex(bytes.slice().reverse()).slice(2) as Txid
}

/** The library's form of a transaction, for digests. */
export function rawTransaction({ version, inputs, outputs, locktime }: UnsignedTransaction): Transaction {
  const raw = new Transaction()
  raw.version = version
  raw.locktime = locktime
  for (const { outpoint, sequence } of inputs) raw.addInput(txidBytes(outpoint.txid), outpoint.index, sequence)
  for (const { script, value } of outputs) raw.addOutput(script, value)
  return raw
}
