import { beforeAll, expect, it } from 'vitest'
import type { Footprint, Place } from '../../../sdk/batch/access.ts'
import { checkPlan, declare, footprint, type Plan, plan, schedule } from '../../../sdk/batch/index.ts'
import type { Authorization, Pricing, Signed } from '../../../sdk/evm/transaction.ts'
import { address, chainId, fromHex, type Hex, slot, txHash, wei } from '../../../sdk/units.ts'
import { describeVectors, readVectorJson } from '../../vectors.ts'

const folder = 'blocks/mainnet-25323281'

/** As grevm-test-data writes them. */
interface BlockTransaction {
  readonly caller: Hex
  readonly to: Hex | null
  readonly nonce: number
  readonly value: Hex
  readonly authorization_list: readonly {
    chain_id: Hex
    address: Hex
    nonce: number
    y_parity: number
    r: Hex
    s: Hex
  }[]
}

/** What one engine saw: `s` a slot, `b` an account's value, `c` an account touched and left as it was. */
interface Observed {
  readonly gasUsed: number
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  readonly credits: readonly string[]
}

describeVectors('mainnet block 25323281', () => {
  let transactions: BlockTransaction[]
  let observed: Observed[]
  let footprints: Footprint[]
  let made: Plan

  beforeAll(() => {
    transactions = readVectorJson(`${folder}/txs.json.gz`) as BlockTransaction[]
    observed = (readVectorJson(`${folder}/expected-ethereumjs.json.gz`) as { tx: Observed[] }).tx
    footprints = transactions.map((transaction, index) => {
      const { reads, writes, credits, gasUsed } = observed[index] as Observed
      const access = { reads: reads.map(placeOf), writes: writes.map(placeOf), credits: credits.map(placeOf) }
      return footprint(signed(transaction), declare(access, gasUsed, 'trace'))
    })
    made = plan(footprints)
  })

  it('[P6] [P7] its lanes and its critical path', () => {
    expect(made.count).toBe(170)
    expect(made.totalGas).toBe(21_040_973)
    // Three calls of one contract with 3.5 million gas each, one after the other: half of the block.
    expect(made.criticalPathGas).toBe(10_547_808)
    expect(made.lanes.length).toBe(123)
    expect(wavesOf(made)).toBe(6)
  })

  it('[P8] two workers reach its critical path', () => {
    const makespans = [1, 2, 4, 8].map((workers) => schedule(made, workers).makespanGas)
    // The critical path is 50.1 % of the block, so the second worker is the last that helps.
    expect(makespans).toEqual([21_040_973, 10_547_808, 10_547_808, 10_547_808])
  })

  it('[P9] its plan passes the check', () => {
    expect(checkPlan(made, footprints)).toEqual({ ok: true, value: true })
  })

  it('[F4] the authorities recovered are accounts that the engine saw changed', () => {
    const withAuthorizations = transactions.flatMap(({ authorization_list }, index) =>
      authorization_list.length > 0 ? [index] : [],
    )
    expect(withAuthorizations.length).toBe(2)
    for (const index of withAuthorizations) {
      const changed = observed[index]?.writes
      const authorities = footprints[index]?.writes.filter(({ kind }) => kind === 'code') ?? []
      expect(authorities.length).toBe(transactions[index]?.authorization_list.length)
      for (const { address } of authorities) expect(changed).toContain(`b${address}`)
    }
  })
})

/** Longest chain of waits, counted in transactions. */
function wavesOf({ count, waits }: Plan): number {
  const wave = new Int32Array(count)
  for (let index = 0; index < count; index++)
    wave[index] =
      1 +
      waits.targets
        .subarray(waits.offsets[index], waits.offsets[index + 1])
        .reduce((most, target) => Math.max(most, wave[target] as number), 0)
  return Math.max(0, ...wave)
}

/** The vectors have one key for an account's value; the balance stands for it, and the code for an account only touched. */
function placeOf(key: string): Place {
  const of = address(key.slice(1, 43))
  if (key.startsWith('s')) return { kind: 'slot', address: of, slot: slot(key.slice(43)) }
  return { kind: key.startsWith('b') ? 'balance' : 'code', address: of }
}

function signed({ caller, to, nonce, value, authorization_list }: BlockTransaction): Signed {
  const authorizations = authorization_list.map(
    ({ chain_id, address: delegate, nonce, y_parity, r, s }): Authorization => ({
      chainId: Number(chain_id),
      delegate: address(delegate),
      nonce: BigInt(nonce),
      signature: Uint8Array.of(...word(r), ...word(s), y_parity),
    }),
  )
  const fees = { maxFeePerGas: wei(0n), maxPriorityFeePerGas: wei(0n), accessList: [] }
  const pricing: Pricing =
    authorizations.length > 0 ? { type: 'eip7702', ...fees, authorizations } : { type: 'eip1559', ...fees }
  const call = { from: address(caller), to: to && address(to), value: wei(BigInt(value)), data: new Uint8Array(0) }
  return {
    stage: 'signed',
    hash: txHash(`0x${'0'.repeat(64)}`), // The vectors are unsigned.
    bytes: new Uint8Array(0),
    prepared: { stage: 'prepared', chainId: chainId(1), ...call, nonce, gas: 0n, pricing },
  }
}

function word(quantity: Hex): Uint8Array {
  return fromHex(`0x${quantity.slice(2).padStart(64, '0')}`)
}
