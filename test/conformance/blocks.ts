import assert from 'node:assert/strict'
import { basename, dirname, join } from 'node:path'
import { keccak256 } from '../../sdk/crypto/engine.ts'
import { blockHashOf, decodeHeader, encodeHeader, type Header } from '../../sdk/evm/block.ts'
import { headerFromJson } from '../../sdk/evm/blockJson.ts'
import { decodeRlp, encodeRlp, isBytes, type RlpItem } from '../../sdk/rlp.ts'
import { orderedTrie } from '../../sdk/trie/index.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { executedCases } from './executedBlocks.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import { parallelCases } from './parallelBlocks.ts'
import type { Case, Suite } from './suite.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * Real blocks as JSON-RPC tells them (header hash), and the BlockchainTests of ethereum/tests (header hash and the
 * transactions, withdrawals and ommers that the header commits to; what execution would refuse is not judged). Blocks
 * as grevm-test-data has them, with the state before, are run: status, gas and places of each transaction, in one thread and
 * then ahead in several.
 */
export const blocks: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path)) {
      const json = asRecord(readJson(file)) ?? {}
      const name = join(basename(dirname(file)), basename(file))
      if (typeof json.hash === 'string' && json.parentHash !== undefined) yield* recordedCases(name, json)
      if (/^block\.json/.test(basename(file))) yield* executedCases(file)
      for (const [test, vector] of Object.entries(json)) yield* chainCases(`${name} ${test}`, asRecord(vector) ?? {})
    }
  },
  async *laterCases(path) {
    const files = jsonFilesBelow(path).filter((file) => /^block\.json/.test(basename(file)))
    for (const file of files) yield* parallelCases(file, settings)
  },
}

/** Worker threads and shards that blocks are run with, beside one thread alone. */
const settings = [1, 4].flatMap((shards) => [1, 2, 4].map((workers) => ({ workers, shards })))

function* recordedCases(name: string, block: Json): Iterable<Case> {
  yield { name: `${name} header hash`, check: () => checkHeader(headerOf(block), block.hash) }
}

/** Blocks without `blockHeader` are invalid, each for a reason that may lie anywhere, and are no case of this suite. */
function* chainCases(name: string, vector: Json): Iterable<Case> {
  if (!Array.isArray(vector.blocks) || typeof vector.genesisRLP !== 'string') return
  const genesis = { rlp: vector.genesisRLP, blockHeader: vector.genesisBlockHeader }
  for (const [at, block] of [genesis, ...vector.blocks].entries()) {
    const hash = asRecord(block.blockHeader)?.hash
    if (hash !== undefined)
      yield { name: `${name} block ${at}`, check: () => checkBody(fromHex(block.rlp as Hex), hash) }
  }
}

function checkBody(bytes: Uint8Array, hash: unknown): void {
  const block = decodeRlp(bytes)
  assert.ok(block.ok && !isBytes(block.value), 'the block is not a list')
  const [head, transactions, ommers, withdrawals] = block.value
  assert.ok(head && transactions && !isBytes(transactions) && ommers, 'the block has too few parts')
  const header = checkHeader(encodeRlp(head), hash)
  assert.equal(toHex(orderedTrie(transactions.map(rawOf)).root), toHex(header.transactionsRoot))
  assert.equal(toHex(keccak256(encodeRlp(ommers))), toHex(header.ommersHash))
  if (!('withdrawalsRoot' in header)) return
  assert.ok(withdrawals && !isBytes(withdrawals), 'the block has no withdrawals')
  assert.equal(toHex(orderedTrie(withdrawals.map(encodeRlp)).root), toHex(header.withdrawalsRoot))
}

function checkHeader(bytes: Uint8Array, hash: unknown): Header {
  assert.equal(blockHashOf(bytes), hash)
  const header = decodeHeader(bytes)
  assert.ok(header.ok, header.ok ? '' : header.reason)
  assert.equal(toHex(encodeHeader(header.value)), toHex(bytes))
  return header.value
}

function headerOf(block: Json): Uint8Array {
  const header = headerFromJson(block)
  assert.ok(header.ok, header.ok ? '' : header.reason)
  return header.value
}

/** In a block's body, typed transactions are strings and legacy ones lists (EIP-2718). */
function rawOf(item: RlpItem): Uint8Array {
  return isBytes(item) ? item : encodeRlp(item)
}
