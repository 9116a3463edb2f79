import { describe, expect, it } from 'vitest'
import { createMailbox } from '../../../sdk/client/index.ts'
import { memoryBox } from '../../edge/memoryBox.ts'

const token = (byte: number) => new Uint8Array(32).fill(byte)

describe('a mailbox', () => {
  it('carries messages in order, both ways', async () => {
    const { link } = memoryBox()
    const payer = createMailbox({ link: link('payer', token(1)), epoch: 1 })
    const payee = createMailbox({ link: link('payee', token(2)), epoch: 1 })
    const stop = new AbortController()
    const seen: number[] = []
    const reading = payee.read(async ([byte]) => {
      seen.push(byte ?? -1)
      if (seen.length === 3) stop.abort()
    }, stop.signal)
    await Promise.all([1, 2, 3].map((byte) => payer.post(Uint8Array.of(byte))))
    await reading
    expect(seen).toEqual([1, 2, 3])
  })
})
