import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTemplateBook, decodeTemplates, encodeTemplates, type Template } from '../../../sdk/batch/index.ts'
import { address, type Hex, type Slot } from '../../../sdk/units.ts'

const [from, to, other] = ['0a', '0b', '0c'].map((byte) => address(`0x${byte.repeat(20)}`)) as [
  ReturnType<typeof address>,
  ReturnType<typeof address>,
  ReturnType<typeof address>,
]
const codeHash: Hex = `0x${'cd'.repeat(32)}`
const slot = `0x${'00'.repeat(31)}07` as Slot

function learnt(): readonly Template[] {
  const book = createTemplateBook()
  const access = {
    reads: [{ kind: 'slot', address: to, slot } as const],
    writes: [{ kind: 'balance', address: from } as const],
    credits: [{ kind: 'balance', address: other } as const],
  }
  for (let run = 0; run < 20; run++)
    book.learn({ call: { from, to, data: new Uint8Array(4) }, access, codeHashOf: () => codeHash })
  return book.templates()
}

describe('stored templates', () => {
  it('come back as they were, and a book goes on with them', () => {
    const templates = learnt()
    const decoded = decodeTemplates(encodeTemplates(templates))
    expect(decoded).toEqual({ ok: true, value: templates })
    const again = createTemplateBook(templates)
    const call = { from, to, data: new Uint8Array(4) }
    expect(again.forecast(call, () => codeHash)?.reads).toEqual([{ kind: 'slot', address: to, slot }])
  })

  it('are refused when a part is of another kind, or out of bounds', () => {
    const text = new TextDecoder().decode(encodeTemplates(learnt()))
    const changes: readonly (readonly [string | RegExp, string])[] = [
      ['"version":1', '"version":2'],
      ['"op":"read"', '"op":"none"'],
      [/"observations":[\d.]+/, '"observations":17'],
      [/"seen":[\d.]+/, '"seen":0'],
      ['"kind":"fixed"', '"kind":"guessed"'],
      [codeHash, '0x12'],
      ['"entries":[', '"entries":[7,'],
    ]
    for (const [part, changed] of changes) {
      const bytes = new TextEncoder().encode(text.replace(part, changed))
      expect(decodeTemplates(bytes), `${part}`).toMatchObject({ ok: false })
    }
  })

  it('never throw, whatever the store gives back', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.json().map((json) => new TextEncoder().encode(json)),
        ),
        (bytes) => {
          expect(decodeTemplates(bytes).ok).toBe(false)
        },
      ),
    )
  })
})
