import { describe, expect, it } from 'vitest'
import type { Settlement } from '../../edge/chainRows.ts'
import type { Inclusion } from '../../edge/executor/port.ts'
import {
  handoverMax,
  handoverPatienceMs,
  handoverRestMs,
  handoverRetryMs,
  heldMsMax,
  nonceGapMax,
  rejectionMs,
  retentionMs,
  rowsPerSenderMax,
  rowsPerShardMax,
} from '../../edge/limits.ts'
import { openPace, type Turn } from '../../edge/pace.ts'
import {
  type Facts,
  type Item,
  questions,
  type ShardEffect,
  type ShardEvent,
  shardStep,
  shardWakeAt,
} from '../../edge/shard.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { type Address, blockHash, type TxHash } from '../../sdk/units.ts'
import { memoryShard } from './memory.ts'
import { itemOf, senders } from './world.ts'

const t0 = 1_700_000_000_000
const [alice, bob] = senders as [Address, Address]
const anyTime: Turn = { from: 0, most: handoverMax }
const nothing: Facts = { nonces: new Map(), inclusions: new Map() }

function nonces(...entries: readonly (readonly [Address, number])[]): Facts {
  return { nonces: new Map(entries), inclusions: new Map() }
}

/** One shard: its rows, and a hand to feed it events. Taking `rows` along is what a crash leaves. */
function openShard(rows = memoryShard(), turn = anyTime) {
  let now = t0
  let sequence = 0
  /** What steps before asked for, and nobody has done yet: it dies with the object. */
  let undone: readonly ShardEffect[] = []
  const feed = (event: ShardEvent) => {
    const step = shardStep(rows, event, turn)
    rows.apply(step.changes)
    return step
  }
  const shard = {
    rows,
    submit: (items: readonly Item[], facts = nonces([alice, 0], [bob, 0])) => {
      const { answers, effects } = feed({ type: 'submit', items, facts, now })
      undone = [...undone, ...effects]
      return answers
    },
    states: (items: readonly Item[], facts?: Facts) =>
      shard.submit(items, facts).map((answer) => (answer.ok ? answer.status.state : answer.code)),
    later: (ms: number): readonly ShardEffect[] => {
      now += ms
      const effects = [...undone, ...feed({ type: 'tick', now }).effects]
      undone = []
      return effects
    },
    /** What is handed over now. */
    offers: (ms = 0) => shard.later(ms).flatMap((effect) => (effect.type === 'offer' ? effect.offers : [])),
    notices: (ms = 0) => shard.later(ms).flatMap((effect) => (effect.type === 'offer' ? effect.notices : [])),
    /** Hands over everything that is due, and the chain object takes it. */
    handOver: () => {
      const offers = shard.offers()
      feed({
        type: 'taken',
        taken: offers.map(({ hash, sequence: at }) => ({ hash, state: 'queued', sequence: at })),
        now,
      })
      return offers
    },
    settle: ({ hash, sender, nonce }: Item, status: TxStatus, at = ++sequence) => {
      const settlement: Settlement = { hash, sender, nonce, status, sequence: at }
      return feed({ type: 'settled', settlements: [settlement], now })
    },
    facts: (facts: Facts) => feed({ type: 'facts', facts, now }),
    questions: (items: readonly Item[], facts = nothing) => questions(rows, items, facts, now),
    now: () => now,
    feed,
  }
  return shard
}

function inBlock(state: 'included' | 'finalized'): TxStatus {
  return {
    state,
    window: 1,
    lane: 0,
    blockNumber: 7,
    blockHash: blockHash(`0x${'07'.repeat(32)}`),
    index: 0,
    succeeded: true,
  }
}

function inclusionOf(hash: TxHash): Inclusion {
  return {
    hash,
    blockNumber: 7,
    blockHash: blockHash(`0x${'07'.repeat(32)}`),
    index: 2,
    succeeded: true,
    gasUsed: 21_000,
  }
}

describe('taking in', () => {
  it('[CR5] knows a hash: sent again it is answered by where it stands, and changes nothing', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 0 })
    shard.submit([item])
    shard.handOver()
    const before = shard.rows.rows()
    expect(shard.states([item])).toEqual(['queued'])
    expect(shard.rows.rows()).toEqual(before)
    shard.settle(item, inBlock('finalized'))
    expect(shard.states([item])).toEqual(['finalized'])
  })

  it('holds what is beyond a gap, says which nonce is missing, and lets it go when that comes', () => {
    const shard = openShard()
    const [first, third] = [itemOf({ sender: alice, nonce: 0 }), itemOf({ sender: alice, nonce: 2 })]
    expect(shard.submit([first, third])).toMatchObject([
      { status: { state: 'queued' } },
      { status: { state: 'held', missingNonce: 1 } },
    ])
    shard.offers()
    shard.submit([itemOf({ sender: alice, nonce: 1 })])
    expect(shard.offers().map(({ nonce }) => nonce)).toEqual([0, 1, 2])
  })

  it('lets a batch fill its own gaps, whatever its order', () => {
    const shard = openShard()
    const items = [2, 0, 1].map((nonce) => itemOf({ sender: alice, nonce }))
    expect(shard.states(items)).toEqual(['queued', 'queued', 'queued'])
  })

  it('refuses a nonce too far beyond the first missing one', () => {
    const shard = openShard()
    expect(shard.states([itemOf({ sender: alice, nonce: nonceGapMax })])).toEqual(['held'])
    expect(shard.states([itemOf({ sender: alice, nonce: nonceGapMax + 1 })])).toEqual(['nonce-gap-too-wide'])
  })

  it('below the chain, looks for the hash before it says no', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 3 })
    const facts = nonces([alice, 5])
    expect(shard.questions([item])).toEqual({ senders: [alice], hashes: [] })
    expect(shard.questions([item], facts)).toEqual({ senders: [], hashes: [item.hash] })
    const found = (inclusion: Inclusion | null) => ({ ...facts, inclusions: new Map([[item.hash, inclusion]]) })
    expect(shard.states([item], found(null))).toEqual(['nonce-too-low'])
    expect(shard.states([item], facts)).toEqual(['executor-unavailable'])
    expect(shard.rows.rows()).toEqual([])
    // In a block by another way: followed from here on like any other.
    expect(shard.states([item], found(inclusionOf(item.hash)))).toEqual(['queued'])
    expect(shard.rows.rows()).toMatchObject([{ hash: item.hash, stage: 'queued' }])
  })

  it('takes in without an executor, and decides when there is one', () => {
    const shard = openShard()
    const [first, third] = [itemOf({ sender: alice, nonce: 0 }), itemOf({ sender: alice, nonce: 2 })]
    expect(shard.states([first, third], nothing)).toEqual(['queued', 'queued'])
    expect(shard.later(1_000)).toEqual([{ type: 'ask', senders: [alice] }])
    shard.facts(nonces([alice, 0]))
    expect(shard.offers().map(({ hash }) => hash)).toEqual([first.hash])
    expect(shard.rows.row(third.hash)?.status).toEqual({ state: 'held', missingNonce: 1 })
  })

  it('asks for a nonce once, and again only when it matters', () => {
    const shard = openShard()
    shard.submit([itemOf({ sender: alice, nonce: 0 })])
    expect(shard.questions([itemOf({ sender: alice, nonce: 1 })]).senders).toEqual([])
    expect(shard.questions([itemOf({ sender: alice, nonce: 9 })]).senders).toEqual([])
    shard.later(1_000)
    expect(shard.questions([itemOf({ sender: alice, nonce: 9 })]).senders).toEqual([alice])
  })

  it('is bounded per sender and as a whole', () => {
    const shard = openShard()
    const many = Array.from({ length: rowsPerSenderMax + 1 }, (_, nonce) => itemOf({ sender: alice, nonce }))
    expect(shard.states(many).at(-1)).toBe('backpressure')
    shard.rows.apply([{ put: 'head', row: { live: rowsPerShardMax } }])
    expect(shard.states([itemOf({ sender: bob, nonce: 0 })])).toEqual(['backpressure'])
  })
})

describe('several hashes with one nonce', () => {
  const first = itemOf({ sender: alice, nonce: 0, fee: 101n })

  it('takes a replacement that pays a tenth more, rounded up', () => {
    const shard = openShard()
    shard.submit([first])
    expect(shard.states([itemOf({ sender: alice, nonce: 0, fee: 111n })])).toEqual(['fee-too-low'])
    expect(shard.states([itemOf({ sender: alice, nonce: 0, fee: 112n })])).toEqual(['queued'])
  })

  it('wants both fees raised', () => {
    const shard = openShard()
    shard.submit([first])
    const half = { ...itemOf({ sender: alice, nonce: 0, fee: 200n }), maxPriorityFeePerGas: 101n }
    expect(shard.states([half])).toEqual(['fee-too-low'])
  })

  it('keeps the first one: only the chain decides which of them wins', () => {
    const shard = openShard()
    const second = itemOf({ sender: alice, nonce: 0, fee: 200n })
    shard.submit([first, second])
    expect(shard.handOver().map(({ hash }) => hash)).toEqual([first.hash, second.hash])
    shard.settle(first, inBlock('finalized'))
    expect(shard.rows.row(second.hash)).toMatchObject({ stage: 'ended', status: { state: 'replaced', by: first.hash } })
  })

  it('makes no room once one is in a block', () => {
    const shard = openShard()
    shard.submit([first])
    shard.handOver()
    shard.settle(first, inBlock('included'))
    expect(shard.states([itemOf({ sender: alice, nonce: 0, fee: 900n })])).toEqual(['nonce-conflict'])
  })

  it('has the nonce free again after a rejection', () => {
    const shard = openShard()
    shard.submit([first])
    shard.handOver()
    shard.settle(first, { state: 'rejected', code: 'insufficient-funds', detail: 'No money.' })
    expect(shard.states([itemOf({ sender: alice, nonce: 0, fee: 1n })])).toEqual(['queued'])
  })
})

describe('handing over', () => {
  it('[CR13] dies before the offer is acknowledged: it is offered again', () => {
    const shard = openShard()
    shard.submit([itemOf({ sender: alice, nonce: 0 })])
    expect(shard.offers()).toHaveLength(1)
    const again = openShard(shard.rows)
    expect(again.offers(handoverRetryMs - 1)).toHaveLength(0)
    expect(again.offers(1)).toHaveLength(1)
  })

  it('offers a nonce with all before it that are not taken yet', () => {
    const shard = openShard()
    shard.submit([itemOf({ sender: alice, nonce: 0 })])
    shard.offers()
    shard.submit([itemOf({ sender: alice, nonce: 1 })])
    expect(shard.offers(1).map(({ nonce }) => nonce)).toEqual([0, 1])
  })

  it('bounds one message, and never cuts off the lower nonces', () => {
    const shard = openShard()
    shard.submit(Array.from({ length: handoverMax + 10 }, (_, nonce) => itemOf({ sender: alice, nonce })))
    const messages = shard.later(0).flatMap((effect) => (effect.type === 'offer' ? [effect.offers] : []))
    const lowest = Array.from({ length: handoverMax }, (_, nonce) => nonce)
    // Nobody has taken any of the first message when the second is made for the rest.
    expect(messages.map((offers) => offers.map(({ nonce }) => nonce))).toEqual([lowest, lowest])
  })

  it('says one thing after the other: what is due while a message is on its way waits for the answer', () => {
    const pace = openPace()
    pace.leave(t0)
    const shard = openShard(memoryShard(), pace.turn())
    shard.submit([itemOf({ sender: alice, nonce: 0 })])
    expect(shard.offers(handoverRetryMs)).toHaveLength(0)
    expect(shardWakeAt(shard.rows, pace.turn())).toBe(t0 + handoverPatienceMs)
    pace.answered(0, shard.now())
    expect(shardWakeAt(shard.rows, pace.turn())).toBe(shard.now())
    expect(openShard(shard.rows, pace.turn()).offers(handoverRetryMs)).toHaveLength(1)
  })

  it('tells a chain object that is full less and less, and more again once it takes', () => {
    const pace = openPace()
    const shard = () => openShard(memoryShard(), pace.turn())
    const items = Array.from({ length: handoverMax }, (_, nonce) => itemOf({ sender: alice, nonce }))
    const told = () => {
      const one = shard()
      one.submit(items)
      return one.later(0).flatMap((effect) => (effect.type === 'offer' ? [effect.offers.length] : []))[0]
    }
    const sizes = [told()]
    for (let times = 0; times < 6; times++) {
      pace.answered(1, t0 - handoverRestMs)
      sizes.push(told())
    }
    pace.answered(0, t0)
    expect([...sizes, told()]).toEqual([256, 128, 64, 32, 16, 16, 16, 32])
    pace.answered(1, t0)
    expect(told(), 'it rests').toBeUndefined()
  })

  it('[CR17] an acknowledgement from before a hand-back does not count as one of after', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 0 })
    shard.submit([item])
    shard.offers()
    shard.settle(item, { state: 'held', missingNonce: 0 })
    shard.feed({ type: 'taken', taken: [{ hash: item.hash, state: 'queued', sequence: 0 }], now: shard.now() })
    expect(shard.rows.row(item.hash)?.stage).toBe('queued')
    expect(shard.offers(handoverRetryMs)).toHaveLength(1)
  })

  it('an acknowledged notice is not an acknowledged offer', () => {
    const shard = openShard()
    const [first, third] = [itemOf({ sender: alice, nonce: 0 }), itemOf({ sender: alice, nonce: 2 })]
    shard.submit([first, third])
    shard.submit([itemOf({ sender: alice, nonce: 1 })])
    shard.feed({ type: 'taken', taken: [{ hash: third.hash, state: 'held', sequence: 0 }], now: shard.now() })
    expect(shard.rows.row(third.hash)?.stage).toBe('queued')
  })
})

describe('settlements', () => {
  it('[CR16] are taken once, and in the order of their sequence whatever the order of their arrival', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 0 })
    shard.submit([item])
    shard.handOver()
    shard.settle(item, inBlock('included'), 5)
    shard.settle(item, { state: 'queued' }, 4)
    expect(shard.rows.row(item.hash)?.status.state).toBe('included')
    shard.settle(item, { state: 'queued' }, 6)
    expect(shard.rows.row(item.hash)).toMatchObject({ stage: 'offered', status: { state: 'queued' } })
  })

  it('keep a nonce until it is final', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 0 })
    shard.submit([item])
    shard.handOver()
    shard.settle(item, inBlock('included'))
    expect(shard.rows.rowsOf(alice)).toHaveLength(1)
    shard.settle(item, inBlock('finalized'))
    expect(shard.rows.rowsOf(alice)).toHaveLength(0)
    expect(shard.rows.account(alice)?.final).toBe(1)
    expect(shard.states([itemOf({ sender: alice, nonce: 1 })], nothing)).toEqual(['queued'])
  })

  it('[CR17] hand back: what follows a missing nonce is held, and asked about', () => {
    const shard = openShard()
    const items = [0, 1].map((nonce) => itemOf({ sender: alice, nonce })) as [Item, Item]
    shard.submit(items)
    shard.handOver()
    shard.settle(items[0], { state: 'rejected', code: 'insufficient-funds', detail: 'No money.' })
    shard.settle(items[1], { state: 'held', missingNonce: 0 })
    expect(shard.rows.row(items[1].hash)).toMatchObject({ stage: 'held', status: { state: 'held', missingNonce: 0 } })
    expect(shard.later(1_000)).toContainEqual({ type: 'ask', senders: [alice] })
  })

  it('a nonce that a reorganisation gave back is missing again', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 1 })
    shard.submit([item], nonces([alice, 1]))
    shard.handOver()
    shard.settle(item, { state: 'held', missingNonce: 0 })
    expect(shard.rows.row(item.hash)?.status).toEqual({ state: 'held', missingNonce: 0 })
  })
})

describe('time', () => {
  it('a held transaction is let go when its nonce never comes, and the chain object is told', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 2 })
    shard.submit([item])
    expect(shard.notices(heldMsMax)).toEqual([])
    expect(shard.notices()).toMatchObject([{ hash: item.hash, status: { state: 'expired' } }])
    expect(shard.rows.payload(item.hash)).toBeUndefined()
    expect(shard.states([item])).toEqual(['held'])
  })

  it('a rejection answers the same bytes for a while; then they may try again', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 0 })
    shard.submit([item])
    shard.handOver()
    shard.settle(item, { state: 'rejected', code: 'insufficient-funds', detail: 'No money.' })
    expect(shard.states([item])).toEqual(['rejected'])
    shard.later(rejectionMs + 1)
    expect(shard.states([item])).toEqual(['queued'])
    expect(shard.offers(handoverRetryMs)).toMatchObject([{ hash: item.hash, sequence: 1 }])
  })

  it('what has ended is forgotten after its time, and nothing wants a tick then', () => {
    const shard = openShard()
    const item = itemOf({ sender: alice, nonce: 0 })
    shard.submit([item])
    shard.handOver()
    shard.settle(item, inBlock('finalized'))
    expect(shardWakeAt(shard.rows, anyTime)).toBeGreaterThan(t0 + retentionMs)
    shard.later(2 * retentionMs)
    expect(shard.rows.rows()).toEqual([])
    expect(shardWakeAt(shard.rows, anyTime)).toBeNull()
  })
})
