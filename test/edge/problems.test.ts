import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { problem, problemCodes, problemKind } from '../../edge/problems.ts'

describe('problems', () => {
  it('are documented, each with its status, and no other is', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/http.md'), 'utf8')
    const rows = [...text.matchAll(/^\| `([a-z-]+)` +\| (\d{3}) +\|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ])
    expect(rows).toEqual(problemCodes.map((code) => [code, problemKind(code).status]))
  })

  it('say when to come back exactly where that helps', () => {
    for (const code of problemCodes) {
      const { retryable, retryAfterSeconds } = problem(code, 'A sentence.')
      expect(retryAfterSeconds !== null).toBe(retryable)
      // Besides what is too much for now: what waits for another request of the same sender.
      const waits = ['idempotency-in-progress', 'nonce-gap-too-wide']
      expect(retryable).toBe([429, 503].includes(problemKind(code).status) || waits.includes(code))
    }
  })
})
