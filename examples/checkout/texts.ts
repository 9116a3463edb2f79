import type { Article, ArticleId, Shop } from './api.ts'
import type { Hindrance, Lane, Trouble } from './shopper/model.ts'

const whole = new Intl.NumberFormat('en-GB')
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** Satoshi in words: `1,204 sat`. */
export function sat(value: bigint | number): string {
  return `${whole.format(value)} sat`
}

/** A whole number: `1,204`. */
export function count(value: bigint | number): string {
  return whole.format(value)
}

/** A time of day. */
export function timeOf(at: number): string {
  return clock.format(at)
}

/** `1 block`, `3 blocks`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${whole.format(value)} ${value === 1 ? one : many}`
}

/** A stretch of time in the roughest unit that is honest. */
export function spanOf(seconds: number): string {
  if (seconds < 90) return counted(Math.max(1, Math.round(seconds)), 'second')
  if (seconds < 5_400) return counted(Math.round(seconds / 60), 'minute')
  if (seconds < 129_600) return counted(Math.round(seconds / 3_600), 'hour')
  return counted(Math.round(seconds / 86_400), 'day')
}

/** First and last digits of an id. */
export function brief(id: string): string {
  return id.length > 20 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id
}

export const texts = {
  shopName: 'The Harbour Almanac',
  language: 'en',
  skip: 'Skip to the content',
  navigation: 'Pages',
  pages: { shop: 'Shop', merchant: 'Till', lanes: 'Lanes', cheat: 'Cheat' },
  titles: {
    shop: 'The Harbour Almanac',
    merchant: 'Till of the Harbour Almanac',
    lanes: 'Lanes of the last windows',
    cheat: 'Play the cheat',
  },
  chainNote: (network: Shop['network']) =>
    network === 'mainnet' ? 'Bitcoin' : `Bitcoin ${network}: coins without worth`,
  footer: 'A Lanekit example. The wallet runs in this page; the keys never leave it.',
  noScript: 'The wallet of this page is a program. Allow scripts for this site to buy anything.',
  loading: 'Loading',

  intro: {
    title: 'Tides, stories and a song, by the sat',
    lead: 'Lock some coins in a lane once. From then on one click pays, in milliseconds and without a block, and whatever you do not spend comes back.',
  },

  articles: {
    story: {
      title: 'The keeper who set his clock by the water',
      about: 'A story of four paragraphs.',
      buy: (price: string) => `Read for ${price}`,
    },
    song: {
      title: 'Slack water',
      about: 'A song, paid by the second while it plays. It stops at your limit.',
      buy: 'Play',
    },
    leaves: {
      title: 'A tide table of 200 days',
      about: 'Two hundred leaves, each its own payment.',
      buy: (price: string) => `Buy all for ${price}`,
    },
    chart: {
      title: 'A chart of the harbour, lent',
      about: 'Its deposit comes back when you bring it back. Over a lane that pays both ways.',
      buy: (price: string) => `Borrow for ${price}`,
    },
    tide: {
      title: 'The tide, now',
      about: 'One call of an interface that answers 402 until it is paid.',
      buy: (price: string) => `Ask for ${price}`,
    },
  },
  perPart: { story: '', song: 'a second', leaves: 'a leaf', chart: '', tide: 'a call' } satisfies Record<
    ArticleId,
    string
  >,
  price: ({ price }: Article, unit: string) => (!unit ? sat(price) : `${sat(price)} ${unit}`),
  counter: 'What there is',
  again: 'Once more',
  goOn: 'Go on',
  limit: 'Stop at',
  stop: 'Stop',
  songMeter: (seconds: number, spent: string, limit: string) =>
    `${counted(seconds, 'second')} heard, ${spent} of at most ${limit}`,
  songAtLimit: 'Stopped at your limit.',
  leavesMeter: (paid: number, parts: number) => `${count(paid)} of ${counted(parts, 'leaf', 'leaves')} paid`,
  leavesDone: (parts: number) => `All ${counted(parts, 'leaf', 'leaves')} are yours.`,
  leafHead: { day: 'Day', high: 'High water', low: 'Low water', metres: 'Height' },
  leafRow: (day: number) => `Day ${count(day)}`,
  metres: (value: number) => `${value.toFixed(1)} m`,
  chartOf: 'Depths of the harbour in metres, at low water',
  bringBack: (deposit: string) => `Bring it back for ${deposit}`,
  bringingBack: 'Bringing it back',
  broughtBack: (deposit: string) => `Brought back. ${deposit} came back over the lane.`,
  tideNow: (metres: string, trend: 'rising' | 'falling') => `${metres} and ${trend}`,
  tideNext: (time: string) => `High water at ${time}`,
  paidWith: (price: string) => `Paid ${price}`,
  paying: 'Paying',
  waiting: 'On its way. It is stored and goes on by itself; you need not click again.',
  refusedPart: 'Not bought.',
  nextRefusal: {
    'not-for-sale': 'The shop no longer sells this under the order’s number. Nothing was charged. Order it again.',
    underpaid: 'The price is higher than what was paid. Nothing was charged. Order it again.',
    insufficient: 'Too little is left in the lane. Nothing was charged. Close it and open a larger one.',
    'not-open': 'The lane takes no payments any more. Nothing was charged. Open a new one.',
    'too-late': 'The lane is near its end and is being closed. Nothing was charged. Open a new one.',
    expired: 'The invoice has expired. Nothing was charged. Ask for a new one.',
    'unknown-payment': 'The shop does not wait for this invoice any more. Nothing was charged. Ask for a new one.',
    'no-way': 'No lane of this wallet leads to the shop. Nothing was charged. Open one that pays both ways.',
    'no-channel': 'No lane that pays both ways is open. Nothing was charged. Open one.',
    'price-changed': 'The shop asks for more than it showed you. Nothing was paid. Reload to see the new price.',
  } as Readonly<Record<string, string>>,
  refusedElse: (code: string) => `The till said no (${code}). Nothing was bought, and nothing is charged for it.`,

  hindrances: {
    'no-wallet': 'Make a wallet first.',
    locked: 'Unlock the wallet first.',
    'no-lane': 'Open a lane first.',
    'not-open': 'The lane is not open.',
    elsewhere: 'The lane is in use in another tab.',
    paused: 'Payments are paused.',
    'too-little': 'Too little is left in the lane.',
    unplugged: 'No connection.',
    'one-way-only': 'Sold over lanes that pay one way.',
    'two-way-only': 'Lent over lanes that pay both ways.',
  } satisfies Record<Hindrance, string>,

  wallet: {
    heading: 'Your wallet',
    none: {
      title: 'Make a wallet',
      lead: 'It lives in this browser, encrypted under your password. No account, no address, no name.',
      password: 'Password',
      again: 'Password, once more',
      hint: 'At least 8 characters. Nobody can reset it.',
      create: 'Make the wallet',
      haveWords: 'I have twelve words',
      words: 'Your twelve words',
      wordsHint: 'In their order, with spaces between them.',
      restore: 'Restore the wallet',
      back: 'Make a new one instead',
      tooShort: 'Use at least 8 characters.',
      differ: 'The two passwords differ.',
    },
    lost: {
      no: null,
      evicted:
        'This browser no longer keeps the wallet you had here: its storage was cleared. Your coins are safe as long as you have your twelve words. Restore from them; an open lane pays its rest back after its expiry.',
      restarted:
        'The server was started anew, and its test chain with it. The wallet of the earlier run was on a chain that is gone; its coins were without worth.',
    },
    words: {
      title: 'Write these twelve words down',
      lead: 'They are the only way back to your coins when this browser forgets them. Whoever reads them owns the coins.',
      done: 'I have written them down',
      list: 'Twelve words',
    },
    locked: {
      title: 'Unlock the wallet',
      lead: 'It is here, encrypted.',
      unlock: 'Unlock',
    },
    working: { creating: 'Making the keys', opening: 'Opening the wallet' },
    loading: 'Getting the wallet ready',
    money: {
      title: 'Put some coins in',
      address: 'Your address',
      copy: 'Copy',
      copied: 'Copied',
      wait: 'Coins are on their way. They count once a block holds them.',
      pending: (sum: string) => `${sum} on the way`,
      get: 'Get test coins',
      getting: 'Asking for coins',
      note: 'Test coins are free and without worth.',
    },
    balance: (sum: string) => `${sum} in the wallet`,
  },

  offer: {
    title: 'Open a lane',
    lead: 'A lane holds your coins between you and the shop. The shop gets only what you sign away; the rest is yours whatever it does.',
    capacity: 'How much to put in',
    cost: 'What it costs',
    asking: 'Asking for the price of block space',
    fundingFee: 'Fee to open, to the miners',
    closeFee: 'Fee to close, kept back now',
    payable: 'You can spend up to',
    wait: (blocks: number, span: string) => `Ready after ${counted(blocks, 'block')}, about ${span}.`,
    back: (blocks: number, span: string) =>
      `If the shop vanished, everything comes back by itself after ${counted(blocks, 'block')}, about ${span}.`,
    dust: 'The first payment signs away at least 294 sat, since the chain carries no less. What it buys beyond its price is credit.',
    open: (sum: string) => `Put ${sum} in a lane`,
    opening: 'Signing and storing',
    declined: (why: string) => `The shop did not take the last lane: ${why}. Nothing left your wallet.`,
    poor: 'The wallet holds too little for that. Choose less, or get more coins.',
  },

  progress: {
    title: 'Your lane is being built',
    offered: 'Signed and stored. Waiting for the shop to take it; no coin has left yet.',
    unseen: 'The coins have left for the lane. No block holds them yet.',
    confirming: (have: number, want: number) => `${count(have)} of ${counted(want, 'block')} on top`,
    wait: (span: string) => `About ${span} to go. You may close this page; it goes on from where it is.`,
    label: 'Blocks on top of the lane’s funding',
  },

  lane: {
    heading: 'Your lane',
    remaining: 'left to spend',
    meter: 'Spent of what the lane can pay',
    paid: 'Paid',
    spent: 'For goods',
    credit: 'Credit',
    creditNote: 'Paid already and not used yet. The next purchases are paid from it first.',
    pause: 'Pause payments',
    resume: 'Resume payments',
    close: 'Close the lane',
    closeNow: 'Close it now',
    closing: 'Asking the shop to close',
    closingNote: 'The lane is closing. The rest is on its way back to your wallet; a block has to hold it.',
    refunding: 'The expiry has come. Your wallet takes everything back by itself.',
    confirmClose: (credit: string) =>
      `Closing now gives up ${credit} of credit: it is paid already, and the chain cannot carry less.`,
    expiry: (blocks: number, span: string) =>
      `The shop takes payments for ${counted(blocks, 'more block')}, about ${span}.`,
    soon: 'The lane is near its end: the shop closes it in a few blocks. What you have bought stays yours.',
    elsewhereTitle: 'In use in another tab',
    elsewhere: 'Another tab or device has taken this lane over, so this one signs nothing. Nothing is lost.',
    takeBack: 'Use it here',
    phases: {
      offered: 'offered',
      declined: 'declined',
      funding: 'being built',
      open: 'open',
      closing: 'closing',
      refunding: 'taking back',
      closed: 'closed',
    } satisfies Record<Lane['phase'], string>,
  },

  end: {
    title: 'The lane is closed',
    paid: 'You signed',
    received: 'The till received',
    settled: 'The chain gave the till',
    returned: 'Back in your wallet',
    goods: 'Of it for goods',
    proven: 'Paid = received = settled',
    unproven: 'These sums differ. Keep the transaction’s id and ask the shop.',
    asking: 'Asking the till',
    unreachable: 'The till has not answered yet. Your wallet and the chain have spoken.',
    transaction: 'Closing transaction',
    another: 'Open another lane',
  },

  shelf: {
    title: 'Receipts',
    empty: 'Nothing bought yet.',
    when: 'When',
    what: 'What',
    price: 'Price',
    number: 'Payment',
    parts: (paid: number, parts: number) => `${count(paid)} of ${count(parts)}`,
  },

  trial: {
    title: 'Try to break it',
    lead: 'Do this in the middle of a song. Nothing is lost, and nothing is paid twice.',
    kill: 'Kill the edge',
    killing: 'Killing it',
    unplug: 'Unplug',
    plug: 'Plug in again',
  },

  notices: {
    unplugged: 'Unplugged. What is signed is stored; it goes out when you plug in again.',
    offline: 'This device is offline. What is signed is stored; it goes out by itself later.',
    edge: 'The edge is down. It is being started again; payments wait and lose nothing.',
    skew: (span: string, way: 'ahead of' | 'behind') =>
      `This device’s clock is ${span} ${way} the shop’s. No sum depends on it, but times here will look wrong. Set the clock.`,
    volatile:
      'This browser may clear the wallet when space runs short. Keep your twelve words, or add the page to your home screen.',
    dismiss: 'Dismiss',
  },

  troubles: {
    'vault/wrong-password': ['That is not the password.', 'Nothing was changed. Try again.'],
    'vault/malformed': ['The stored wallet is damaged.', 'Restore it from your twelve words.'],
    'vault/unsupported': ['The stored wallet was made by a newer version.', 'Open it with that version.'],
    'keys/malformed-mnemonic': [
      'These are not twelve valid words.',
      'Look for a word that is misspelt or out of order.',
    ],
    'store/full': [
      'This device has no space left.',
      'Nothing was paid: a payment is stored before it leaves. Free some space, then go on.',
    ],
    'store/conflict': ['Another tab has just written here.', 'Nothing was lost. Reload to go on in this one.'],
    'store/unavailable': [
      'This browser does not let the page store anything.',
      'Leave private browsing, or allow storage for this site, then reload.',
    ],
    'store/corrupt': [
      'What is stored cannot be read.',
      'Restore the wallet from your twelve words in another profile.',
    ],
    'node/unreachable': [
      'The Bitcoin node does not answer.',
      'Nothing is lost. What is under way goes on by itself; what you asked for just now, ask for again in a moment.',
    ],
    'node/nonsense': ['The Bitcoin node told something that is no proof.', 'Nothing was believed. It is asked again.'],
    'relay/unreachable': ['The shop does not answer.', 'What is signed is stored and goes out by itself.'],
    insufficient: ['The wallet holds too little.', 'Choose a smaller lane, or get more coins.'],
    'shop/unreachable': ['The shop does not answer.', 'Nothing was paid. Try again in a moment.'],
    reserve: [
      'The shop cannot pay that back yet.',
      'It has to keep 1,000 sat in the lane until it closes. Close the lane: what is yours comes back.',
    ],
    'returned-already': ['This was brought back before.', 'Its deposit is in your lane already. Reload to see it.'],
    'too-many-invitations': ['The shop has many lanes waiting.', 'Nothing was paid. Try again in a minute.'],
    'evictable-store': [
      'This browser may clear the wallet, and the lane is too large for that.',
      'Choose a smaller lane, or add the page to your home screen.',
    ],
    'wallet/insufficient-funds': ['The wallet holds too little.', 'Choose a smaller lane, or get more coins.'],
    'wallet/channel-not-open': [
      'The lane cannot be closed together now.',
      'Wait for the payment on its way, then close again. If the shop stays silent, close it alone.',
    ],
    'code/unreachable': ['The wallet’s program did not load.', 'Reload the page when you are connected.'],
  } as Readonly<Record<string, readonly [what: string, next: string]>>,
  troubleElse: ({ detail }: Trouble) =>
    ['Something went wrong.', detail || 'Reload the page; nothing that is signed is lost.'] as const,
} as const

/** What happened and what to do, for a code. */
export function troubleText(trouble: Trouble): readonly [what: string, next: string] {
  return texts.troubles[trouble.code] ?? texts.troubleElse(trouble)
}
