import { counted } from '../texts.ts'
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
  closeFee: 'Fee to close, from your part',
  reserve: 'Kept beside it for fees, and comes back',
  back: (blocks: number, span: string) =>
    `If the shop vanished, you close alone, and your part comes after ${counted(blocks, 'block')}, about ${span}.`,
  watch: (blocks: number, span: string) =>
    `Open this page once in ${counted(blocks, 'block')}, about ${span}, for as long as the lane is open.`,
  title: 'Your lane is being built',
  phases: {
    invited: 'invited',
    withdrawn: 'withdrawn',
    opening: 'being agreed',
    declined: 'declined',
    funding: 'being built',
    open: 'open',
    closing: 'closing',
    ending: 'ending',
    behind: 'waiting for the shop',
    unsure: 'being checked',
    restored: 'restored',
    closed: 'closed',
  } satisfies Record<TwoWayLane['phase'], string>,
  toGo: (span: string) => `About ${span} to go.`,
  blocks: 'Blocks of those that it waits for',
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
  invoice: {
    title: 'Pay by an invoice instead',
    about:
      'The shop signs what it asks for as a text (BOLT-11). This wallet can pay it, or any other one that has a lane to the shop: the story comes here either way.',
    show: 'Show the invoice',
    asking: 'Asking the shop',
    text: 'Invoice',
    copy: 'Copy the invoice',
    until: (time: string) => `To be paid until ${time}. It is paid once, whoever pays it.`,
    pay: (price: string) => `Pay ${price} by it`,
  },
  end: {
    yours: 'Yours by the last update',
    shops: 'The shop’s, as it says',
    fee: 'Fees on the chain',
    returned: 'Back in your wallet',
    proven: 'Yours + the shop’s = the lane',
    unproven: 'These sums differ. Keep the transaction’s id and ask the shop.',
  },
} as const
