import { describe, expect, it } from 'vitest'
import type { ChainConfig } from '../../edge/config.ts'
import { batchFault, judge } from '../../edge/intake.ts'
import { authorizationsMax, placesPerBatchMax } from '../../edge/limits.ts'
import { footprintOf } from '../../edge/payload.ts'
import { shardName, shardOf } from '../../edge/placement.ts'
import { declare, undeclared } from '../../sdk/batch/index.ts'
import { address, batchId, fromHex, slot } from '../../sdk/units.ts'
import { account, anvilChain, type TransferWish, transfer } from './transfers.ts'

const chain: ChainConfig = {
  id: anvilChain,
  fork: 'osaka',
  executors: ['http://executor.invalid'],
  beacons: [],
  finality: 'tag',
  pollMs: 500,
  leaseMs: 5_000,
  isDraining: false,
}
const declaration = undeclared(21_000)

async function codeOf(wish: Partial<TransferWish>, fork: ChainConfig['fork'] = 'osaka') {
  const { raw } = await transfer({ from: 0, nonce: 0, ...wish })
  const judged = judge({ raw, declaration }, { ...chain, fork })
  return judged.ok ? 'ok' : judged.code
}

describe('judging a transaction by its bytes', () => {
  it('reads sender, nonce, fees and footprint off them', async () => {
    const { raw, hash, sender } = await transfer({ from: 3, nonce: 9, maxFeePerGas: 70n, maxPriorityFeePerGas: 7n })
    const judged = judge({ raw, declaration: declare({ reads: [], writes: [], credits: [] }, 21_000) }, chain)
    expect(judged).toMatchObject({
      ok: true,
      item: {
        hash,
        sender,
        nonce: 9,
        maxFeePerGas: 70n,
        maxPriorityFeePerGas: 7n,
        raw,
      },
    })
    expect(judged.ok && footprintOf(judged.item)).toMatchObject({ sender, gas: 21_000 })
  })

  it('refuses what no node would take', async () => {
    expect(judge({ raw: new Uint8Array([2, 0xc0]), declaration }, chain)).toMatchObject({ code: 'invalid-transaction' })
    expect(await codeOf({ chain: 5 })).toBe('wrong-chain')
    expect(await codeOf({ gas: 20_999n })).toBe('gas-too-low')
    expect(await codeOf({ gas: 16_777_216n })).toBe('ok')
    expect(await codeOf({ gas: 16_777_217n })).toBe('gas-too-high')
    expect(await codeOf({ gas: 16_777_217n }, 'prague')).toBe('ok')
  })

  it('bounds the authorizations it would have to recover', async () => {
    const signer = account(0)
    const authorization = await signer.signAuthorization?.({ chainId: anvilChain, address: signer.address, nonce: 0 })
    const codeWith = async (count: number) => {
      const raw = await signer.signTransaction({
        type: 'eip7702',
        chainId: anvilChain,
        nonce: 0,
        to: signer.address,
        gas: 9_000_000n,
        maxFeePerGas: 1n,
        authorizationList: Array(count).fill(authorization),
      })
      const judged = judge({ raw: fromHex(raw), declaration }, chain)
      return judged.ok ? 'ok' : judged.code
    }
    expect(await codeWith(authorizationsMax)).toBe('ok')
    expect(await codeWith(authorizationsMax + 1)).toBe('invalid-transaction')
  })
})

describe('judging a batch', () => {
  it('bounds the places of all its transactions together', () => {
    const of = address(`0x${'0a'.repeat(20)}`)
    const reads = Array.from({ length: 8_192 }, (_, at) => ({
      kind: 'slot' as const,
      address: of,
      slot: slot(`0x${at.toString(16).padStart(64, '0')}`),
    }))
    const one = {
      raw: new Uint8Array(1),
      declaration: { reads, writes: [], credits: [], source: 'declared' as const, gas: 1 },
    }
    const batchOf = (count: number) => ({
      id: batchId(`0x${'0b'.repeat(32)}`),
      chainId: anvilChain,
      fork: 'osaka',
      transactions: Array(count).fill(one),
    })
    expect(batchFault(batchOf(placesPerBatchMax / 8_192), chain)).toBeUndefined()
    expect(batchFault(batchOf(placesPerBatchMax / 8_192 + 1), chain)).toMatchObject({ code: 'batch-too-large' })
  })
})

describe('placement', () => {
  it('is fixed: another one would lose the rows of every sender', () => {
    const senders = Array.from({ length: 6 }, (_, at) => address(account(at).address))
    expect(senders.map(shardOf)).toMatchInlineSnapshot(`
      [
        0,
        1,
        5,
        10,
        10,
        9,
      ]
    `)
    expect(shardName(anvilChain, 3)).toBe('31337:v1:3')
  })
})
