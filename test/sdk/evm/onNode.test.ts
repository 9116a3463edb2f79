import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ColdTouch, quoteAccessList } from '../../../sdk/evm/accessList.ts'
import { delegateOf, delegationCode } from '../../../sdk/evm/authorization.ts'
import { transactionHash } from '../../../sdk/evm/codec.ts'
import { delegate, deploy, draft, legacy, send } from '../../../sdk/evm/draft.ts'
import { createdAddress } from '../../../sdk/evm/sender.ts'
import type { AccessList } from '../../../sdk/evm/transaction.ts'
import { transactionFromJson } from '../../../sdk/evm/transactionJson.ts'
import { type Address, address, fromHex, type Hex, type Slot, slot, toHex, wei } from '../../../sdk/units.ts'
import { type Anvil, startAnvil } from '../../anvil.ts'
import { assemble, balance, callAccount, initcodeOf, revert, selfdestruct, sload, sstore } from './assembler.ts'
import { execute, request } from './node.ts'
import { alice, authorize, bob, person, preparedWith } from './samples.ts'

const place = (number: number): Address => address(toHex(new Uint8Array(20).fill(number)))
const key = (number: number): Slot => slot(toHex(new Uint8Array(32).fill(number)))
const main = place(0xc0)
const reader = place(0xc1)
const reverter = place(0xc2)
const feeRecipient = address(`0x${'00'.repeat(20)}`)
const sha256 = address(`0x${'00'.repeat(19)}02`)
const carol = person(0x0c)
const rich = '0x56bc75e2d63100000'

/** What a generated contract does, in order. */
type Deed =
  | { readonly does: 'read' | 'write'; readonly slot: Slot }
  | { readonly does: 'balance' | 'call'; readonly account: Address }

const deeds: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({
    does: fc.constantFrom('read' as const, 'write' as const),
    slot: fc.constantFrom(...[1, 2, 3, 4].map(key)),
  }),
  fc.record({
    does: fc.constant('balance' as const),
    account: fc.constantFrom(alice.account, main, feeRecipient, sha256, place(0xd0), place(0xd1)),
  }),
  fc.record({ does: fc.constant('call' as const), account: fc.constantFrom(reader, reverter) }),
)
const programs = fc.record({
  deeds: fc.array(deeds, { maxLength: 40 }),
  heir: fc.option(fc.constantFrom(bob.account, reader)),
})

/** Reads one slot of its own; one of the two then takes it all back. */
const readerCode = sload(key(9))
const reverterCode = assemble(sload(key(9)), revert())

function codeOf(program: readonly Deed[], heir: Address | null): Uint8Array {
  const parts = program.map((deed) => {
    if ('slot' in deed) return deed.does === 'read' ? sload(deed.slot) : sstore(deed.slot, '0x01')
    return deed.does === 'balance' ? balance(deed.account) : callAccount(deed.account)
  })
  return assemble(...parts, ...(heir ? [selfdestruct(heir)] : []))
}

/** The cold touches of such a contract, by the rules of EIP-2929. */
function touchesOf(program: readonly Deed[], heir: Address | null): ColdTouch[] {
  const warm = new Set<string>([alice.account, main, feeRecipient, sha256])
  const touches: ColdTouch[] = []
  const touch = (place: string, kept: boolean, what: ColdTouch) => {
    if (!warm.has(place)) touches.push(what)
    if (kept) warm.add(place)
  }
  const touchSlot = (account: Address, slot: Slot, by: 'read' | 'write', kept = true) =>
    touch(account + slot, kept, { kind: 'slot', address: account, slot, by })
  for (const deed of program) {
    if ('slot' in deed) touchSlot(main, deed.slot, deed.does)
    else touch(deed.account, true, { kind: 'account', address: deed.account, by: 'access' })
    if (deed.does === 'call') touchSlot(deed.account, key(9), 'read', deed.account === reader)
  }
  if (heir) touch(heir, true, { kind: 'account', address: heir, by: 'selfdestruct' })
  return touches
}

describe.each(['prague', 'osaka'] as const)('on a node that runs %s', (fork) => {
  let anvil: Anvil

  beforeAll(async () => {
    anvil = await startAnvil({ hardfork: fork })
    await request(anvil.url, 'anvil_setBalance', alice.account, rich)
    await request(anvil.url, 'anvil_setCode', reader, toHex(readerCode))
    await request(anvil.url, 'anvil_setCode', reverter, toHex(reverterCode))
  })
  afterAll(() => anvil?.stop())

  /** Gas that a call of `main` uses with this list; the state is as before afterwards. */
  async function gasWith(accessList: AccessList, data: Uint8Array = new Uint8Array(0)): Promise<bigint> {
    const snapshot = await request(anvil.url, 'evm_snapshot')
    const receipt = await execute(anvil.url, { by: alice, draft: draft({ to: main, data }), accessList, fork })
    await request(anvil.url, 'evm_revert', snapshot)
    expect(receipt.status).toBe('0x1')
    return BigInt(receipt.gasUsed)
  }

  it('lists change the gas used by exactly what was quoted, whatever the contract touches', async () => {
    await fc.assert(
      fc.asyncProperty(programs, async ({ deeds, heir }) => {
        await request(anvil.url, 'anvil_setCode', main, toHex(codeOf(deeds, heir)))
        const gas = await gasWith([])
        const quote = quoteAccessList({
          transaction: preparedWith({ to: main, value: wei(0n) }),
          touches: touchesOf(deeds, heir),
          fork,
          run: { gas, refund: 0n },
        })
        expect(quote.isExact).toBe(true)
        expect((await gasWith(quote.full.list)) - gas).toBe(quote.full.gasDifference)
        expect((await gasWith(quote.best.list)) - gas).toBe(quote.best.gasDifference)
      }),
      { numRuns: 40 },
    )
  })

  it('also where the refund is capped', async () => {
    const slots = Array.from({ length: 10 }, (_, at) => key(0x20 + at))
    for (const slot of slots) await request(anvil.url, 'anvil_setStorageAt', main, slot, key(1))
    await request(anvil.url, 'anvil_setCode', main, toHex(assemble(...slots.map((slot) => sstore(slot, '0x00')))))
    // 21,000; two pushes and a first write of a cold slot each: 3 + 3 + 5,000. Each clearing refunds 4,800.
    const run = { gas: 21_000n + 10n * 5_006n, refund: 48_000n }
    const touches = slots.map((slot): ColdTouch => ({ kind: 'slot', address: main, slot, by: 'write' }))
    const { full } = quoteAccessList({ transaction: preparedWith({ to: main }), touches, fork, run })
    const gas = await gasWith([])
    expect(gas).toBe(run.gas - run.gas / 5n)
    expect((await gasWith(full.list)) - gas).toBe(full.gasDifference)
  })

  it('also below the data floor', async () => {
    await request(anvil.url, 'anvil_setCode', main, toHex(balance(place(0xd0))))
    const data = new Uint8Array(1_000).fill(1)
    const run = { gas: 21_000n + 16_000n + 3n + 2_600n + 2n, refund: 0n }
    const touches: ColdTouch[] = [{ kind: 'account', address: place(0xd0), by: 'access' }]
    const { full } = quoteAccessList({ transaction: preparedWith({ to: main, data }), touches, fork, run })
    const gas = await gasWith([], data)
    expect(gas).toBe(21_000n + 40_000n)
    expect((await gasWith(full.list, data)) - gas).toBe(full.gasDifference)
  })

  it('deploys a contract where it was foretold', async () => {
    const nonce = Number(await request<Hex>(anvil.url, 'eth_getTransactionCount', alice.account, 'latest'))
    const { contractAddress } = await execute(anvil.url, { by: alice, draft: deploy(initcodeOf(readerCode)), fork })
    expect(contractAddress).toBe(createdAddress({ from: alice.account, nonce }))
    expect(await request(anvil.url, 'eth_getCode', contractAddress, 'latest')).toBe(toHex(readerCode))
  })

  it('a delegated account runs its delegate’s code on its own storage (EIP-7702), until it delegates to nobody', async () => {
    await request(anvil.url, 'anvil_setCode', main, toHex(sstore(key(5), '0x2a')))
    await request(anvil.url, 'anvil_setBalance', carol.account, '0x1')
    const nonce = BigInt(await request<Hex>(anvil.url, 'eth_getTransactionCount', carol.account, 'latest'))
    const authorization = authorize(carol, { chainId: 31_337, delegate: main, nonce })
    const { status, gasUsed } = await execute(anvil.url, {
      by: alice,
      draft: delegate({ to: carol.account, authorizations: [authorization] }),
      fork,
    })
    expect(status).toBe('0x1')
    // Authority and delegate are warm: two pushes and an SSTORE of a cold, new slot are all that runs. The account
    // exists, so half of the 25,000 comes back.
    expect(BigInt(gasUsed)).toBe(21_000n + 25_000n - 12_500n + 6n + 22_100n)
    const installed = await request<Hex>(anvil.url, 'eth_getCode', carol.account, 'latest')
    expect(installed).toBe(toHex(delegationCode(main)))
    expect(delegateOf(fromHex(installed))).toBe(main)
    expect(BigInt(await request<Hex>(anvil.url, 'eth_getStorageAt', carol.account, key(5), 'latest'))).toBe(0x2an)

    const back = authorize(carol, { chainId: 0, delegate: feeRecipient, nonce: nonce + 1n })
    await execute(anvil.url, { by: alice, draft: delegate({ to: carol.account, authorizations: [back] }), fork })
    expect(await request(anvil.url, 'eth_getCode', carol.account, 'latest')).toBe('0x')
  })

  it('transactions of every type come back from the node as the bytes that were sent', async () => {
    const nonce = BigInt(await request<Hex>(anvil.url, 'eth_getTransactionCount', bob.account, 'latest'))
    const fees = { gasPrice: wei(10n ** 10n) }
    const transfer = send(bob.account, wei(1n))
    const list = [{ address: main, slots: [key(1)] }]
    const sent = [
      await execute(anvil.url, { by: alice, draft: legacy(transfer), fees, fork }),
      await execute(anvil.url, { by: alice, draft: { ...transfer, type: 'eip2930' }, fees, accessList: list, fork }),
      await execute(anvil.url, { by: alice, draft: transfer, accessList: list, fork }),
      await execute(anvil.url, {
        by: alice,
        draft: delegate({
          to: bob.account,
          authorizations: [authorize(bob, { chainId: 0, delegate: main, nonce })],
        }),
        fork,
      }),
    ]
    const types: string[] = []
    for (const receipt of sent) {
      const json = await request<{ type: string }>(anvil.url, 'eth_getTransactionByHash', receipt.transactionHash)
      const raw = transactionFromJson(json)
      expect(raw.ok && transactionHash(raw.value)).toBe(receipt.transactionHash)
      types.push(json.type)
    }
    expect(types).toEqual(['0x0', '0x1', '0x2', '0x4'])
  })
})
