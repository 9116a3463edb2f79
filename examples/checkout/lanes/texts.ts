import { count, counted } from '../texts.ts'

/** What the page of lanes says. */
export const lanesTexts = {
  title: 'Lanes',
  lead: 'What the edge planned together, window by window. Transactions in different lanes share nothing and may run side by side; within a lane each waits for the ones it touches.',
  windows: 'Windows',
  none: 'No window yet.',
  unreachable: 'The edge does not answer. It is asked again every few seconds.',
  gone: 'The edge no longer keeps this window’s picture. It keeps those of the last ones.',
  option: (window: number, transactions: number, lanes: number) =>
    `Window ${count(window)}: ${counted(transactions, 'transaction')} in ${counted(lanes, 'lane')}`,
  figures: {
    transactions: 'Transactions',
    lanes: 'Lanes',
    critical: 'Critical path',
    ideal: 'Ideal speed-up, four workers',
  },
  gas: (gas: number) => `${count(gas)} gas`,
  times: (value: number) => `${value.toFixed(1)} times`,
  row: (lane: number) => `Lane ${count(lane)}`,
  picture: (window: number) => `Lanes of window ${count(window)}`,
  describe: (transactions: number, lanes: number, longest: number) =>
    `${counted(transactions, 'transaction')} in ${counted(lanes, 'lane')}, one row a lane, drawn by gas from left to right. The longest chain of waits has ${counted(longest, 'transaction')}. The table below says the same in words.`,
  legend: { ordinary: 'Transaction', critical: 'On the critical path', wait: 'Waits for' },
  more: (lanes: number) => `${counted(lanes, 'more lane')} not drawn; the table has them all.`,
  table: 'Why each waits',
  columns: { index: 'No.', lane: 'Lane', sender: 'Sender', gas: 'Gas', why: 'Waits because' },
  free: 'waits for nothing',
  more2: (others: number) => `and for ${counted(others, 'other')}`,
} as const
