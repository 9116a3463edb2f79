import {
  accountOutput,
  type BitcoinTransaction,
  outpointKey,
  type Selection,
  satsPerVbyte,
  selectChild,
  selectReplacement,
  type Unconfirmed,
} from '../../bitcoin/index.ts'
import { type Feerate, sats, type Txid } from '../../units.ts'
import {
  type Book,
  currentAttempt,
  dependentsOf,
  type Outlay,
  type OwnPath,
  outlayOf,
  reservedIn,
  spentBy,
} from './book.ts'
import { paymentsOf } from './follow.ts'
import type { Lookout, OwnCoin, Sight } from './lookout.ts'
import { type CoinsRefusal, refusedSelection } from './payments.ts'
import { candidatesOf, changeOf, freeCoins, type Plan, type Purse } from './spend.ts'

/** Most unconfirmed ancestors that a child reckons with: nodes take no more (Bitcoin Core, -limitancestorcount). */
const ancestorsMax = 25
/** What nodes ask for beyond what is replaced, -incrementalrelayfee: 1 sat per vbyte was Core's figure for long. */
const incremental = /* @__PURE__ */ satsPerVbyte(1)

/** How a transaction is made faster. */
export type Lift =
  | { readonly method: 'replacement'; readonly plan: Plan; readonly replaced: Outlay }
  | { readonly method: 'child'; readonly plan: Plan }

/** Unsigned proof that nothing can be done, or how it can. */
export type LiftPlan = ({ readonly ok: true } & Lift) | CoinsRefusal

/**
 * Plans how a transaction is lifted: replaced (BIP-125) where it is a payment of ours that nothing of ours hangs on, else by
 * a child that spends one of its outputs back to us and pays for both. A funding is never replaced: its payee and its
 * refund know it by its name. [CO7]
 */
export async function planLift(
  purse: Purse,
  wish: { readonly txid: Txid; readonly sight: Sight; readonly book: Book; readonly feerate: Feerate },
): Promise<LiftPlan> {
  const { txid, book } = wish
  const outlay = outlayOf(book, txid)
  const { name } = outlay?.phase ?? {}
  if (name === 'confirmed' || name === 'lost' || (await purse.lookout.inclusion(txid))) return alreadyConfirmed
  if (name === 'held') return { ok: false, code: 'unknown-transaction', detail: 'The transaction was not sent yet.' }
  const replaced = outlay?.kind === 'payment' && dependentsOf(book, outlay).length === 0 ? outlay : undefined
  const original = replaced && (await coinsOf(purse, replaced))
  const payments = replaced ? paymentsOf(purse, replaced, currentAttempt(replaced)) : []
  return replaced && original && payments.length > 0
    ? planReplacement(purse, { ...wish, replaced, original, payments })
    : planChild(purse, wish)
}

const alreadyConfirmed: CoinsRefusal = {
  ok: false,
  code: 'already-confirmed',
  detail: 'A block has decided it already.',
}

function planReplacement(
  { accounts }: Purse,
  wish: {
    readonly sight: Sight
    readonly book: Book
    readonly feerate: Feerate
    readonly replaced: Outlay
    readonly original: readonly OwnCoin[]
    readonly payments: Plan['outputs']
  },
): LiftPlan {
  const { sight, book, feerate, replaced, original, payments } = wish
  const attempt = currentAttempt(replaced)
  const own = changeOf(accounts, book, sight)
  const change = replaced.change ?? own.path
  const changeScript = replaced.change ? scriptAt(accounts, replaced.change) : own.script
  const selection = selectReplacement({
    original: { fee: attempt.fee, weight: attempt.weight, candidates: candidatesOf(accounts, original) },
    descendants: [],
    outputs: payments,
    changeScript,
    candidates: candidatesOf(accounts, freeCoins(sight, book).confirmed),
    feerate,
    incremental,
  })
  if (!selection.ok) return refusedSelection(selection, payments)
  return { ok: true, method: 'replacement', replaced, plan: planWith(selection, payments, change) }
}

async function planChild(
  { accounts, lookout }: Purse,
  wish: { readonly txid: Txid; readonly sight: Sight; readonly book: Book; readonly feerate: Feerate },
): Promise<LiftPlan> {
  const { sight, book, feerate } = wish
  const reserved = reservedIn(book)
  const txid = currentOf(book, wish.txid)
  const [coin] = sight.coins
    .filter(({ outpoint, height }) => outpoint.txid === txid && height === null && !reserved.has(outpointKey(outpoint)))
    .sort((a, b) => Number(b.value - a.value))
  if (!coin) {
    const isKnown = await lookout.transaction(txid)
    return isKnown
      ? {
          ok: false,
          code: 'nothing-to-lift',
          detail: 'The transaction has no free output of ours that could pay for it.',
        }
      : { ok: false, code: 'unknown-transaction', detail: 'No node knows the transaction.' }
  }
  const parents = await unconfirmedFrom(lookout, coin.previous.decoded)
  const own = changeOf(accounts, book, sight, coin.account)
  const [candidate] = candidatesOf(accounts, [coin])
  if (!parents || !candidate)
    return { ok: false, code: 'nothing-to-lift', detail: 'Too many unconfirmed transactions hang together.' }
  const selection = selectChild({ parents, coin: candidate, script: own.script, feerate })
  if (!selection.ok) return refusedSelection(selection)
  return { ok: true, method: 'child', plan: planWith(selection, [], own.path) }
}

function planWith(selection: Selection, outputs: Plan['outputs'], change: Plan['change']): Plan {
  return { ok: true, selection, outputs, change: selection.change ? change : null }
}

function currentOf(book: Book, txid: Txid): Txid {
  const outlay = outlayOf(book, txid)
  return outlay ? currentAttempt(outlay).txid : txid
}

/** The coins that an outlay spends; nothing when one is not the wallet's, or no node has the transaction it comes from. */
async function coinsOf({ lookout }: Purse, outlay: Outlay): Promise<readonly OwnCoin[] | undefined> {
  const coins: OwnCoin[] = []
  for (const outpoint of spentBy(currentAttempt(outlay))) {
    const previous = await lookout.transaction(outpoint.txid)
    const output = previous?.decoded.outputs[outpoint.index]
    const own = output && lookout.ownPath(output.script)
    if (!previous || !output || !own) return undefined
    const { account, keyPath } = own
    coins.push({ ...output, outpoint, height: null, coinbase: false, keyPath, account, previous })
  }
  return coins
}

/** A transaction and its unconfirmed ancestors, with what each pays; nothing when there are too many, or one is hidden. */
async function unconfirmedFrom(
  lookout: Lookout,
  first: BitcoinTransaction,
): Promise<readonly Unconfirmed[] | undefined> {
  const found = new Map<Txid, Unconfirmed>()
  const open = [first]
  for (let next = open.pop(); next; next = open.pop()) {
    if (found.has(next.txid)) continue
    if (found.size === ancestorsMax) return undefined
    let fee = next.outputs.reduce((left, { value }) => left - value, 0n)
    for (const { outpoint } of next.inputs) {
      const previous = await lookout.transaction(outpoint.txid)
      const output = previous?.decoded.outputs[outpoint.index]
      if (!output) return undefined
      fee += output.value
      if (!(await lookout.inclusion(outpoint.txid))) open.push(previous.decoded)
    }
    if (fee < 0n) return undefined
    found.set(next.txid, { fee: sats(fee), weight: next.weight })
  }
  return [...found.values()]
}

function scriptAt(accounts: Purse['accounts'], { account, keyPath }: OwnPath): Uint8Array {
  return accountOutput(accounts[account] as Purse['accounts'][number], keyPath).script
}
