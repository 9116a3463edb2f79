import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { undeclared } from '../../../sdk/batch/index.ts'
import { blockHash, type TxHash, txHash, wei } from '../../../sdk/units.ts'
import {
  type Attempt,
  currentAttempt,
  type Intent,
  type IntentEvent,
  intentStep,
  isEnded,
  isVacant,
} from '../../../sdk/wallet/intent.ts'

const hashOf = (number: number): TxHash => txHash(`0x${number.toString(16).padStart(64, '0')}`)
const attemptOf = (number: number): Attempt => ({
  hash: hashOf(number),
  bytes: Uint8Array.of(number),
  declaration: undeclared(21_000),
  costMax: wei(1n),
  wish: 'send',
  refusal: null,
})
const blockOf = (number: number) => blockHash(`0x${number.toString(16).padStart(64, '0')}`)
const inclusionOf = (number: number, block = 5) => ({
  hash: hashOf(number),
  blockNumber: block,
  blockHash: blockOf(block),
  index: 0,
})
const refusal = { code: 'fee-too-low', detail: 'It is too low.' }

const open: Intent = { nonce: 7, attempts: [attemptOf(1)], phase: { name: 'open' } }
const replaced: Intent = { ...open, attempts: [attemptOf(1), attemptOf(2)] }
const refused: Intent = { ...open, attempts: [{ ...attemptOf(1), refusal }] }
const included: Intent = { ...open, phase: { name: 'included', ...inclusionOf(1) } }
const finalized: Intent = { ...open, phase: { name: 'finalized', ...inclusionOf(1) } }
const lost: Intent = { ...open, phase: { name: 'lost' } }

const isRefused: IntentEvent = { type: 'refused', hash: hashOf(1), refusal }
const isIncluded: IntentEvent = { type: 'included', inclusion: inclusionOf(1) }
const isReplaced: IntentEvent = { type: 'replaced', attempt: attemptOf(2) }

describe('the step of an intent', () => {
  const steps: readonly [rule: string, before: Intent, event: IntentEvent, after: Intent][] = [
    ['[OB11] a replacement is a further attempt', open, isReplaced, replaced],
    [
      '[OB5] a refused intent takes other bytes',
      refused,
      isReplaced,
      { ...refused, attempts: [refused.attempts[0], attemptOf(2)] },
    ],
    ['[OB5] a definite no is kept with its bytes', open, isRefused, refused],
    ['[OB6] a proven block includes', open, isIncluded, included],
    ['[OB6] a block speaks louder than a no', refused, isIncluded, included],
    [
      '[OB10] what a block held may be in another',
      included,
      { type: 'included', inclusion: inclusionOf(1, 6) },
      { ...open, phase: { name: 'included', ...inclusionOf(1, 6) } },
    ],
    ['[OB10] what the chain takes back is open again', included, { type: 'reorganized' }, open],
    ['[OB7] an inclusion becomes final', included, { type: 'finalized' }, finalized],
    ['[OB7] a nonce used by others for good is lost', open, { type: 'lost' }, lost],
  ]
  for (const [rule, before, event, after] of steps)
    it(rule, () => {
      expect(intentStep(before, event)).toEqual(after)
    })

  const stays: readonly [rule: string, before: Intent, event: IntentEvent][] = [
    ['known bytes are no replacement', replaced, isReplaced],
    ['[OB11] a decided nonce takes no replacement', included, isReplaced],
    ['the first no stays', refused, { ...isRefused, refusal: { code: 'other', detail: '' } }],
    ['a no after a block says nothing', included, isRefused],
    ['a no to unknown bytes says nothing', open, { ...isRefused, hash: hashOf(9) }],
    ['a block with unknown bytes says nothing', open, { type: 'included', inclusion: inclusionOf(9) }],
    ['an inclusion told twice is one', included, isIncluded],
    ['what was never included is not taken back', open, { type: 'reorganized' }],
    ['what is open is not final', open, { type: 'finalized' }],
    ['what is included is not lost', included, { type: 'lost' }],
  ]
  for (const [rule, before, event] of stays)
    it(`changes nothing: ${rule}`, () => {
      expect(intentStep(before, event)).toBe(before)
    })

  it('[OB7] an ended intent never changes', () => {
    const events: readonly IntentEvent[] = [
      isRefused,
      isIncluded,
      isReplaced,
      { type: 'reorganized' },
      { type: 'lost' },
      { type: 'finalized' },
    ]
    for (const ended of [finalized, lost]) for (const event of events) expect(intentStep(ended, event)).toBe(ended)
  })
})

describe('the bytes to send', () => {
  it('[OB8] are the last that were not refused', () => {
    expect(currentAttempt(open)?.hash).toBe(hashOf(1))
    expect(currentAttempt(replaced)?.hash).toBe(hashOf(2))
    const fallen = intentStep(replaced, { type: 'refused', hash: hashOf(2), refusal })
    expect(currentAttempt(fallen)?.hash).toBe(hashOf(1))
  })

  it('[OB5] are none when all were refused, which leaves the nonce vacant', () => {
    expect(currentAttempt(refused)).toBeUndefined()
    expect(isVacant(refused)).toBe(true)
    expect([open, included, finalized, lost].some(isVacant)).toBe(false)
  })

  it('are none once the nonce is used', () => {
    for (const intent of [included, finalized, lost]) expect(currentAttempt(intent)).toBeUndefined()
  })
})

describe('any history of an intent', () => {
  const numbers = fc.integer({ min: 1, max: 4 })
  const events: fc.Arbitrary<IntentEvent> = fc.oneof(
    numbers.map((number): IntentEvent => ({ type: 'replaced', attempt: attemptOf(number) })),
    numbers.map((number): IntentEvent => ({ type: 'refused', hash: hashOf(number), refusal })),
    fc
      .tuple(numbers, numbers)
      .map(([number, block]): IntentEvent => ({ type: 'included', inclusion: inclusionOf(number, block) })),
    fc.constantFrom<IntentEvent>({ type: 'reorganized' }, { type: 'finalized' }, { type: 'lost' }),
  )

  it('keeps nonce and bytes, takes each event twice as once, and stops at its end', () => {
    fc.assert(
      fc.property(fc.array(events, { maxLength: 30 }), (history) => {
        let intent = open
        for (const event of history) {
          const next = intentStep(intent, event)
          expect(next.nonce).toBe(7)
          expect(next.attempts.slice(0, intent.attempts.length).map(({ bytes }) => bytes)).toEqual(
            intent.attempts.map(({ bytes }) => bytes),
          )
          expect(intentStep(next, event)).toBe(next)
          if (isEnded(intent)) expect(next).toBe(intent)
          intent = next
        }
      }),
    )
  })
})
