import {
  type Account,
  accountOutput,
  type Balance,
  balanceOf,
  decodeAccountKey,
  encodeAddress,
  gapLimitDefault,
  gapLimitMax,
  type Network,
  outpointKey,
  satsPerVbyte,
  singleKeyAccount,
} from '../../bitcoin/index.ts'
import { platformClock, platformRandom } from '../../client/platform.ts'
import { invariant, SdkError } from '../../errors.ts'
import type { BitcoinNode, BitcoinSigner, Clock, Random, Store } from '../../ports.ts'
import { type Feerate, type Sats, sats, type Txid } from '../../units.ts'
import {
  type Attempt,
  type Book,
  currentAttempt,
  outlayOf,
  reservedIn,
  spentBy,
  withoutHeld,
  withSent,
} from './book.ts'
import { bookKey, changeBook, loadBook } from './bookStore.ts'
import { factsFrom, type InclusionFinder } from './facts.ts'
import { changeOutputs, followerOf, type OutgoingStatus } from './follow.ts'
import { createLookout, type OwnCoin, type Sight } from './lookout.ts'
import { nodesOf } from './nodes.ts'
import {
  type FeeWish,
  look,
  type PaymentPsbt,
  type PaymentQuote,
  quotePsbt,
  type Reservation,
  reservePayments,
  type SentPayment,
  storeLift,
  storePayments,
  storePsbt,
} from './pay.ts'
import type { CoinsRefusal, Payment } from './payments.ts'
import { feerateOf, type Purse } from './spend.ts'

/** 500 sat per vbyte: more than a calm chain has ever asked for. */
const feerateMaxDefault = /* @__PURE__ */ satsPerVbyte(500)

/** How long what a look through the whole gap has found is enough: a look costs a question for every script. */
const wholeMs = 60_000

/** What a wallet of coins is made of. */
export interface CoinsParts {
  /** Signs for the first accounts of BIP-84 and BIP-86; or accounts to watch, whose signers are elsewhere. */
  readonly keys: BitcoinSigner | { readonly watch: readonly Account[] }
  /** Several wallets may share it. */
  readonly store: Store
  readonly network: Network
  /** At least one. Each may lie or hide; what one hides, another shows. */
  readonly nodes: readonly BitcoinNode[]
  /**
   * Unused addresses in a row behind which nothing is looked for: 20 when not said, as BIP-44 has it. More finds what other
   * software has left behind wider gaps, and costs a question for each.
   *
   * Funds at risk: below what others on the seed use, what they were paid is not shown.
   */
  readonly gapLimit?: number
  readonly clock?: Clock
  readonly random?: Random
  /** No transaction pays more, whatever nodes or callers say: 500 sat per vbyte when not said. */
  readonly feerateMax?: Feerate
  /** Where a transaction was mined, as headers of most work prove it. The nodes' own word when not given. */
  readonly inclusion?: InclusionFinder
}

/** What the accounts hold. All five together are everything. */
export interface CoinsBalance extends Balance {
  /** Set aside for fundings that have not been sent, and for what a stranger's transaction made impossible. */
  readonly reserved: Sats
}

/**
 * The coins of Bitcoin accounts: found, shown and spent. Rules: COINS.md.
 *
 * Expected refusals are values; every call throws what the store and the signer throw, and `node/...` when no node answers.
 */
export interface Coins {
  readonly network: Network
  /**
   * An address of one's own that nothing was ever paid to; the same until something is.
   *
   * @param kind - `wpkh` when not said, where there is such an account. Throws `keys/unknown-account` for another.
   */
  readonly address: (kind?: 'wpkh' | 'tr' | 'multisig') => Promise<string>
  readonly balance: () => Promise<CoinsBalance>
  /** What payments would cost now. */
  readonly quote: (payments: readonly Payment[], wish?: FeeWish) => Promise<PaymentQuote | CoinsRefusal>
  /**
   * Signs, stores, then broadcasts. Resolves once stored: whatever nodes say then, it is sent until a block holds it.
   *
   * Funds at risk: where it throws, a store that failed may have stored it after all. See {@link outgoing} before paying anew.
   */
  readonly send: (payments: readonly Payment[], wish?: FeeWish) => Promise<SentPayment | CoinsRefusal>
  /**
   * Gets a transaction mined sooner: one of ours by a replacement (BIP-125), an incoming one, a funding, or one that
   * others of ours hang on by a child that pays for both. At the feerate for 2 blocks when none is said.
   */
  readonly speedUp: (txid: Txid, wish?: FeeWish) => Promise<SentPayment | CoinsRefusal>
  /** Signs a transaction that nobody gets yet, a channel's funding. See {@link Reservation}. */
  readonly reserve: (payments: readonly Payment[], wish?: FeeWish) => Promise<Reservation | CoinsRefusal>
  /**
   * Lets a reserved transaction go out, and broadcasts it, now and at each refresh. May be called again.
   * Throws `wallet/unknown-transaction` when nothing of that name was stored.
   */
  readonly markSent: (txid: Txid) => Promise<void>
  /**
   * Frees the coins of a reserved transaction. May be called again. Throws `wallet/too-late` once it was let out.
   *
   * Funds at risk: only for a transaction whose bytes nobody has. Whoever has them can still take the coins.
   */
  readonly release: (txid: Txid) => Promise<void>
  /** As of the last refresh; nothing for a transaction that is none of this wallet's own. */
  readonly status: (txid: Txid) => Promise<OutgoingStatus | undefined>
  /** All that no block has decided for good, in the order it was made. */
  readonly outgoing: () => Promise<readonly OutgoingStatus[]>
  /** The unsigned transaction for these payments, for signers elsewhere. Its coins are not set aside. */
  readonly createPaymentPsbt: (payments: readonly Payment[], wish?: FeeWish) => Promise<PaymentPsbt | CoinsRefusal>
  /** Stores and broadcasts what has all signatures. */
  readonly submitPsbt: (psbt: Uint8Array) => Promise<SentPayment | CoinsRefusal>
  /**
   * Looks at the chain: finds what became of everything, and sends again what no block holds. Call it at each block.
   * It looks through the whole gap when the wallet has not done so for a minute. Resolves with the balance as it was seen.
   */
  readonly refresh: () => Promise<CoinsBalance>
}

/**
 * Opens the coins of a signer's accounts, or of accounts to watch. Asks no node yet: {@link Coins.refresh} takes up what
 * an earlier wallet on the store has left. Throws what the store and the signer throw, and `store/corrupt`.
 */
export async function createCoins(parts: CoinsParts): Promise<Coins> {
  const purse = await openPurse(parts)
  const { network, place, nodes } = purse
  const follower = followerOf(purse)
  await loadBook(place)
  const looker = lookerOf(purse)

  async function sent(attempt: Attempt, method: SentPayment['method']): Promise<SentPayment> {
    await follower.broadcast(attempt)
    return { ok: true, txid: attempt.txid, fee: attempt.fee, feerate: feerateOf(attempt), method }
  }

  return {
    network,
    async address(kind) {
      const account = accountOfKind(purse.accounts, kind)
      let { book } = await loadBook(place)
      // How far an account is used is known only after a look: of this wallet, or of an earlier one on the store.
      if (book.used.length === 0) {
        await looker.once()
        book = (await loadBook(place)).book
      }
      const keyPath = await purse.lookout.freshReceive(account, book.used[account]?.receive ?? 0)
      const address = encodeAddress(accountOutput(purse.accounts[account] as Account, keyPath).script, network)
      invariant(address, "an account's output has an address")
      return address
    },
    balance: async () => balanceIn(purse.accounts, await looker.near(), (await loadBook(place)).book),
    async quote(payments, wish = {}) {
      const quoted = await quotePsbt(purse, payments, wish)
      if (!quoted.ok) return quoted
      const { psbt: _, ...quote } = quoted
      return quote
    },
    async send(payments, wish = {}) {
      const stored = await storePayments(purse, payments, wish)
      return stored.ok ? sent(stored.attempt, 'payment') : stored
    },
    async speedUp(txid, wish = {}) {
      const stored = await storeLift(purse, txid, wish)
      return stored.ok ? sent(stored.attempt, stored.method) : stored
    },
    reserve: (payments, wish = {}) => reservePayments(purse, payments, wish),
    async markSent(txid) {
      const outlay = await changeBook(place, async (book) => {
        const next = withSent(book, txid)
        return { book: next, result: outlayOf(next, txid) ?? book.settled.find((one) => one.txid === txid) }
      })
      if (!outlay) throw new SdkError('wallet/unknown-transaction', 'Nothing of that name was reserved.')
      if ('attempts' in outlay && outlay.phase.name === 'sent') await follower.broadcast(currentAttempt(outlay))
    },
    async release(txid) {
      await changeBook(place, async (book) => {
        const next = withoutHeld(book, txid)
        if (next) return { book: next, result: null }
        throw new SdkError('wallet/too-late', 'The transaction was let out: its coins stay set aside.')
      })
    },
    async status(txid) {
      const [{ book }, tip] = await Promise.all([loadBook(place), nodes.tip()])
      return follower.statusOf(book, txid, tip)
    },
    async outgoing() {
      const [{ book }, tip] = await Promise.all([loadBook(place), nodes.tip()])
      return book.outlays.flatMap((outlay) => follower.statusOf(book, currentAttempt(outlay).txid, tip) ?? [])
    },
    createPaymentPsbt: (payments, wish = {}) => quotePsbt(purse, payments, wish),
    async submitPsbt(psbt) {
      const stored = await storePsbt(purse, psbt)
      return stored.ok ? sent(stored.attempt, 'payment') : stored
    },
    async refresh() {
      const sight = await looker.again()
      await follower.follow(sight.tip)
      return balanceIn(purse.accounts, sight, (await loadBook(place)).book)
    },
  }
}

interface Looker {
  /** Behind the first look, which is whole and may have begun. */
  readonly near: () => Promise<Sight>
  /**
   * Whole once every {@link wholeMs}, near in between. One after the other: two at once would share the nodes, and the first
   * one with somebody waiting be as late as both.
   */
  readonly again: () => Promise<Sight>
  /** Returns once there has been a look; what it saw, if it had to look itself. */
  readonly once: () => Promise<Sight | undefined>
}

function lookerOf(purse: Purse): Looker {
  const { clock } = purse.place
  let wholeAt: number | undefined
  let turn: Promise<unknown> = Promise.resolve()
  const whole = async () => {
    const began = clock.now()
    const sight = await look(purse, 'whole')
    wholeAt = began
    return sight
  }
  const again = () => {
    const isDue = () => wholeAt === undefined || Math.abs(clock.now() - wholeAt) >= wholeMs
    const next = turn.then(() => (isDue() ? whole() : look(purse, 'near')))
    turn = next.catch(() => undefined) // Whoever asked for it hears of it.
    return next
  }
  const once = async () => {
    if (wholeAt === undefined) await turn
    return wholeAt === undefined ? again() : undefined
  }
  return { near: async () => (await once()) ?? look(purse, 'near'), again, once }
}

async function openPurse(parts: CoinsParts): Promise<Purse> {
  const { network, store, clock = platformClock, random = platformRandom, feerateMax = feerateMaxDefault } = parts
  const keys = 'watch' in parts.keys ? null : parts.keys
  const accounts = 'watch' in parts.keys ? parts.keys.watch : await accountsOf(parts.keys, network)
  invariant(accounts.length > 0, 'a wallet of coins has an account')
  const nodes = nodesOf(parts.nodes)
  const { gapLimit = gapLimitDefault } = parts
  if (!Number.isSafeInteger(gapLimit) || gapLimit < 1 || gapLimit > gapLimitMax)
    throw new SdkError('units/out-of-range', `A gap limit is a whole number from 1 to ${gapLimitMax}.`)
  return {
    network,
    keys,
    accounts,
    nodes,
    feerateMax,
    place: { store, clock, random, key: bookKey(network, accounts), accounts: accounts.length },
    lookout: createLookout({ accounts, nodes, facts: factsFrom(nodes, parts.inclusion), gapLimit }),
  }
}

/** The first accounts of BIP-84 and BIP-86, as the signer names them. */
async function accountsOf(keys: BitcoinSigner, network: Network): Promise<readonly Account[]> {
  return Promise.all(
    (['wpkh', 'tr'] as const).map(async (kind) => {
      const { xpub, fingerprint, path } = await keys.accountKey(kind)
      const key = decodeAccountKey({ xpub, network, origin: { fingerprint, path } })
      if (key.ok) return singleKeyAccount(kind, network, key.value)
      throw new SdkError('signer/refused', `The signer's account key is of no use here: ${key.reason}.`)
    }),
  )
}

function balanceIn(accounts: readonly Account[], { coins, tip }: Sight, book: Book): CoinsBalance {
  const all = reservedIn(book)
  const idle = book.outlays.filter(({ phase }) => phase.name === 'held' || phase.name === 'lost')
  const set = new Set(idle.flatMap((outlay) => spentBy(currentAttempt(outlay)).map(outpointKey)))
  const reserved = coins.filter(({ outpoint }) => set.has(outpointKey(outpoint)))
  const free = coins.filter(({ outpoint }) => !all.has(outpointKey(outpoint)))
  const shown = balanceOf(free, tip)
  return {
    ...shown,
    pending: sats(shown.pending + unseenChange(accounts, coins, book)),
    reserved: sats(reserved.reduce((sum, { value }) => sum + value, 0n)),
  }
}

/** Change of transactions that are on their way and that no node shows yet. */
function unseenChange(accounts: readonly Account[], coins: readonly OwnCoin[], book: Book): bigint {
  const spent = reservedIn(book)
  const known = new Set(coins.map(({ outpoint }) => outpointKey(outpoint)))
  return book.outlays
    .filter(({ phase }) => phase.name === 'sent')
    .flatMap((outlay) => changeOutputs(accounts, outlay))
    .filter(({ outpoint }) => !known.has(outpointKey(outpoint)) && !spent.has(outpointKey(outpoint)))
    .reduce((sum, { value }) => sum + value, 0n)
}

function accountOfKind(accounts: readonly Account[], kind: Account['receive']['kind'] | undefined): number {
  const found = kind === undefined ? 0 : accounts.findIndex(({ receive }) => receive.kind === kind)
  if (found >= 0) return found
  throw new SdkError('keys/unknown-account', 'The wallet has no account of that kind.')
}
