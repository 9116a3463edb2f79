import { count, counted } from '../texts.ts'
import type { TwoWayLane } from './model.ts'

/** What the page says of lanes that pay both ways. */
export const twoWayTexts = {
  choice: 'How the lane pays',
  kinds: {
    'one-way': ['One way', 'You pay the shop; it can do nothing to you while you are away.'],
    'two-way': [
      'Both ways',
      'The shop can pay you back over it. Come back now and then: an old state must not win while nobody looks.',
    ],
  },
  closeFee: 'Fee to close together, from your part',
  back: (blocks: number, span: string) =>
    `If the shop vanished, you close alone, and your part comes after ${counted(blocks, 'block')}, about ${span}.`,
  watch: (blocks: number, span: string) =>
    `Open this page once in ${counted(blocks, 'block')}, about ${span}, for as long as the lane is open.`,
  title: 'Your lane is being built',
  phases: {
    invited: ['invited', 'The shop has invited you. Nothing is signed.'],
    opening: ['being agreed', 'Waiting for the shop to agree; no coin has left yet.'],
    declined: ['declined', 'The shop did not take it. Nothing left your wallet.'],
    funding: ['being built', 'The coins have left for the lane. It pays once enough blocks are on top.'],
    open: ['open', 'Pays both ways, without a block.'],
    closing: [
      'closing',
      'Both have agreed to close. A block has to hold the closing; then your part is in your wallet.',
    ],
    ending: ['ending', 'A side has gone to the chain. Your wallet takes your part there by itself.'],
    behind: [
      'waiting for the shop',
      'This wallet has lost the newest state, so it signs nothing. The shop has to close.',
    ],
    unsure: ['being checked', 'Restored from a copy. It signs nothing until the shop has shown where it stands.'],
    restored: [
      'restored',
      'It came back from a copy that is the newest, but pays no more. Close it: your part is safe.',
    ],
    closed: ['closed', 'All that was yours is in your wallet.'],
  } satisfies Record<TwoWayLane['phase'], readonly [word: string, sentence: string]>,
  confirming: (have: number, want: number) => `${count(have)} of ${counted(want, 'block')} on top`,
  remaining: 'you can pay now',
  meter: 'Of the lane, yours',
  yours: 'Yours',
  shops: 'The shop’s',
  updates: 'Updates',
  pending: 'An update waits for the shop. It goes on by itself.',
  away: (advice: string) => `If you close this page now: ${advice}`,
  close: 'Close together',
  closing: 'Asking the shop to close',
  silent: 'The shop does not answer?',
  alone: 'Close alone',
  aloneNote: (blocks: number) =>
    `It needs no answer, costs more, and pays you ${counted(blocks, 'block')} after a block holds it. The page has to be opened then.`,
  end: {
    yours: 'Yours by the last update',
    shops: 'The shop’s, as it says',
    fee: 'Fees on the chain',
    returned: 'Back in your wallet',
    proven: 'Yours + the shop’s = the lane',
    unproven: 'These sums differ. Keep the transaction’s id and ask the shop.',
  },
} as const
