import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Beside,
  channelIdOf,
  decodeMessage,
  decodeTerms,
  draftOf,
  encodeMessage,
  encodeTerms,
  isAuthentic,
  keptAfter,
  linkKeyOf,
  type Message,
  messageBytesMax,
  nothingBeside,
  peerCopyBytesMax,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { encodeRlp, type RlpItem } from '../../../../sdk/rlp.ts'
import { height, msats, sats } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, drafted, feed, firstTerms, fundingFor, live, opened } from './pair.ts'

onFakeCurve()

/** One of each kind, as two sides have said them, or would. */
function everyMessage(): readonly Message[] {
  const setup = drafted()
  feed(setup, 'opener', { type: 'reconnected', random: bytesOf('r', 16) })
  feed(setup, 'opener', { type: 'funding', transaction: fundingFor(setup) })
  const pair = opened()
  const htlc = { amount: msats(9_000_000n), paymentHash: sha256(bytesOf('p')), expiry: height(600) }
  const changes = [
    { type: 'pay', amount: msats(1n), paymentId: bytesOf('id', 16) },
    { type: 'add', id: 0, ...htlc },
  ] as const
  feed(pair, 'opener', { type: 'propose', changes })
  feed(pair, 'accepter', { type: 'ask' })
  feed(pair, 'accepter', { type: 'propose', changes: [{ type: 'fail', id: 0, reason: 'no-way-on' }] })
  feed(pair, 'accepter', { type: 'reconnected', random: bytesOf('r', 16) })
  feed(pair, 'opener', { type: 'close', fee: sats(300n) })
  const extra: readonly Message[] = [
    { type: 'decline', fault: 'busy' },
    { type: 'ready' },
    { type: 'recall' },
    { type: 'refused', number: 3, fault: 'out-of-turn' },
    { type: 'order', paymentHash: bytesOf('p') },
    { type: 'ordered', paymentHash: bytesOf('p'), way: null },
    {
      type: 'ordered',
      paymentHash: bytesOf('p'),
      way: { node: firstTerms().nodeKey, fee: msats(1_000n), deltaBlocks: 72, leftBlocks: 40 },
    },
    { type: 'push', paymentHash: bytesOf('p'), payee: firstTerms().nodeKey, parcel: new Uint8Array(81) },
    {
      type: 'commit',
      number: 2 ** 42,
      changes: [{ type: 'fulfil', id: 2 ** 32 - 1, preimage: bytesOf('p') }],
      signatures: { signature: new Uint8Array(64), htlcs: [] },
    },
  ]
  return [...Object.values(setup.sent).flat(), ...Object.values(pair.sent).flat(), ...extra]
}

const linkKey = bytesOf('link')
const channel = () => channelIdOf(draftOf(drafted().channels.opener))

describe('a message', () => {
  it('of every kind is read as it was written, and is the same bytes each time', () => {
    const messages = everyMessage()
    expect(new Set(messages.map(({ type }) => type)).size).toBe(20)
    for (const message of messages) {
      const bytes = encodeMessage({ channel: channel(), from: 'accepter', message }, linkKey)
      expect(encodeMessage({ channel: channel(), from: 'accepter', message }, linkKey)).toEqual(bytes)
      const envelope = must(decodeMessage(bytes))
      expect(envelope).toMatchObject({ channel: channel(), from: 'accepter', message })
      expect(isAuthentic(envelope, linkKey)).toBe(true)
      expect(bytes.length).toBeLessThan(messageBytesMax)
    }
  })

  it('[TW50] has beside it a copy of each side and a wish, or nothing, and no copy that is too long', () => {
    const at = { channel: channel(), from: 'opener', message: { type: 'shutdown' } } as const
    const copy = (size: number) => ({ number: 2 ** 53 - 1, bytes: new Uint8Array(size).fill(7) })
    const told = (beside: Beside) => decodeMessage(encodeMessage({ ...at, beside }, linkKey))
    const full: Beside = { copy: copy(peerCopyBytesMax), returned: copy(peerCopyBytesMax), wish: 'closing' }
    const position = everyMessage().find(({ type }) => type === 'position') as Message
    const longest = encodeMessage({ ...at, message: position, beside: full }, linkKey)
    expect(longest.length).toBeLessThan(messageBytesMax)
    for (const beside of [
      full,
      nothingBeside,
      { ...nothingBeside, wish: 'copy' },
      { ...nothingBeside, copy: copy(1) },
    ] as const)
      expect(must(told(beside)).beside).toEqual(beside)
    expect(encodeMessage({ ...at, beside: nothingBeside }, linkKey)).toEqual(encodeMessage(at, linkKey))
    for (const size of [0, peerCopyBytesMax + 1])
      expect(told({ ...nothingBeside, returned: copy(size) }).ok).toBe(false)
    expect(keptAfter(copy(1), { ...nothingBeside, copy: { number: 3, bytes: copy(2).bytes } })).toEqual(copy(1))
  })

  it('[TW24] with any byte changed is not read, or not authentic', () => {
    const messages = everyMessage().filter(({ type }) => ['commit', 'position', 'yield'].includes(type))
    for (const message of messages.slice(0, 4)) {
      const bytes = encodeMessage({ channel: channel(), from: 'opener', message }, linkKey)
      for (let at = 0; at < bytes.length; at += 3) {
        const changed = bytes.slice()
        changed[at] = (changed[at] as number) ^ 1
        const envelope = decodeMessage(changed)
        expect(envelope.ok && isAuthentic(envelope.value, linkKey), `${message.type} ${at}`).toBe(false)
      }
    }
  })

  it('[TW24] is sealed by a key that both sides reach, and that no other channel has', () => {
    const pair = opened()
    const { draft } = live(pair, 'opener').opening
    const id = channelIdOf(draft)
    const secret = bytesOf('shared')
    expect(linkKeyOf(secret, id)).not.toEqual(linkKeyOf(secret, `0x${'00'.repeat(32)}` as never))
    expect(linkKeyOf(secret, id)).toHaveLength(32)
  })

  it('never makes its reader throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodeMessage(bytes).ok === 'boolean'))
    const leaf = fc.uint8Array({ maxLength: 70 })
    const { item } = fc.letrec<{ item: RlpItem }>((tie) => ({
      item: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('item'), { maxLength: 6 })),
    }))
    fc.assert(
      fc.property(fc.nat({ max: 20 }), item, (kind, body) => {
        const head = [
          Uint8Array.of(1),
          new Uint8Array(32),
          new Uint8Array(0),
          kind ? Uint8Array.of(kind) : new Uint8Array(0),
        ]
        const bytes = Uint8Array.of(...encodeRlp([...head, body]), ...new Uint8Array(16))
        return typeof decodeMessage(bytes).ok === 'boolean'
      }),
    )
    expect(decodeMessage(new Uint8Array(messageBytesMax + 1))).toEqual({ ok: false, reason: 'the message is too long' })
  })

  it('cut anywhere, or longer, is refused', () => {
    for (const message of everyMessage()) {
      const bytes = encodeMessage({ channel: channel(), from: 'opener', message }, linkKey)
      for (const size of [0, 1, 15, 16, 40, bytes.length - 17, bytes.length - 1])
        expect(decodeMessage(bytes.slice(0, size)).ok && size < bytes.length - 1, `${message.type} ${size}`).toBe(false)
      expect(decodeMessage(Uint8Array.of(...bytes, 0)).ok && false).toBe(false)
    }
  })
})

describe('terms', () => {
  it('are read as they were written, and refused where they contradict themselves', () => {
    const terms = firstTerms()
    expect(must(decodeTerms(encodeTerms(terms)))).toEqual(terms)
    expect(decodeTerms(encodeTerms({ ...terms, delayBlocks: 0 })).ok).toBe(false)
    expect(decodeTerms(encodeTerms({ ...terms, htlcsMax: 9 }))).toEqual({
      ok: false,
      reason: 'too many HTLCs are allowed',
    })
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => !decodeTerms(bytes).ok))
  })
})
