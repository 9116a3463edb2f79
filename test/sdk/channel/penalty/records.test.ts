import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Change,
  type Channel,
  decodeChannel,
  encodeChannel,
  type LiveChannel,
  penaltyStep,
  recordBytesMax,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, sats } from '../../../../sdk/units.ts'
import { must } from '../../bitcoin/must.ts'
import { onFakeCurve } from './fake.ts'
import { bytesOf, drafted, feed, fundingFor, live, opened, type Pair, proven, signed, take } from './pair.ts'

onFakeCurve()

const preimageOf = (id: number) => bytesOf(`preimage ${id}`)
const add = (id: number): Change => ({
  type: 'add',
  id,
  amount: msats(9_000_000n),
  paymentHash: sha256(preimageOf(id)),
  expiry: height(600_000),
})
const eight = (change: (id: number) => Change) => Array.from({ length: 8 }, (_, id) => change(id))

/** A channel of every phase and every state of an update. */
function everyChannel(): readonly Channel[] {
  const early = drafted()
  const all: Channel[] = [early.channels.opener, early.channels.accepter]
  feed(early, 'opener', { type: 'reconnected', random: bytesOf('r', 16) })
  all.push(early.channels.opener)
  all.push(penaltyStep(early.channels.opener, { type: 'abandon' }, early.secrets.opener).channel)
  all.push(
    penaltyStep(early.channels.opener, { type: 'funding', transaction: fundingFor(early) }, early.secrets.opener)
      .channel,
  )
  const funded = signed()
  feed(funded, 'opener', { type: 'chain', view: proven })
  all.push(funded.channels.opener, funded.channels.accepter)
  const pair = opened()
  feed(pair, 'opener', { type: 'propose', changes: [add(0)] })
  feed(pair, 'accepter', { type: 'learn', preimage: preimageOf(0) })
  all.push(pair.channels.opener, pair.channels.accepter)
  const [commit] = take(
    pair,
    'opener',
    penaltyStep(pair.channels.opener, { type: 'propose', changes: [add(1)] }, pair.secrets.opener),
  )
  all.push(pair.channels.opener)
  const answered = penaltyStep(
    pair.channels.accepter,
    { type: 'message', message: commit as never },
    pair.secrets.accepter,
  )
  all.push(answered.channel)
  for (const fee of [null, sats(300n)])
    all.push(penaltyStep(pair.channels.opener, { type: 'close', fee }, pair.secrets.opener).channel)
  all.push(penaltyStep(pair.channels.accepter, { type: 'force' }, pair.secrets.accepter).channel)
  const { shutdown: _, ...lost } = live(pair, 'opener') as Extract<Channel, { phase: 'open' }>
  all.push({ ...lost, phase: 'behind' })
  const closed = opened()
  feed(closed, 'accepter', { type: 'close', fee: null })
  feed(closed, 'opener', { type: 'close', fee: null })
  all.push(closed.channels.opener)
  const step = penaltyStep(closed.channels.opener, { type: 'close', fee: sats(250n) }, closed.secrets.opener)
  all.push(step.channel)
  feed(closed, 'opener', { type: 'close', fee: sats(200n) })
  all.push(closed.channels.opener, closed.channels.accepter)
  return all
}

/** A stored channel, without what is not stored. */
function storedPart(channel: Channel): unknown {
  const { session: _, draft: __, ...stored } = channel as Partial<LiveChannel> & { draft?: unknown }
  return stored
}

describe('a record', () => {
  it('of every phase is read as it was written', () => {
    const channels = everyChannel()
    expect(new Set(channels.map(({ phase }) => phase)).size).toBe(10)
    for (const channel of channels) {
      const bytes = encodeChannel(channel)
      const read = must(decodeChannel(bytes))
      expect(storedPart(read), channel.phase).toEqual(storedPart(channel))
      expect(encodeChannel(read)).toEqual(bytes)
    }
  })

  it('never makes its reader throw, and is refused when it is cut', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !decodeChannel(bytes).ok))
    for (const channel of everyChannel()) {
      const bytes = encodeChannel(channel)
      for (let at = 1; at < bytes.length; at += 41) expect(decodeChannel(bytes.slice(0, at)).ok).toBe(false)
    }
  })

  it('with a byte changed is another channel or none, and never throws', () => {
    const bytes = encodeChannel(live(opened(), 'opener'))
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 0x55
      const read = decodeChannel(changed)
      if (read.ok) expect(encodeChannel(read.value)).toEqual(changed)
    }
  })

  it('is refused when its amounts, or its secrets, are not those of its number', () => {
    const pair = opened()
    feed(pair, 'opener', { type: 'propose', changes: [add(0)] })
    const channel = live(pair, 'opener')
    const refusals = [
      { ...channel, base: { ...channel.base, balance: { ...channel.base.balance, opener: msats(1n) } } },
      { ...channel, secrets: [] },
      { ...channel, points: { ...channel.points, next: { point: new Uint8Array(33), key: null } } },
    ].map((one) => decodeChannel(encodeChannel(one as Channel)))
    expect(refusals).toEqual([
      { ok: false, reason: 'the amounts of the state contradict each other' },
      { ok: false, reason: 'the secrets of the state are not those of its number' },
      { ok: false, reason: 'a field of the state is malformed' },
    ])
  })

  it(`takes at most ${recordBytesMax} bytes, with every HTLC on both sides, a full batch in flight, and a million updates`, () => {
    const pair: Pair = opened({ capacity: 10_000_000n, pushed: 3_000_000n })
    feed(pair, 'opener', { type: 'propose', changes: eight(add) })
    feed(pair, 'accepter', { type: 'ask' })
    feed(pair, 'accepter', { type: 'propose', changes: eight(add) })
    for (let id = 0; id < 8; id++) feed(pair, 'accepter', { type: 'learn', preimage: preimageOf(id) })
    const secrets = Array.from({ length: 20 }, (_, at) => ({ index: 2 ** 48 - 1 - at, secret: bytesOf(`${at}`) }))
    const idle = live(pair, 'accepter')
    const changes = eight((id) => ({ type: 'fulfil', id, preimage: preimageOf(id) }))
    const busy = penaltyStep(idle, { type: 'propose', changes }, pair.secrets.accepter).channel as LiveChannel
    expect(busy.exchange.state).toBe('proposed')
    expect(busy.signatures.htlcs).toHaveLength(16)
    const size = encodeChannel({ ...busy, secrets }).length
    expect(size).toBeGreaterThan(3_000)
    expect(size).toBeLessThanOrEqual(recordBytesMax)
  })
})
