import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { declare, undeclared } from '../../../sdk/batch/index.ts'
import { address, blockHash, chainId, fromHex, type Hex, slot, toHex, txHash, wei } from '../../../sdk/units.ts'
import type { Attempt, Intent, Phase } from '../../../sdk/wallet/intent.ts'
import {
  applyEvent,
  emptyOutbox,
  freeNonces,
  historyMax,
  intentOf,
  type Outbox,
  undecided,
  withAttempt,
} from '../../../sdk/wallet/outbox.ts'
import { decodeOutbox, encodeOutbox } from '../../../sdk/wallet/outboxRecord.ts'
import { anyText } from '../../anyText.ts'

const chain = chainId(1337)
const account = address(`0x${'11'.repeat(20)}`)
const word = (number: number) => toHex(new Uint8Array(32).fill(number))
const refusal = { code: 'no', detail: 'No.' }
const attemptOf = (number: number): Attempt => ({
  hash: txHash(word(number)),
  bytes: Uint8Array.of(number),
  declaration: undeclared(21_000),
  costMax: wei(5n),
  wish: 'send',
  refusal: null,
})
const inclusionOf = (number: number) => ({
  hash: txHash(word(number)),
  blockNumber: 9,
  blockHash: blockHash(word(9)),
  index: 0,
})

/** An outbox with one intent for each nonce, each of the state that is named. */
function outboxOf(intents: Readonly<Record<number, 'open' | 'refused' | 'included'>>): Outbox {
  return Object.entries(intents).reduce(
    (outbox, [text, state]) => {
      const nonce = Number(text)
      const added = withAttempt(outbox, nonce, attemptOf(nonce))
      const { hash } = attemptOf(nonce)
      if (state === 'refused') return applyEvent(added, nonce, { type: 'refused', hash, refusal })
      return state === 'included'
        ? applyEvent(added, nonce, { type: 'included', inclusion: inclusionOf(nonce) })
        : added
    },
    emptyOutbox(chain, account),
  )
}

describe('the nonces for new transactions', () => {
  it('[OB4] begin where the chain stands', () => {
    expect(freeNonces(emptyOutbox(chain, account), 0, 3)).toEqual([0, 1, 2])
    expect(freeNonces(emptyOutbox(chain, account), 40, 2)).toEqual([40, 41])
  })

  it('[OB4] pass over what is undecided, whatever the node has seen of it', () => {
    const outbox = outboxOf({ 5: 'open', 6: 'included', 7: 'open' })
    for (const pending of [5, 6, 7, 8]) expect(freeNonces(outbox, pending, 2)).toEqual([8, 9])
  })

  it('[OB4] fill a gap that a wrong number has left', () => {
    expect(freeNonces(outboxOf({ 1000000: 'open' }), 3, 2)).toEqual([3, 4])
  })

  it('[OB5] begin with what was refused', () => {
    expect(freeNonces(outboxOf({ 5: 'refused', 6: 'open', 7: 'refused' }), 5, 3)).toEqual([5, 7, 8])
  })

  it('[OB5] pass over what was refused and executed all the same', () => {
    expect(freeNonces(outboxOf({ 5: 'refused', 6: 'open' }), 6, 1)).toEqual([7])
  })

  it('[OB4] are never below one that is used, whatever a node says', () => {
    const included = outboxOf({ 5: 'included', 6: 'open' })
    expect(freeNonces(included, 0, 2)).toEqual([7, 8])
    const ended = applyEvent(included, 5, { type: 'finalized' })
    expect(freeNonces(ended, 0, 2)).toEqual([7, 8])
    const forgotten = applyEvent(ended, 6, { type: 'refused', hash: attemptOf(6).hash, refusal })
    expect(forgotten.history.map(({ nonce }) => nonce)).toEqual([5])
    expect(freeNonces(forgotten, 0, 2)).toEqual([6, 7])
  })
})

describe('an outbox', () => {
  it('keeps its intents in the order of their nonces', () => {
    const outbox = [7, 5, 6].reduce(
      (box, nonce) => withAttempt(box, nonce, attemptOf(nonce)),
      emptyOutbox(chain, account),
    )
    expect(outbox.intents.map(({ nonce }) => nonce)).toEqual([5, 6, 7])
  })

  it('[OB11] adds further bytes of a nonce to its intent', () => {
    const outbox = withAttempt(outboxOf({ 5: 'open' }), 5, attemptOf(8))
    expect(outbox.intents).toHaveLength(1)
    expect(intentOf(outbox, attemptOf(8).hash)).toBe(intentOf(outbox, attemptOf(5).hash))
  })

  it('is the very same when an event changes nothing', () => {
    const outbox = outboxOf({ 5: 'open' })
    expect(applyEvent(outbox, 5, { type: 'finalized' })).toBe(outbox)
    expect(applyEvent(outbox, 99, { type: 'lost' })).toBe(outbox)
  })

  it('[OB7] shows an end until its next change, then keeps nonce and end without the bytes', () => {
    const ended = applyEvent(outboxOf({ 5: 'included', 6: 'open' }), 5, { type: 'finalized' })
    expect(ended.intents.map(({ phase }) => phase.name)).toEqual(['finalized', 'open'])
    expect(undecided(ended).map(({ nonce }) => nonce)).toEqual([6])
    const next = withAttempt(ended, 7, attemptOf(7))
    expect(next.intents.map(({ nonce }) => nonce)).toEqual([6, 7])
    expect(next.history).toEqual([{ nonce: 5, phase: { name: 'finalized', ...inclusionOf(5) } }])
  })

  it('[OB7] remembers the newest ends only', () => {
    let outbox = emptyOutbox(chain, account)
    for (let nonce = 0; nonce < historyMax + 5; nonce++) {
      outbox = withAttempt(outbox, nonce, attemptOf(nonce % 200))
      outbox = applyEvent(outbox, nonce, { type: 'lost' })
    }
    outbox = withAttempt(outbox, 1_000, attemptOf(1))
    expect(outbox.history).toHaveLength(historyMax)
    expect(outbox.history.at(-1)?.nonce).toBe(historyMax + 4)
  })
})

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes))
const addresses = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => address(toHex(bytes)))
const places = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('nonce' as const, 'balance' as const, 'code' as const), address: addresses }),
    fc.record({ kind: fc.constant('slot' as const), address: addresses, slot: bytes32.map(slot) }),
  ),
  { maxLength: 3 },
)
const declarations = fc
  .record({
    reads: places,
    writes: places,
    credits: places,
    gas: fc.nat(),
    source: fc.constantFrom('trace' as const, 'template' as const, 'declared' as const),
  })
  .map(({ gas, source, ...access }) => declare(access, gas, source))
const attempts: fc.Arbitrary<Attempt> = fc.record({
  hash: bytes32.map(txHash),
  bytes: fc.uint8Array({ maxLength: 300 }),
  declaration: fc.oneof(declarations, fc.nat().map(undeclared)),
  costMax: fc.bigInt(0n, 2n ** 256n - 1n).map(wei),
  wish: fc.constantFrom('send', 'speed-up', 'cancel'),
  refusal: fc.option(fc.record({ code: fc.string(), detail: anyText() })),
})
const inclusions = fc.record({
  hash: bytes32.map(txHash),
  blockNumber: fc.maxSafeNat(),
  blockHash: bytes32.map(blockHash),
  index: fc.nat(),
})
const phases: fc.Arbitrary<Phase> = fc.oneof(
  fc.constantFrom<Phase>({ name: 'open' }, { name: 'lost' }),
  inclusions.map((inclusion): Phase => ({ name: 'included', ...inclusion })),
  inclusions.map((inclusion): Phase => ({ name: 'finalized', ...inclusion })),
)
const intents: fc.Arbitrary<Intent> = fc
  .record({ nonce: fc.maxSafeNat(), first: attempts, rest: fc.array(attempts, { maxLength: 2 }), phase: phases })
  .map(({ nonce, first, rest, phase }) => ({ nonce, attempts: [first, ...rest], phase }))
const ends = fc.record({
  nonce: fc.maxSafeNat(),
  phase: fc.oneof(
    fc.constant({ name: 'lost' } as const),
    inclusions.map((inclusion) => ({ name: 'finalized', ...inclusion }) as const),
  ),
})
const ascending = <one extends { readonly nonce: number }>(all: readonly one[]) =>
  [...new Map(all.map((one) => [one.nonce, one])).values()].sort((one, other) => one.nonce - other.nonce)
const outboxes: fc.Arbitrary<Outbox> = fc.record({
  chain: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(chainId),
  account: addresses,
  intents: fc.array(intents, { maxLength: 4 }).map(ascending),
  history: fc.array(ends, { maxLength: 4 }).map(ascending),
})

describe('the stored form', () => {
  it('gives back what it was given', () => {
    fc.assert(
      fc.property(outboxes, (outbox) => {
        expect(decodeOutbox(encodeOutbox(outbox))).toEqual({ ok: true, value: outbox })
      }),
    )
  })

  it('is one for each outbox: any other bytes are refused, or are another outbox', () => {
    fc.assert(
      fc.property(outboxes, fc.nat(), fc.integer({ min: 1, max: 255 }), (outbox, at, change) => {
        const bytes = encodeOutbox(outbox)
        const index = at % bytes.length
        bytes[index] = (bytes[index] as number) ^ change
        const read = decodeOutbox(bytes)
        if (read.ok) expect(encodeOutbox(read.value)).toEqual(bytes)
      }),
    )
  })

  it('cut anywhere is refused', () => {
    const bytes = encodeOutbox(outboxOf({ 5: 'open', 6: 'refused', 7: 'included' }))
    for (let size = 0; size < bytes.length; size++) expect(decodeOutbox(bytes.subarray(0, size)).ok).toBe(false)
  })

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof decodeOutbox(Uint8Array.of(1, ...bytes)).ok).toBe('boolean')
        expect(typeof decodeOutbox(bytes).ok).toBe('boolean')
      }),
    )
  })

  it('of a version to come is refused, not misread', () => {
    const bytes = encodeOutbox(emptyOutbox(chain, account))
    bytes[0] = 2
    expect(decodeOutbox(bytes)).toEqual({ ok: false, reason: 'the version of the outbox is unknown' })
  })

  it('of version 1 stays readable', () => {
    // As it was first released; every later version must read it.
    const stored: Hex = `0x${released}`
    expect(decodeOutbox(fromHex(stored))).toEqual({ ok: true, value: outboxOf({ 5: 'open' }) })
    expect(toHex(encodeOutbox(outboxOf({ 5: 'open' })))).toBe(stored)
  })
})

const released =
  '01f894820539941111111111111111111111111111111111111111f879f87705f84580a00000000000000000000000000000' +
  '00000000000000000000000000000000000080a0000000000000000000000000000000000000000000000000000000000000' +
  '000080eeeda00505050505050505050505050505050505050505050505050505050505050505050580c0c780825208c0c0c0' +
  'c0'
