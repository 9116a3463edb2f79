import type { Books, CheatStep, Shop, TwoWayAccount, WindowDetail } from '../../examples/checkout/api.ts'
import type { Cheat } from '../../examples/checkout/cheat/view.ts'
import type { Lanes } from '../../examples/checkout/lanes/view.ts'
import type { Till } from '../../examples/checkout/merchant/view.ts'
import {
  firstState,
  type Lane,
  type Purchase,
  type State,
  type TwoWayLane,
} from '../../examples/checkout/shopper/model.ts'

export const noon = Date.UTC(2026, 4, 3, 12, 0, 0)

export const shop: Shop = {
  run: 'screens',
  network: 'regtest',
  now: noon,
  isDemo: true,
  blockSeconds: 2,
  twoWay: { confirmations: 3, delayBlocks: 12 },
  articles: [
    { id: 'story', price: 40, parts: 1, deposit: 0, over: 'any' },
    { id: 'song', price: 1, parts: 60, deposit: 0, over: 'any' },
    { id: 'leaves', price: 1, parts: 200, deposit: 0, over: 'any' },
    { id: 'chart', price: 2_500, parts: 1, deposit: 1_500, over: 'two-way' },
    { id: 'tide', price: 5, parts: 1, deposit: 0, over: 'one-way' },
  ],
}

const channel = `0x${'3f9a'.repeat(16)}`
const txid = 'b1d4'.repeat(16)
const paymentId = `0x${'7c21'.repeat(8)}`

export const openLane: Lane = {
  kind: 'one-way',
  id: channel,
  phase: 'open',
  capacity: 20_000n,
  paid: 412n,
  spent: 412n,
  remaining: 19_278n,
  closeFee: 310n,
  confirmations: 3,
  confirmationsMin: 3,
  expiry: 1_250,
  closesAt: 1_106,
  height: 128,
  pending: false,
  ending: null,
  fault: null,
  isElsewhere: false,
}

const receipt = { paymentId, article: 'story', part: 0, price: 40, at: noon, channel, number: 12, paid: 412 } as const

export const story: Purchase = {
  id: '0x01',
  article: 'story',
  parts: 1,
  price: 40n,
  at: noon,
  paid: 1,
  state: 'done',
  fault: null,
  goods: [
    {
      kind: 'story',
      title: 'A story',
      paragraphs: [
        'On the quay of a town too small for a lighthouse there lived a man whose work was to ring the bell at noon.',
        'He owned a clock, and the clock was wrong, and he knew by how much, because twice a day the water told him.',
      ],
    },
  ],
  receipt,
  isReturned: false,
  invoice: null,
}

export const song: Purchase = {
  ...story,
  id: '0x02',
  article: 'song',
  parts: 30,
  price: 1n,
  paid: 17,
  state: 'paying',
  goods: [],
}

export const leaves: Purchase = {
  ...story,
  id: '0x03',
  article: 'leaves',
  parts: 200,
  price: 1n,
  paid: 64,
  state: 'waiting',
  goods: [60, 61, 62, 63, 64].map((day) => ({ kind: 'leaf', day, high: '04:12', low: '10:31', metres: 3.4 })),
}

const ready: State = {
  ...firstState,
  shop,
  wallet: { step: 'ready' },
  address: 'bcrt1q3m5ua8xjtfkqc0yzre6pxpgd0rj4ssu7wp0cyd',
  money: { confirmed: 0n, pending: 0n },
  isPersistent: true,
}

const advice = 'Come back within 12 blocks, or let a watchtower look: an old state could be broadcast meanwhile.'

export const openTwoWay: TwoWayLane = {
  kind: 'two-way',
  id: `0x${'b07d'.repeat(16)}`,
  phase: 'open',
  capacity: 20_000n,
  balance: 18_960n,
  words: 'The channel pays both ways, without a block.',
  progress: null,
  delayBlocks: 12,
  remaining: 15_160n,
  updates: 4,
  isPending: false,
  advice,
  trouble: null,
  isElsewhere: false,
}

export const chart: Purchase = {
  ...story,
  id: '0x04',
  article: 'chart',
  price: 2_500n,
  goods: [
    {
      kind: 'chart',
      lines: ['##########################', '##  3   5   6   5  3   1 #', '#   4   7   9   8  6   4  '],
    },
  ],
}

const cost = {
  over: 'one-way',
  capacity: 20_000n,
  fundingFee: 154n,
  closeFee: 310n,
  payable: 19_690n,
  confirmations: 3,
  backBlocks: 1_008,
  reserve: 0n,
} as const
const withMoney: State = { ...ready, money: { confirmed: 100_000n, pending: 0n } }
const open: State = { ...withMoney, lanes: [openLane], purchases: [story] }
const ending = { txid, confirmations: 3, toPayee: 412n, toPayer: 19_278n }
const closed: Lane = { ...openLane, phase: 'closed', ending }
const account = {
  channel,
  phase: 'closed',
  received: 412,
  spent: 412,
  payments: 12,
  settled: 412,
  closingTxid: txid,
} as const

const twoWayAccount: TwoWayAccount = {
  channel: openTwoWay.id,
  phase: 'closed',
  capacity: 20_000,
  balance: 1_040,
  updates: 4,
  words: 'The channel has ended, and all that was yours has been taken.',
  progress: null,
  advice: 'Everything that was yours is back in the wallet.',
  closing: { txid, values: [1_040, 18_460], fee: 500 },
}

/** Every state of the shopper's page that a person can come upon. */
export const shopperStates: Readonly<Record<string, State>> = {
  loading: { ...firstState, shop },
  welcome: { ...firstState, shop, wallet: { step: 'none', lost: 'no' } },
  evicted: { ...firstState, shop, wallet: { step: 'none', lost: 'evicted' } },
  creating: { ...firstState, shop, wallet: { step: 'working', at: 'creating' } },
  words: {
    ...firstState,
    shop,
    wallet: {
      step: 'words',
      words: 'legal winner thank year wave sausage worth useful legal winner thank yellow'.split(' '),
    },
  },
  locked: { ...firstState, shop, wallet: { step: 'locked' } },
  'wrong-password': {
    ...firstState,
    shop,
    wallet: { step: 'locked' },
    trouble: { code: 'vault/wrong-password', detail: '' },
  },
  empty: ready,
  'coins-coming': { ...ready, money: { confirmed: 0n, pending: 100_000n } },
  offer: { ...withMoney, cost },
  poor: { ...withMoney, cost: { code: 'insufficient', detail: '' } },
  funding: { ...withMoney, lanes: [{ ...openLane, phase: 'funding', paid: 0n, spent: 0n, confirmations: 1 }] },
  open,
  playing: {
    ...open,
    purchases: [song, leaves, story],
    tide: { tide: { at: noon, metres: 2.7, trend: 'rising', nextHighAt: noon + 7e6 }, price: 5n },
  },
  'first-credit': { ...open, lanes: [{ ...openLane, paid: 294n, spent: 40n, remaining: 19_650n }] },
  paused: { ...open, isPaused: true },
  'edge-down': { ...open, edge: 'down', purchases: [leaves, story] },
  unplugged: { ...open, isUnplugged: true },
  refused: {
    ...open,
    purchases: [{ ...leaves, state: 'refused', fault: 'insufficient' }, story],
    lanes: [{ ...openLane, remaining: 0n }],
  },
  full: { ...open, trouble: { code: 'store/full', detail: '' }, skewMs: 460_000, isPersistent: false },
  elsewhere: { ...open, lanes: [{ ...openLane, isElsewhere: true }] },
  closing: { ...open, lanes: [{ ...openLane, phase: 'closing' }] },
  'two-way-offer': {
    ...withMoney,
    over: 'two-way',
    cost: { ...cost, over: 'two-way', closeFee: 2_112n, payable: 16_888n, backBlocks: 12, reserve: 15_000n },
  },
  'two-way-funding': {
    ...withMoney,
    twoWay: [
      {
        ...openTwoWay,
        phase: 'funding',
        words: 'Your coins are on their way into the channel. 1 of 3 blocks are there.',
        progress: { have: 1, need: 3 },
        updates: 0,
      },
    ],
  },
  'two-way': { ...withMoney, twoWay: [openTwoWay], purchases: [chart, story] },
  'two-way-invoice': {
    ...withMoney,
    twoWay: [openTwoWay],
    purchases: [
      {
        ...story,
        paid: 0,
        state: 'paused',
        goods: [],
        receipt: null,
        invoice: { invoice: `lnbcrt400n1p${'5z0hkzlq3mzu8'.repeat(22)}`, expiresAt: noon + 600_000 },
      },
    ],
  },
  'two-way-ending': {
    ...withMoney,
    twoWay: [
      {
        ...openTwoWay,
        phase: 'ending',
        words:
          'A side has closed the channel alone, and what is yours is being taken on the chain. 4 of 12 blocks are there.',
        progress: { have: 4, need: 12 },
        isPending: true,
        trouble: 'No node answers.',
        advice: `Your coins are being taken on the chain, which needs this wallet again. ${advice}`,
      },
    ],
  },
  'two-way-closed': {
    ...withMoney,
    over: 'two-way',
    cost,
    twoWay: [{ ...openTwoWay, phase: 'closed', advice: 'Everything that was yours is back in the wallet.' }],
    twoWayAccounts: { [openTwoWay.id]: twoWayAccount },
  },
  closed: { ...open, lanes: [closed], accounts: { [channel]: account }, cost },
}

const sale = { at: noon, part: 0, channel: openTwoWay.id, isByInvoice: false, back: 0 }

export const books: Books = {
  now: noon,
  height: 131,
  income: { channels: 3, paid: 1_218, spent: 964, credit: 254, settled: 412 },
  channels: [
    {
      id: channel,
      phase: 'open',
      capacity: 20_000,
      received: 512,
      spent: 512,
      number: 118,
      expiry: 1_250,
      closesAt: 1_106,
      settled: null,
    },
    {
      id: `0x${'aa01'.repeat(16)}`,
      phase: 'open',
      capacity: 50_000,
      received: 294,
      spent: 40,
      number: 1,
      expiry: 1_244,
      closesAt: 1_100,
      settled: null,
    },
    {
      id: `0x${'c0de'.repeat(16)}`,
      phase: 'closed',
      capacity: 20_000,
      received: 412,
      spent: 412,
      number: 12,
      expiry: 1_240,
      closesAt: 1_096,
      settled: 412,
    },
  ],
  twoWay: [
    {
      channel: `0x${'b07d'.repeat(16)}`,
      phase: 'open',
      capacity: 20_000,
      balance: 1_040,
      updates: 4,
      words: 'The channel pays both ways, without a block.',
      progress: null,
      advice: 'Come back within 12 blocks, or let a watchtower look: an old state could be broadcast meanwhile.',
      closing: null,
    },
    {
      channel: `0x${'b07e'.repeat(16)}`,
      phase: 'funding',
      capacity: 50_000,
      balance: 0,
      updates: 0,
      words: "The other side's coins are on their way into the channel. 1 of 3 blocks are there.",
      progress: { have: 1, need: 3 },
      advice: 'Come back within 12 blocks, or let a watchtower look: an old state could be broadcast meanwhile.',
      closing: null,
    },
  ],
  invitations: 2,
  twoWaySales: [
    { ...sale, paymentId: '0x04', article: 'chart', paid: 2_500, number: 4, back: 1_500 },
    { ...sale, paymentId: '0x05', article: 'story', paid: 40, number: 3, isByInvoice: true },
    { ...sale, paymentId: '0x06', article: null, paid: 5, number: 1 },
  ],
  twoWaySold: { sales: 3, paid: 2_545, back: 1_500 },
  balance: { claims: 806, settled: 412, lost: 0, sold: 964, credit: 254, isBalanced: true },
  ledger: Array.from({ length: 8 }, (_, at) => ({
    at: noon - 1_000 * at,
    paymentId: `0x${at}`,
    article: at === 3 ? 'story' : 'song',
    part: 30 - at,
    channel,
    number: 118 - at,
    price: at === 3 ? 40 : 1,
  })),
  entries: 131,
  neglected: [],
}

export const merchantStates: Readonly<Record<string, Till>> = {
  loading: { books: null, isStale: false, settling: [], isWithdrawing: false },
  books: { books, isStale: false, settling: [], isWithdrawing: false },
  none: {
    books: {
      ...books,
      channels: [],
      twoWay: [],
      invitations: 0,
      ledger: [],
      entries: 0,
      balance: { claims: 0, settled: 0, lost: 0, sold: 0, credit: 0, isBalanced: true },
    },
    isStale: false,
    settling: [],
    isWithdrawing: false,
  },
  trouble: {
    books: {
      ...books,
      balance: { ...books.balance, isBalanced: false, sold: 900 },
      neglected: ['the node did not answer'],
    },
    isStale: true,
    settling: [channel],
    isWithdrawing: true,
  },
}

/** Ten groups of five accounts that pay one another, as the walk of `npm start` does. */
function windowDetail(): WindowDetail {
  const last = new Map<number, number>()
  const transactions = Array.from({ length: 60 }, (_, index) => {
    const lane = index % 12
    const before = last.get(lane)
    const wait = before !== undefined && (index % 3 !== 0 || lane % 2 === 0)
    last.set(lane, index)
    return {
      hash: `0x${index.toString(16).padStart(64, '0')}`,
      sender: `0x${lane.toString(16).padStart(2, '0').repeat(20)}`,
      lane,
      gas: 40_000 + ((index * 7_919) % 26_000),
      waits: wait
        ? [{ index: before, reason: `${index} waits for ${before} because of slot 0x2a of 0x5fbd…0aa3` }]
        : [],
    }
  })
  return {
    window: 7,
    at: noon,
    lanes: 12,
    criticalPathGas: 260_000,
    totalGas: 3_100_000,
    makespanGas4: 800_000,
    transactions,
  }
}

const detail = windowDetail()
const figures = { ...detail, transactions: detail.transactions.length }

export const lanesStates: Readonly<Record<string, Lanes>> = {
  none: { windows: [], chosen: null, detail: null, isStale: false },
  drawn: {
    windows: [figures, { ...figures, window: 6, transactions: 250, lanes: 10 }],
    chosen: 7,
    detail,
    isStale: false,
  },
  gone: { windows: [figures], chosen: 7, detail: 'gone', isStale: true },
}

const cheatSteps: readonly CheatStep[] = [
  { type: 'opened', capacity: 50_000, fundingTxid: txid },
  { type: 'copied', number: 0, balance: 50_000 },
  { type: 'paid', paid: 20_000, number: 8, balance: 30_000 },
  { type: 'broadcast', number: 0, claimed: 50_000, txid },
  { type: 'caught', txid, taken: 47_120 },
  { type: 'ended', capacity: 50_000, toShop: 47_120, toCheat: 0, stateFee: 1_780, justiceFee: 440, anchors: 660 },
]

export const cheatStates: Readonly<Record<string, Cheat>> = {
  ended: { story: { isPlaying: false, steps: cheatSteps, trouble: null }, isStale: false },
}
