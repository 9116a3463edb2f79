import { type ChannelId, channelId, type Store, sats } from 'lanekit'
import { esplora, httpPeers, indexedDb, socketBoxes, systemRandom, webCipher } from 'lanekit/adapters'
import { mnemonicFromEntropy } from 'lanekit/keys'
import { createVault, openVault, type Vault } from 'lanekit/wallet'
import { type BitcoinWallet, createBitcoinWallet, type OneWayChannel, payingFetch } from 'lanekit/wallet/bitcoin'
import type { Account, Goods, Order, Shop } from '../api.ts'
import { ask, type Plug } from '../page/ask.ts'
import { type Billing, openBilling } from './billing.ts'
import { type Cashier, type CashierParts, openCashier, troubleOf } from './cashier.ts'
import { type Cost, type Event, isTwoWay, type Lane, laneOf, type Purchase, type State, type Trouble } from './model.ts'
import { newPurchase, openPurchases } from './purchases.ts'
import { createPlayer } from './song.ts'
import { openTwoWaySide, type TwoWaySide, troubleOfRefusal } from './twoWay.ts'

/** What the wallet's part of the page can do. Loaded after the first paint. */
export interface Purse {
  readonly create: (password: string, words: string | null) => Promise<void>
  readonly unlock: (password: string) => Promise<void>
  readonly wordsWritten: () => void
  readonly open: (capacity: bigint, over: State['over']) => Promise<void>
  readonly close: (how: 'together' | 'alone') => Promise<void>
  /** Brings what was lent back to the shop, which pays its deposit back. */
  readonly bringBack: (purchase: Purchase) => Promise<void>
  /** Opens the wallet anew, which takes its lanes over from whoever has them. */
  readonly takeBack: () => Promise<void>
  readonly quote: (capacity: bigint) => Promise<void>
  readonly buy: (wish: Pick<Purchase, 'article' | 'parts' | 'price'>) => Promise<void>
  readonly goOn: (purchase: Purchase) => Promise<void>
  /** Asks the shop for an invoice, and shows it: this wallet can pay it by {@link Purse.goOn}, or any other one. */
  readonly showInvoice: (wish: Pick<Purchase, 'article' | 'parts' | 'price'>) => Promise<void>
  readonly stop: (purchase: Purchase) => void
  readonly fetchPaid: (path: string, priceMax: bigint) => Promise<Response>
}

export interface PurseParts {
  readonly shop: Shop
  readonly plug: Plug
  readonly tell: (event: Event) => void
  readonly state: () => State
}

/** How often the wallet looks at the chain by itself, and how often it is asked to while a block is waited for. */
const pollMs = 20_000
const waitPollMs = { least: 1_000, most: 10_000 }
/**
 * Each unused address within the gap costs a question whenever the wallet is opened. The page gives out another one once one was paid, so
 * that its own words leave no wider gap; a wallet that takes in words of other software keeps the default of 20.
 */
const gapLimit = 5
/** How long a payment is waited for before the page says that it is on its way. */
const answerMs = 2_000
/** Blocks until a lane comes back by itself: a week. */
const expiryBlocks = 1_008

/** Opens the wallet's store in this browser, and says whether a wallet is in it. */
export async function openPurse(parts: PurseParts): Promise<Purse> {
  const { shop, tell } = parts
  const name = `lanekit-checkout-${shop.run}`
  const store = indexedDb(name)
  const cipher = webCipher()
  const ports = { store, cipher, random: systemRandom }
  let vault: Vault | null = null
  let session: Session | null = null
  const begin = async (opened: Vault) => {
    vault = opened
    session = await openSession(parts, { store, vault })
  }
  const vaulted = await store.get('vault')
  tell({ type: 'wallet', wallet: vaulted ? { step: 'locked' } : { step: 'none', lost: lostSince(shop.run) } })
  await forgetOthers(name)
  /** A wallet whose store has failed signs nothing more: what is stored is read anew, and goes on from there. */
  const mended = async () => {
    if (vault && session?.isBroken()) {
      session.end()
      await begin(vault)
    }
    return held()
  }
  const held = () => {
    if (!session) throw Object.assign(new Error('The wallet is not open.'), { code: 'keys/locked' })
    return session
  }
  return {
    create: async (password, words) => {
      tell({ type: 'wallet', wallet: { step: 'working', at: 'creating' } })
      try {
        const mnemonic = words ?? mnemonicFromEntropy(systemRandom(16))
        const made = await createVault({ ...ports, password, mnemonic })
        remember(shop.run)
        tell({ type: 'persistent', isPersistent: await askToKeep() })
        await begin(made)
        tell({ type: 'wallet', wallet: words ? { step: 'ready' } : { step: 'words', words: mnemonic.split(' ') } })
      } catch (error) {
        tell({ type: 'wallet', wallet: { step: 'none', lost: 'no' } })
        throw error
      }
    },
    unlock: async (password) => {
      tell({ type: 'wallet', wallet: { step: 'working', at: 'opening' } })
      try {
        await begin(await openVault({ ...ports, password }))
        remember(shop.run)
        tell({ type: 'persistent', isPersistent: (await navigator.storage?.persisted?.()) ?? false })
        tell({ type: 'wallet', wallet: { step: 'ready' } })
      } catch (error) {
        tell({ type: 'wallet', wallet: { step: 'locked' } })
        throw error
      }
    },
    wordsWritten: () => tell({ type: 'wallet', wallet: { step: 'ready' } }),
    open: async (capacity, over) => {
      if (over === 'two-way') return held().twoWay.open(capacity)
      const opened = await held().wallet.openChannel({ peer: location.origin, capacity: sats(capacity), expiryBlocks })
      if (opened.ok && opened.channel.kind === 'one-way') tell({ type: 'lane', lane: laneFrom(opened.channel) })
      if (!opened.ok) tell({ type: 'cost', cost: troubleOfRefusal(opened.refusal) })
    },
    close: async (how) => {
      const lane = laneOf(parts.state())
      if (!lane) return
      if (isTwoWay(lane)) return held().twoWay.close(lane, how)
      await held().wallet.closeChannel(idOf(lane))
    },
    bringBack: (purchase) => held().bringBack(purchase),
    takeBack: async () => {
      session?.end()
      if (vault) await begin(vault)
    },
    quote: (capacity) => held().quote(capacity),
    buy: async (wish) => (await mended()).cashier.buy(newPurchase(wish)),
    goOn: async (purchase) => (await mended()).cashier.buy(purchase),
    showInvoice: async (wish) => (await mended()).billing.show(newPurchase(wish)),
    stop: ({ id }) => held().cashier.stop(id),
    fetchPaid: async (path, priceMax) => (await mended()).fetchPaid(path, priceMax),
  }
}

/** An open wallet, and everything that follows it. */
interface Session {
  readonly wallet: BitcoinWallet
  readonly cashier: Cashier
  readonly quote: (capacity: bigint) => Promise<void>
  readonly fetchPaid: Purse['fetchPaid']
  readonly twoWay: TwoWaySide
  readonly billing: Billing
  readonly bringBack: Purse['bringBack']
  /** The store has failed under it. */
  readonly isBroken: () => boolean
  readonly end: () => void
}

async function openSession(
  parts: PurseParts,
  { store, vault }: { readonly store: Store; readonly vault: Vault },
): Promise<Session> {
  const { shop, plug, state } = parts
  let isBroken = false
  const tell = (event: Event) => {
    if (event.type === 'trouble' && event.trouble?.code.startsWith('store/')) isBroken = true
    parts.tell(event)
  }
  const network = shop.network === 'testnet' ? 'testnet4' : shop.network
  const wallet = await createBitcoinWallet({
    keys: await vault.bitcoin(network),
    store,
    network,
    nodes: [esplora({ url: `${location.origin}/bitcoin`, network, fetch: plug.fetch })],
    peers: httpPeers(plug),
    boxes: socketBoxes(plug),
    pollMs,
    gapLimit,
  })
  const twoWay = openTwoWaySide({ wallet, plug, tell, answerMs })
  const ending = new AbortController()
  const player = createPlayer()
  const pay: CashierParts['pay'] = async (amount, paymentId, invoice) => {
    if (invoice !== null) return wallet.pay(invoice, { waitMs: answerMs })
    const lane = laneOf(state())
    if (!lane) return { state: 'refused', fault: 'not-open' }
    if (isTwoWay(lane)) return twoWay.pay(lane, amount, paymentId)
    return wallet.pay(idOf(lane), sats(amount), { paymentId, waitMs: answerMs })
  }
  const use = async (purchase: Purchase, goods: Goods) => {
    if (purchase.article === 'song' && goods.kind === 'second') await player.play(goods)
  }
  const purchases = openPurchases(store)
  const cashier = openCashier({
    purchases,
    fetch: plug.fetch,
    pay,
    isHeld: () => state().isPaused || laneOf(state())?.isElsewhere === true,
    changed: (purchase) => tell({ type: 'purchase', purchase }),
    failed: (trouble) => tell({ type: 'trouble', trouble }),
    use,
  })
  const quote = async (capacity: bigint) => {
    const { over } = state()
    const cost = over === 'two-way' ? await twoWay.quote(capacity) : await quoteLane(wallet, capacity)
    // Another one may be wished for by now.
    if (state().over === over && state().capacity === capacity) tell({ type: 'cost', cost })
  }
  tell({ type: 'address', address: await wallet.address() })
  void followLanes(wallet, { ...parts, tell, twoWay, signal: ending.signal })
  void followCoins(wallet, { ...parts, tell, quote, twoWay, signal: ending.signal })
  const billing = openBilling({ fetch: plug.fetch, state, tell, purchases, cashier, signal: ending.signal })
  await cashier.restore()
  billing.restore()
  return {
    wallet,
    cashier,
    billing,
    quote,
    twoWay,
    bringBack: async (purchase) => {
      const path = `/shop/orders/${purchase.receipt?.paymentId}/return`
      const said = await ask<Order>(path, { fetch: plug.fetch, method: 'POST' })
      if (!said.ok && said.code !== 'returned-already')
        throw Object.assign(new Error(''), { code: said.status === 0 ? 'shop/unreachable' : said.code })
      const next: Purchase = { ...purchase, isReturned: true, goods: [] }
      await purchases.save(next)
      tell({ type: 'purchase', purchase: next })
    },
    fetchPaid: async (path, priceMax) => {
      const fetch = payingFetch(wallet, { priceMax: sats(priceMax), fetch: (request) => plug.fetch(request) })
      return fetch(path, { cache: 'no-store' })
    },
    isBroken: () => isBroken,
    end: () => {
      ending.abort()
      cashier.close()
      wallet.close()
    },
  }
}

/** Every lane after each change, and what the till says of those that ended. */
async function followLanes(
  wallet: BitcoinWallet,
  { tell, plug, twoWay, signal }: PurseParts & { readonly twoWay: TwoWaySide; readonly signal: AbortSignal },
): Promise<void> {
  try {
    for await (const channel of wallet.changes(signal)) {
      if (channel.kind === 'two-way') {
        twoWay.show()
        continue
      }
      tell({ type: 'lane', lane: laneFrom(channel) })
      if (channel.phase !== 'closed') continue
      const said = await ask<Account>(`/shop/lanes/${channel.id}`, { fetch: plug.fetch })
      if (said.ok) tell({ type: 'account', account: said.value })
    }
  } catch (error) {
    if (!signal.aborted) tell({ type: 'trouble', trouble: troubleOf(error) })
  }
}

/**
 * The coins, and the price of a lane when they have changed. Nodes are asked often only while something waits for a block:
 * each look costs a question for every script, and payments need none.
 */
async function followCoins(
  wallet: BitcoinWallet,
  parts: PurseParts & {
    readonly quote: (capacity: bigint) => Promise<void>
    readonly twoWay: TwoWaySide
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { shop, tell, state, plug, quote, twoWay, signal } = parts
  const pauseMs = Math.max(waitPollMs.least, Math.min(waitPollMs.most, shop.blockSeconds * 750))
  let before = -1n
  while (!signal.aborted) {
    try {
      if (isWaiting(state()) || before < 0n) {
        // The first time the wallet is at it by itself.
        const { confirmed, pending } = await (before < 0n ? wallet.balance() : wallet.refresh())
        tell({ type: 'money', money: { confirmed, pending } })
        if (confirmed > 0n && (confirmed !== before || state().cost === null)) await quote(state().capacity)
        before = confirmed
      }
      await twoWay.lookAtEnded()
      const lane = laneOf(state())
      if (lane?.phase === 'closed' && !isTwoWay(lane) && state().accounts[lane.id]?.settled == null) {
        const said = await ask<Account>(`/shop/lanes/${lane.id}`, { fetch: plug.fetch })
        if (said.ok) tell({ type: 'account', account: said.value })
      }
    } catch (error) {
      const { code } = troubleOf(error)
      // Nodes that do not answer are asked again, and the notices say what is down.
      if (!signal.aborted && !/^(node|relay)\//.test(code)) tell({ type: 'trouble', trouble: troubleOf(error) })
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** Whether a block would change what the page shows. */
function isWaiting(state: State): boolean {
  const lane = laneOf(state)
  return lane === null || lane.phase !== 'open'
}

async function quoteLane(wallet: BitcoinWallet, capacity: bigint): Promise<Cost | Trouble> {
  const told = await wallet.quoteChannel({ peer: location.origin, capacity: sats(capacity), expiryBlocks })
  if (!told.ok) return troubleOfRefusal(told.refusal)
  if (told.quote.kind !== 'one-way') throw new Error('What was wished for is quoted.')
  const { fundingFee, closeFee, payable, confirmationsMin: confirmations, expiryBlocks: backBlocks } = told.quote
  return { over: 'one-way', capacity, fundingFee, closeFee, payable, reserve: 0n, confirmations, backBlocks }
}

function laneFrom(channel: OneWayChannel): Lane {
  return { ...channel, height: channel.height ?? 0 }
}

function idOf({ id }: Lane): ChannelId {
  return channelId(id as `0x${string}`)
}

/** A mark outside of the storage that a browser clears, so that a lost wallet is told from one that never was. */
const mark = 'wallet'

function remember(run: string): void {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser that this page supports.
  document.cookie = `${mark}=${run}; max-age=31536000; path=/; samesite=strict`
}

function lostSince(run: string): 'no' | 'evicted' | 'restarted' {
  const found = new RegExp(`(?:^|; )${mark}=([0-9a-f]+)`).exec(document.cookie)?.[1]
  if (found === undefined) return 'no'
  return found === run ? 'evicted' : 'restarted'
}

/** Wallets of earlier runs are on chains that are gone. */
async function forgetOthers(name: string): Promise<void> {
  const databases = (await indexedDB.databases?.()) ?? []
  for (const { name: other } of databases)
    if (other?.startsWith('lanekit-checkout-') && other !== name) indexedDB.deleteDatabase(other)
}

async function askToKeep(): Promise<boolean> {
  return (await navigator.storage?.persist?.()) ?? false
}
