import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  answerHtlc,
  decodeHub,
  emptyHub,
  encodeHub,
  forwardsPerChannelMax,
  type Hub,
  type HubInput,
  hubStep,
  openPush,
  parcelBytes,
  sealPush,
  withCopies,
} from '../../../../sdk/channel/hub/index.ts'
import type { Htlc } from '../../../../sdk/channel/penalty/index.ts'
import { currentEngine, sha256 } from '../../../../sdk/crypto/engine.ts'
import { height, msats, sameBytes } from '../../../../sdk/units.ts'
import { bytesOf } from '../penalty/pair.ts'
import { channelIds, createWorld, hubTerms, runWorld, sendAll, tip, told } from './world.ts'

const [from, to] = channelIds
const preimage = bytesOf('preimage')
const order: HubInput = { type: 'order', order: { paymentHash: sha256(preimage), to } }
const incoming = (change: Partial<Htlc> = {}): Htlc => ({
  ...{ by: 'opener', id: 0, amount: msats(50_001_000n), paymentHash: sha256(preimage), expiry: height(300) },
  ...change,
})
const outgoing: Htlc = { ...incoming(), by: 'opener', amount: msats(50_000_000n), expiry: height(228) }
const offered = (htlc: Htlc): HubInput => ({
  ...{ type: 'noted', channel: from, own: 'accepter', tip },
  notes: [{ type: 'offered', htlc }],
})
const proposedOn: HubInput = {
  ...{ type: 'proposed', channel: to },
  changes: [{ ...outgoing, type: 'add', id: 0 }],
}
const notedOut = (
  note: { type: 'fulfilled'; preimage: Uint8Array } | { type: 'failed' },
  htlc = outgoing,
): HubInput => ({
  ...{ type: 'noted', channel: to, own: 'opener', tip },
  notes: [note.type === 'failed' ? { ...note, htlc, reason: 'unknown-payment' } : { ...note, htlc }],
})
const run = (...inputs: readonly HubInput[]): Hub =>
  inputs.reduce((hub, input) => hubStep(hub, input, hubTerms), emptyHub)
const stateOf = (hub: Hub) => hub.forwards[0]?.state

describe('a hub', () => {
  it('[HB3] passes on what pays it and leaves it time, and gives anything else back', () => {
    expect(run(order, offered(incoming())).forwards).toEqual([
      { from, htlc: incoming(), to, amount: 50_000_000n, expiry: 228, state: { kind: 'waiting' } },
    ])
    const back = (reason: string) => ({ kind: 'back', reason })
    expect(stateOf(run(offered(incoming())))).toEqual(back('no-way-on'))
    expect(stateOf(run(order, offered(incoming({ amount: msats(1_000n) }))))).toEqual(back('wrong-amount'))
    const soon = height(tip + hubTerms.deltaBlocks + hubTerms.leftBlocksMin - 1)
    expect(stateOf(run(order, offered(incoming({ expiry: soon }))))).toEqual(back('expires-too-soon'))
    const home: HubInput = { type: 'order', order: { paymentHash: sha256(preimage), to: from } }
    expect(stateOf(run(home, offered(incoming())))).toEqual(back('no-way-on'))
  })

  it('[HB1] [HB4] keeps what may be paid until it is settled, and what was paid for good', () => {
    const out = [order, offered(incoming()), proposedOn] as const
    expect(stateOf(run(...out))).toEqual({ kind: 'out', id: 0 })
    expect(stateOf(run(...out, notedOut({ type: 'fulfilled', preimage })))).toEqual({ kind: 'paid', preimage })
    expect(stateOf(run(...out, notedOut({ type: 'failed' })))).toEqual({ kind: 'back', reason: 'no-way-on' })
    // A late or false word of a failure changes nothing.
    const paid = run(...out, notedOut({ type: 'fulfilled', preimage }), notedOut({ type: 'failed' }))
    expect(stateOf(paid)).toEqual({ kind: 'paid', preimage })
  })

  it('[HB5] tells payments of one hash and amount apart by their numbers', () => {
    const second = { ...proposedOn, changes: [{ ...outgoing, type: 'add', id: 1 }] } as HubInput
    const hub = run(order, offered(incoming()), offered(incoming({ id: 1 })), proposedOn, second)
    const settled = hubStep(hub, notedOut({ type: 'fulfilled', preimage }, { ...outgoing, id: 1 }), hubTerms)
    expect(settled.forwards.map(({ state }) => state.kind)).toEqual(['out', 'paid'])
  })

  it('[HB6] learns from the chain what was paid there, and gives back what was not when all is over', () => {
    const out = run(order, offered(incoming()), proposedOn)
    const resolved = (isResolved: boolean, ...learned: readonly { htlc: Htlc; preimage: Uint8Array }[]): HubInput => ({
      ...{ type: 'resolved', channel: to, own: 'opener' },
      resolution: { kind: 'peer', learned, isResolved },
    })
    expect(stateOf(hubStep(out, resolved(false), hubTerms))).toEqual({ kind: 'out', id: 0 })
    expect(stateOf(hubStep(out, resolved(true, { htlc: outgoing, preimage }), hubTerms))).toEqual({
      kind: 'paid',
      preimage,
    })
    expect(stateOf(hubStep(out, resolved(true), hubTerms))).toEqual({ kind: 'back', reason: 'no-way-on' })
    // HB11: of a state that this side does not know, it may have been paid.
    const unknown: HubInput = {
      ...{ type: 'resolved', channel: to, own: 'opener' },
      resolution: { kind: 'newer', learned: [], isResolved: true },
    }
    expect(stateOf(hubStep(out, unknown, hubTerms))).toEqual({ kind: 'out', id: 0 })
    expect(stateOf(hubStep(run(order, offered(incoming())), unknown, hubTerms))?.kind).toBe('back')
  })

  it('[HB11] believes the copy that is furthest on, and about numbers only that of the channel which has them', () => {
    const waiting = run(order, offered(incoming())).forwards
    const out = run(order, offered(incoming()), proposedOn).forwards
    const paid = run(order, offered(incoming()), proposedOn, notedOut({ type: 'fulfilled', preimage })).forwards
    const told = (incomingSays: Hub['forwards'], outgoingSays: Hub['forwards']) =>
      [
        withCopies(emptyHub, [
          { channel: from, forwards: incomingSays },
          { channel: to, forwards: outgoingSays },
        ]),
        withCopies(withCopies(emptyHub, [{ channel: to, forwards: outgoingSays }]), [
          { channel: from, forwards: incomingSays },
        ]),
      ].map((hub) => hub.forwards.map(({ state }) => state.kind).join())
    expect(told(waiting, [])).toEqual(['unsure', 'unsure'])
    expect(told(out, waiting)).toEqual(['unsure', 'unsure'])
    expect(told(waiting, out)).toEqual(['out', 'out'])
    expect(told(paid, out)).toEqual(['paid', 'paid'])
    expect(told([], paid)).toEqual(['paid', 'paid'])
    const unsure = withCopies(emptyHub, [{ channel: from, forwards: out }])
    // Said again by the channel that pays it, it is the same; nothing is offered before it is known that nothing was.
    expect(hubStep(unsure, offered(incoming()), hubTerms)).toEqual(unsure)
    expect(() => hubStep(unsure, proposedOn, hubTerms)).toThrow('HB1')
    const resumed = hubStep(unsure, { type: 'resumed', channel: to }, hubTerms)
    expect(stateOf(hubStep(resumed, proposedOn, hubTerms))).toEqual({ kind: 'out', id: 0 })
  })

  it(`[HB3] passes on ${forwardsPerChannelMax} payments over one channel at the most, until they are over`, () => {
    const inputs = Array.from({ length: forwardsPerChannelMax + 1 }, (_, id) => offered(incoming({ id })))
    const { forwards } = run(order, ...inputs)
    expect(forwards.filter(({ state }) => state.kind === 'waiting')).toHaveLength(forwardsPerChannelMax)
    expect(forwards.at(-1)).toMatchObject({ to: from, state: { kind: 'back', reason: 'no-way-on' } })
  })

  it('reads its record as it wrote it, and nonsense never throws', () => {
    const hub = run(
      order,
      offered(incoming()),
      proposedOn,
      offered(incoming({ id: 1 })),
      offered(incoming({ id: 2, amount: msats(1n) })),
    )
    const paid = hubStep(hub, notedOut({ type: 'fulfilled', preimage }), hubTerms)
    for (const one of [emptyHub, hub, paid]) expect(decodeHub(encodeHub(one))).toEqual({ ok: true, value: one })
    const bytes = encodeHub(paid)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
        expect(typeof decodeHub(bytes.slice().fill(byte, at, at + 1)).ok).toBe('boolean')
        expect(decodeHub(bytes.subarray(0, at)).ok).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  it('pays or does not pay, both channels alike, whatever is lost, doubled, late or started again', {
    timeout: 60_000,
  }, () => {
    const seeds = Number(process.env.LANEKIT_HUB_SEEDS ?? 6)
    for (let seed = 1; seed <= seeds; seed++) {
      const world = createWorld(seed)
      try {
        runWorld(world, 45)
      } catch (error) {
        throw new Error(`Seed ${seed}: ${told(world)}`, { cause: error })
      }
    }
  })

  it('is found out when it is wrong', () => {
    const mutants: Readonly<Record<string, typeof hubStep>> = {
      'matches by hash': (hub, input, terms) => {
        if (input.type !== 'noted') return hubStep(hub, input, terms)
        const { notes } = input
        // Both of one hash at once, as a table by hash would have it.
        const all = hub.forwards.flatMap(({ state, htlc }) =>
          notes.flatMap((note) =>
            note.type === 'fulfilled' && state.kind === 'out' && sameBytes(htlc.paymentHash, note.htlc.paymentHash)
              ? [{ ...note, htlc: { ...note.htlc, id: state.id } }]
              : [],
          ),
        )
        return hubStep(hub, { ...input, notes: [...notes.filter(({ type }) => type !== 'fulfilled'), ...all] }, terms)
      },
      'forgets what it offered': (hub, input, terms) => (input.type === 'proposed' ? hub : hubStep(hub, input, terms)),
      'gives back what is out': (hub, input, terms) => {
        const next = hubStep(hub, input, terms)
        const forwards = next.forwards.map((one) =>
          one.state.kind === 'out' ? { ...one, state: { kind: 'back', reason: 'expired' } as const } : one,
        )
        return { ...next, forwards }
      },
    }
    const found = Object.entries(mutants).map(([name, mutant]) => {
      for (let seed = 1; seed <= 6; seed++) {
        const world = createWorld(seed, mutant)
        try {
          sendAll(world)
          runWorld(world, 0)
        } catch {
          return name
        }
      }
      return `${name} was not found`
    })
    expect(found).toEqual(Object.keys(mutants))
  })
})

describe('a payee', () => {
  it('[HB7] takes what it expects, in time, and no more than twice as much', () => {
    const at = { tip, leftBlocksMin: 40 }
    const expected = { preimage, amount: msats(50_000_000n) }
    const htlc = outgoing
    expect(answerHtlc(htlc, expected, at)).toEqual({ type: 'fulfil', id: 0, preimage })
    expect(answerHtlc({ ...htlc, amount: msats(100_000_001n) }, expected, at)).toMatchObject({ reason: 'wrong-amount' })
    expect(answerHtlc({ ...htlc, amount: msats(49_999_999n) }, expected, at)).toMatchObject({ reason: 'wrong-amount' })
    expect(answerHtlc({ ...htlc, expiry: height(tip + 39) }, expected, at)).toMatchObject({
      reason: 'expires-too-soon',
    })
    expect(answerHtlc(htlc, null, at)).toMatchObject({ reason: 'unknown-payment' })
    expect(answerHtlc(htlc, { preimage: bytesOf('other'), amount: null }, at)).toMatchObject({
      reason: 'unknown-payment',
    })
    expect(answerHtlc({ ...htlc, amount: msats(1n) }, { preimage, amount: null }, at)).toMatchObject({ type: 'fulfil' })
  })

  it('[HB8] alone reads a push, and no other one or changed one', () => {
    const secretKey = bytesOf('payee')
    const push = sealPush(currentEngine().publicKey(secretKey), preimage, bytesOf('once'))
    expect(push.parcel).toHaveLength(parcelBytes)
    expect(openPush(push, secretKey)).toEqual({ ok: true, value: preimage })
    expect(openPush(push, bytesOf('hub')).ok).toBe(false)
    expect(openPush({ ...push, paymentHash: bytesOf('other') }, secretKey).ok).toBe(false)
    fc.assert(
      fc.property(fc.nat(parcelBytes - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const parcel = push.parcel.map((byte, place) => (place === at ? byte ^ change : byte))
        expect(openPush({ ...push, parcel }, secretKey).ok).toBe(false)
      }),
      { numRuns: 40 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (parcel) => !openPush({ ...push, parcel }, secretKey).ok),
      { numRuns: 40 },
    )
  })
})
