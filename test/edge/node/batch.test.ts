import { createBlockLevelAccessListFromRLP } from '@ethereumjs/util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { declare, encodeBatch, encodeBatchJson } from '../../../sdk/batch/index.ts'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { fromHex, type Hex, toHex } from '../../../sdk/units.ts'
import { anvilChain, freshAddress, type Transfer, transfer } from '../transfers.ts'
import { ask, type ServedNode, serveNode } from './open.ts'

let served: ServedNode
beforeAll(async () => {
  served = await serveNode()
})
afterAll(() => served.stop())

function batchOf(transfers: readonly Transfer[], chain = anvilChain) {
  const declaration = declare({ reads: [], writes: [], credits: [] }, 21_000)
  return { chainId: chain, fork: 'osaka', transactions: transfers.map(({ raw }) => ({ raw, declaration })) }
}

interface Ran {
  readonly id: Hex
  readonly block: {
    readonly hash: Hex
    readonly access: { readonly rlp: Hex; readonly hash: Hex }
    readonly figures: { readonly lanes: number; readonly criticalPathGas: number; readonly gasUsed: number }
  } | null
  readonly transactions: readonly {
    readonly hash: Hex
    readonly status: string
    readonly code?: string
    readonly receipt?: { readonly blockHash: Hex; readonly status: string }
    readonly reads?: readonly unknown[] | null
  }[]
}

async function execute(envelope: unknown): Promise<Ran> {
  const { result, error } = await ask(served.url, 'lanekit_executeBatch', [envelope])
  if (error) throw new Error(error.message)
  return result as Ran
}

describe('lanekit_executeBatch', () => {
  it('runs an envelope as one block, and tells receipts, reads, access and figures', async () => {
    const transfers = [
      await transfer({ from: 0, nonce: 0, to: freshAddress(1) }),
      await transfer({ from: 1, nonce: 0, to: freshAddress(2) }),
      await transfer({ from: 0, nonce: 1, to: freshAddress(3) }),
    ]
    const { block, transactions } = await execute(toHex(encodeBatch(batchOf(transfers))))
    expect(transactions.map(({ status, receipt }) => [status, receipt?.status, receipt?.blockHash])).toEqual(
      transfers.map(() => ['included', '0x1', block?.hash]),
    )
    expect(transactions[0]?.reads).toContainEqual({ kind: 'code', address: freshAddress(1) })
    expect(block?.figures).toMatchObject({ lanes: 2, criticalPathGas: 42_000, gasUsed: 63_000 })
    const rlp = fromHex(block?.access.rlp ?? '0x')
    expect(toHex(keccak256(rlp))).toBe(block?.access.hash)
    const theirs = createBlockLevelAccessListFromRLP(rlp)
    expect(toHex(theirs.serialize())).toBe(block?.access.rlp)
    expect(theirs.get(freshAddress(3))?.balanceChanges.size).toBe(1)
  })

  it('gives the stored receipt for a known hash, and skips what cannot run, with a code', async () => {
    const known = await transfer({ from: 2, nonce: 0, to: freshAddress(4) })
    const first = await execute(toHex(encodeBatch(batchOf([known]))))
    const others = [
      known,
      await transfer({ from: 2, nonce: 0, to: freshAddress(5) }),
      await transfer({ from: 2, nonce: 9 }),
      await transfer({ from: 2, nonce: 1, value: 10n ** 30n }),
      await transfer({ from: 2, nonce: 1, gas: 20_000n }),
    ]
    const again = await execute(JSON.parse(encodeBatchJson(batchOf(others))))
    expect(again.transactions[0]).toMatchObject({
      status: 'included',
      receipt: first.transactions[0]?.receipt,
      reads: null,
    })
    expect(again.transactions.slice(1).map(({ status, code }) => [status, code])).toEqual([
      ['skipped', 'nonce-too-low'],
      ['skipped', 'nonce-too-high'],
      ['skipped', 'insufficient-funds'],
      ['skipped', 'invalid-transaction'],
    ])
    const repeated = await execute(toHex(encodeBatch(batchOf([known]))))
    expect(repeated.block).toBeNull()
  })

  it('refuses an envelope that cannot be right, before anything of it runs', async () => {
    const good = await transfer({ from: 3, nonce: 0 })
    const json = JSON.parse(encodeBatchJson(batchOf([good])))
    const head = served.node.archive.head().block.hash
    const refusals = [
      ['0x', undefined],
      [7, undefined],
      [{ ...json, digest: `0x${'00'.repeat(32)}` }, 'wrong-digest'],
      [{ ...json, txs: [{ ...json.txs[0], reads: [99] }] }, 'index-out-of-range'],
      [toHex(encodeBatch(batchOf([good, good]))), 'malformed-envelope'],
      [toHex(encodeBatch(batchOf([good], 5 as typeof anvilChain))), 'wrong-chain'],
    ] as const
    for (const [envelope, code] of refusals) {
      const { error } = await ask(served.url, 'lanekit_executeBatch', [envelope])
      expect(error?.code).toBe(-32602)
      if (code) expect(error?.data).toEqual({ code })
    }
    expect(served.node.archive.head().block.hash).toBe(head)
  })

  it('takes what waits in the pool along when an envelope holds it, once', async () => {
    const [one, two] = [await transfer({ from: 3, nonce: 0 }), await transfer({ from: 3, nonce: 1 })]
    expect(await ask(served.url, 'eth_sendRawTransaction', [toHex(two.raw)])).toMatchObject({ result: two.hash })
    const { transactions } = await execute(toHex(encodeBatch(batchOf([one, two]))))
    expect(transactions.map(({ status }) => status)).toEqual(['included', 'included'])
    expect((await ask(served.url, 'eth_getTransactionCount', [two.sender, 'pending'])).result).toBe('0x2')
  })
})
