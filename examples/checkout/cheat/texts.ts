import type { CheatStep, CheatSums } from '../api.ts'
import { count, counted, sat } from '../texts.ts'

/** What the page of the cheat says. */
export const cheatTexts = {
  title: 'Play the cheat',
  lead: 'A shopper pays over a lane that pays both ways, and then sends an old state of it to the chain, as if it had never paid. Watch who gets the coins.',
  how: 'It is a wallet like yours. Before it paid, it kept a copy of all that it had stored; then it opens the copy in a second wallet that hears nobody, and closes the lane alone. Test coins, on this machine’s own chain.',
  play: 'Play it',
  again: 'Play it again',
  playing: 'It is being played. A block is waited for now and then.',
  story: 'What happened',
  trouble: 'It was not played to its end.',
  unreachable: 'The shop does not answer. Start it again, then reload this page.',
  transaction: 'Transaction',
  steps: {
    opened: ({ capacity }) => [
      'The cheat opens a lane',
      `${sat(capacity)} of its coins are locked between it and the shop.`,
    ],
    copied: ({ number, balance }) => [
      'It keeps a copy',
      `Of everything that its wallet has stored, at update ${count(number)}: ${sat(balance)} are its own by it.`,
    ],
    paid: ({ paid, number, balance }) => [
      'It pays the shop',
      `${sat(paid)} in ${counted(number, 'update')}, and takes what it has bought. ${sat(balance)} are left. With each update it told the shop the secret that revokes the state before.`,
    ],
    broadcast: ({ number, claimed }) => [
      'It sends the old state to the chain',
      `Update ${count(number)} again, by which ${sat(claimed)} would be its own once it has waited out the delay.`,
    ],
    caught: ({ taken }) => [
      'The shop’s wallet sees it',
      `The state is revoked, and the shop has its secret. Its justice transaction takes the cheat’s output before the delay is over: ${sat(taken)} after the fee.`,
    ],
    ended: () => ['The cheat has nothing of the lane', 'It would have kept its part, had it closed the newest state.'],
  } satisfies { [type in CheatStep['type']]: (step: Extract<CheatStep, { type: type }>) => readonly [string, string] },
  sums: {
    toShop: 'The shop has',
    toCheat: 'The cheat has',
    stateFee: 'Fee of the old state',
    justiceFee: 'Fee of the justice transaction',
    anchors: 'Left behind, too small to take',
    capacity: 'The lane held',
  },
  balanced: 'Every satoshi of the lane is accounted for.',
  unbalanced: 'These sums do not add up. Look at the transactions.',
} as const

/** A step of the story in a heading and a sentence or two. */
export function stepText(step: CheatStep): readonly [title: string, text: string] {
  // Each of the texts takes the step of its own type.
  return (cheatTexts.steps[step.type] as (step: CheatStep) => readonly [string, string])(step)
}

/** The transaction of a step, where it has one. */
export function txidOf(step: CheatStep): string | null {
  if (step.type === 'opened') return step.fundingTxid
  return 'txid' in step ? step.txid : null
}

/** Names and sums of where the lane's coins are in the end. */
export function sumRows(sums: CheatSums): readonly (readonly [name: string, sum: number])[] {
  const parts = ['toShop', 'toCheat', 'stateFee', 'justiceFee', 'anchors'] as const
  return parts.map((part) => [cheatTexts.sums[part], sums[part]])
}
