import {
  type Change,
  type LiveChannel,
  type Message,
  otherSide,
  ownContent,
  penaltyStep,
  type Side,
} from '../../../../sdk/channel/penalty/index.ts'
import { sha256 } from '../../../../sdk/crypto/engine.ts'
import { type Height, msats } from '../../../../sdk/units.ts'
import { bytesOf, feed, live, type Pair, pay, take } from './pair.ts'

/** Updates of one channel, cut at every message, and what each side could broadcast there. */

export const sides = ['opener', 'accepter'] as const

/**
 * How far the last update is. `proposed`: `commit` has left and never arrives. `answered`: `answer` has left and never arrives. `revoked`:
 * the proposer has finished, and its `revoke` never arrives. `whole`: both have finished.
 */
export const stops = ['proposed', 'answered', 'revoked', 'whole'] as const

/** A place in the updates, the side that goes to the chain there, and with which of its commitments. */
export interface Cut {
  /** Place in {@link updatesAt}. */
  readonly update: number
  readonly stop: (typeof stops)[number]
  readonly by: Side
  /** `newest`: the one that it may broadcast. `older`: the one before, for which it has told the secret, or is about to. */
  readonly with: 'newest' | 'older'
}

interface Update {
  readonly by: Side
  /** A preimage that the proposer knows from then on. */
  readonly learns?: Uint8Array
  readonly changes: readonly Change[]
}

const [first, third, fourth] = [bytesOf('first'), bytesOf('third'), bytesOf('fourth')]

function add(id: number, amount: bigint, preimage: Uint8Array, expiry: Height): Change {
  return { type: 'add', id, amount: msats(amount), paymentHash: sha256(preimage), expiry }
}

/** HTLCs both ways and one too small for an output, amounts that are no whole satoshis, some taken and some given back. */
function updatesAt(expiry: Height): readonly Update[] {
  return [
    {
      by: 'opener',
      changes: [pay(12_345_678n), add(0, 60_000_000n, first, expiry), add(1, 50_000_500n, bytesOf('second'), expiry)],
    },
    { by: 'accepter', changes: [add(0, 40_000_000n, third, expiry), add(1, 300_000n, bytesOf('dust'), expiry)] },
    {
      by: 'accepter',
      learns: first,
      changes: [
        { type: 'fulfil', id: 0, preimage: first },
        { type: 'fail', id: 1, reason: 'no-way-on' },
        pay(7_000_001n),
      ],
    },
    {
      by: 'opener',
      learns: third,
      changes: [{ type: 'fulfil', id: 0, preimage: third }, add(2, 30_000_000n, fourth, expiry)],
    },
  ]
}

/** Every cut at which a side has the commitment that it goes to the chain with. */
export const allCuts: readonly Cut[] = [0, 1, 2, 3].flatMap((update) =>
  stops.flatMap((stop) =>
    sides.flatMap((by) => {
      const newest: Cut = { update, stop, by, with: 'newest' }
      const proposer = update === 0 || update === 3 ? 'opener' : 'accepter'
      const isFirst = stop === 'proposed' || (stop === 'answered' && by === proposer)
      return update === 0 && isFirst ? [newest] : [newest, { ...newest, with: 'older' } as const]
    }),
  ),
)

/** A small fixed part: half-way of a batch that takes one HTLC and gives one back, by each side; one older commitment before its secret, one after. */
export const fewCuts: readonly Cut[] = [
  { update: 2, stop: 'proposed', by: 'opener', with: 'newest' },
  { update: 2, stop: 'revoked', by: 'opener', with: 'older' },
  { update: 2, stop: 'answered', by: 'opener', with: 'newest' },
  { update: 2, stop: 'answered', by: 'accepter', with: 'newest' },
  { update: 2, stop: 'revoked', by: 'accepter', with: 'older' },
  { update: 1, stop: 'answered', by: 'opener', with: 'older' },
]

/** A channel at a cut: what its sides know, and the state that is gone to the chain with. */
export interface CutPair {
  readonly pair: Pair
  /** The state whose commitment is broadcast, as the side had it last. */
  readonly held: LiveChannel
  /** The other side has the secret of that commitment. */
  readonly isRevoked: boolean
}

/** Plays the updates of an open channel up to a cut. Messages behind it are lost. */
export function playTo(pair: Pair, { update, stop, by, with: which }: Cut, expiry: Height): CutPair {
  /** By the number of the commitment that the side holds in it. */
  const states = new Map<number, LiveChannel>()
  const note = () => states.set(ownContent(live(pair, by)).number, live(pair, by))
  note()
  for (const [at, one] of updatesAt(expiry)
    .slice(0, update + 1)
    .entries()) {
    if (one.learns) feed(pair, one.by, { type: 'learn', preimage: one.learns })
    feed(pair, one.by, { type: 'ask' })
    note()
    carry(pair, one, at < update ? stops.length : stops.indexOf(stop), note)
  }
  const number = ownContent(live(pair, by)).number - (which === 'older' ? 1 : 0)
  const held = states.get(number)
  if (!held) throw new Error(`The ${by} holds no commitment ${number} there.`)
  return { pair, held, isRevoked: live(pair, otherSide(by)).base.number > number }
}

/** Carries so many messages of an update, one after the other. */
function carry(pair: Pair, { by, changes }: Update, most: number, note: () => void): void {
  const step = (side: Side, input: Parameters<typeof penaltyStep>[1]): readonly Message[] => {
    const messages = take(pair, side, penaltyStep(pair.channels[side], input, pair.secrets[side]))
    note()
    return messages
  }
  let [side, messages] = [by, step(by, { type: 'propose', changes })]
  for (let carried = 0; carried < most && messages.length > 0; carried++) {
    side = otherSide(side)
    messages = messages.flatMap((message) => step(side, { type: 'message', message }))
  }
}
