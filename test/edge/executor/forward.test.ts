import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { forwardLanes } from '../../../edge/executor/forward.ts'
import type { Outcome, Sending } from '../../../edge/executor/port.ts'
import { lanesInFlightMax } from '../../../edge/limits.ts'
import { undeclared } from '../../../sdk/batch/index.ts'
import { type Address, address, type TxHash, toHex, txHash } from '../../../sdk/units.ts'

const alice = address(`0x${'0a'.repeat(20)}`)
const bob = address(`0x${'0b'.repeat(20)}`)
let count = 0

function sending(sender: Address): Sending {
  count += 1
  const raw = new Uint8Array(32)
  new DataView(raw.buffer).setUint32(0, count)
  return { hash: txHash(toHex(raw)), sender, raw, position: count, declaration: undeclared(21_000) }
}

/** Forwards, and says what was sent when, how many at a time, and what was reported. */
async function forward(
  lanes: readonly (readonly Sending[])[],
  answer: (hash: TxHash) => Outcome = () => ({ kind: 'accepted' }),
  until = 1_000,
) {
  const sent: TxHash[] = []
  const reported = new Map<TxHash, string>()
  let now = 0
  let inFlight = 0
  let most = 0
  const send = async ({ hash }: Sending) => {
    sent.push(hash)
    now += 1
    inFlight += 1
    most = Math.max(most, inFlight)
    await new Promise((resolve) => setImmediate(resolve))
    inFlight -= 1
    return answer(hash)
  }
  const report = (outcomes: readonly (readonly [TxHash, Outcome])[]) => {
    for (const [hash, { kind }] of outcomes) {
      expect(reported.has(hash)).toBe(false)
      reported.set(hash, kind)
    }
  }
  await forwardLanes(lanes, { until, report }, { send, now: () => now })
  return { sent, reported, most }
}

describe('forwarding lanes', () => {
  it('sends every lane in its order, and reports each sending once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 }), async (sizes) => {
        const lanes = sizes.map((size) => Array.from({ length: size }, () => sending(alice)))
        const { sent, reported, most } = await forward(lanes)
        for (const lane of lanes) {
          const hashes = new Set(lane.map(({ hash }) => hash))
          expect(sent.filter((hash) => hashes.has(hash))).toEqual(lane.map(({ hash }) => hash))
        }
        expect(reported.size).toBe(sent.length)
        expect(most).toBeLessThanOrEqual(lanesInFlightMax)
      }),
      { numRuns: 20 },
    )
  })

  it('has several lanes under way at a time', async () => {
    const { most } = await forward(Array.from({ length: 9 }, () => [sending(alice)]))
    expect(most).toBe(lanesInFlightMax)
  })

  it('starts nothing more after an unknown', async () => {
    const lane = [sending(alice), sending(bob), sending(bob)]
    const { sent, reported } = await forward([lane], () => ({ kind: 'unknown' }))
    expect(sent).toHaveLength(1)
    expect([...reported.values()]).toEqual(['unknown', 'unsent', 'unsent'])
  })

  it("keeps a sender's later nonces back after a no, and lets the others of the lane go", async () => {
    const lane = [sending(alice), sending(alice), sending(bob)]
    const no = (hash: TxHash): Outcome =>
      hash === lane[0]?.hash ? { kind: 'rejected', code: 'fee-too-low', detail: '' } : { kind: 'accepted' }
    const { reported } = await forward([lane], no)
    expect([...reported.values()]).toEqual(['rejected', 'unsent', 'accepted'])
  })

  it('goes on after a used nonce: the next one is due', async () => {
    const lane = [sending(alice), sending(alice)]
    const stale = (hash: TxHash): Outcome => ({ kind: hash === lane[0]?.hash ? 'stale' : 'accepted' })
    const { reported } = await forward([lane], stale)
    expect([...reported.values()]).toEqual(['stale', 'accepted'])
  })

  it('starts nothing after the time until which it may', async () => {
    const { sent, reported } = await forward([Array.from({ length: 9 }, () => sending(alice))], undefined, 4)
    expect(sent).toHaveLength(5)
    expect(reported.size).toBe(9)
  })
})
