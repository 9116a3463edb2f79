import { encodeFunctionData, erc20Abi } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  call,
  delegate,
  deploy,
  draft,
  type Facts,
  legacy,
  prepare,
  send,
  type Token,
  transfer,
} from '../../../sdk/evm/draft.ts'
import { chainId, toHex, wei } from '../../../sdk/units.ts'
import { alice, authorize, bob, person } from './samples.ts'

const usdc: Token = { address: person(0x0c).account, decimals: 6, symbol: 'USDC' }
const list = [{ address: usdc.address, slots: [] }]
const facts: Facts = {
  chainId: chainId(10),
  fork: 'osaka',
  from: alice.account,
  nonce: 3,
  gas: 100_000n,
  fees: { maxFeePerGas: wei(30n), maxPriorityFeePerGas: wei(2n) },
  accessList: [],
}
const gasPrice = { gasPrice: wei(9n) }
const authorization = authorize(bob, { chainId: 10, delegate: usdc.address, nonce: 0n })

describe('drafts', () => {
  it('a token transfer is the call that viem encodes', () => {
    for (const amount of [0n, 1n, 5_000_000n, 2n ** 256n - 1n]) {
      const { to, data, value } = transfer(usdc, bob.account, amount)
      const args = { abi: erc20Abi, functionName: 'transfer', args: [bob.account, amount] } as const
      expect(toHex(data)).toBe(encodeFunctionData(args))
      expect([to, value]).toEqual([usdc.address, 0n])
      expect(call({ to: usdc.address, ...args })).toEqual(transfer(usdc, bob.account, amount))
    }
  })

  it('refuses an amount that a token cannot hold', () => {
    for (const amount of [-1n, 2n ** 256n])
      expect(() => transfer(usdc, bob.account, amount)).toThrow(expect.objectContaining({ code: 'units/out-of-range' }))
  })

  it('refuses arguments that do not fit the ABI', () => {
    const wrong = { to: usdc.address, abi: erc20Abi, functionName: 'transfer', args: [bob.account, -1n] } as const
    expect(() => call(wrong)).toThrow(expect.objectContaining({ code: 'evm/malformed-transaction' }))
    const unknown = { ...wrong, functionName: 'mint' as 'transfer' }
    expect(() => call(unknown)).toThrow(expect.objectContaining({ code: 'evm/malformed-transaction' }))
  })

  it('say only what differs from the usual', () => {
    expect(send(bob.account, wei(5n))).toEqual({
      ...{ stage: 'draft', type: 'eip1559', from: null, to: bob.account, value: 5n },
      ...{ data: new Uint8Array(0), accessList: 'auto' },
    })
    expect(draft({ to: null, from: bob.account, accessList: 'never' })).toMatchObject({
      ...{ from: bob.account, to: null, accessList: 'never' },
    })
    expect(deploy(Uint8Array.of(0x60), wei(1n))).toMatchObject({ to: null, data: Uint8Array.of(0x60), value: 1n })
  })
})

describe('prepare', () => {
  it('fills in a type 2 transaction, with the list that was chosen', () => {
    expect(prepare(transfer(usdc, bob.account, 5n), { ...facts, accessList: list })).toEqual({
      ...{ stage: 'prepared', chainId: 10, from: alice.account, nonce: 3, gas: 100_000n },
      ...{ to: usdc.address, value: 0n, data: transfer(usdc, bob.account, 5n).data },
      pricing: { type: 'eip1559', maxFeePerGas: 30n, maxPriorityFeePerGas: 2n, accessList: list },
    })
  })

  it('fills in the other types', () => {
    const wish = send(bob.account, wei(1n))
    expect(prepare(legacy(wish), { ...facts, fees: gasPrice }).pricing).toEqual({ type: 'legacy', gasPrice: 9n })
    expect(prepare({ ...wish, type: 'eip2930' }, { ...facts, fees: gasPrice, accessList: list }).pricing).toEqual({
      ...{ type: 'eip2930', gasPrice: 9n, accessList: list },
    })
    expect(prepare(delegate({ to: bob.account, authorizations: [authorization] }), facts).pricing).toEqual({
      ...{ type: 'eip7702', maxFeePerGas: 30n, maxPriorityFeePerGas: 2n, accessList: [] },
      authorizations: [authorization],
    })
  })

  const wish = send(bob.account, wei(1n))
  it.each<[string, () => unknown, RegExp]>([
    ['another sender than the draft’s', () => prepare({ ...wish, from: bob.account }, facts), /the draft is from/],
    [
      'a list that was not wanted',
      () => prepare({ ...wish, accessList: 'never' }, { ...facts, accessList: list }),
      /no access list/,
    ],
    [
      'a list on a legacy transaction',
      () => prepare(legacy(wish), { ...facts, fees: gasPrice, accessList: list }),
      /no access list/,
    ],
    ['market fees for a legacy transaction', () => prepare(legacy(wish), facts), /one gas price/],
    ['one gas price for type 2', () => prepare(wish, { ...facts, fees: gasPrice }), /fee cap/],
    ['a negative nonce', () => prepare(wish, { ...facts, nonce: -1 }), /nonce/],
    ['half a nonce', () => prepare(wish, { ...facts, nonce: 0.5 }), /nonce/],
    [
      'a tip above the cap',
      () => prepare(wish, { ...facts, fees: { maxFeePerGas: wei(1n), maxPriorityFeePerGas: wei(2n) } }),
      /priority fee/,
    ],
    ['too little gas', () => prepare(wish, { ...facts, gas: 20_999n }), /below the 21000/],
    ['more gas than the fork allows', () => prepare(wish, { ...facts, gas: 16_777_217n }), /above osaka/],
    [
      'initcode that is too long',
      () => prepare(deploy(new Uint8Array(49_153)), { ...facts, gas: 9_000_000n }),
      /initcode/,
    ],
    [
      'authorizations too early',
      () => prepare(delegate({ to: bob.account, authorizations: [authorization] }), { ...facts, fork: 'cancun' }),
      /cancun has no/,
    ],
  ])('refuses %s', (_, run, reason) => {
    expect(run).toThrow(
      expect.objectContaining({ code: 'evm/malformed-transaction', message: expect.stringMatching(reason) }),
    )
  })
})
