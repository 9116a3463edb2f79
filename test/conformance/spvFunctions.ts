import assert from 'node:assert/strict'
import { currentEngine, sha256 } from '../../sdk/crypto/engine.ts'
import { toBigInt } from '../../sdk/rlp.ts'
import { joinBytes, sameBytes, toHex } from '../../sdk/units.ts'
import { hash256 } from '../../sdk/verify/bitcoin/hash.ts'
import { hashNumber } from '../../sdk/verify/bitcoin/header.ts'
import {
  type BitcoinHeader,
  type BitcoinTransaction,
  decodeHeader,
  decodeTarget,
  decodeTransaction,
  extendChain,
  headerSize,
  meetsOwnTarget,
  startChain,
  type TransactionInput,
} from '../../sdk/verify/bitcoin/index.ts'
import { rootFromPath } from '../../sdk/verify/bitcoin/merkle.ts'
import { rulesOf } from '../../sdk/verify/bitcoin/network.ts'
import { readCount, readerOf } from '../../sdk/verify/bitcoin/reader.ts'
import { retargetedBits } from '../../sdk/verify/bitcoin/rules.ts'
import { anchorAt, bytesOf, difficultyOf, held, nowSeconds } from './bitcoin.ts'
import { asRecord } from './files.ts'
import type { Case } from './suite.ts'

/** One vector of a function; the shape of its input is the function's own. */
type Vector = Readonly<Record<string, unknown>>
type Check = (vector: Vector) => void

/** The vectors of summa-tx/bitcoin-spv, function by function: those whose function has a counterpart here. */
export function* spvFunctionCases(name: string, json: unknown): Iterable<Case> {
  const functions = asRecord(json)
  if (functions?.verifyHash256Merkle === undefined || functions.retargetAlgorithm === undefined) return
  for (const [key, vectors] of Object.entries(functions)) {
    const check = checks[key]
    if (check === undefined) yield { name: `${name} ${key}`, skip: withoutCounterpart[key] ?? 'an unknown function' }
    else
      for (const [index, vector] of Object.entries(vectors as Vector[]))
        if (asRecord(vector.input)?.digest === `0x${'00'.repeat(32)}`)
          yield { name: `${name} ${key} ${index}`, skip: 'a hash of zeros is a sign for an error only there' }
        else yield { name: `${name} ${key} ${index}`, check: () => check(vector) }
  }
}

const checks: Readonly<Record<string, Check>> = {
  sha256: ({ input, output }) => assert.equal(toHex(sha256(bytesOf(input))), output),
  hash160: ({ input, output }) => assert.equal(toHex(currentEngine().hash160(bytesOf(input))), output),
  hash256: ({ input, output }) => assert.equal(toHex(hash256(bytesOf(input))), output),
  hash256MerkleStep: ({ input, output }) =>
    assert.equal(toHex(hash256(joinBytes(...(input as string[]).map(bytesOf)))), output),

  parseVarInt: checkLength,
  parseVarIntError: checkLength,
  validateVin: ({ input, output }) => assert.equal(withInputs(input).ok, output),
  tryAsVin: ({ input, output }) => assert.equal(withInputs(input).ok, output),
  tryAsVinError: ({ input }) => assert.equal(withInputs(input).ok, false),
  validateVout: ({ input, output }) => assert.equal(withOutputs(input).ok, output),
  tryAsVout: ({ input, output }) => assert.equal(withOutputs(input).ok, output),
  tryAsVoutError: ({ input }) => assert.equal(withOutputs(input).ok, false),
  calculateTxId: ({ input, output }) => {
    const { version, vin, vout, locktime } = asRecord(input) ?? {}
    const bytes = joinBytes(...[version, vin, vout, locktime].map(bytesOf))
    assert.equal(toHex(held(decodeTransaction(bytes)).txid), output)
  },

  extractInputAtIndex: ({ input, output }) => assert.equal(toHex(inputBytes(inputAt(input))), output),
  extractInputAtIndexError: ({ input }) => assert.throws(() => inputAt(input)),
  indexVinError: ({ input }) => assert.throws(() => inputAt(input)),
  extractOutpoint: ({ input, output }) => assert.equal(toHex(inputBytes(only(input)).slice(0, 36)), output),
  extractInputTxIdLE: ({ input, output }) => assert.equal(toHex(only(input).txid), output),
  extractTxIndex: ({ input, output }) => assert.equal(only(input).vout, output),
  extractTxIndexLE: ({ input, output }) => assert.equal(toHex(inputBytes(only(input)).slice(32, 36)), output),
  scriptSig: checkInputScript,
  scriptSigError: ({ input }) => assert.throws(() => only(input)),
  extractScriptSig: checkInputScript,
  extractScriptSigError: ({ input }) => assert.throws(() => only(input)),
  extractSequenceLegacy: checkSequence,
  extractSequenceLegacyError: ({ input }) => assert.throws(() => only(input)),
  extractSequenceLELegacy: checkSequenceBytes,
  extractSequenceLELegacyError: ({ input }) => assert.throws(() => only(input)),
  extractSequenceWitness: checkSequence,
  extractSequenceLEWitness: checkSequenceBytes,

  extractOutputAtIndex: ({ input, output }) => assert.equal(toHex(outputBytes(outputAt(input))), output),
  extractOutputAtIndexError: ({ input }) => assert.throws(() => outputAt(input)),
  indexVoutError: ({ input }) => assert.throws(() => outputAt(input)),
  extractValue: ({ input, output }) => assert.equal(Number(onlyOutput(input).value), output),
  extractValueLE: ({ input, output }) => assert.equal(toHex(outputBytes(onlyOutput(input)).slice(0, 8)), output),
  scriptPubkey: ({ input, output }) => assert.equal(toHex(withLength(onlyOutput(input).script)), output),

  extractMerkleRootLE: ({ input, output }) => assert.equal(toHex(headerOf(input).merkleRoot), output),
  extractPrevBlockLE: ({ input, output }) => assert.equal(toHex(headerOf(input).previous), output),
  extractTimestamp: ({ input, output }) => assert.equal(headerOf(input).time, output),
  extractTarget: ({ input, output }) => assert.equal(held(decodeTarget(headerOf(input).bits)), BigInt(String(output))),
  workHash: ({ input, output }) => assert.equal(toHex(headerOf(input).hash), output),
  work: ({ input, output }) => assert.equal(hashNumber(headerOf(input).hash), BigInt(String(output))),
  checkWork: ({ input, output }) => {
    const { header, target } = asRecord(input) ?? {}
    assert.equal(hashNumber(headerOf(header).hash) <= toBigInt(bytesOf(target)), output)
  },
  validateHeaderWork: ({ input, output }) => {
    const { digest, target } = asRecord(input) ?? {}
    assert.equal(hashNumber(bytesOf(digest)) <= toBigInt(bytesOf(target)), output)
  },
  validateHeaderPrevHash: ({ input, output }) => {
    const { header, prevHash } = asRecord(input) ?? {}
    assert.equal(sameBytes(headerOf(header).previous, bytesOf(prevHash)), output)
  },
  validateHeaderChain: ({ input, output }) => {
    const headers = headersIn(input)
    assert.ok(isChain(bytesOf(input)) && headers.every(meetsOwnTarget))
    assert.equal(Number(headers.reduce((sum, { bits }) => sum + difficultyOf(bits), 0n)), output)
  },
  validateHeaderChainError: ({ comment, input }) => {
    assert.equal(isChain(bytesOf(input)), false)
    if (String(comment).includes('difficulty')) assert.equal(headersIn(input).every(meetsOwnTarget), false)
  },
  retargetAlgorithm: ({ input, output }) => {
    const [first, last, next] = (input as Vector[]).map(({ hex }) => headerOf(hex))
    assert.ok(first && last && next)
    assert.equal(retargetedBits(rulesOf('mainnet'), first, last.time), next.bits)
    assert.equal(Number(difficultyOf(next.bits)), output)
  },
  verifyHash256Merkle: ({ input, output }) => {
    const { proof, index } = asRecord(input) ?? {}
    const bytes = bytesOf(proof)
    assert.equal(leadsTo(bytes.slice(-32), bytes.slice(0, 32), Number(index), bytes.slice(32, -32)), output)
  },
  prove: ({ input, output }) => {
    const { txIdLE, merkleRootLE, proof, index } = asRecord(input) ?? {}
    assert.equal(leadsTo(bytesOf(merkleRootLE), bytesOf(txIdLE), Number(index), bytesOf(proof)), output)
  },
}

const fragment = 'it measures a fragment; here lengths are read with what they measure'
const scriptKind = 'script kinds and addresses are the business of sdk/bitcoin'
const ownHelper = "a helper or constant of that library's own"
const withoutCounterpart: Readonly<Record<string, string>> = {
  INPUT_TYPES: scriptKind,
  OUTPUT_TYPES: scriptKind,
  isLegacyInput: scriptKind,
  extractOpReturnData: scriptKind,
  extractOpReturnDataError: scriptKind,
  extractHash: scriptKind,
  extractHashError: scriptKind,
  encodeP2SH: scriptKind,
  encodeP2PKH: scriptKind,
  encodeP2WSH: scriptKind,
  encodeP2WPKH: scriptKind,
  determineVarIntDataLength: fragment,
  extractScriptSigLen: fragment,
  determineInputLength: fragment,
  determineOutputLength: fragment,
  determineOutputLengthError: fragment,
  calculateDifficultyError: ownHelper,
  getErrBadLength: ownHelper,
  getErrInvalidChain: ownHelper,
  getErrLowWork: ownHelper,
  lastBytes: ownHelper,
  lastBytesError: ownHelper,
  reverseEndianness: ownHelper,
  bytesToUint: ownHelper,
  ripemd160: 'the crypto engine has it only as part of hash160',
  typedArraysAreEqual: ownHelper,
  typedArraysAreEqualError: ownHelper,
  safeSlice: ownHelper,
  safeSliceError: ownHelper,
  concatUint8Arrays: ownHelper,
}

const version = bytesOf('01000000')
const locktime = bytesOf('00000000')
const someInputs = bytesOf(`01${'11'.repeat(32)}0000000000ffffffff`)
const someOutputs = bytesOf(`01${'00'.repeat(8)}00`)

/** A transaction around a vector of inputs, then of outputs. */
function withInputs(vin: unknown) {
  return decodeTransaction(joinBytes(version, bytesOf(vin), someOutputs, locktime))
}

function withOutputs(vout: unknown) {
  return decodeTransaction(joinBytes(version, someInputs, bytesOf(vout), locktime))
}

function inputAt(input: unknown): TransactionInput {
  const { vin, index } = asRecord(input) ?? {}
  return present(held(withInputs(vin)).inputs[Number(index)])
}

function outputAt(input: unknown): BitcoinTransaction['outputs'][number] {
  const { vout, index } = asRecord(input) ?? {}
  return present(held(withOutputs(vout)).outputs[Number(index)])
}

function only(input: unknown): TransactionInput {
  return inputAt({ vin: toHex(joinBytes(Uint8Array.of(1), bytesOf(input))), index: 0 })
}

function onlyOutput(output: unknown): BitcoinTransaction['outputs'][number] {
  return outputAt({ vout: toHex(joinBytes(Uint8Array.of(1), bytesOf(output))), index: 0 })
}

function inputBytes({ txid, vout, script, sequence }: TransactionInput): Uint8Array {
  return joinBytes(txid, littleEndian(BigInt(vout), 4), withLength(script), littleEndian(BigInt(sequence), 4))
}

function outputBytes({ value, script }: BitcoinTransaction['outputs'][number]): Uint8Array {
  return joinBytes(littleEndian(value, 8), withLength(script))
}

function checkLength({ input, output, solidityError }: Vector): void {
  const reader = readerOf(bytesOf(input))
  const count = readCount(reader, 0)
  // That library's strictest build refuses a longer form than is needed, as is done here.
  if (solidityError !== undefined) assert.notEqual(reader.fault, null)
  else assert.deepEqual([reader.fault, reader.at - 1, count], [null, ...(output as number[])])
}

function checkInputScript({ input, output }: Vector): void {
  assert.equal(toHex(withLength(only(input).script)), output)
}

function checkSequence({ input, output }: Vector): void {
  assert.equal(only(input).sequence, output)
}

function checkSequenceBytes({ input, output }: Vector): void {
  assert.equal(toHex(inputBytes(only(input)).slice(-4)), output)
}

function headerOf(hex: unknown): BitcoinHeader {
  return held(decodeHeader(bytesOf(hex)))
}

function headersIn(hex: unknown): readonly BitcoinHeader[] {
  const bytes = bytesOf(hex)
  const count = Math.floor(bytes.length / headerSize)
  return Array.from({ length: count }, (_, at) =>
    held(decodeHeader(bytes.slice(at * headerSize, (at + 1) * headerSize))),
  )
}

/** True when the headers after the first follow from it. Where it stood is not told: somewhere within a period. */
function isChain(headers: Uint8Array): boolean {
  const chain = startChain('mainnet', anchorAt(557_000, headers.slice(0, headerSize)), 100)
  return chain.ok && extendChain(chain.value, headers.slice(headerSize), { nowSeconds }).ok
}

function leadsTo(root: Uint8Array, leaf: Uint8Array, index: number, path: Uint8Array): boolean {
  const reached = rootFromPath({ leaf, index, path })
  return reached.ok && sameBytes(reached.value, root)
}

function withLength(script: Uint8Array): Uint8Array {
  return joinBytes(Uint8Array.of(script.length), script)
}

function littleEndian(value: bigint, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))
}

function present<value>(value: value | undefined): value {
  assert.ok(value !== undefined)
  return value
}
