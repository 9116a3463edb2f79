import { decodeTransaction, type Output, outpointKey, vsizeOf } from '../../bitcoin/index.ts'
import { invariant } from '../../errors.ts'
import type { StoreWrite } from '../../ports.ts'
import { type Feerate, type Sats, sameBytes, sats, type Txid } from '../../units.ts'
import {
  type Attempt,
  type Book,
  bookBytesMax,
  type Outlay,
  outlayOf,
  outlaysMax,
  reservedIn,
  spentBy,
  withAttempt,
  withOutlay,
  withUsed,
} from './book.ts'
import { encodeBook } from './bookRecord.ts'
import { bookWrite, changeBook, loadBook } from './bookStore.ts'
import { type Lift, planLift } from './bump.ts'
import type { Reach, Sight } from './lookout.ts'
import { type CoinsRefusal, outputsOf, type Payment } from './payments.ts'
import { feerateOf, type Plan, type Purse, planOf, planSigner, psbtOf, transactionOf } from './spend.ts'

/** Blocks within which a payment should be mined, when nothing else is said; and one that is in a hurry. */
const targetBlocksDefault = 6
const targetBlocksUrgent = 2

/** What a caller wants of the fee. */
export interface FeeWish {
  /** Exactly this; else what nodes say for `targetBlocks`. */
  readonly feerate?: Feerate
  /** 6 when not said. */
  readonly targetBlocks?: number
}

/** What payments would cost now. Nothing is signed or set aside by it. */
export interface PaymentQuote {
  readonly ok: true
  readonly fee: Sats
  /** What the fee comes to: the wished feerate or a little more. */
  readonly feerate: Feerate
  /** With signatures at their longest. */
  readonly vsize: number
  /** What comes back. */
  readonly change: Sats
  /** What leaves: payments and fee. */
  readonly total: Sats
}

/** A payment that is stored and on its way. */
export interface SentPayment {
  readonly ok: true
  readonly txid: Txid
  readonly fee: Sats
  readonly feerate: Feerate
  /** `child`: it pays for the transaction it spends from. */
  readonly method: 'payment' | Lift['method']
}

/** A signed transaction that nobody has, and what must be stored before anybody gets it. */
export interface Reservation {
  readonly ok: true
  readonly txid: Txid
  readonly transaction: Uint8Array
  /** Which output pays which payment: one for each, in the order asked. */
  readonly indexes: readonly number[]
  readonly fee: Sats
  readonly feerate: Feerate
  /**
   * Sets the coins aside. Commit them together with what needs the transaction; when that throws `store/conflict`, nothing
   * is set aside: reserve anew.
   */
  readonly writes: readonly StoreWrite[]
}

/** An unsigned transaction for signers elsewhere, and what it costs. */
export interface PaymentPsbt extends PaymentQuote {
  readonly psbt: Uint8Array
}

/** What was signed and is in the store; nobody has it yet. */
type Stored = { readonly ok: true; readonly attempt: Attempt } | CoinsRefusal
type StoredLift = { readonly ok: true; readonly attempt: Attempt; readonly method: Lift['method'] } | CoinsRefusal

const watchOnly: CoinsRefusal = { ok: false, code: 'watch-only', detail: 'This wallet holds no keys to sign with.' }
const full: CoinsRefusal = { ok: false, code: 'outbox-full', detail: 'Too much is on its way: wait for a block.' }

/** Looks at the chain, and remembers how far the accounts are used. */
export async function look({ place, lookout }: Purse, reach: Reach = 'near'): Promise<Sight> {
  const sight = await lookout.look((await loadBook(place)).book.used, reach)
  await changeBook(place, async (book) => ({ book: withUsed(book, sight.used), result: null }))
  return sight
}

/** What payments would cost, and the PSBT for it. Coins are not set aside. */
export async function quotePsbt(
  purse: Purse,
  payments: readonly Payment[],
  wish: FeeWish,
): Promise<PaymentPsbt | CoinsRefusal> {
  const asked = await judge(purse, payments, wish)
  if (!asked.ok) return asked
  const sight = await look(purse)
  const { book } = await loadBook(purse.place)
  const plan = planOf(purse, { ...asked, sight, book })
  return plan.ok ? { ...quoteOf(plan), psbt: psbtOf(purse.accounts, plan, sight.tip) } : plan
}

/** Signs payments and stores them with their coins, in one commit; nobody has them yet. [CO1] [CO3] */
export async function storePayments(purse: Purse, payments: readonly Payment[], wish: FeeWish): Promise<Stored> {
  const asked = await judge(purse, payments, wish)
  if (!asked.ok) return asked
  if (!purse.keys) return watchOnly
  const sight = await look(purse)
  const sign = planSigner(purse)
  return changeBook<Stored>(purse.place, async (book) => {
    const plan = planOf(purse, { ...asked, sight, book })
    if (!plan.ok) return { book, result: plan }
    const attempt = await sign(plan, sight.tip)
    return added(book, { kind: 'payment', phase: { name: 'sent' }, attempts: [attempt], change: plan.change })
  })
}

/** Signs payments, and says what to write for their coins to be set aside. [CO5] */
export async function reservePayments(
  purse: Purse,
  payments: readonly Payment[],
  wish: FeeWish,
): Promise<Reservation | CoinsRefusal> {
  const asked = await judge(purse, payments, wish)
  if (!asked.ok) return asked
  if (!purse.keys) return watchOnly
  const sight = await look(purse)
  const loaded = await loadBook(purse.place)
  const plan = planOf(purse, { ...asked, sight, book: loaded.book })
  if (!plan.ok) return plan
  const attempt = await planSigner(purse)(plan, sight.tip)
  const { book, result } = added(loaded.book, {
    kind: 'funding',
    phase: { name: 'held' },
    attempts: [attempt],
    change: plan.change,
  })
  if (!result.ok) return result
  return {
    ok: true,
    txid: attempt.txid,
    transaction: attempt.bytes,
    indexes: indexesOf(attempt, asked.outputs),
    fee: attempt.fee,
    feerate: feerateOf(attempt),
    writes: [bookWrite(purse.place, loaded, book)],
  }
}

/** Stores a transaction that signers elsewhere have made of a PSBT. The same again changes nothing. [CO1] */
export async function storePsbt(purse: Purse, bytes: Uint8Array): Promise<Stored> {
  const made = transactionOf(bytes, purse.feerateMax)
  if (!made.ok) return made
  const attempt = made.signed
  await look(purse) // So that the change is known for ours.
  const changes = decodedOf(attempt).outputs.flatMap(({ script }) => purse.lookout.ownPath(script) ?? [])
  const change = changes.find(({ keyPath }) => keyPath.chain === 'change') ?? null
  return changeBook<Stored>(purse.place, async (book) => {
    if (outlayOf(book, attempt.txid)) return { book, result: { ok: true, attempt } }
    const reserved = reservedIn(book)
    if (spentBy(attempt).some((outpoint) => reserved.has(outpointKey(outpoint)))) return { book, result: taken }
    return added(book, { kind: 'payment', phase: { name: 'sent' }, attempts: [attempt], change })
  })
}

const taken: CoinsRefusal = { ok: false, code: 'coin-taken', detail: 'A coin of it is set aside for something else.' }

/** Signs what lifts a transaction, and stores it; nobody has it yet. [CO7] */
export async function storeLift(purse: Purse, txid: Txid, wish: FeeWish): Promise<StoredLift> {
  const asked = await judgeFee(purse, { targetBlocks: targetBlocksUrgent, ...wish })
  if (!asked.ok) return asked
  if (!purse.keys) return watchOnly
  const sight = await look(purse)
  const sign = planSigner(purse)
  return changeBook<StoredLift>(purse.place, async (book) => {
    const lift = await planLift(purse, { txid, sight, book, feerate: asked.feerate })
    if (!lift.ok) return { book, result: lift }
    const { plan, method } = lift
    if (method === 'replacement' && feerateOf(plan.selection) > purse.feerateMax)
      return { book, result: tooDear(purse) }
    const attempt = await sign(plan, sight.tip)
    if (method === 'child') {
      const made = added(book, { kind: 'payment', phase: { name: 'sent' }, attempts: [attempt], change: plan.change })
      return { book: made.book, result: made.result.ok ? { ok: true, attempt, method } : made.result }
    }
    const next = withAttempt(book, txid, attempt, plan.change)
    return isFull(next) ? { book, result: full } : { book: next, result: { ok: true, attempt, method } }
  })
}

async function judge(
  purse: Purse,
  payments: readonly Payment[],
  wish: FeeWish,
): Promise<{ readonly ok: true; readonly outputs: readonly Output[]; readonly feerate: Feerate } | CoinsRefusal> {
  const judged = outputsOf(payments, purse.network)
  if (!judged.ok) return judged
  const asked = await judgeFee(purse, wish)
  return asked.ok ? { ...asked, outputs: judged.outputs } : asked
}

async function judgeFee(
  purse: Purse,
  { feerate, targetBlocks = targetBlocksDefault }: FeeWish,
): Promise<{ readonly ok: true; readonly feerate: Feerate } | CoinsRefusal> {
  const { nodes, feerateMax } = purse
  if (feerate === undefined) return { ok: true, feerate: await nodes.feerate(targetBlocks, feerateMax) }
  if (feerate > feerateMax) return tooDear(purse)
  const min = await nodes.minFeerate()
  if (feerate >= min) return { ok: true, feerate }
  return { ok: false, code: 'fee-too-low', min, detail: `Nodes take nothing below ${min} sat per 1,000 vbytes now.` }
}

function tooDear({ feerateMax: max }: Purse): CoinsRefusal {
  return { ok: false, code: 'fee-too-high', max, detail: `This wallet pays at most ${max} sat per 1,000 vbytes.` }
}

function quoteOf({ selection, outputs }: Plan): PaymentQuote {
  const { fee, weight, change } = selection
  const paid = outputs.reduce((sum, { value }) => sum + value, 0n)
  return {
    ok: true,
    fee,
    feerate: feerateOf(selection),
    vsize: vsizeOf(weight),
    change: change?.value ?? sats(0n),
    total: sats(paid + fee),
  }
}

function added(book: Book, outlay: Outlay): { readonly book: Book; readonly result: Stored } {
  const next = withOutlay(book, outlay)
  return isFull(next) ? { book, result: full } : { book: next, result: { ok: true, attempt: outlay.attempts[0] } }
}

function isFull(book: Book): boolean {
  return book.outlays.length > outlaysMax || encodeBook(book).length > bookBytesMax
}

/** Where each output stands in the transaction: equal ones are told apart by their order. */
function indexesOf(attempt: Attempt, outputs: readonly Output[]): readonly number[] {
  const made = decodedOf(attempt).outputs
  const used = new Set<number>()
  return outputs.map(({ script, value }) => {
    const index = made.findIndex((one, at) => !used.has(at) && one.value === value && sameBytes(one.script, script))
    invariant(index >= 0, 'a transaction makes the outputs it was planned with')
    used.add(index)
    return index
  })
}

function decodedOf({ bytes }: Attempt) {
  const decoded = decodeTransaction(bytes)
  invariant(decoded.ok, 'a signed transaction can be read')
  return decoded.value
}
