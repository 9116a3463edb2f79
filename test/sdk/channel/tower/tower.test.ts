import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { webCipher } from '../../../../sdk/adapters/webCipher.ts'
import { decodeTransaction, feeOf, outpointKey, p2wsh } from '../../../../sdk/bitcoin/index.ts'
import type { Change, Message } from '../../../../sdk/channel/penalty/index.ts'
import {
  decodeReceipt,
  decodeRevoked,
  decodeSealed,
  encodeReceipt,
  encodeRevoked,
  encodeSealed,
  justiceFeerates,
  type RevokedState,
  revokedBy,
  sealedBytes,
  sealNonce,
  signReceipt,
  stateKey,
  type TowerReceipt,
  towerFault,
  waitsForTower,
} from '../../../../sdk/channel/tower/index.ts'
import { createTowerClient } from '../../../../sdk/client/tower.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import type { TowerLink } from '../../../../sdk/ports.ts'
import { feerate, height, msats, toHex } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { bytesOf, feed, live, opened, pay } from '../penalty/pair.ts'

const secretKey = new Uint8Array(32).fill(8)
const key = currentEngine().publicKey(secretKey)
/** The longest that is standard. */
const to = p2wsh(bytesOf('sweep'))
const plan = { to, feerates: justiceFeerates }

function revoked(...batches: readonly (readonly Change[])[]): readonly RevokedState[] {
  const pair = opened({ pushed: 300_000n })
  return batches.map((changes) => {
    const before = live(pair, 'opener')
    feed(pair, 'opener', { type: 'propose', changes })
    const state = revokedBy(before, live(pair, 'opener'), pair.secrets.opener, plan)
    if (!state) throw new Error('Nothing was revoked.')
    return state
  })
}

const receipt: TowerReceipt = {
  ...{ tower: toHex(bytesOf('tower')), funding: { txid: 'ab'.repeat(32), index: 1 }, first: 0, next: 5 },
  ...{ height: 900_000, lookedAtSeconds: 1_790_000_000, atSeconds: 1_790_000_060 },
}

describe('justice that is signed ahead', () => {
  it('[TW40] of the balance output is sealed in at most 300 bytes a feerate, and pays what it should', async () => {
    const [first] = revoked([pay(50_000_000n)])
    const rungs = first?.outputs[0] ?? []
    expect([first?.number, first?.outputs.length, rungs.length]).toEqual([0, 1, justiceFeerates.length])
    for (const [at, raw] of rungs.entries()) {
      const nonce = sealNonce(stateKey((first as RevokedState).txid), raw)
      const bytes = await webCipher().seal({
        key: stateKey((first as RevokedState).txid),
        nonce,
        bytes: raw,
        associated: nonce,
      })
      expect(sealedBytes(nonce, bytes).length).toBeLessThanOrEqual(300)
      const transaction = must(decodeTransaction(raw))
      expect(transaction.inputs.map(({ outpoint }) => outpoint.txid)).toEqual([first?.txid])
      const paid = 300_000n - (transaction.outputs[0]?.value ?? 0n)
      const asked = feeOf(4 * raw.length - 3 * 150, justiceFeerates[at] as never)
      expect(paid > 0n && paid < 4n * asked + 1_000n).toBe(true)
      expect(transaction.outputs).toHaveLength(1)
      expect(transaction.outputs[0]?.script).toEqual(to)
    }
  })

  it('[TW40] takes each HTLC by itself, and leaves out what is not worth its fee', () => {
    const add = (id: number, amount: bigint): Change => ({
      ...{ type: 'add', id, amount: msats(amount), paymentHash: sha256(bytesOf(`${id}`)), expiry: height(400) },
    })
    const states = revoked([add(0, 60_000_000n), add(1, 3_000_000n)], [pay(1_000_000n)])
    const outputs = states[1]?.outputs ?? []
    expect(outputs.map((rungs) => rungs.length)).toContain(4)
    expect(outputs).toHaveLength(3)
    // 3,000 sat pay for the two lowest feerates.
    expect(outputs.map((rungs) => rungs.length).sort()).toEqual([2, 4, 4])
    const inputs = outputs.flat().map((raw) => must(decodeTransaction(raw)).inputs)
    expect(inputs.every((one) => one.length === 1)).toBe(true)
    expect(new Set(inputs.map(([one]) => outpointKey((one as (typeof inputs)[0][0]).outpoint))).size).toBe(3)
  })

  it('is kept by its owner as it was signed, and nonsense never throws', () => {
    const [state] = revoked([pay(50_000_000n)])
    const bytes = encodeRevoked(state as RevokedState)
    expect(decodeRevoked(bytes)).toEqual({ ok: true, value: state })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        expect(typeof decodeRevoked(bytes.slice().fill(byte, at, at + 1)).ok).toBe('boolean')
        expect(decodeRevoked(bytes.subarray(0, at)).ok).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('is refused at no feerate, and gives nothing where nothing was revoked', () => {
    const pair = opened({ pushed: 300_000n })
    const channel = live(pair, 'opener')
    expect(revokedBy(channel, channel, pair.secrets.opener, plan)).toBe(null)
    feed(pair, 'opener', { type: 'propose', changes: [pay(1_000n)] })
    const many = { to, feerates: Array.from({ length: 7 }, (_, at) => feerate(1_000 + at)) }
    expect(() => revokedBy(channel, live(pair, 'opener'), pair.secrets.opener, many)).toThrow(/feerates/)
  })
})

describe('what is left with a tower', () => {
  it('reads as it was written; what was changed never throws', () => {
    const sealed = { hint: bytesOf('hint', 16), outputs: [[bytesOf('one'), bytesOf('two')], [bytesOf('three')]] }
    const bytes = encodeSealed(sealed)
    expect(decodeSealed(bytes)).toEqual({ ok: true, value: sealed })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        expect(typeof decodeSealed(bytes.slice().fill(byte, at, at + 1)).ok).toBe('boolean')
        expect(decodeSealed(bytes.subarray(0, at)).ok).toBe(false)
      }),
      { numRuns: 100 },
    )
    expect(decodeSealed(encodeSealed({ ...sealed, outputs: [[]] })).ok).toBe(false)
    expect(decodeSealed(encodeSealed({ ...sealed, outputs: [[new Uint8Array(421)]] })).ok).toBe(false)
  })

  it('[WT10] is receipted by the tower that was pinned, and by no other', () => {
    const bytes = encodeReceipt(receipt)
    const signature = signReceipt(receipt, secretKey)
    expect(decodeReceipt(bytes, signature, key)).toEqual({ ok: true, value: receipt })
    const other = currentEngine().publicKey(new Uint8Array(32).fill(9))
    expect(decodeReceipt(bytes, signature, other).ok).toBe(false)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = bytes.slice()
        changed[at] = (changed[at] as number) ^ change
        expect(decodeReceipt(changed, signature, key).ok).toBe(false)
      }),
      { numRuns: 30 },
    )
  })

  it('[TW41] is missed when the receipt leaves it out, is old, is of another channel, or the tower does not look', () => {
    const pair = opened()
    const channel = live(pair, 'opener')
    const now = { first: 0, freshSeconds: 60, lookSeconds: 300, nowSeconds: receipt.atSeconds }
    const funding = channel.opening.funding
    const base = { ...channel.base, number: 5 }
    const fault = (change: Partial<TowerReceipt>, policy: Partial<typeof now> = {}) =>
      towerFault({ ...channel, base }, { ...receipt, funding, ...change }, { ...now, ...policy })
    expect(fault({})).toBe(null)
    expect(towerFault(channel, null, now)).toBe('no-receipt')
    expect(fault({ funding: { ...funding, index: 7 } })).toBe('other-channel')
    expect(fault({ next: 4 })).toBe('behind')
    expect(fault({ first: 1 })).toBe('behind')
    expect(fault({}, { nowSeconds: receipt.atSeconds + 61 })).toBe('stale')
    expect(fault({ lookedAtSeconds: 0 })).toBe('asleep')
  })

  it('[TW41] holds back what raises a side, and nothing else', () => {
    const signatures = { signature: new Uint8Array(64), htlcs: [] }
    const commit = (change: Change): Message => ({ type: 'commit', number: 1, changes: [change], signatures })
    expect(waitsForTower(commit(pay(1n)))).toBe(true)
    expect(waitsForTower(commit({ type: 'fulfil', id: 0, preimage: bytesOf('p') }))).toBe(false)
    expect(waitsForTower({ type: 'shutdown' })).toBe(false)
  })

  it('is refused by its client when the receipt does not cover it', async () => {
    const [state] = revoked([pay(1_000n)])
    const signed = (told: TowerReceipt) => ({ bytes: encodeReceipt(told), signature: signReceipt(told, secretKey) })
    const answer = (told: TowerReceipt) => async () => signed(told)
    const client = (told: TowerReceipt) => {
      const link: TowerLink = { register: answer(told), keep: answer(told), standing: answer(told) }
      return createTowerClient({ link, cipher: webCipher(), tower: receipt.tower, key, funding: receipt.funding })
    }
    expect(await client(receipt).keep(state as RevokedState)).toEqual(receipt)
    const nonsense = expect.objectContaining({ code: 'relay/nonsense' })
    await expect(client({ ...receipt, next: 0 }).keep(state as RevokedState)).rejects.toEqual(nonsense)
    await expect(client({ ...receipt, funding: { ...receipt.funding, index: 0 } }).standing()).rejects.toEqual(nonsense)
    await expect(client({ ...receipt, tower: toHex(bytesOf('other')) }).standing()).rejects.toEqual(nonsense)
  })
})
