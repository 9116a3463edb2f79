import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import { keccak256 } from '../../sdk/crypto/engine.ts'
import { blockHashOf, decodeHeader, type Header } from '../../sdk/evm/block.ts'
import { headerFromJson, receiptFromJson } from '../../sdk/evm/blockJson.ts'
import { decodeRlp, encodeRlp, quantity } from '../../sdk/rlp.ts'
import { orderedKey, orderedTrie, secureKey, verifyTrieProof } from '../../sdk/trie/index.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'
import { trieCases } from './trieTests.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Recorded JSON-RPC answers, checked against the headers of the blocks recorded in the same folder: account and storage
 * proofs (`eth_getProof`, EIP-1186), and a block's receipts. Also the TrieTests of ethereum/tests.
 */
export const proofs: Suite = {
  *cases(path) {
    const headers = new Map<string, Header[]>()
    const files = jsonFilesBelow(path).map((file) => ({ file, json: readJson(file) }))
    for (const { file, json } of files) {
      const header = headerOf(json)
      if (header) headers.set(dirname(file), [...(headers.get(dirname(file)) ?? []), header])
    }
    for (const { file, json } of files) {
      yield* trieCases(file, json)
      yield* answerCases(basename(file), json, headers.get(dirname(file)) ?? [])
    }
  },
}

function* answerCases(name: string, json: unknown, headers: readonly Header[]): Iterable<Case> {
  const receipts = Array.isArray(json) ? json.map(asRecord) : []
  if (receipts.length && receipts.every((receipt) => receipt?.cumulativeGasUsed !== undefined)) {
    const header = headers.find((one) => toHex(quantity(one.number)) === toHex(numberOf(receipts[0]?.blockNumber)))
    if (header) yield { name: `${name} receipts`, check: () => checkReceipts(receipts, header) }
    else yield { name: `${name} receipts`, skip: 'their block is not in this folder' }
  }
  const answer = asRecord(json)
  if (!Array.isArray(answer?.accountProof)) return
  if (typeof answer.address !== 'string') return yield { name: `${name} account`, skip: 'it names no address' }
  if (headers.length === 0) return yield { name: `${name} account`, skip: 'no block is in this folder' }
  yield { name: `${name} account`, check: () => checkAccount(answer, headers) }
  for (const slot of answer.storageProof as Json[])
    yield { name: `${name} slot ${slot.key}`, check: () => checkSlot(slot, bytesOf(answer.storageHash)) }
}

function checkReceipts(receipts: readonly unknown[], header: Header): void {
  const bytes = receipts.map((receipt) => {
    const encoded = receiptFromJson(receipt)
    assert.ok(encoded.ok, encoded.ok ? '' : encoded.reason)
    return encoded.value
  })
  const trie = orderedTrie(bytes)
  assert.equal(toHex(trie.root), toHex(header.receiptsRoot))
  for (const [index, receipt] of bytes.entries()) {
    const key = orderedKey(index)
    const held = verifyTrieProof({ root: header.receiptsRoot, key, proof: trie.prove(key) })
    assert.deepEqual(held, { ok: true, value: receipt })
  }
}

function checkAccount(answer: Json, headers: readonly Header[]): void {
  const proof = (answer.accountProof as unknown[]).map(bytesOf)
  const top = toHex(keccak256(proof[0] ?? new Uint8Array(0)))
  const header = headers.find((one) => toHex(one.stateRoot) === top)
  assert.ok(header, 'no block of this folder has this state root')
  const held = verifyTrieProof({ root: header.stateRoot, key: secureKey(bytesOf(answer.address)), proof })
  const fields = [
    numberOf(answer.nonce),
    numberOf(answer.balance),
    bytesOf(answer.storageHash),
    bytesOf(answer.codeHash),
  ]
  // Nodes answer for an absent account with zeros of their own; only nonce and balance are agreed on.
  const absent = fields.slice(0, 2).every((field) => field.length === 0)
  assert.deepEqual(held, { ok: true, value: held.ok && held.value === null && absent ? null : encodeRlp(fields) })
}

function checkSlot(slot: Json, root: Uint8Array): void {
  const key = secureKey(bytesOf(`0x${String(slot.key).slice(2).padStart(64, '0')}`))
  const value = numberOf(slot.value)
  const held = verifyTrieProof({ root, key, proof: (slot.proof as unknown[]).map(bytesOf) })
  assert.ok(held.ok, held.ok ? '' : held.reason)
  if (held.value === null) assert.equal(value.length, 0)
  else assert.deepEqual(decodeRlp(held.value), { ok: true, value })
}

/** The header of a recorded block, if its hash is the one the record names. */
function headerOf(json: unknown): Header | undefined {
  const bytes = headerFromJson(json)
  if (!bytes.ok || blockHashOf(bytes.value) !== asRecord(json)?.hash) return undefined
  const header = decodeHeader(bytes.value)
  return header.ok ? header.value : undefined
}

function bytesOf(json: unknown): Uint8Array {
  return fromHex(json as Hex)
}

function numberOf(json: unknown): Uint8Array {
  return quantity(BigInt(json as string))
}
