import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../sdk/units.ts'
import { type Transfer, transfer } from '../transfers.ts'
import { ask, type ServedNode, serveNode } from './open.ts'

/** Longer than this test: what waits is never mined. */
const blockMs = 3_600_000
let served: ServedNode

beforeAll(async () => {
  served = await serveNode({ blockMs })
})
afterAll(() => served.stop())

function send({ raw }: Transfer, ...timeout: readonly number[]) {
  return ask(served.url, 'eth_sendRawTransactionSync', [toHex(raw), ...timeout])
}

async function untilPooled({ hash }: Transfer): Promise<void> {
  for (;;) {
    const { result } = await ask(served.url, 'eth_getTransactionByHash', [hash])
    if (result) return
  }
}

describe('eth_sendRawTransactionSync without a receipt (EIP-7966)', () => {
  it('says 4 and the hash when the time is up', async () => {
    const one = await transfer({ from: 0, nonce: 0 })
    expect((await send(one, 1)).error).toMatchObject({ code: 4, data: one.hash })
  })

  it('says 5 and the hash when another transaction has taken its place, without waiting for the time', async () => {
    const [one, better] = [
      await transfer({ from: 1, nonce: 0 }),
      await transfer({ from: 1, nonce: 0, maxFeePerGas: 20_000_000_000n, maxPriorityFeePerGas: 2_000_000_000n }),
    ]
    const answer = send(one, 60_000)
    await untilPooled(one)
    expect(await ask(served.url, 'eth_sendRawTransaction', [toHex(better.raw)])).toMatchObject({ result: better.hash })
    expect((await answer).error).toMatchObject({ code: 5, data: one.hash })
  })

  it('says 6 and the nonce that is missing', async () => {
    const one = await transfer({ from: 2, nonce: 3 })
    expect((await send(one)).error).toMatchObject({ code: 6, data: '0x0' })
  })
})
