import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Fork, floorGas, intrinsicGas } from '../../../sdk/evm/fork.ts'
import type { Authorization, Pricing } from '../../../sdk/evm/transaction.ts'
import { address, slot, wei } from '../../../sdk/units.ts'
import { startGasOf } from '../../../sdk/vm/startGas.ts'

const accounts = [1, 2].map((at) => address(`0x${String(at).repeat(40)}`))
const account = fc.constantFrom(...accounts)
const key = slot(`0x${'00'.repeat(32)}`)
const list = fc.array(fc.record({ address: account, slots: fc.array(fc.constant(key), { maxLength: 3 }) }), {
  maxLength: 3,
})

it.each<Fork>(['cancun', 'prague', 'osaka', 'amsterdam'])(
  '%s: what a transaction starts with is what lanekit/evm says',
  (fork) => {
    const startGas = startGasOf(fork)
    fc.assert(
      fc.property(
        fc.record({
          from: account,
          to: fc.option(account),
          value: fc.constantFrom(0n, 5n),
          data: fc.uint8Array({ maxLength: 99 }),
        }),
        list,
        fc.integer({ min: 0, max: fork === 'cancun' ? 0 : 3 }),
        (message, accessList, count) => {
          const authorizations = new Array<Authorization>(count)
          const fees = { maxFeePerGas: wei(1n), maxPriorityFeePerGas: wei(0n), accessList }
          const pricing: Pricing = count ? { type: 'eip7702', ...fees, authorizations } : { type: 'eip1559', ...fees }
          const priced = { ...message, value: wei(message.value), pricing }
          const { intrinsic, floor } = startGas({ ...message, gas: 0n }, accessList, count)
          expect(BigInt(intrinsic)).toBe(intrinsicGas(priced, fork))
          expect(BigInt(floor)).toBe(floorGas(priced, fork))
        },
      ),
    )
  },
)
