import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'docs/crash-matrix.md'), 'utf8')

/** Titles of tests that name a row of the matrix, by row: `file: title`. */
function provenBy(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  for (const file of files.filter((name) => name.endsWith('.test.ts')).sort()) {
    const text = readFileSync(join(root, 'test', file), 'utf8')
    for (const [, , title = ''] of text.matchAll(/\b(?:it|describe)\((['"`])((?:\[\w+\] )*\[CR\d+\] .*?)\1,/g)) {
      const name = title.replace(/^(\[\w+\] )+/, '')
      for (const [, row = ''] of title.matchAll(/\[(CR\d+)\]/g))
        found.set(row, [...(found.get(row) ?? []), `\`test/${file}\`: ${name}`])
    }
  }
  return found
}

describe('the crash matrix (docs/crash-matrix.md)', () => {
  const [, matrix = '', proof = ''] = /^([\s\S]*)## Which tests prove it([\s\S]*)$/.exec(document) ?? []
  const rowsOf = (text: string) => [...text.matchAll(/^\| (CR\d+) +\| (.*?) *\|/gm)]
  const rows = rowsOf(matrix).map(([, row = '']) => row)

  it('numbers its rows without a hole', () => {
    expect(rows).toEqual(rows.map((_, at) => `CR${at + 1}`))
    expect(rows.length).toBeGreaterThan(12)
  })

  it('names for every row the tests that prove it, and there are no others', () => {
    const told = new Map(rowsOf(proof).map(([, row = '', tests = '']) => [row, tests]))
    const proven = provenBy()
    for (const row of rows) expect(`${row}: ${told.get(row)}`).toBe(`${row}: ${proven.get(row)?.join('<br>')}`)
    expect([...proven.keys()].filter((row) => !rows.includes(row))).toEqual([])
  })
})
