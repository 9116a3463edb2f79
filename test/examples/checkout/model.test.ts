import { describe, expect, it } from 'vitest'
import {
  cardOf,
  firstState,
  hindranceOf,
  isProven,
  laneOf,
  proofOf,
  purchaseOf,
  type State,
  step,
} from '../../../examples/checkout/shopper/model.ts'
import { leaves, openLane, shop, shopperStates, story } from '../../browser/states.ts'

const open = shopperStates.open as State
const closed = shopperStates.closed as State

describe("the shopper's page", () => {
  it('shows a card for every state, and the one that it is about', () => {
    const cards = Object.fromEntries(Object.entries(shopperStates).map(([name, state]) => [name, cardOf(state)]))
    expect(cards).toMatchObject({
      loading: 'loading',
      welcome: 'none',
      locked: 'locked',
      words: 'words',
      empty: 'money',
      offer: 'offer',
      funding: 'progress',
      open: 'lane',
      closing: 'lane',
      elsewhere: 'lane',
      closed: 'end',
    })
  })

  it('says why nothing can be bought, in the order in which it can be mended', () => {
    const why = (state: State, price = 40n) => hindranceOf(state, price)
    expect(why(firstState)).toBe('no-wallet')
    expect(why(shopperStates.locked as State)).toBe('locked')
    expect(why(shopperStates.offer as State)).toBe('no-lane')
    expect(why(shopperStates.funding as State)).toBe('not-open')
    expect(why(shopperStates.elsewhere as State)).toBe('elsewhere')
    expect(why(shopperStates.paused as State)).toBe('paused')
    expect(why(shopperStates.unplugged as State)).toBe('unplugged')
    expect(why(open)).toBeNull()
    expect(why(open, openLane.remaining)).toBeNull()
    expect(why(open, openLane.remaining + 1n)).toBe('too-little')
    expect(why(closed)).toBe('no-lane')
  })

  it('is about the lane that lives, and about the last one when none does', () => {
    const old = { ...openLane, id: '0x01', phase: 'closed' } as const
    const declined = { ...openLane, id: '0x02', phase: 'declined' } as const
    expect(laneOf({ ...open, lanes: [openLane, old, declined] })?.id).toBe(openLane.id)
    expect(laneOf({ ...open, lanes: [old, declined] })?.id).toBe('0x02')
    expect(laneOf({ ...open, lanes: [] })).toBeNull()
  })

  it('never takes back what is known to be paid, in whatever order the news comes', () => {
    const ahead = step(open, { type: 'purchase', purchase: { ...leaves, paid: 70 } })
    const late = step(ahead, { type: 'purchase', purchase: { ...leaves, paid: 64, state: 'paying' } })
    expect(purchaseOf(late, 'leaves')).toMatchObject({ paid: 70, state: 'paying' })
    expect(step(late, { type: 'purchase', purchase: story }).purchases).toHaveLength(2)
  })

  it('replaces a lane by its newer state, and keeps the others', () => {
    const next = step(
      { ...open, lanes: [{ ...openLane, id: '0x01' }, openLane] },
      { type: 'lane', lane: { ...openLane, paid: 500n } },
    )
    expect(next.lanes.map(({ id, paid }) => [id, paid])).toEqual([
      ['0x01', 412n],
      [openLane.id, 500n],
    ])
  })

  it('calls it proven when wallet, till and chain say one sum, and waits while one is silent', () => {
    const [lane] = closed.lanes
    const proof = lane && proofOf(closed, lane)
    expect(proof && isProven(proof)).toBe(true)
    const silent = lane && proofOf({ ...closed, accounts: {} }, lane)
    expect(silent && isProven(silent)).toBeNull()
    expect(proof && isProven({ ...proof, settled: proof.settled - 1n })).toBe(false)
    expect(proof && isProven({ ...proof, received: 1n })).toBe(false)
    expect(proofOf(open, openLane)).toBeNull()
  })

  it('counts a clock that is off from the answer of the shop', () => {
    const { skewMs } = step(firstState, { type: 'shop', shop: { ...shop, now: 1_000_000 }, at: 1_600_000 })
    expect(skewMs).toBe(600_000)
  })

  it('forgets the price of a lane when another capacity is chosen', () => {
    const offer = shopperStates.offer as State
    expect(step(offer, { type: 'capacity', capacity: 50_000n })).toMatchObject({ capacity: 50_000n, cost: null })
  })
})
