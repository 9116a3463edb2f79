import { type Chain, decodeTransaction, type KeyPath, type Outpoint, outpointKey } from '../../bitcoin/index.ts'
import { invariant } from '../../errors.ts'
import type { Height, Sats, Txid } from '../../units.ts'

/** Most outlays that may be undecided at once. */
export const outlaysMax = 256
/** Largest stored book that takes further outlays; stores take a third more, for what becomes of them. */
export const bookBytesMax = 786_432
/** Most settled outlays that a book remembers. */
export const settledMax = 64
/** Blocks after which the chain is not expected to take a transaction back. */
export const settledDepth = 6

/** Names an output script of one of the wallet's accounts. */
export interface OwnPath {
  /** Place among the accounts. */
  readonly account: number
  readonly keyPath: KeyPath
}

/** A signed transaction. */
export interface Attempt {
  readonly txid: Txid
  readonly bytes: Uint8Array
  readonly fee: Sats
  /** In weight units (BIP-141). */
  readonly weight: number
}

/** What became of an outlay, as far as the chain has shown it. */
export type OutlayPhase =
  /** Stored, and given to nobody: a funding that its payee has not taken yet. */
  | { readonly name: 'held' }
  /** Stored, and on its way until a block holds it. */
  | { readonly name: 'sent' }
  /** A block holds this one of the attempts. */
  | { readonly name: 'confirmed'; readonly txid: Txid; readonly height: Height }
  /** A block holds a stranger that spends one of its coins. */
  | { readonly name: 'lost'; readonly txid: Txid; readonly height: Height }

/**
 * Coins set aside, and the transactions that were signed for them. They share these coins, so that at most one of them
 * can ever be in the chain.
 */
export interface Outlay {
  /** The transaction of a `funding` has a name that others rely on: it is never replaced. */
  readonly kind: 'payment' | 'funding'
  readonly phase: OutlayPhase
  /** Each spends all coins of the one before it. */
  readonly attempts: readonly [Attempt, ...Attempt[]]
  /** Where the change of all attempts goes, `null` while none has any. */
  readonly change: OwnPath | null
}

/** An outlay that the chain has decided for good. */
export interface Settled {
  /** Of the attempt, or of the stranger that took its coins. */
  readonly phase: Extract<OutlayPhase, { readonly name: 'confirmed' | 'lost' }>
  /** Of the first attempt, by which the outlay was first known. */
  readonly txid: Txid
}

/** What the wallet stores of its accounts: how far they are used, and all that is on its way. Rules: COINS.md. */
export interface Book {
  /** For each account, one past the last path of each chain that a block has shown in use. Empty before the first look. */
  readonly used: readonly Readonly<Record<Chain, number>>[]
  /** In the order they were made, so that parents come before their children. */
  readonly outlays: readonly Outlay[]
  /** The newest {@link settledMax}. */
  readonly settled: readonly Settled[]
}

/** The book of accounts that nobody has looked at yet. */
export const emptyBook: Book = { used: [], outlays: [], settled: [] }

/** Adds an outlay. The caller has seen to it that its coins are free. [CO2] */
export function withOutlay(book: Book, outlay: Outlay): Book {
  const after = { ...book, outlays: [...book.outlays, outlay] }
  checkBook(after)
  return after
}

/** Adds a further attempt of the outlay that `replaced` belongs to. [CO7] */
export function withAttempt(book: Book, replaced: Txid, attempt: Attempt, change: OwnPath | null): Book {
  return changed(book, replaced, (outlay) => {
    invariant(outlay.kind === 'payment' && outlay.phase.name === 'sent', 'only a payment on its way is replaced')
    return { ...outlay, attempts: [...outlay.attempts, attempt], change: outlay.change ?? change }
  })
}

/** Lets a held outlay go out. The same book when it is on its way already. [CO5] */
export function withSent(book: Book, txid: Txid): Book {
  return changed(book, txid, (outlay) =>
    outlay.phase.name === 'held' ? { ...outlay, phase: { name: 'sent' } } : outlay,
  )
}

/** Drops a held outlay, so that its coins are free again. Nothing when it is not held: it may have left. [CO5] */
export function withoutHeld(book: Book, txid: Txid): Book | undefined {
  const outlay = outlayOf(book, txid)
  if (!outlay) return book
  if (outlay.phase.name !== 'held') return undefined
  return { ...book, outlays: book.outlays.filter((one) => one !== outlay) }
}

/** What a look at the chain found of an outlay: `null` when no block holds it or a stranger in its place. */
export interface Sighting {
  readonly txid: Txid
  readonly found: Extract<OutlayPhase, { readonly name: 'confirmed' | 'lost' }> | null
}

/** Takes in what the chain shows, and settles what lies {@link settledDepth} deep. The same book when nothing changed. [CO6] */
export function withSightings(book: Book, sightings: readonly Sighting[], tip: Height): Book {
  let after = book
  for (const { txid, found } of sightings)
    after = changed(after, txid, (outlay) => {
      if (found) return isSamePhase(outlay.phase, found) ? outlay : { ...outlay, phase: found }
      // Taken back by a reorganisation, or never there.
      return outlay.phase.name === 'held' || outlay.phase.name === 'sent'
        ? outlay
        : { ...outlay, phase: { name: 'sent' } }
    })
  const settled = after.outlays.flatMap(({ phase, attempts }) =>
    isDecided(phase) && tip + 1 - phase.height >= settledDepth ? [{ phase, txid: attempts[0].txid }] : [],
  )
  if (settled.length === 0) return after
  const gone = new Set(settled.map(({ txid }) => txid))
  return {
    ...after,
    outlays: after.outlays.filter(({ attempts }) => !gone.has(attempts[0].txid)),
    settled: [...after.settled, ...settled].slice(-settledMax),
  }
}

/** Remembers how far a look found the chains in use. Never goes back. The same book when nothing changed. */
export function withUsed(book: Book, used: Book['used']): Book {
  const after = used.map(({ receive, change }, account) => ({
    receive: Math.max(receive, book.used[account]?.receive ?? 0),
    change: Math.max(change, book.used[account]?.change ?? 0),
  }))
  const isSame = after.every(
    (one, at) => one.receive === book.used[at]?.receive && one.change === book.used[at]?.change,
  )
  return isSame ? book : { ...book, used: after }
}

/** The outlay that a transaction belongs to. */
export function outlayOf(book: Book, txid: Txid): Outlay | undefined {
  return book.outlays.find(({ attempts }) => attempts.some((attempt) => attempt.txid === txid))
}

/** The attempt that stands for its outlay now: the one a block holds, else the newest. */
export function currentAttempt({ phase, attempts }: Outlay): Attempt {
  const confirmed = phase.name === 'confirmed' && attempts.find(({ txid }) => txid === phase.txid)
  return confirmed || (attempts[attempts.length - 1] as Attempt)
}

/** The coins that an attempt spends. */
export function spentBy({ bytes }: Pick<Attempt, 'bytes'>): readonly Outpoint[] {
  const decoded = decodeTransaction(bytes)
  invariant(decoded.ok, 'a signed transaction can be read')
  return decoded.value.inputs.map(({ outpoint }) => outpoint)
}

/** Keys of all coins that outlays have set aside; nobody else may spend them. [CO2] */
export function reservedIn(book: Book): ReadonlySet<string> {
  return new Set(book.outlays.flatMap(coinsOf))
}

/** Outlays that spend an output of this one's attempts. */
export function dependentsOf(book: Book, { attempts }: Outlay): readonly Outlay[] {
  const txids = new Set<string>(attempts.map(({ txid }) => txid))
  return book.outlays.filter((outlay) =>
    outlay.attempts.some((attempt) => spentBy(attempt).some(({ txid }) => txids.has(txid))),
  )
}

/** The first path of an account's change behind all that is in use or promised to an outlay. */
export function freshChange(book: Book, account: number, seen: number): OwnPath {
  const promised = book.outlays.flatMap(({ change }) =>
    change?.account === account && change.keyPath.chain === 'change' ? [change.keyPath.index + 1] : [],
  )
  return { account, keyPath: { chain: 'change', index: Math.max(seen, book.used[account]?.change ?? 0, ...promised) } }
}

function coinsOf({ attempts }: Outlay): readonly string[] {
  return [...new Set(attempts.flatMap((attempt) => spentBy(attempt).map(outpointKey)))]
}

function changed(book: Book, txid: Txid, change: (outlay: Outlay) => Outlay): Book {
  const outlay = outlayOf(book, txid)
  const next = outlay && change(outlay)
  if (!next || next === outlay) return book
  const after = { ...book, outlays: book.outlays.map((one) => (one === outlay ? next : one)) }
  if (next.attempts !== outlay.attempts) checkBook(after)
  return after
}

/** On in production: no coin is set aside twice, and attempts of one outlay exclude each other. */
function checkBook({ outlays }: Book): void {
  const coins = outlays.flatMap(coinsOf)
  invariant(new Set(coins).size === coins.length, 'a coin is set aside for one outlay only')
  for (const { attempts } of outlays) {
    const first = spentBy(attempts[0]).map(outpointKey)
    const all = attempts.map((attempt) => new Set(spentBy(attempt).map(outpointKey)))
    invariant(
      all.every((own) => first.every((coin) => own.has(coin))),
      'all attempts of an outlay spend the same coins',
    )
  }
}

function isDecided(phase: OutlayPhase): phase is Settled['phase'] {
  return phase.name === 'confirmed' || phase.name === 'lost'
}

function isSamePhase(one: OutlayPhase, other: Settled['phase']): boolean {
  return isDecided(one) && one.name === other.name && one.txid === other.txid && one.height === other.height
}
