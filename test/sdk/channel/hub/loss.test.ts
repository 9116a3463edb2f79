import { describe, expect, it } from 'vitest'
import type { withCopies } from '../../../../sdk/channel/hub/index.ts'
import { withCopies as merged } from '../../../../sdk/channel/hub/index.ts'
import { onFakeCurve } from '../penalty/fake.ts'
import { bytesOf } from '../penalty/pair.ts'
import {
  type Eager,
  ends,
  firstWorld,
  type Loss,
  type LossSetting,
  type LossWorld,
  lose,
  names,
  type Payment,
  placeOf,
  runToEnd,
} from './loss.ts'
import { hubTerms } from './world.ts'

onFakeCurve()

const payment = (name: string, isWanted: boolean, isLate = false): Payment => ({
  ...{ preimage: bytesOf(name), amount: 40_000_000n },
  isWanted,
  isLate,
})
/** One that is taken, one that is given back, and one that comes after everything: of one amount, so that only numbers tell them apart. */
const payments = [payment('taken', true), payment('given back', false), payment('late', true, true)]
/** Either copy newer than the other; on demand both at once, and both late. */
const isThorough = process.env.LANEKIT_CHAIN_STORIES === 'all'
const eagers: readonly Eager[] = [
  [true, false],
  [false, true],
  ...(isThorough
    ? ([
        [true, true],
        [false, false],
      ] as const)
    : []),
]

const losses: readonly Loss[] = [
  { areBoxesEmpty: false, payee: 'there' },
  { areBoxesEmpty: true, payee: 'there' },
  { areBoxesEmpty: false, payee: 'chain' },
  { areBoxesEmpty: true, payee: 'old' },
]

/** Loses the disk before each move, with copies that are kept at once or late, and goes on to the end wherever that leaves anything new. */
function everyLoss(merge?: typeof withCopies): number {
  let count = 0
  for (const eager of eagers) {
    const { world, setting } = firstWorld(payments, merge)
    const seen = new Map<string, readonly unknown[]>()
    let moves = 0
    runToEnd(world, setting, eager, (move) => {
      moves += 1
      // One of them in turn at each point: what differs is what follows from it.
      for (const loss of isThorough ? losses : losses.slice(moves % 4, (moves % 4) + 1)) {
        // Without the newest copy of the one channel, that of the other has to know what was passed on.
        if (loss.payee === 'old' && !eager[0]) continue
        const left = leftBy(world, loss)
        const name = JSON.stringify(loss)
        if (seen.get(name)?.every((one, at) => one === left[at])) continue
        seen.set(name, left)
        count += 1
        try {
          const lost = lose(world, setting, loss)
          runToEnd(lost, setting, [true, true])
          checkEnd(lost, setting)
        } catch (error) {
          throw new Error(`Before '${move}', copies at once ${eager}, ${name}.`, { cause: error })
        }
      }
    })
    checkEnd(world, setting)
  }
  return count
}

/** All that a loss leaves: moves of the hub's that nobody has seen change nothing of it. */
function leftBy({ copies, channels, toward, sent }: LossWorld, { areBoxesEmpty, payee }: Loss): readonly unknown[] {
  const boxes = areBoxesEmpty ? [] : [toward.in, toward.out]
  const own = payee === 'old' ? copies.slice(0, 1) : copies
  return [...own, channels.payer, channels.payee, toward.payer, toward.payee, sent, ...boxes]
}

/** Both or neither, nothing twice, and the hub has its fees. */
function checkEnd(world: LossWorld, setting: LossSetting): void {
  if (world.isOld) {
    checkOldEnd(world, setting)
    return
  }
  const { channels, hub, proofs, taken, chain } = world
  const { payments } = setting
  if (hub.forwards.length > 0) throw new Error(`The hub has ${hub.forwards.map(({ state }) => state.kind)} left.`)
  for (const end of names.filter((one) => !chain || ends[one].channel === 0))
    if (channels[end].base.htlcs.length > 0 || channels[end].exchange.state !== 'idle')
      throw new Error(`Something hangs with ${end}.`)
  for (const [at, { isWanted, isLate }] of payments.entries()) {
    if (proofs[at] !== taken[at]) throw new Error(`Payment ${at} was proven ${proofs[at]} times, taken ${taken[at]}.`)
    if ((taken[at] ?? 0) > (isWanted ? 1 : 0)) throw new Error(`Payment ${at} was taken ${taken[at]} times.`)
    if (isLate && !chain && taken[at] !== (isWanted ? 1 : 0)) throw new Error(`Payment ${at} was not made.`)
  }
  const paid = payments.filter((_, at) => proofs[at])
  const sum = paid.reduce((total, { amount }) => total + amount, 0n)
  const fees = BigInt(paid.length) * hubTerms.fee
  if (channels.in.base.balance.accepter !== 300_000_000n + sum + fees) throw new Error('The hub was not paid.')
  if (!chain && channels.out.base.balance.opener !== 900_000_000n - sum) throw new Error('The hub paid otherwise.')
}

/** What the payee may have taken unseen is not given back: it waits for its preimage until it runs out. */
function checkOldEnd({ channels, proofs, taken }: LossWorld, { payments }: LossSetting): void {
  for (const at of payments.keys()) {
    const isLeft = channels.payer.base.htlcs.some((htlc) => placeOf(payments, htlc) === at)
    if ((proofs[at] ?? 0) > (taken[at] ?? 0)) throw new Error(`Payment ${at} was proven and not taken.`)
    if (taken[at] !== proofs[at] && !isLeft) throw new Error(`Payment ${at} was given back and taken.`)
  }
}

describe('a hub that loses its disk', () => {
  it('[HB11] [TW53] is paid for all that it pays, and pays nothing twice, whatever it had done, and whichever copy is newer', () => {
    expect(everyLoss()).toBeGreaterThan(80)
  })

  it('[HB11] is found out when it does otherwise', () => {
    const mutants: Readonly<Record<string, typeof withCopies>> = {
      'forgets what is on its way': (hub) => hub,
      'believes that what waits was not offered': (hub, copies) => {
        const next = merged(hub, copies)
        const forwards = next.forwards.map((one) =>
          one.state.kind === 'unsure' ? { ...one, state: { kind: 'waiting' } as const } : one,
        )
        return { ...next, forwards }
      },
      'believes any copy about numbers': (hub, copies) => ({
        ...hub,
        forwards: merged(hub, copies).forwards.map((one) => {
          const told = copies.flatMap(({ forwards }) => forwards).filter((other) => other.htlc.id === one.htlc.id)
          return told.find(({ state }) => state.kind === 'out') ?? one
        }),
      }),
      'takes the first copy': (hub, copies) => merged(hub, copies.slice(0, 1)),
      'takes the last copy': (hub, copies) => merged(hub, copies.slice(1)),
    }
    const found = Object.entries(mutants).map(([name, mutant]) => {
      try {
        everyLoss(mutant)
      } catch {
        return name
      }
      return `${name} was not found`
    })
    expect(found).toEqual(Object.keys(mutants))
  })
})
