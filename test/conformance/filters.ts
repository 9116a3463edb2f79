import assert from 'node:assert/strict'
import { fromHex, toHex } from '../../sdk/units.ts'
import { buildFilter, filterHeaderOf, mayMatch, scriptsMadeBy } from '../../sdk/verify/bitcoin/filter.ts'
import { verifyBlock } from '../../sdk/verify/bitcoin/index.ts'
import { held } from './bitcoin.ts'
import { jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

/** Block filters in the form of BIP-158's own vectors: rows of height, hash, block, spent scripts, and what they make. */
export const filters: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path)) yield* casesOf(file)
  },
}

type Row = readonly [number, string, string, readonly string[], string, string, string, string]

function* casesOf(file: string): Iterable<Case> {
  const rows: unknown = readJson(file)
  if (!Array.isArray(rows) || !String(rows[0]).startsWith('Block Height')) {
    yield { name: file, skip: 'it holds no rows of block filters' }
    return
  }
  for (const row of rows.slice(1) as Row[])
    yield { name: `block ${row[0]}: ${row[7] || 'plain'}`, check: () => check(row) }
}

function check([, hash, raw, spentHex, previous, filterHex, header]: Row): void {
  const block = held(verifyBlock(fromHex(`0x${raw}`)))
  assert.equal(toHex(block.header.hash), reversed(hash))
  const spent = spentHex.map((script) => fromHex(`0x${script}`))
  const filter = fromHex(`0x${filterHex}`)
  assert.equal(toHex(buildFilter(block, spent)), toHex(filter))
  assert.equal(toHex(filterHeaderOf(filter, fromHex(reversed(previous)))), reversed(header))
  const blockHash = block.header.hash
  for (const script of [...scriptsMadeBy(block), ...spent].filter(({ length }) => length > 0))
    assert.equal(held(mayMatch({ filter, blockHash, scripts: [script] })), true)
  const foreign = new Uint8Array(22).fill(0x51)
  assert.equal(held(mayMatch({ filter, blockHash, scripts: [foreign] })), false)
}

/** Hashes are written last byte first. */
function reversed(hash: string): `0x${string}` {
  return toHex(fromHex(`0x${hash}`).reverse())
}
