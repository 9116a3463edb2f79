import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Change,
  type Channel,
  decodeMessage,
  encodeMessage,
  type Fault,
  type LiveChannel,
  type Message,
  messageBytesMax,
  ownTransaction,
  penaltyStep,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { fromHex, height, msats, sats, toHex } from '../../../../sdk/units.ts'
import { bytesOf, feed, live, opened, type Pair, pay, take } from './pair.ts'

/** Order of secp256k1 (SEC 2, section 2.4.1). */
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const preimage = bytesOf('preimage')
const add = (id: number, amount = 9_000_000n): Change => ({
  type: 'add',
  id,
  amount: msats(amount),
  paymentHash: sha256(preimage),
  expiry: height(600),
})
const propose = (...changes: Change[]) => ({ type: 'propose', changes }) as const
const message = (message: Message) => ({ type: 'message', message }) as const
type MessageOf<type extends Message['type']> = Extract<Message, { type: type }>

/** A step whose messages are not carried; its first. */
function hold<type extends Message['type']>(
  pair: Pair,
  side: Side,
  input: Parameters<typeof penaltyStep>[1],
): MessageOf<type> {
  return take(pair, side, penaltyStep(pair.channels[side], input, pair.secrets[side]))[0] as MessageOf<type>
}

/** What a side makes of a message: refused with a code, nothing changed, nothing signed, nothing told. */
function expectRefusal(pair: Pair, side: Side, hostile: Message, fault: Fault | null): void {
  const before = pair.channels[side]
  const broadcast = ownTransaction(before as LiveChannel, pair.secrets[side])
  const { channel, effects } = penaltyStep(before, message(hostile), pair.secrets[side])
  expect(channel, `${hostile.type} changed the channel`).toBe(before)
  const told = effects.flatMap((effect) => (effect.type === 'send' ? [effect.message.type] : [effect.type]))
  expect(told).toEqual(fault ? ['refused', 'refused'] : [])
  if (fault) expect(effects[0]).toEqual({ type: 'refused', fault })
  expect(ownTransaction(channel as LiveChannel, pair.secrets[side])).toEqual(broadcast)
}

function withHighS(signature: Uint8Array): Uint8Array {
  const s = order - BigInt(toHex(signature.subarray(32)))
  return Uint8Array.of(...signature.subarray(0, 32), ...fromHex(`0x${s.toString(16).padStart(64, '0')}`))
}

function flipped(bytes: Uint8Array, at = 5): Uint8Array {
  return bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
}

describe('a peer that breaks the rules', () => {
  let pair: Pair
  let commit: MessageOf<'commit'>
  beforeAll(() => {
    pair = opened({ pushed: 200_000n })
    feed(pair, 'opener', propose(pay(), add(0)))
    commit = hold(pair, 'opener', propose(pay(70_000n), add(1), add(2)))
  })

  it('with signatures that are not its own on this very commitment: wrong-signature', () => {
    const { signature, htlcs } = commit.signatures
    const wrong = [
      { signature: flipped(signature), htlcs },
      { signature: withHighS(signature), htlcs },
      { signature: new Uint8Array(64), htlcs },
      { signature: htlcs[0] as Uint8Array, htlcs },
      { signature, htlcs: htlcs.slice(1) },
      { signature, htlcs: [...htlcs, htlcs[0] as Uint8Array] },
      { signature, htlcs: [...htlcs].reverse() },
      { signature, htlcs: htlcs.map((one) => withHighS(one)) },
      { signature, htlcs: htlcs.map(() => signature) },
    ]
    for (const signatures of wrong) expectRefusal(pair, 'accepter', { ...commit, signatures }, 'wrong-signature')
  })

  it('with other amounts, hashes or expiries than it signed: wrong-signature', () => {
    const changes = commit.changes.map((change) => ({ ...change }))
    const other: Change[][] = [
      [pay(69_999n), ...changes.slice(1)],
      [pay(70_000n), add(1, 9_001_000n), add(2)],
      [pay(70_000n), { ...(add(1) as Extract<Change, { type: 'add' }>), expiry: height(601) }, add(2)],
      [pay(70_000n), { ...(add(1) as Extract<Change, { type: 'add' }>), paymentHash: bytesOf('x') }, add(2)],
      changes.slice(1),
    ]
    for (const changes of other) expectRefusal(pair, 'accepter', { ...commit, changes }, 'wrong-signature')
  })

  it('with a batch that no honest side proposes: its code', () => {
    const cases: readonly (readonly [Change[], Fault])[] = [
      [[], 'empty-batch'],
      [[pay(0n)], 'below-minimum'],
      [[add(3)], 'wrong-id'],
      [[add(0)], 'wrong-id'],
      [[{ type: 'fulfil', id: 0, preimage }], 'unknown-htlc'],
      [[{ type: 'fail', id: 7, reason: 'expired' }], 'unknown-htlc'],
      [[pay(999_000_000n)], 'insufficient'],
      [[pay(780_000_000n)], 'reserve'],
      [Array.from({ length: 8 }, (_, at) => add(1 + at)), 'too-many-htlcs'],
      [[add(1, 500_000_000n)], 'too-much-in-flight'],
    ]
    for (const [changes, fault] of cases) expectRefusal(pair, 'accepter', { ...commit, changes }, fault)
  })

  it('with more dust than anybody may lose: dust-exposure', () => {
    // A hundredth of the capacity is 2,000 sat here.
    const small = opened({ capacity: 200_000n })
    const dust = Array.from({ length: 6 }, (_, id) => add(id, 353_999n))
    expect(feed(small, 'opener', propose(...dust))).toEqual([{ type: 'refused', fault: 'dust-exposure' }])
    const honest = hold<'commit'>(small, 'opener', propose(...dust.slice(1).map((_, id) => add(id, 353_999n))))
    expectRefusal(small, 'accepter', { ...honest, changes: dust }, 'dust-exposure')
  })

  it('out of turn, out of order, or with a number that is not the next: its code, or nothing', () => {
    expectRefusal(pair, 'accepter', { ...commit, number: 3 }, 'wrong-number')
    expectRefusal(pair, 'accepter', { ...commit, number: 2 ** 41 }, 'wrong-number')
    expectRefusal(pair, 'accepter', { ...commit, number: 1 }, null)
    expectRefusal(pair, 'opener', { ...commit, number: 2 }, 'out-of-turn')
    const revocation = { number: 2, secret: bytesOf('s'), point: commit.signatures.signature.slice(0, 33) }
    const key = revocation.point
    expectRefusal(pair, 'accepter', { type: 'revoke', ...revocation, key }, 'out-of-order')
    expectRefusal(
      pair,
      'accepter',
      { type: 'answer', ...revocation, key, signatures: commit.signatures },
      'out-of-order',
    )
    expectRefusal(pair, 'accepter', { type: 'yield', turn: 2 }, null)
    expectRefusal(pair, 'accepter', { type: 'yield', turn: 7 }, null)
    expectRefusal(pair, 'opener', { type: 'yield', turn: 1 }, null)
  })

  it('before its last revocation has come: out-of-order', () => {
    const early = opened()
    const first = hold<'commit'>(early, 'opener', propose(pay()))
    hold(early, 'accepter', message(first))
    expectRefusal(early, 'accepter', { ...first, number: 2 }, 'out-of-order')
  })

  it('that answers with another secret, point or signature than is due: its code, and its proposal still stands', () => {
    const both: Pair = { ...pair, channels: { ...pair.channels } }
    const answer = hold<'answer'>(both, 'accepter', message(commit))
    expectRefusal(pair, 'opener', { ...answer, secret: flipped(answer.secret) }, 'wrong-secret')
    expectRefusal(pair, 'opener', { ...answer, secret: new Uint8Array(32) }, 'wrong-secret')
    expectRefusal(pair, 'opener', { ...answer, point: new Uint8Array(33) }, 'wrong-secret')
    expectRefusal(pair, 'opener', { ...answer, key: new Uint8Array(33) }, 'wrong-secret')
    const { signature, htlcs } = answer.signatures
    const wrong = [
      { signature: flipped(signature), htlcs },
      { signature, htlcs: [] },
      { signature, htlcs: [...htlcs].reverse() },
    ]
    for (const signatures of wrong) expectRefusal(pair, 'opener', { ...answer, signatures }, 'wrong-signature')
    const revoke = hold<'revoke'>({ ...both, channels: { ...both.channels } }, 'opener', message(answer))
    expectRefusal(both, 'accepter', { ...revoke, secret: flipped(revoke.secret) }, 'wrong-secret')
    expectRefusal(both, 'accepter', { ...revoke, number: 3 }, 'out-of-order')
    expect(live(pair, 'opener').exchange.state).toBe('proposed')
  })

  it('[TW34] that tells a revocation key of its own choice cannot revoke, and is given no HTLC', () => {
    const own = currentEngine().publicKey(bytesOf('its own'))
    const cheated = opened({ pushed: 100_000n })
    const first = hold<'commit'>(cheated, 'opener', propose(pay()))
    const answer = hold<'answer'>(cheated, 'accepter', message(first))
    const revoke = hold<'revoke'>(cheated, 'opener', message({ ...answer, key: own }))
    hold(cheated, 'accepter', message(revoke))
    expect(live(cheated, 'opener').points.next.key).toEqual(own)
    // An HTLC would stand under that key: no update with one is made.
    expect(feed(cheated, 'opener', propose(add(0)))).toEqual([{ type: 'refused', fault: 'wrong-key' }])
    // A payment is made, on a commitment that the honest program of the other side does not know.
    const second = hold<'commit'>(cheated, 'opener', propose(pay()))
    expectRefusal(cheated, 'accepter', second, 'wrong-signature')
    // Its secret does not take that commitment, so it is no revocation.
    const victim = opened({ pushed: 100_000n })
    const third = hold<'commit'>(victim, 'opener', propose(pay()))
    const honest = hold<'answer'>(victim, 'accepter', message(third))
    const { points } = live(victim, 'opener')
    const held = { ...live(victim, 'opener'), points: { ...points, current: { ...points.current, key: own } } }
    expectRefusal({ ...victim, channels: { ...victim.channels, opener: held } }, 'opener', honest, 'wrong-secret')
    expect(feed(victim, 'opener', message(honest)).map(({ type }) => type)).toEqual(['persist', 'send'])
  })

  it('that says the same HTLC hash twice: two HTLCs, each taken by its id', () => {
    const twins = opened()
    feed(twins, 'opener', propose(add(0), add(1)))
    feed(twins, 'accepter', { type: 'ask' })
    feed(twins, 'accepter', propose({ type: 'fulfil', id: 1, preimage }))
    expect(live(twins, 'opener').base.htlcs.map(({ id }) => id)).toEqual([0])
    feed(twins, 'accepter', propose({ type: 'fail', id: 0, reason: 'unknown-payment' }))
    expect(live(twins, 'opener').base.balance).toEqual({ opener: 991_000_000n, accepter: 9_000_000n })
  })

  it('that repeats everything it ever said changes nothing', () => {
    const old = opened({ pushed: 100_000n })
    feed(old, 'opener', propose(pay(), add(0)))
    feed(old, 'accepter', { type: 'ask' })
    feed(old, 'accepter', propose({ type: 'fulfil', id: 0, preimage }, pay(2_000n)))
    for (const side of ['opener', 'accepter'] as const) {
      const peer = side === 'opener' ? 'accepter' : 'opener'
      const before = live(old, side)
      for (const said of [...old.sent[peer]]) {
        const { channel, effects } = penaltyStep(old.channels[side], message(said), old.secrets[side])
        expect({ ...(channel as LiveChannel), session: null }, said.type).toEqual({ ...before, session: null })
        const types = effects.flatMap((effect) => (effect.type === 'send' ? [effect.message.type] : []))
        expect(types.filter((type) => type === 'commit' || type === 'closed')).toEqual([])
      }
    }
  })

  it('that closes at what is not its own: its code', () => {
    const fresh = opened()
    feed(fresh, 'opener', propose(pay()))
    const signature = new Uint8Array(64).fill(1)
    const closing = { type: 'closing', number: 1, fee: sats(300n), signature } as const
    expectRefusal(fresh, 'accepter', closing, 'not-open')
    feed(fresh, 'opener', { type: 'close', fee: null })
    expectRefusal(fresh, 'accepter', closing, 'wrong-signature')
    expectRefusal(fresh, 'accepter', { ...closing, number: 0 }, 'wrong-number')
    expectRefusal(fresh, 'accepter', { ...closing, fee: sats(1_000_000n) }, 'fee-too-high')
    expectRefusal(fresh, 'accepter', { ...closing, type: 'closed' }, null)
  })

  it('that says what belongs to another time: nothing, or its code', () => {
    const { draft } = live(pair, 'opener').opening
    const late: readonly (readonly [Message, Fault | null])[] = [
      [{ type: 'open', draft }, null],
      [{ type: 'accept', keys: draft.keys }, null],
      [{ type: 'decline', fault: 'busy' }, null],
      [{ type: 'ready' }, null],
      [{ type: 'funded', signature: new Uint8Array(64) }, null],
      [{ type: 'refused', number: 2, fault: 'not-open' }, null],
    ]
    for (const [said, fault] of late) expectRefusal(pair, 'accepter', said, fault)
  })

  it('with a message too long, or not authentic, is not read at all', () => {
    const channel: Channel = pair.channels.opener
    const id = `0x${'11'.repeat(32)}` as never
    expect(decodeMessage(new Uint8Array(messageBytesMax + 1)).ok).toBe(false)
    const bytes = encodeMessage({ channel: id, from: channel.own, message: commit }, bytesOf('key'))
    expect(bytes.length).toBeLessThan(1_000)
  })
})
