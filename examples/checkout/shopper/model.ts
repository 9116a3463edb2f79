import type { Account, Article, ArticleId, Goods, Invoiced, Receipt, Shop, Tide, TwoWayAccount } from '../api.ts'

/** A lane that pays one way, as the wallet tells it: what this page reads of `lanekit/wallet`'s Channel. */
export interface Lane {
  readonly kind: 'one-way'
  readonly id: string
  readonly phase: 'offered' | 'declined' | 'funding' | 'open' | 'closing' | 'refunding' | 'closed'
  readonly capacity: bigint
  readonly paid: bigint
  readonly spent: bigint
  readonly remaining: bigint
  readonly closeFee: bigint
  readonly confirmations: number
  readonly confirmationsMin: number
  readonly expiry: number
  readonly closesAt: number
  readonly height: number
  readonly pending: boolean
  readonly ending: {
    readonly txid: string
    readonly confirmations: number
    readonly toPayee: bigint
    readonly toPayer: bigint
  } | null
  readonly fault: string | null
  readonly isElsewhere: boolean
}

/** A lane that pays both ways, as the wallet tells it: what this page reads of its TwoWayChannel. */
export interface TwoWayLane {
  readonly kind: 'two-way'
  readonly id: string
  readonly phase: TwoWayAccount['phase']
  /** What the phase means, and the blocks that it waits for. */
  readonly words: string
  readonly progress: { readonly have: number; readonly need: number } | null
  readonly delayBlocks: number
  readonly capacity: bigint
  /** What is this side's, and what of it can be paid now. */
  readonly balance: bigint
  readonly remaining: bigint
  readonly updates: number
  readonly isPending: boolean
  /** What happens when the page is closed now. */
  readonly advice: string
  readonly trouble: string | null
  readonly isElsewhere: boolean
}

export type AnyLane = Lane | TwoWayLane

export function isTwoWay(lane: AnyLane): lane is TwoWayLane {
  return lane.kind === 'two-way'
}

export interface Money {
  readonly confirmed: bigint
  readonly pending: bigint
}

/** What opening a lane would cost, before anything is signed. */
export interface Cost {
  /** Of the kind that it is the price of. */
  readonly over: 'one-way' | 'two-way'
  readonly capacity: bigint
  readonly fundingFee: bigint
  readonly closeFee: bigint
  readonly payable: bigint
  readonly confirmations: number
  /** Until the coins come back by themselves, or after closing alone. */
  readonly backBlocks: number
  /** Kept beside the lane. */
  readonly reserve: bigint
}

/** How far the wallet in this page is. */
export type WalletStage =
  | { readonly step: 'loading' }
  /** No wallet here. `lost` when this browser had one and no longer keeps it. */
  | { readonly step: 'none'; readonly lost: 'no' | 'evicted' | 'restarted' }
  | { readonly step: 'locked' }
  | { readonly step: 'working'; readonly at: 'creating' | 'opening' }
  /** Just made: the words are shown before money arrives. */
  | { readonly step: 'words'; readonly words: readonly string[] }
  | { readonly step: 'ready' }

/** Something bought, or being bought, in equal parts. Stored before its first part is ordered. */
export interface Purchase {
  readonly id: string
  readonly article: ArticleId
  /** Most that will be bought: one for a story, the limit for a song. */
  readonly parts: number
  /** Of one part. */
  readonly price: bigint
  readonly at: number
  /** Parts that the till has said are paid. */
  readonly paid: number
  readonly state: 'paying' | 'waiting' | 'paused' | 'done' | 'refused'
  readonly fault: string | null
  readonly goods: readonly Goods[]
  /** Of the last part. */
  readonly receipt: Receipt | null
  /** What was lent is with the shop again. */
  readonly isReturned: boolean
  /** Where it is paid by an invoice: nothing else pays for it then. */
  readonly invoice: Invoiced | null
}

/** The end of a lane, from three sides that do not believe one another. */
export interface Proof {
  readonly lane: string
  /** What this wallet signed away. */
  readonly paid: bigint
  readonly spent: bigint
  /** What the till says it has. */
  readonly received: bigint | null
  /** What the chain shows that the till was given, and this wallet got back. */
  readonly settled: bigint
  readonly returned: bigint
  readonly txid: string
}

/** Something went wrong, as a code that the texts explain. */
export interface Trouble {
  readonly code: string
  readonly detail: string
}

export interface State {
  readonly wallet: WalletStage
  readonly shop: Shop | null
  readonly address: string | null
  readonly money: Money | null
  readonly cost: Cost | Trouble | null
  readonly capacity: bigint
  readonly lanes: readonly Lane[]
  readonly twoWay: readonly TwoWayLane[]
  /** Which kind of lane is to be opened next. */
  readonly over: 'one-way' | 'two-way'
  readonly purchases: readonly Purchase[]
  readonly tide: { readonly tide: Tide; readonly price: bigint } | 'asking' | null
  readonly songLimit: bigint
  readonly accounts: Readonly<Record<string, Account>>
  /** What the shop says of lanes that pay both ways and have ended. */
  readonly twoWayAccounts: Readonly<Record<string, TwoWayAccount>>
  readonly isPaused: boolean
  /** What the page did to itself, and what the browser says. */
  readonly isUnplugged: boolean
  readonly isOffline: boolean
  readonly edge: 'up' | 'down'
  /** How far this device's clock is ahead of the shop's, in milliseconds. */
  readonly skewMs: number
  readonly isPersistent: boolean | null
  /** What the page is doing for the person right now, so that nothing is asked for twice. */
  readonly doing: 'coins' | 'opening' | 'closing' | 'killing' | 'bringing-back' | 'asking-invoice' | null
  readonly trouble: Trouble | null
}

export const capacities = [20_000n, 50_000n, 100_000n] as const
export const songLimits = [15n, 30n, 60n] as const
/** A clock that is off by more is told of. */
export const skewMsMax = 120_000

export const firstState: State = {
  wallet: { step: 'loading' },
  shop: null,
  address: null,
  money: null,
  cost: null,
  capacity: capacities[0],
  lanes: [],
  twoWay: [],
  over: 'one-way',
  purchases: [],
  tide: null,
  songLimit: songLimits[1],
  accounts: {},
  twoWayAccounts: {},
  isPaused: false,
  isUnplugged: false,
  isOffline: false,
  edge: 'up',
  skewMs: 0,
  isPersistent: null,
  doing: null,
  trouble: null,
}

/** Everything that may happen to the page. Facts are told as they are; nothing is worked out before it comes here. */
export type Event =
  | { readonly type: 'wallet'; readonly wallet: WalletStage }
  | { readonly type: 'shop'; readonly shop: Shop; readonly at: number }
  | { readonly type: 'address'; readonly address: string }
  | { readonly type: 'money'; readonly money: Money }
  | { readonly type: 'capacity'; readonly capacity: bigint }
  | { readonly type: 'cost'; readonly cost: Cost | Trouble }
  | { readonly type: 'lane'; readonly lane: Lane }
  | { readonly type: 'two-way'; readonly lanes: readonly TwoWayLane[] }
  | { readonly type: 'two-way-account'; readonly account: TwoWayAccount }
  | { readonly type: 'over'; readonly over: State['over'] }
  | { readonly type: 'purchase'; readonly purchase: Purchase }
  | { readonly type: 'tide'; readonly tide: State['tide'] }
  | { readonly type: 'song-limit'; readonly limit: bigint }
  | { readonly type: 'account'; readonly account: Account }
  | { readonly type: 'pause'; readonly isPaused: boolean }
  | { readonly type: 'plug'; readonly isUnplugged: boolean }
  | { readonly type: 'offline'; readonly isOffline: boolean }
  | { readonly type: 'edge'; readonly edge: State['edge'] }
  | { readonly type: 'persistent'; readonly isPersistent: boolean }
  | { readonly type: 'doing'; readonly doing: State['doing'] }
  | { readonly type: 'trouble'; readonly trouble: Trouble | null }

/** What the page shows after something happened. */
export function step(state: State, event: Event): State {
  switch (event.type) {
    case 'wallet':
      return { ...state, wallet: event.wallet }
    case 'shop':
      return { ...state, shop: event.shop, skewMs: event.at - event.shop.now }
    case 'address':
      return { ...state, address: event.address }
    case 'money':
      return { ...state, money: event.money }
    case 'capacity':
      return { ...state, capacity: event.capacity, cost: null }
    case 'cost':
      return { ...state, cost: event.cost }
    case 'lane':
      return { ...state, lanes: withLane(state.lanes, event.lane) }
    case 'two-way':
      return { ...state, twoWay: event.lanes }
    case 'two-way-account':
      return { ...state, twoWayAccounts: { ...state.twoWayAccounts, [event.account.channel]: event.account } }
    case 'over':
      return { ...state, over: event.over, cost: null }
    case 'purchase':
      return { ...state, purchases: withPurchase(state.purchases, event.purchase) }
    case 'tide':
      return { ...state, tide: event.tide }
    case 'song-limit':
      return { ...state, songLimit: event.limit }
    case 'account':
      return { ...state, accounts: { ...state.accounts, [event.account.channel]: event.account } }
    case 'pause':
      return { ...state, isPaused: event.isPaused }
    case 'plug':
      return { ...state, isUnplugged: event.isUnplugged }
    case 'offline':
      return { ...state, isOffline: event.isOffline }
    case 'edge':
      return { ...state, edge: event.edge }
    case 'persistent':
      return { ...state, isPersistent: event.isPersistent }
    case 'doing':
      return { ...state, doing: event.doing }
    default:
      return { ...state, trouble: event.trouble }
  }
}

function withLane(lanes: readonly Lane[], lane: Lane): readonly Lane[] {
  return lanes.some(({ id }) => id === lane.id)
    ? lanes.map((one) => (one.id === lane.id ? lane : one))
    : [...lanes, lane]
}

/** The newest first. What is known to be paid never goes back, in whatever order the news comes. */
function withPurchase(purchases: readonly Purchase[], purchase: Purchase): readonly Purchase[] {
  const known = purchases.find(({ id }) => id === purchase.id)
  if (!known) return [purchase, ...purchases].sort((one, other) => other.at - one.at)
  const next = purchase.paid < known.paid ? { ...purchase, paid: known.paid, goods: known.goods } : purchase
  return purchases.map((one) => (one === known ? next : one))
}

/** The lane that the page is about: one that lives, else the last that ended. */
export function laneOf({ lanes, twoWay, over }: State): AnyLane | null {
  const all: readonly AnyLane[] = over === 'one-way' ? [...twoWay, ...lanes] : [...lanes, ...twoWay]
  const living = all.filter(({ phase }) => phase !== 'closed' && phase !== 'declined')
  return living.at(-1) ?? all.at(-1) ?? null
}

/** Why nothing can be bought now, or `null` when it can. Texts and buttons follow it. */
export type Hindrance =
  | 'no-wallet'
  | 'locked'
  | 'no-lane'
  | 'not-open'
  | 'elsewhere'
  | 'paused'
  | 'too-little'
  | 'unplugged'
  | 'one-way-only'
  | 'two-way-only'

/** What keeps a part of this price from being bought, if anything does. */
export function hindranceOf(state: State, price: bigint, over: Article['over'] = 'any'): Hindrance | null {
  const { wallet, isPaused } = state
  if (wallet.step !== 'ready') return wallet.step === 'locked' ? 'locked' : 'no-wallet'
  const lane = laneOf(state)
  if (!lane || lane.phase === 'closed' || lane.phase === 'declined') return 'no-lane'
  if (lane.isElsewhere) return 'elsewhere'
  if (lane.phase !== 'open') return 'not-open'
  if (over === (isTwoWay(lane) ? 'one-way' : 'two-way')) return `${over}-only`
  if (isPaused) return 'paused'
  if (lane.remaining < price) return 'too-little'
  return state.isUnplugged || state.isOffline ? 'unplugged' : null
}

/** The purchase of an article that is under way, or the last one. */
export function purchaseOf({ purchases }: State, article: ArticleId): Purchase | null {
  return purchases.find((one) => one.article === article) ?? null
}

/** True for a purchase whose invoice is shown, and waits for whoever pays it. */
export function isBilled(purchase: Purchase | null): purchase is Purchase & { readonly invoice: Invoiced } {
  return purchase?.invoice != null && purchase.state === 'paused' && purchase.paid < purchase.parts
}

/** True while parts of it are still to be paid without anybody's click. */
export function isRunning(purchase: Purchase | null): purchase is Purchase {
  return purchase !== null && (purchase.state === 'paying' || purchase.state === 'waiting')
}

/** What a lane came to, once a block holds its end. */
export function proofOf({ accounts }: State, lane: Lane): Proof | null {
  if (lane.phase !== 'closed' || !lane.ending) return null
  const { toPayee, toPayer, txid } = lane.ending
  const account = accounts[lane.id]
  return {
    lane: lane.id,
    paid: lane.paid,
    spent: lane.spent,
    received: account ? BigInt(account.received) : null,
    settled: toPayee,
    returned: toPayer,
    txid,
  }
}

/** Whether the three sides agree; `null` while one of them has not spoken. */
export function isProven({ paid, received, settled }: Proof): boolean | null {
  return received === null ? null : paid === received && received === settled
}

/** Which card the wallet's column shows. */
export type Card =
  | 'loading'
  | 'none'
  | 'locked'
  | 'working'
  | 'words'
  | 'money'
  | 'offer'
  | 'progress'
  | 'lane'
  | 'end'
  | 'two-way'

export function cardOf(state: State): Card {
  const { wallet, money } = state
  if (wallet.step !== 'ready') return wallet.step
  const lane = laneOf(state)
  if (lane && lane.phase !== 'declined') {
    if (isTwoWay(lane)) return 'two-way'
    if (lane.phase === 'closed') return 'end'
    return lane.phase === 'offered' || lane.phase === 'funding' ? 'progress' : 'lane'
  }
  if (!money) return 'loading'
  return money.confirmed > 0n ? 'offer' : 'money'
}
