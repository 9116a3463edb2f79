import { describe, expect, it } from 'vitest'
import { type ChainEffect, type ChainEvent, chainStatus, chainStep, chainWakeAt, type Offer } from '../../edge/chain.ts'
import type { Found, Inclusion, Outcome } from '../../edge/executor/port.ts'
import {
  acceptedCheckMs,
  plansKept,
  queuedMax,
  retentionMs,
  unknownPerSenderMax,
  windowTransactionsMax,
} from '../../edge/limits.ts'
import { footprintJson, footprintOf } from '../../edge/payload.ts'
import { batchId, blockHash, type TxHash } from '../../sdk/units.ts'
import { memoryChain } from './memory.ts'
import { itemOf, senders, worldConfig } from './world.ts'

const t0 = 1_700_000_000_000
const [alice, bob, carol] = senders as [(typeof senders)[0] & {}, (typeof senders)[0] & {}, (typeof senders)[0] & {}]
const { leaseMs } = worldConfig

/** One chain object: its rows, and a hand to feed it events. Taking `rows` along is what a crash leaves. */
function openChain(rows = memoryChain()) {
  let now = t0
  const feed = (event: { readonly [key: string]: unknown; readonly type: ChainEvent['type'] }) => {
    const step = chainStep(rows, { now, ...event } as ChainEvent, worldConfig)
    rows.apply(step.changes)
    return step
  }
  const effects = <type extends ChainEffect['type']>(type: type, list: readonly ChainEffect[]) =>
    list.filter((effect): effect is Extract<ChainEffect, { type: type }> => effect.type === type)
  const chain = {
    rows,
    feed,
    offer: (...offers: readonly Offer[]) => feed({ type: 'offers', shard: 0, offers, notices: [] }),
    /** A tick after a while. */
    later: (ms: number) => {
      now += ms
      return feed({ type: 'tick' }).effects
    },
    /** The next window's sendings, if one opens now. */
    window: (ms = 25) => {
      now += ms
      return effects('forward', feed({ type: 'tick' }).effects)[0]
    },
    /** Their hashes. */
    sent: (ms = 25) =>
      chain
        .window(ms)
        ?.lanes.flat()
        .map(({ hash }) => hash),
    outcome: (window: number, ...outcomes: readonly (readonly [TxHash, Outcome])[]) => {
      const step = feed({ type: 'outcomes', window, outcomes })
      feed({ type: 'sent', window })
      return step
    },
    found: (hash: TxHash, found: Found, fact = { latest: 0, final: 0 }) => {
      const row = rows.tx(hash)
      const lookUps = [{ hash, sender: row?.sender ?? alice, window: row?.window ?? 0 }]
      return feed({
        type: 'found',
        lookUps,
        found: new Map([[hash, found]]),
        nonces: new Map([[row?.sender ?? alice, fact]]),
      })
    },
    block: (number: number, hashes: readonly TxHash[], { branch = 0, finalized = -1 } = {}) => {
      const inclusions = hashes.map((hash, index): Inclusion => inclusionOf(hash, number, branch, index))
      const entry = { number, hash: blockOf(number, branch), parentHash: blockOf(number - 1, branch), inclusions }
      return feed({ type: 'progress', progress: { blocks: [entry], isGap: false, finalized } })
    },
    states: (...offers: readonly Offer[]) => offers.map(({ hash }) => chainStatus(rows, hash)?.state),
    log: () => rows.events().map(({ hash, status }) => [hash, status.state]),
    now: () => now,
    effects,
  }
  return chain
}

function blockOf(number: number, branch = 0) {
  return blockHash(`0x${number.toString(16).padStart(60, '0')}${branch.toString(16).padStart(4, '0')}`)
}

function inclusionOf(hash: TxHash, blockNumber: number, branch = 0, index = 0): Inclusion {
  return { hash, blockNumber, blockHash: blockOf(blockNumber, branch), index, succeeded: true, gasUsed: 21_000 }
}

function offerOf(wish: Parameters<typeof itemOf>[0] & { readonly base?: number; readonly gas?: number }): Offer {
  const { hash, sender, nonce, maxFeePerGas, raw, ...rest } = itemOf(wish)
  const footprint = footprintOf(rest)
  const gas = wish.gas ?? footprint.gas
  return {
    hash,
    sender,
    nonce,
    base: wish.base ?? 0,
    sequence: 0,
    maxFeePerGas,
    raw,
    footprintJson: footprintJson({ ...footprint, gas }),
  }
}

const accepted = { kind: 'accepted' } as const
const poor = { kind: 'rejected', code: 'insufficient-funds', detail: 'No money.' } as const

describe('windows', () => {
  it('closes 25 ms after the first offer, and merges the offers of all wallets', () => {
    const chain = openChain()
    chain.offer(offerOf({ sender: alice, nonce: 0 }))
    expect(chain.window(24)).toBeUndefined()
    chain.offer(offerOf({ sender: bob, nonce: 0 }))
    expect(chainWakeAt(chain.rows)).toBe(t0 + 25)
    expect(chain.window(1)?.lanes.flat()).toHaveLength(2)
  })

  it('puts senders that share nothing into different lanes of one window, and keeps what was planned', () => {
    const chain = openChain()
    const offers = [offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: bob, nonce: 0 })]
    chain.offer(...offers)
    expect(chain.window()?.lanes).toHaveLength(2)
    expect(chain.rows.windows()).toMatchObject([{ window: 1, transactions: 2, lanes: 2, criticalPathGas: 21_000 }])
    const lanes = offers.map(({ hash }) => chain.rows.tx(hash)?.lane)
    expect(new Set(lanes).size).toBe(2)
  })

  it('tells why each transaction of a plan waits, and keeps the plans of the last windows only', () => {
    const chain = openChain()
    chain.offer(offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: alice, nonce: 1 }))
    chain.window()
    const [plan] = chain.rows.plans()
    expect(
      plan?.transactions.map(({ waits, waitsLeftOut }) => [waits.map(({ index }) => index), waitsLeftOut]),
    ).toEqual([
      [[], 0],
      [[0], 0],
    ])
    expect(plan?.transactions[1]?.waits[0]?.reason).toMatch(/^1 waits for 0 because of the nonce of 0x/)
    const rows = memoryChain()
    for (let window = 1; window <= plansKept + 3; window++)
      rows.apply([{ put: 'plan', row: { window, transactions: [] } }])
    expect(rows.plans().map(({ window }) => window)).toEqual(Array.from({ length: plansKept }, (_, at) => at + 4))
  })

  it('closes at once when it is full', () => {
    const chain = openChain()
    const many = Array.from({ length: windowTransactionsMax + 1 }, (_, nonce) => offerOf({ sender: alice, nonce }))
    chain.offer(...many)
    expect(chain.window(0)?.lanes.flat()).toHaveLength(windowTransactionsMax)
    expect(chain.rows.head().queued).toBe(1)
  })

  it('is bounded in gas, but never empty for it', () => {
    const chain = openChain()
    chain.offer(
      offerOf({ sender: alice, nonce: 0, gas: 29_000_000 }),
      offerOf({ sender: bob, nonce: 0, gas: 2_000_000 }),
      offerOf({ sender: carol, nonce: 0, gas: 40_000_000 }),
    )
    expect(chain.window()?.lanes.flat()).toHaveLength(1)
    chain.feed({ type: 'sent', window: 1 })
    expect(chain.window(0)?.lanes.flat()).toHaveLength(1)
    chain.feed({ type: 'sent', window: 2 })
    expect(chain.window(0)?.lanes.flat()).toHaveLength(1)
  })

  it('opens the next one only after the last one was sent', () => {
    const chain = openChain()
    chain.offer(offerOf({ sender: alice, nonce: 0 }))
    chain.window()
    chain.offer(offerOf({ sender: bob, nonce: 0 }))
    expect(chain.window(100)).toBeUndefined()
    chain.feed({ type: 'sent', window: 1 })
    expect(chain.window(0)?.lanes.flat()).toHaveLength(1)
  })

  it("keeps a sender's nonces in order, also when they are offered in another", () => {
    const chain = openChain()
    const [first, second] = [offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: alice, nonce: 1 })]
    chain.offer(second, first)
    expect(chain.sent()).toEqual([first.hash, second.hash])
    expect(chain.rows.tx(second.hash)?.status).toMatchObject({ state: 'planned', waitsFor: [first.hash] })
  })

  it('gives unknown access windows of its own, so that it does not join the lanes of others', () => {
    const chain = openChain()
    const unknown = Array.from({ length: unknownPerSenderMax + 2 }, (_, nonce) =>
      offerOf({ sender: carol, nonce, source: 'unknown' }),
    )
    chain.offer(...unknown, offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: bob, nonce: 0 }))
    expect(chain.window()?.lanes).toHaveLength(2)
    chain.feed({ type: 'sent', window: 1 })
    chain.offer(offerOf({ sender: alice, nonce: 1 }))
    // The quota of one sender, in turn with the others, whoever keeps offering.
    expect(chain.window(0)?.lanes.map((lane) => lane.length)).toEqual([unknownPerSenderMax])
  })

  it('hands a queued transaction back when the nonce before it is gone', () => {
    const chain = openChain()
    const [first, second] = [offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: alice, nonce: 1 })]
    chain.offer(first, second)
    chain.window()
    chain.outcome(1, [first.hash, poor], [second.hash, { kind: 'unsent' }])
    const settlements = chain
      .effects('deliver', [...chain.later(0), ...chain.later(0)])
      .flatMap((effect) => effect.settlements)
    expect(settlements).toMatchObject([
      { hash: first.hash, status: { state: 'rejected', code: 'insufficient-funds' } },
      { hash: second.hash, status: { state: 'held', missingNonce: 0 } },
    ])
    expect(chain.rows.txs()).toEqual([])
  })

  it('refuses offers beyond its bound by not taking them', () => {
    const chain = openChain()
    chain.rows.apply([{ put: 'head', row: { ...chain.rows.head(), queued: queuedMax } }])
    const offer = offerOf({ sender: alice, nonce: 0 })
    expect(chain.offer(offer).taken).toEqual([])
    expect(chain.rows.tx(offer.hash)).toBeUndefined()
  })
})

describe('the crash matrix, from the hop between shard and chain on', () => {
  it('[CR14] the offer arrives twice: it is taken once, and acknowledged twice', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    expect(chain.offer(offer).taken).toEqual(chain.offer(offer).taken)
    expect(chain.rows.txs()).toHaveLength(1)
    expect(chain.log()).toEqual([[offer.hash, 'queued']])
  })

  it('[CR6] dies before the window closes: the rows say when to tick, and the window opens', () => {
    const before = openChain()
    before.offer(offerOf({ sender: alice, nonce: 0 }))
    const after = openChain(before.rows)
    expect(chainWakeAt(after.rows)).not.toBeNull()
    expect(after.window()?.lanes.flat()).toHaveLength(1)
  })

  it('[CR7] dies after the lease was written, before the sending: nothing is sent again while the lease lives', () => {
    const before = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    before.offer(offer)
    before.window()
    const after = openChain(before.rows)
    expect(after.later(leaseMs).some(({ type }) => type === 'forward' || type === 'lookUp')).toBe(false)
    const [lookUp] = after.effects('lookUp', after.later(25))
    expect(lookUp?.lookUps).toEqual([{ hash: offer.hash, sender: alice, window: 1 }])
    after.found(offer.hash, { kind: 'missing' })
    const again = after.window(0)
    expect(again?.lanes.flat()).toMatchObject([{ hash: offer.hash, sender: alice, raw: offer.raw }])
  })

  it('[CR8] dies after the executor took it, before the reply: the hash is found, and nothing is sent again', () => {
    const before = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    before.offer(offer)
    before.window()
    const after = openChain(before.rows)
    after.later(leaseMs + 25)
    after.found(offer.hash, { kind: 'pooled' })
    expect(after.states(offer)).toEqual(['accepted'])
    expect(after.window(60)).toBeUndefined()
  })

  it('[CR8] the reply is lost: unknown is never a failure, and the executor gets a rest', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, { kind: 'unknown' }])
    expect(chain.states(offer)).toEqual(['planned'])
    expect(chain.rows.head().pausedUntil).toBeGreaterThan(chain.now())
    expect(chain.rows.tx(offer.hash)?.dueAt).toBe(chain.now() + leaseMs)
  })

  it('[CR8] the executor says the nonce is used: our hash in a block is success', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, { kind: 'stale' }])
    chain.found(offer.hash, { kind: 'included', inclusion: inclusionOf(offer.hash, 7) })
    expect(chain.states(offer)).toEqual(['included'])
  })

  it('[CR8] the executor says the nonce is used, by others: that ends it only when those are final', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, { kind: 'stale' }])
    chain.found(offer.hash, { kind: 'missing' }, { latest: 1, final: 0 })
    expect(chain.states(offer)).toEqual(['planned'])
    chain.found(offer.hash, { kind: 'missing' }, { latest: 1, final: 1 })
    expect(chainStatus(chain.rows, offer.hash)).toMatchObject({ state: 'rejected', code: 'nonce-too-low' })
  })

  it('[CR20] an offer that arrives after its sender has stopped it is not taken', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.feed({ type: 'cancel', wish: { hash: offer.hash, sender: alice, nonce: 0, shard: 0 } })
    expect(chain.offer(offer).taken).toHaveLength(1)
    expect(chain.rows.txs()).toEqual([])
    expect(chain.rows.outbox(offer.hash)?.status).toMatchObject({ state: 'rejected', code: 'cancelled' })
    // After its shard has heard of it, the same bytes are wanted anew.
    chain.offer({ ...offer, sequence: chain.rows.head().sequence })
    expect(chain.states(offer)).toEqual(['queued'])
  })

  it('nothing is stopped once it may have left', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    const wish = { hash: offer.hash, sender: alice, nonce: 0, shard: 0 }
    chain.offer(offer)
    chain.window()
    expect(
      chain.feed({ type: 'cancel', wish }).changes.filter((change) => 'put' in change && change.put === 'event'),
    ).toEqual([])
    chain.outcome(1, [offer.hash, { kind: 'unknown' }])
    chain.later(leaseMs)
    chain.found(offer.hash, { kind: 'missing' })
    expect(chain.states(offer)).toEqual(['queued'])
    chain.feed({ type: 'cancel', wish })
    expect(chain.states(offer)).toEqual(['queued'])
  })

  it('a nonce in doubt does not hold up later ones that the chain has gone past', () => {
    const chain = openChain()
    const [first, second] = [offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: alice, nonce: 1 })]
    chain.offer(first)
    chain.window()
    chain.outcome(1, [first.hash, { kind: 'stale' }])
    chain.offer(second)
    expect(chain.window(60)).toBeUndefined()
    chain.found(first.hash, { kind: 'missing' }, { latest: 1, final: 0 })
    expect(chain.sent(0)).toEqual([second.hash])
  })

  it('a definite no to a first sending ends it at once', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, poor])
    expect(chainStatus(chain.rows, offer.hash)).toEqual({ state: 'rejected', code: poor.code, detail: poor.detail })
    expect(chain.rows.payload(offer.hash)).toBeUndefined()
  })

  it('[CR8] a definite no to bytes that may have been sent before is checked by hash first', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.later(leaseMs)
    chain.found(offer.hash, { kind: 'missing' })
    const again = chain.window(0)
    chain.outcome(again?.window ?? 0, [offer.hash, poor])
    expect(chain.states(offer)).toEqual(['planned'])
    chain.found(offer.hash, { kind: 'included', inclusion: inclusionOf(offer.hash, 7) })
    expect(chain.states(offer)).toEqual(['included'])
  })

  it('[CR9] the executor forgets what it accepted: it is looked up, and the same bytes go again', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, accepted])
    expect(chain.effects('lookUp', chain.later(acceptedCheckMs))).toHaveLength(1)
    chain.found(offer.hash, { kind: 'missing' })
    expect(
      chain
        .window(0)
        ?.lanes.flat()
        .map(({ raw }) => raw),
    ).toEqual([offer.raw])
  })

  it('an answer to an old look-up changes nothing once the bytes are leased anew', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.later(leaseMs)
    const old = [{ hash: offer.hash, sender: alice, window: 1 }]
    chain.found(offer.hash, { kind: 'missing' })
    chain.window(0)
    const found = new Map([[offer.hash, { kind: 'missing' }]])
    chain.feed({ type: 'found', lookUps: old, found, nonces: new Map([[alice, { latest: 0, final: 0 }]]) })
    expect(chain.states(offer)).toEqual(['planned'])
  })

  it('nor once they have come back unsent, and are leased for the first time again', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    const [asked] = chain.effects('lookUp', chain.later(leaseMs + 25))
    chain.outcome(1, [offer.hash, { kind: 'unsent' }])
    chain.window(0)
    expect(chain.rows.tx(offer.hash)).toMatchObject({ window: 2, attempts: 1 })
    const found = new Map([[offer.hash, { kind: 'missing' }]]) as ReadonlyMap<TxHash, Found>
    const nonces = new Map([[alice, { latest: 0, final: 0 }]])
    chain.feed({ type: 'found', lookUps: asked?.lookUps ?? [], found, nonces })
    expect(chain.states(offer)).toEqual(['planned'])
    expect(chain.effects('forward', chain.later(25))).toEqual([])
  })

  it('[CR15] inclusion reaches the shard through an outbox that survives until it is acknowledged', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, accepted])
    chain.block(7, [offer.hash])
    const [first] = chain.effects('deliver', chain.later(0))
    const again = openChain(chain.rows)
    const [second] = again.effects('deliver', again.later(60_000))
    expect(second?.settlements).toMatchObject(
      first?.settlements.map(({ hash, sequence }) => ({ hash, sequence })) ?? [{}],
    )
    again.feed({ type: 'delivered', settlements: second?.settlements ?? [] })
    expect(again.effects('deliver', again.later(60_000))).toEqual([])
  })

  it('[CR16] a late acknowledgement does not swallow newer news', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.block(7, [offer.hash])
    const [first] = chain.effects('deliver', chain.later(0))
    chain.block(8, [], { finalized: 7 })
    chain.feed({ type: 'delivered', settlements: first?.settlements ?? [] })
    expect(chain.rows.outbox(offer.hash)?.status.state).toBe('finalized')
  })

  it('[CR10] a reorganisation before finality puts it back in line, and it is sent again', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, accepted])
    chain.block(7, [offer.hash])
    chain.block(7, [], { branch: 1 })
    expect(chain.states(offer)).toEqual(['queued'])
    expect(chain.rows.outbox(offer.hash)?.status.state).toBe('queued')
    expect(chain.sent(0)).toEqual([offer.hash])
  })

  it('a reorganisation that includes it elsewhere moves it there', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.block(7, [offer.hash])
    chain.block(7, [offer.hash], { branch: 1 })
    expect(chainStatus(chain.rows, offer.hash)).toMatchObject({ state: 'included', blockHash: blockOf(7, 1) })
  })

  it('is final only in the block that stands at its height, and is then let go', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.block(7, [offer.hash])
    chain.block(8, [], { finalized: 7 })
    expect(chainStatus(chain.rows, offer.hash)).toMatchObject({ state: 'finalized', blockNumber: 7 })
    expect(chain.rows.txs()).toEqual([])
    expect(chain.rows.head()).toMatchObject({ open: 0, pollAt: null, tip: null })
  })

  it('after a gap in the blocks, finality is asked for by hash', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.block(7, [offer.hash])
    const block = { number: 90, hash: blockOf(90), parentHash: blockOf(89), inclusions: [] }
    chain.feed({ type: 'progress', progress: { blocks: [block], isGap: true, finalized: 80 } })
    expect(chain.states(offer)).toEqual(['included'])
    expect(chain.effects('lookUp', chain.later(0))).toHaveLength(1)
    chain.found(offer.hash, { kind: 'included', inclusion: inclusionOf(offer.hash, 7) })
    expect(chain.states(offer)).toEqual(['finalized'])
  })

  it('old news of blocks, arriving late, takes nothing back', () => {
    const chain = openChain()
    const [first, second] = [offerOf({ sender: alice, nonce: 0 }), offerOf({ sender: bob, nonce: 0 })]
    chain.offer(first, second)
    chain.window()
    chain.block(7, [first.hash])
    chain.block(8, [second.hash])
    chain.block(7, [first.hash])
    expect(chain.states(first, second)).toEqual(['included', 'included'])
  })
})

describe('several transactions with one nonce', () => {
  const cheap = offerOf({ sender: alice, nonce: 0, fee: 100n })
  const dear = offerOf({ sender: alice, nonce: 0, fee: 120n })

  it('sends only the one that pays most', () => {
    const chain = openChain()
    chain.offer(cheap, dear)
    expect(chain.sent()).toEqual([dear.hash])
  })

  it('ends the others when one is in a block, whichever it is', () => {
    const chain = openChain()
    chain.offer(cheap)
    chain.window()
    chain.outcome(1, [cheap.hash, accepted])
    chain.offer(dear)
    chain.block(7, [cheap.hash])
    expect(chainStatus(chain.rows, dear.hash)).toEqual({ state: 'replaced', by: cheap.hash })
    expect(chain.window(60)).toBeUndefined()
    chain.block(8, [], { finalized: 7 })
    expect(chain.rows.txs()).toEqual([])
  })

  it('goes back to the one before when the dearer one is refused', () => {
    const chain = openChain()
    chain.offer(cheap, dear)
    chain.window()
    chain.outcome(1, [dear.hash, poor])
    expect(chain.sent(0)).toEqual([cheap.hash])
  })

  it('[CR10] revives the loser when the winner is reorganised away', () => {
    const chain = openChain()
    chain.offer(cheap, dear)
    chain.window()
    chain.outcome(1, [dear.hash, accepted])
    chain.block(7, [cheap.hash])
    chain.block(7, [], { branch: 1 })
    expect(chain.states(cheap, dear)).toEqual(['queued', 'queued'])
    expect(chain.sent(leaseMs)).toEqual([dear.hash])
  })

  /** The dear one is on its way, and loses to the cheap one, which a block has. */
  const lostUnderLease = () => {
    const chain = openChain()
    chain.offer(cheap, dear)
    chain.window()
    chain.outcome(1, [dear.hash, { kind: 'unknown' }])
    chain.block(7, [cheap.hash])
    expect(chain.states(cheap, dear)).toEqual(['included', 'replaced'])
    return chain
  }

  it('[CR7] [CR10] the loser keeps its lease: its bytes may still arrive when the winner falls', () => {
    const chain = lostUnderLease()
    chain.block(7, [], { branch: 1 })
    expect(chain.states(cheap, dear)).toEqual(['queued', 'planned'])
    expect(chain.rows.outbox(dear.hash)?.status.state).toBe('planned')
    expect(chain.window(leaseMs - 1)).toBeUndefined()
    expect(chain.effects('lookUp', chain.later(1)).flatMap(({ lookUps }) => lookUps)).toMatchObject([
      { hash: dear.hash },
    ])
    chain.found(dear.hash, { kind: 'missing' })
    expect(chain.sent(0)).toEqual([dear.hash])
  })

  it('the end of its lease leaves a loser a loser, unless a block has it', () => {
    const chain = lostUnderLease()
    chain.later(leaseMs)
    chain.found(dear.hash, { kind: 'pooled' })
    expect(chain.states(cheap, dear)).toEqual(['included', 'replaced'])
    expect(chain.rows.tx(dear.hash)?.dueAt).toBeNull()
    const other = lostUnderLease()
    other.later(leaseMs)
    other.found(dear.hash, { kind: 'included', inclusion: inclusionOf(dear.hash, 7, 1) })
    expect(other.states(cheap, dear)).toEqual(['replaced', 'included'])
  })

  it('[CR10] revives the loser when the winner is found in the pool again', () => {
    const chain = openChain()
    chain.offer(cheap)
    chain.window()
    chain.outcome(1, [cheap.hash, { kind: 'included', inclusion: inclusionOf(cheap.hash, 7, 0, 0) }])
    chain.offer(dear)
    expect(chain.states(cheap, dear)).toEqual(['included', 'replaced'])
    chain.found(cheap.hash, { kind: 'pooled' })
    expect(chain.states(cheap, dear)).toEqual(['accepted', 'queued'])
  })
})

describe('offers of what has ended here', () => {
  it('answers an old message by the settlement again', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.block(7, [offer.hash])
    chain.block(8, [], { finalized: 7 })
    const settled = chain.rows.outbox(offer.hash)
    chain.feed({ type: 'delivered', settlements: settled ? [settled] : [] })
    expect(chain.offer(offer).taken).toHaveLength(1)
    expect(chain.rows.outbox(offer.hash)).toEqual(settled && { ...settled, dueAt: chain.now() })
    expect(chain.rows.txs()).toEqual([])
  })

  it('tries a rejected one anew when the shard has heard of the rejection, and not before', () => {
    const chain = openChain()
    const offer = offerOf({ sender: alice, nonce: 0 })
    chain.offer(offer)
    chain.window()
    chain.outcome(1, [offer.hash, poor])
    chain.offer(offer)
    expect(chain.states(offer)).toEqual(['rejected'])
    chain.offer({ ...offer, sequence: chain.rows.outbox(offer.hash)?.sequence ?? 0 })
    expect(chain.states(offer)).toEqual(['queued'])
  })
})

describe('the log', () => {
  it('says what a shard tells of transactions it keeps, and registers batches without repeating', () => {
    const chain = openChain()
    const { hash, sender } = offerOf({ sender: alice, nonce: 3 })
    const batch = batchId(`0x${'0b'.repeat(32)}`)
    const status = { state: 'held', missingNonce: 2 } as const
    const members = [{ hash, sender, position: 0, status, sequence: 0 }]
    chain.feed({ type: 'register', batch, members })
    chain.feed({ type: 'register', batch, members })
    chain.feed({ type: 'offers', shard: 0, offers: [], notices: [{ hash, status: { state: 'expired' }, sequence: 0 }] })
    expect(chain.log()).toEqual([
      [hash, 'held'],
      [hash, 'expired'],
    ])
  })

  it('is cut off at the front, in bounded steps, when it is old', () => {
    const chain = openChain()
    chain.offer(offerOf({ sender: alice, nonce: 0 }))
    chain.window()
    chain.block(7, [offerOf({ sender: alice, nonce: 0 }).hash])
    chain.block(8, [], { finalized: 7 })
    expect(chainWakeAt(chain.rows)).toBeLessThan(t0 + 2 * retentionMs)
    chain.later(2 * retentionMs)
    expect(chain.rows.events()).toEqual([])
    expect(chain.rows.windows()).toEqual([])
    expect(chain.rows.account(alice)).toBeUndefined()
  })
})
