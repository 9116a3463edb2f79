import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tillProblemCodes } from '../../../sdk/till/index.ts'

describe("a till's problems", () => {
  it('are documented, and no other is', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../docs/till.md'), 'utf8')
    const rows = [...text.matchAll(/^\| `([a-z-]+)` +\| \d{3} +\|/gm)].map(([, code]) => code)
    expect(rows).toEqual(tillProblemCodes)
  })
})
