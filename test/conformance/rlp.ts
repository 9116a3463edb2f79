import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { decodeRlp, encodeRlp, quantity, type RlpItem } from '../../sdk/rlp.ts'
import { fromHex, toHex } from '../../sdk/units.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

/**
 * RLPTests of ethereum/tests: `in` is an item (text, number, `#` and a decimal number, or a list of such), `VALID`
 * or `INVALID`; `out` is its encoding, sometimes without 0x.
 */
export const rlp: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path)) {
      for (const [name, vector] of Object.entries(asRecord(readJson(file)) ?? {})) {
        const { in: input, out } = asRecord(vector) ?? {}
        if (input === undefined || typeof out !== 'string') continue
        yield caseOf(`${basename(file)} ${name}`, input, fromHex(`0x${out.replace(/^0x/, '')}`))
      }
    }
  },
}

function caseOf(name: string, input: unknown, out: Uint8Array): Case {
  const check = () => {
    const decoded = decodeRlp(out)
    if (input === 'INVALID') return assert.ok(!decoded.ok, 'is taken, though invalid')
    assert.ok(decoded.ok, `is refused: ${decoded.ok ? '' : decoded.reason}`)
    assert.equal(toHex(encodeRlp(decoded.value)), toHex(out))
    if (input !== 'VALID') assert.equal(toHex(encodeRlp(itemOf(input))), toHex(out))
  }
  return { name, check }
}

function itemOf(input: unknown): RlpItem {
  if (Array.isArray(input)) return input.map(itemOf)
  if (typeof input === 'number') return quantity(input)
  assert.ok(typeof input === 'string', `cannot read ${JSON.stringify(input)}`)
  return input.startsWith('#') ? quantity(BigInt(input.slice(1))) : new TextEncoder().encode(input)
}
