import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { buildTrie, secureKey, verifyTrieProof } from '../../sdk/trie/index.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { asRecord } from './files.ts'
import type { Case } from './suite.ts'

type Entry = readonly [key: Uint8Array, value: Uint8Array | null]

/**
 * TrieTests of ethereum/tests: `in` is a list of updates in order (null deletes) or an object whose entries may come in
 * any order, `root` what they lead to. Files with "secure" in their name hash the keys.
 */
export function* trieCases(file: string, json: unknown): Iterable<Case> {
  const secure = /secure/i.test(basename(file))
  for (const [name, vector] of Object.entries(asRecord(json) ?? {})) {
    const { in: input, root, tests } = asRecord(vector) ?? {}
    const title = `${basename(file)} ${name}`
    if (Array.isArray(tests)) yield { name: title, skip: 'asks for neighbours in key order, which no proof needs' }
    if (typeof root !== 'string' || typeof input !== 'object' || input === null) continue
    const entries = (Array.isArray(input) ? input : Object.entries(input)).map((pair) => entryOf(pair, secure))
    const orders = Array.isArray(input) ? [entries] : ordersOf(entries)
    const check = () => {
      for (const order of orders) checkUpdates(order, root)
    }
    yield { name: title, check }
  }
}

function checkUpdates(updates: readonly Entry[], root: string): void {
  const trie = updates.reduce(
    (made, [key, value]) => (value ? made.with(key, value) : made.without(key)),
    buildTrie([]),
  )
  assert.equal(toHex(trie.root), root)
  const last = new Map(updates.map(([key, value]) => [toHex(key), value]))
  for (const [key, value] of last) {
    const held = verifyTrieProof({ root: trie.root, key: fromHex(key), proof: trie.prove(fromHex(key)) })
    assert.deepEqual(held, { ok: true, value })
  }
}

/** Each entry first once, forwards and backwards: enough to make every split happen from either side. */
function ordersOf(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const turned = entries.map((_, by) => [...entries.slice(by), ...entries.slice(0, by)])
  return [...turned, ...turned.map((order) => [...order].reverse())]
}

function entryOf(pair: unknown, secure: boolean): Entry {
  const [key, value] = pair as [string, string | null]
  const bytes = bytesOf(key)
  return [secure ? secureKey(bytes) : bytes, value === null ? null : bytesOf(value)]
}

/** Text that starts with 0x stands for bytes, other text for itself. */
function bytesOf(text: string): Uint8Array {
  return text.startsWith('0x') ? fromHex(text as Hex) : new TextEncoder().encode(text)
}
