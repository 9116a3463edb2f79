import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  channelOf,
  decodeMessage,
  encodeMessage,
  isAuthentic,
  isFromPayer,
  linkKeyOf,
  type Message,
  messageBytesMax,
} from '../../../sdk/channel/index.ts'
import { statuses } from '../../../sdk/channel/messages.ts'
import { openingFaults } from '../../../sdk/channel/opening.ts'
import { faults } from '../../../sdk/channel/update.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import { fromHex, sats } from '../../../sdk/units.ts'
import { channelId, opening, payeeSecret, payerSecret, signed, terms, update, withByte } from './fixtures.ts'

const linkKey = linkKeyOf(currentEngine().sharedSecret(payerSecret, terms.payeeKey), channelId)
const best = update(1, 400n)
const spent = sats(12n)
const messages: readonly Message[] = [
  { type: 'open', opening },
  { type: 'update', update: best },
  { type: 'close', channelId, number: 0, fee: sats(0n), signature: signed(sats(400n), sats(200n)) },
  ...openingFaults.map((fault): Message => ({ type: 'declined', channelId, fault })),
  ...statuses.map((status): Message => ({ type: 'standing', status, channelId, best, spent })),
  { type: 'standing', status: 'open', channelId, best: null, spent: sats(0n) },
  { type: 'ack', channelId, number: 1, paid: sats(400n), spent },
  ...faults.map((fault): Message => ({ type: 'refused', number: 1, fault, channelId, best, spent })),
]

describe('a message of a channel', () => {
  it.each(messages)('reads back as what it was: $type', (message) => {
    const read = envelopeOf(encodeMessage(message, linkKey))
    expect(read.message).toEqual(message)
    expect(channelOf(read.message)).toBe(channelId)
    expect(isFromPayer(read.message)).toBe(['open', 'update', 'close'].includes(message.type))
  })

  it('[OW16] is the same bytes each time', () => {
    for (const message of messages) expect(encodeMessage(message, linkKey)).toEqual(encodeMessage(message, linkKey))
  })

  it('[OW26] is authentic to either side, and to nobody else', () => {
    const theirs = linkKeyOf(currentEngine().sharedSecret(payeeSecret, opening.payerKey), channelId)
    const elsewhere = linkKeyOf(new Uint8Array(32), channelId)
    const read = envelopeOf(encodeMessage({ type: 'update', update: best }, linkKey))
    expect([linkKey, theirs, elsewhere].map((key) => isAuthentic(read, key))).toEqual([true, true, false])
  })

  it('[OW26] is not authentic with any byte of it changed', () => {
    for (const message of messages) {
      const bytes = encodeMessage(message, linkKey)
      for (let at = 0; at < bytes.length; at++) {
        const changed = withByte(bytes, at, (bytes[at] as number) ^ 1)
        const read = decodeMessage(changed)
        if (read.ok && isAuthentic(read.value, linkKey)) expect.fail(`byte ${at} of ${message.type} is not covered`)
      }
    }
  })

  it('has one encoding: what reads with bytes changed is encoded as it came', () => {
    const taken = fc.constantFrom(...messages.map((message) => encodeMessage(message, linkKey)))
    fc.assert(
      fc.property(taken, fc.nat(), fc.nat(255), (bytes, at, byte) => {
        const changed = withByte(bytes, at % bytes.length, byte)
        const read = decodeMessage(changed)
        if (read.ok) expect(encodeMessage(read.value.message, linkKey).slice(0, -16)).toEqual(read.value.covered)
      }),
      { numRuns: 300 },
    )
  })

  it('is never read from garbage, which never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeMessage(bytes).ok).toBe(false)
      }),
    )
  })

  it('is refused when it is longer than any can be', () => {
    expect(decodeMessage(new Uint8Array(messageBytesMax + 1))).toEqual({
      ok: false,
      reason: 'the message is too long',
    })
  })

  it('[OW6] is refused when an opening is sent under another channel', () => {
    const bytes = encodeMessage({ type: 'open', opening }, linkKey)
    const at = Buffer.from(bytes).indexOf(fromHex(channelId))
    expect(decodeMessage(withByte(bytes, at, (bytes[at] as number) ^ 1)).ok).toBe(false)
  })
})

function envelopeOf(bytes: Uint8Array) {
  const read = decodeMessage(bytes)
  if (!read.ok) throw new Error(read.reason)
  return read.value
}
