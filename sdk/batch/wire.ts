import { keccak256 } from '../crypto/engine.ts'
import { SdkError } from '../errors.ts'
import { type BatchId, batchId, toHex } from '../units.ts'
import { readBinary, writeBinary } from './binary.ts'
import {
  type Batch,
  batchBytesMax,
  type Envelope,
  type EnvelopeRefusal,
  pack,
  type ReceivedBatch,
  refuse,
  unpack,
} from './envelope.ts'
import { readJson, writeJson } from './json.ts'

export { transactionBytesMax } from '../evm/codec.ts'
export {
  type Batch,
  batchBytesMax,
  batchTransactionsMax,
  type EnvelopeFault,
  type EnvelopeRefusal,
  forkLengthMax,
  type ReceivedBatch,
  transactionPlacesMax,
} from './envelope.ts'

/** What a decoder answers: the batch, or the fault. */
export type DecodedBatch = { readonly ok: true; readonly value: ReceivedBatch } | EnvelopeRefusal

/**
 * A batch as binary envelope: `0x01 || rlp([...])`, SPEC.md, E1. Equal batches give equal bytes, in whatever order
 * their declarations list their places.
 *
 * Refuses what {@link decodeBatch} would refuse: throws `batch/too-large`, `batch/malformed`.
 */
export function encodeBatch(batch: Batch): Uint8Array<ArrayBuffer> {
  return binaryOf(envelopeOf(batch))
}

/** A batch as JSON envelope, with the digest of its binary form (SPEC.md, E7). Throws as {@link encodeBatch} does. */
export function encodeBatchJson(batch: Batch): string {
  const envelope = envelopeOf(batch)
  const text = writeJson(envelope, idOf(binaryOf(envelope)))
  if (text.length > batchBytesMax) throw tooLarge()
  return text
}

/**
 * Reads a binary envelope. Never throws. Strict: one batch has one encoding, so encoding the answer gives `bytes` again.
 * The transactions in it are bytes yet, and judged by nobody. SPEC.md, E1 to E9.
 */
export function decodeBatch(bytes: Uint8Array): DecodedBatch {
  if (bytes.length > batchBytesMax)
    return refuse('batch-too-large', `the envelope is longer than ${batchBytesMax} bytes`)
  const read = readBinary(bytes)
  if (!read.ok) return read
  const batch = unpack(read.envelope)
  return batch.ok ? { ok: true, value: { ...batch.value, id: idOf(bytes) } } : batch
}

/** Reads a JSON envelope. Never throws. Layout and the case of hex are free, all else is as strict as {@link decodeBatch}. */
export function decodeBatchJson(text: string): DecodedBatch {
  if (text.length > batchBytesMax)
    return refuse('batch-too-large', `the envelope is longer than ${batchBytesMax} bytes`)
  const read = readJson(text)
  if (!read.ok) return read
  const batch = unpack(read.envelope)
  if (!batch.ok) return batch
  const id = idOf(writeBinary(read.envelope))
  if (id !== read.digest) return refuse('wrong-digest', `the digest is not that of the batch, ${id}`)
  return { ok: true, value: { ...batch.value, id } }
}

/** The identity of a batch: keccak256 of its binary envelope, given as such or still to be encoded. Judges no bytes. */
export function batchIdOf(batch: Batch | Uint8Array): BatchId {
  return idOf(batch instanceof Uint8Array ? batch : encodeBatch(batch))
}

/** The batch as tables, held to the rules of the decoder. */
function envelopeOf(batch: Batch): Envelope {
  const envelope = pack(batch)
  const judged = unpack(envelope)
  if (judged.ok) return envelope
  const code = judged.code === 'batch-too-large' ? 'batch/too-large' : 'batch/malformed'
  throw new SdkError(code, `The batch cannot be encoded: ${judged.reason}.`)
}

function binaryOf(envelope: Envelope): Uint8Array<ArrayBuffer> {
  const bytes = writeBinary(envelope)
  if (bytes.length > batchBytesMax) throw tooLarge()
  return bytes
}

function tooLarge(): SdkError {
  return new SdkError('batch/too-large', `The envelope would be longer than ${batchBytesMax} bytes.`, {
    notes: ['Send the transactions in several batches.'],
  })
}

function idOf(bytes: Uint8Array): BatchId {
  return batchId(toHex(keccak256(bytes)))
}
