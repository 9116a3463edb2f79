import type { ArticleId } from '../api.ts'
import { count, counted } from '../texts.ts'

/** What the merchant's page says. */
export const merchantTexts = {
  title: 'The till',
  lead: 'What came in, from the till’s own records. They are refreshed every second.',
  income: 'Income',
  settled: 'On the chain',
  claims: 'Signed and waiting',
  sold: 'Goods sold',
  credit: 'Shoppers’ credit',
  channels: 'Channels',
  none: 'No channel yet. It appears here when a shopper opens a lane.',
  columns: {
    channel: 'Channel',
    phase: 'Phase',
    received: 'Received',
    spent: 'For goods',
    payments: 'Payments',
    deadline: 'Till closes',
    action: 'Settle',
  },
  deadline: (blocks: number, height: number) =>
    blocks > 0 ? `in ${counted(blocks, 'block')}, at ${count(height)}` : `now, since ${count(height)}`,
  settle: 'Settle now',
  settleOf: (id: string) => `Settle now: channel ${id}`,
  phases: { open: 'open', closing: 'settling', closed: 'settled' },
  twoWay: 'Channels that pay both ways',
  twoWayNote:
    'What is the shop’s by the newest update of each. The merchant’s wallet has to look at the chain for as long as they are open.',
  twoWayNone: 'None yet. It appears here when a shopper opens a lane that pays both ways.',
  twoWayColumns: {
    channel: 'Channel',
    phase: 'Phase',
    progress: 'Waits for blocks',
    shop: 'The shop’s',
    shopper: 'The shopper’s',
    updates: 'Updates',
  },
  twoWayProgress: (have: number, want: number) => `${count(have)} of ${count(want)}`,
  twoWayAway: (advice: string) => `If this shop is switched off now: ${advice}`,
  invitations: (waiting: number) =>
    `${counted(waiting, 'invitation')} to open one ${waiting === 1 ? 'waits' : 'wait'} for an answer.`,
  withdraw: 'Withdraw them',
  withdrawing: 'Withdrawing them',
  sales: 'Sold over them',
  salesNote: (sales: number, paid: string, back: string | null) =>
    back === null
      ? `${counted(sales, 'payment')}, ${paid} in all.`
      : `${counted(sales, 'payment')}, ${paid} in all, of which ${back} went back as deposits.`,
  salesNewest: (shown: number) => `The newest ${count(shown)} of them:`,
  salesNone: 'Nothing was sold over them yet.',
  salesColumns: { at: 'When', what: 'What', channel: 'Channel', number: 'Update', paid: 'Paid', back: 'Paid back' },
  byInvoice: 'by invoice',
  unordered: 'Nothing that was ordered',
  ledger: 'Ledger',
  ledgerNote: (shown: number, all: number) =>
    all > shown ? `The newest ${count(shown)} of ${count(all)} payments.` : counted(all, 'payment'),
  ledgerNone: 'No payment yet.',
  csv: 'Download as CSV',
  ledgerColumns: { at: 'When', what: 'What', channel: 'Channel', number: 'Update', price: 'Price' },
  balance: 'Balance',
  balanceNote:
    'The left side is counted from channels and the chain, the right side from every single payment. They have to agree.',
  assets: 'What the till holds',
  liabilities: 'Where it came from',
  lost: 'Missed on the chain',
  total: 'Total',
  balanced: 'The books balance.',
  unbalanced: 'The books do not balance. Stop selling, keep the till’s store, and look for the cause.',
  neglected: 'Could not be looked after',
  height: (height: number) => `Block ${count(height)}`,
  stale: 'The till does not answer. These are its last words; it is asked again every second.',
  part: { story: '', song: 'second', leaves: 'leaf', chart: '', tide: 'call' } satisfies Record<ArticleId, string>,
} as const
