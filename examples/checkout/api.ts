import type { TwoWayPhase } from 'lanekit/wallet/bitcoin'

/** What pages and server tell each other in JSON. Sums are whole satoshi, times are milliseconds since 1970. */

/** What the shop sells. Each is paid in parts of one price: a story has one, a song one a second. */
export type ArticleId = 'story' | 'song' | 'leaves' | 'chart' | 'tide'

export interface Article {
  readonly id: ArticleId
  /** Of one part. */
  readonly price: number
  readonly parts: number
  /** Comes back of a part that is brought back: over a lane that pays both ways. */
  readonly deposit: number
  /** Which lanes it is paid over. */
  readonly over: 'any' | 'one-way' | 'two-way'
}

/** `GET /shop` */
export interface Shop {
  /** Of this start of the server. Its test chain begins anew with each, and wallets of an earlier one are void. */
  readonly run: string
  readonly network: 'regtest' | 'signet' | 'testnet' | 'mainnet'
  readonly now: number
  /** Whether coins are given away and the edge may be killed: on one machine's own test chain only. */
  readonly isDemo: boolean
  /** What a block takes here, for words like "about a minute". */
  readonly blockSeconds: number
  /** Of lanes that pay both ways: from so many blocks on they pay, and within so many each side has to look at the chain. */
  readonly twoWay: { readonly confirmations: number; readonly delayBlocks: number }
  readonly articles: readonly Article[]
}

/** `PUT` and `GET /shop/orders/{paymentId}`: one part of one article, under an id that the buyer made. */
export interface Order {
  readonly paymentId: string
  readonly article: ArticleId
  readonly part: number
  readonly price: number
  /** Both `null` until the till says that it is paid. */
  readonly goods: Goods | null
  readonly receipt: Receipt | null
  /** Was brought back, and its deposit paid back. */
  readonly isReturned: boolean
}

/** What the shop gave its word on when it handed something over. */
export interface Receipt {
  readonly paymentId: string
  readonly article: ArticleId
  readonly part: number
  readonly price: number
  readonly at: number
  readonly channel: string
  /** Of the update that paid, and the channel's total with it: of a lane that pays both ways, of this payment alone. */
  readonly number: number
  readonly paid: number
}

export type Goods =
  | { readonly kind: 'story'; readonly title: string; readonly paragraphs: readonly string[] }
  /** One second of a song: notes by frequency in hertz, begin and length in seconds. */
  | { readonly kind: 'second'; readonly notes: readonly (readonly [hertz: number, begin: number, length: number])[] }
  | {
      readonly kind: 'leaf'
      readonly day: number
      readonly high: string
      readonly low: string
      readonly metres: number
    }
  | { readonly kind: 'chart'; readonly lines: readonly string[] }

/** `POST /shop/orders/{paymentId}/invoice`, with the lane as `channel`: an invoice (BOLT-11) that pays for the order as well. */
export interface Invoiced {
  readonly invoice: string
  readonly expiresAt: number
}

/** `POST /shop/two-way`: an invitation to open one lane that pays both ways, in hexadecimal digits. */
export interface Invited {
  readonly invitation: string
}

/** `GET /shop/two-way/{channel}`: a lane that pays both ways, as the shop's own wallet has it. */
export interface TwoWayAccount {
  readonly channel: string
  readonly phase: TwoWayPhase
  /** What the phase means, for people. */
  readonly words: string
  /** Blocks that it waits for. */
  readonly progress: { readonly have: number; readonly need: number } | null
  readonly capacity: number
  /** What is the shop's. */
  readonly balance: number
  readonly updates: number
  /** What happens when the shop's computer is switched off now. */
  readonly advice: string
  /** What the chain gave both, once the lane has ended. */
  readonly closing: { readonly txid: string; readonly values: readonly number[]; readonly fee: number } | null
}

/** `GET /shop/tide`: paid for by HTTP 402. */
export interface Tide {
  readonly at: number
  readonly metres: number
  readonly trend: 'rising' | 'falling'
  readonly nextHighAt: number
}

/** `GET /shop/lanes/{channel}`: what the till has received by one channel, from its own records. */
export interface Account {
  readonly channel: string
  readonly phase: 'open' | 'closing' | 'closed'
  readonly received: number
  readonly spent: number
  readonly payments: number
  /** What the chain gave the till, once the channel has ended. */
  readonly settled: number | null
  readonly closingTxid: string | null
}

/** `GET /merchant/books` */
export interface Books {
  readonly now: number
  readonly height: number
  readonly income: {
    readonly channels: number
    readonly paid: number
    readonly spent: number
    readonly credit: number
    readonly settled: number
  }
  readonly channels: readonly TillChannel[]
  /** Lanes that pay both ways, which the merchant's wallet has, and what was sold over them: the newest first, as in the ledger. */
  readonly twoWay: readonly TwoWayAccount[]
  /** Invitations that nobody has answered. */
  readonly invitations: number
  readonly twoWaySales: readonly TwoWaySale[]
  readonly twoWaySold: { readonly sales: number; readonly paid: number; readonly back: number }
  readonly balance: Balance
  /** The newest first, at most {@link ledgerShownMax}. */
  readonly ledger: readonly Entry[]
  readonly entries: number
  /** What a watch could not look after, in words. */
  readonly neglected: readonly string[]
}

export const ledgerShownMax = 50

export interface TillChannel {
  readonly id: string
  readonly phase: 'open' | 'closing' | 'closed'
  readonly capacity: number
  readonly received: number
  readonly spent: number
  readonly number: number
  readonly expiry: number
  /** The till closes from this height on. */
  readonly closesAt: number
  readonly settled: number | null
}

/** One payment in the merchant's ledger. */
export interface Entry {
  readonly at: number
  readonly paymentId: string
  readonly article: ArticleId
  readonly part: number
  readonly channel: string
  readonly number: number
  readonly price: number
}

/** One payment that the merchant's wallet has received. */
export interface TwoWaySale {
  readonly at: number
  readonly paymentId: string
  /** `null` for what nobody has ordered. */
  readonly article: ArticleId | null
  readonly part: number
  readonly channel: string
  readonly number: number
  readonly paid: number
  readonly isByInvoice: boolean
  /** Its deposit, where that was paid back. */
  readonly back: number
}

/** Two sides that are counted from different records and have to agree. */
export interface Balance {
  /** Signed by shoppers and not yet on the chain, and what the chain has given. */
  readonly claims: number
  readonly settled: number
  /** Paid by the best updates, and never given by the chain: a channel that was missed. */
  readonly lost: number
  /** Prices of all payments, one by one, and what was paid ahead. */
  readonly sold: number
  readonly credit: number
  readonly isBalanced: boolean
}

/** `GET /v1/chains/{id}/windows/{window}` of the edge (docs/http.md). */
export interface WindowDetail {
  readonly window: number
  readonly at: number
  readonly lanes: number
  readonly criticalPathGas: number
  readonly totalGas: number
  readonly makespanGas4: number
  readonly transactions: readonly PlannedTransaction[]
}

export interface PlannedTransaction {
  readonly hash: string
  readonly sender: string
  readonly lane: number
  readonly gas: number
  /** Places in this list that it waits for, each with the first reason in words. */
  readonly waits: readonly { readonly index: number; readonly reason: string }[]
}

/** `GET /demo/cheat`: a shopper who pays, and then broadcasts a state from before. */
export interface CheatStory {
  readonly isPlaying: boolean
  readonly steps: readonly CheatStep[]
  /** Why it could not be told to its end. */
  readonly trouble: string | null
}

export type CheatStep =
  | { readonly type: 'opened'; readonly capacity: number; readonly fundingTxid: string }
  /** The cheat copies everything that its wallet has stored. */
  | { readonly type: 'copied'; readonly number: number; readonly balance: number }
  | { readonly type: 'paid'; readonly paid: number; readonly number: number; readonly balance: number }
  /** The copy's state goes to the chain: the cheat would get `claimed`. */
  | { readonly type: 'broadcast'; readonly number: number; readonly claimed: number; readonly txid: string }
  /** The shop's wallet has seen it, and takes the cheat's output by the secret that revoked it. */
  | { readonly type: 'caught'; readonly txid: string; readonly taken: number }
  | ({ readonly type: 'ended' } & CheatSums)

/** Where the lane's coins are in the end. The first is the sum of the others. */
export interface CheatSums {
  readonly capacity: number
  readonly toShop: number
  readonly toCheat: number
  /** To the miners, by the old state and by what the shop took it with. */
  readonly stateFee: number
  readonly justiceFee: number
  /** Outputs that only lift the fee of the old state, and are worth less than taking them. */
  readonly anchors: number
}
