import fc from 'fast-check'
import { getContractAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import type { Access, Place } from '../../../sdk/batch/access.ts'
import { declare, footprint, gasMax, normalise, placeKey, undeclared } from '../../../sdk/batch/index.ts'
import { invariant } from '../../../sdk/errors.ts'
import { decodeTransaction } from '../../../sdk/evm/codec.ts'
import type { Authorization, Prepared, Pricing, Signed } from '../../../sdk/evm/transaction.ts'
import { type Address, address, chainId, fromHex, txHash, wei } from '../../../sdk/units.ts'
import { access, account, field, place, slotOf } from './arbitraries.ts'

const nothing: Access = { reads: [], writes: [], credits: [] }

function signed(fields: Partial<Prepared>): Signed {
  const pricing: Pricing = { type: 'legacy', gasPrice: wei(1n) }
  const call = { chainId: chainId(1), from: account(1), to: account(2), value: wei(0n), data: new Uint8Array(0) }
  const prepared: Prepared = { stage: 'prepared', ...call, nonce: 7, gas: 21_000n, pricing, ...fields }
  return { stage: 'signed', hash: txHash(`0x${'0'.repeat(64)}`), bytes: Uint8Array.of(1), prepared }
}

function setCode(authorizations: readonly Authorization[]): Signed {
  return signed({
    pricing: { type: 'eip7702', maxFeePerGas: wei(1n), maxPriorityFeePerGas: wei(1n), accessList: [], authorizations },
  })
}

const authority = privateKeyToAccount(`0x${'11'.repeat(32)}`)

/** An authorization signed by viem: an implementation that is not ours. */
async function authorization(fields: { chainId: number; nonce: number }): Promise<Authorization> {
  const delegate = account(9)
  const { r, s, yParity } = await authority.signAuthorization({ contractAddress: delegate, ...fields })
  const signature = Uint8Array.of(...fromHex(r), ...fromHex(s), yParity ?? 0)
  return { chainId: fields.chainId, delegate, nonce: BigInt(fields.nonce), signature }
}

const own = [field('nonce', 1), field('balance', 1)]
const at = (kind: 'nonce' | 'balance' | 'code', of: Address): Place => ({ kind, address: of })

describe('footprint', () => {
  it('[F1] [F2] a plain call writes the sender and reads the recipient', () => {
    expect(footprint(signed({}), declare(nothing, 21_000))).toEqual({
      sender: account(1),
      reads: [field('code', 2)],
      writes: own,
      credits: [],
      source: 'declared',
      gas: 21_000,
    })
  })

  it('[F2] value credits the recipient, unless that is the sender', () => {
    expect(footprint(signed({ value: wei(1n) }), undeclared(0)).credits).toEqual([field('balance', 2)])
    expect(footprint(signed({ value: wei(1n), to: account(1) }), undeclared(0))).toMatchObject({
      writes: own,
      credits: [],
    })
  })

  it('[F1] the sender is the one who signed', async () => {
    const raw = await authority.signTransaction({
      chainId: 1,
      to: account(2),
      value: 5n,
      gas: 21_000n,
      maxFeePerGas: 1n,
    })
    const decoded = decodeTransaction(fromHex(raw))
    invariant(decoded.ok, 'viem signs what we read')
    const sender = address(authority.address)
    expect(footprint(decoded.value, undeclared(21_000))).toMatchObject({
      sender,
      writes: [at('nonce', sender), at('balance', sender)],
      credits: [field('balance', 2)],
      source: 'unknown',
    })
  })

  it('[F3] a creation writes the account it creates', () => {
    const created = address(getContractAddress({ from: account(1), nonce: 7n }))
    const { reads, writes } = footprint(signed({ to: null }), undeclared(0))
    expect(reads).toEqual([])
    expect(writes).toEqual(
      normalise({ ...nothing, writes: [...own, at('nonce', created), at('balance', created), at('code', created)] })
        .writes,
    )
  })

  it.each([{ chainId: 1 }, { chainId: 0 }])(
    '[F4] an authorization for chain $chainId writes its authority',
    async ({ chainId }) => {
      const { reads, writes } = footprint(setCode([await authorization({ chainId, nonce: 3 })]), undeclared(0))
      const by = address(authority.address)
      expect(reads).toEqual([field('code', 2), field('code', 9)])
      expect(writes).toEqual(normalise({ ...nothing, writes: [...own, at('nonce', by), at('code', by)] }).writes)
    },
  )

  it('[F4] an authorization that cannot take effect is skipped', async () => {
    const good = await authorization({ chainId: 1, nonce: 3 })
    const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
    const highS = good.signature.slice()
    highS.set(fromHex(`0x${(halfOrder + 1n).toString(16)}`), 32)
    const futile: Authorization[] = [
      await authorization({ chainId: 2, nonce: 3 }),
      { ...good, nonce: 2n ** 64n - 1n },
      { ...good, signature: new Uint8Array(65) },
      { ...good, signature: highS },
      { ...good, signature: Uint8Array.of(...good.signature.subarray(0, 64), 2) },
    ]
    expect(footprint(setCode(futile), undeclared(0))).toMatchObject({
      reads: [field('code', 2)],
      writes: own,
      credits: [],
    })
  })

  it('[F5] what is declared stays, and the stronger op counts', () => {
    const declared = declare(
      { reads: [slotOf(2, 1), field('balance', 1), field('balance', 2)], writes: [slotOf(2, 2)], credits: [] },
      9,
      'trace',
    )
    expect(footprint(signed({ value: wei(1n) }), declared)).toEqual({
      sender: account(1),
      reads: [field('code', 2), slotOf(2, 1)],
      // The recipient's balance is read (declared) and credited (implied), so it is written.
      writes: [...own, field('balance', 2), slotOf(2, 2)],
      credits: [],
      source: 'trace',
      gas: 9,
    })
  })

  it('[F5] a footprint is its own normal form, whatever was declared', () => {
    fc.assert(
      fc.property(access, fc.boolean(), (access, pays) => {
        const made = footprint(signed({ value: wei(pays ? 1n : 0n) }), { ...access, source: 'trace', gas: 1 })
        const { reads, writes, credits } = made
        expect(normalise(made)).toEqual({ reads, writes, credits })
        expect(footprint(signed({ value: wei(pays ? 1n : 0n) }), made)).toEqual(made)
      }),
    )
  })

  it('[F5] each place keeps the strongest of its ops', () => {
    fc.assert(
      fc.property(access, (access) => {
        const { reads, writes, credits } = normalise(access)
        const has = (list: readonly Place[], place: Place) => list.some((one) => placeKey(one) === placeKey(place))
        for (const place of [...access.reads, ...access.writes, ...access.credits]) {
          const written = has(access.writes, place) || (has(access.reads, place) && has(access.credits, place))
          const expected = written ? 'write' : has(access.reads, place) ? 'read' : 'credit'
          expect([has(reads, place), has(writes, place), has(credits, place)]).toEqual([
            expected === 'read',
            expected === 'write',
            expected === 'credit',
          ])
        }
        const all = [...reads, ...writes, ...credits].map(placeKey)
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })

  it('equal places, and only they, have equal keys', () => {
    fc.assert(
      fc.property(
        place,
        place,
        (one, other) => (placeKey(one) === placeKey(other)) === (JSON.stringify(one) === JSON.stringify(other)),
      ),
    )
  })

  it.each([-1, 0.5, Number.NaN, gasMax + 1])('refuses %s as gas', (gas) => {
    const malformed = expect.objectContaining({ name: 'SdkError', code: 'batch/malformed' })
    expect(() => declare(nothing, gas)).toThrow(malformed)
    expect(() => undeclared(gas)).toThrow(malformed)
    expect(() => footprint(signed({}), { ...nothing, source: 'trace', gas })).toThrow(malformed)
  })
})
