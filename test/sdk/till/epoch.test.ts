import { describe, expect, it } from 'vitest'
import { memory } from '../../../sdk/adapters/memory.ts'
import type { StoredRecord } from '../../../sdk/ports.ts'
import { currentEpoch, raiseEpoch } from '../../../sdk/till/epoch.ts'

describe('raiseEpoch', () => {
  it('[TP6] gives each till on a store its own, the time at the least, and never a lower one', async () => {
    const store = memory()
    const at = (now: number) => ({ now: () => now })
    expect(await currentEpoch(store)).toBe(0)
    expect(await raiseEpoch(store, at(1_000))).toBe(1_000)
    expect(await raiseEpoch(store, at(1_000))).toBe(1_001)
    expect(await raiseEpoch(store, at(7))).toBe(1_002)
    expect(await raiseEpoch(store, at(5_000.5))).toBe(5_000)
    expect(await currentEpoch(store)).toBe(5_000)
  })

  it('[TP6] tills that come up together do not share one', async () => {
    const store = memory()
    const epochs = await Promise.all(Array.from({ length: 8 }, () => raiseEpoch(store, { now: () => 100 })))
    expect(new Set(epochs).size).toBe(8)
    expect(await currentEpoch(store)).toBe(Math.max(...epochs))
  })

  it('goes on with no damaged record', async () => {
    const records = new Map<string, StoredRecord>([['till/epoch', { version: 1, bytes: Uint8Array.of(1, 2) }]])
    await expect(raiseEpoch(memory(records), { now: () => 1 })).rejects.toMatchObject({ code: 'store/corrupt' })
  })
})
