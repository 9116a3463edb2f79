import type { Address, Slot } from '../units.ts'
import { authorityOf } from './authorization.ts'
import { entryGas, type Fork, floorGas, gasTables, isPrecompile, listGas, type Priced } from './fork.ts'
import { type AccessList, type AccessListEntry, authorizationsOf, type Prepared } from './transaction.ts'

/** Whether a list goes into the transaction: when it makes it cheaper, in any case, or not at all. */
export type AccessListChoice = 'auto' | 'always' | 'never'

/**
 * One time that a run without a list pays the cold price for a place (EIP-2929), and by what.
 *
 * A place is cold once a transaction, unless a frame that touched it reverts: then it is cold again, and the next
 * touch is one more of these. `unknown`: touched, but the source does not say how (`eth_createAccessList`).
 */
export type ColdTouch =
  | { readonly kind: 'account'; readonly address: Address; readonly by: 'access' | 'selfdestruct' | 'unknown' }
  | { readonly kind: 'slot'; readonly address: Address; readonly slot: Slot; readonly by: 'read' | 'write' | 'unknown' }

/** A list, and what attaching it changes: gas used with it minus gas used without. Negative: it pays. */
export interface PricedList {
  readonly list: AccessList
  readonly gasDifference: bigint
}

export interface AccessListQuote {
  /** Everything that was touched cold, and what else must be listed for it. */
  readonly full: PricedList
  /** The sub-list that saves most; empty when none saves. */
  readonly best: PricedList
  /**
   * True when the differences are exact: it is known how each place is touched, and what the run used. Otherwise an
   * unknown touch counts as the kind that saves least, and without `run` refunds and floor are left out.
   */
  readonly isExact: boolean
}

/** What a run without a list used: gas before refunds, intrinsic gas included, and the refund counter at its end. */
export interface RunTotals {
  readonly gas: bigint
  readonly refund: bigint
}

/**
 * Prices access lists for a transaction, before it is signed.
 *
 * Listing a place costs its entry and saves the cold surcharge of its touches (EIP-2930, under amsterdam with
 * EIP-7981 and 8038). Places are independent but for one thing: a slot needs its account's entry, which saves
 * nothing where the account is warm anyway, as the recipient is. Refunds (a fifth of the gas at the most, EIP-3529)
 * and the data floor (EIP-7623) are settled as a node would, when `run` is given.
 *
 * The forecast holds for the state that the touches were recorded on, and for code that does not look at its gas.
 */
export function quoteAccessList(input: {
  readonly transaction: Priced
  readonly touches: readonly ColdTouch[]
  readonly fork: Fork
  readonly run: RunTotals | null
}): AccessListQuote {
  const { touches, fork, run } = input
  const accounts = tally(touches, fork)
  const transaction = withList(input.transaction, [])
  const price = ({ list, saved }: Choice): PricedList => {
    const change = listGas(list, fork) - saved
    if (!run) return { list, gasDifference: change }
    const before = settle(run, floorGas(transaction, fork))
    const after = settle({ ...run, gas: run.gas + change }, floorGas(withList(transaction, list), fork))
    return { list, gasDifference: after - before }
  }
  const best = price(collect(worthwhile(accounts, fork)))
  const isExact = run !== null && touches.every(({ by }) => by !== 'unknown')
  return {
    full: price(collect(accounts)),
    best: best.gasDifference < 0n ? best : { list: [], gasDifference: 0n },
    isExact,
  }
}

/** The list to attach. */
export function chooseAccessList(quote: AccessListQuote, choice: AccessListChoice): AccessList {
  switch (choice) {
    case 'always':
      return quote.full.list
    case 'auto':
      return quote.best.list
    case 'never':
      return []
  }
}

/**
 * Attaches a list to a transaction whose gas limit was found without one, and raises the limit by what the list
 * costs up front: so what was enough stays enough, even if the list saves nothing. Never raises it above the fork's
 * cap. A legacy transaction becomes type 1; an empty list changes nothing.
 */
export function attachAccessList(prepared: Prepared, list: AccessList, fork: Fork): Prepared {
  if (list.length === 0) return prepared
  const { gasLimitMax } = gasTables[fork]
  const gas = prepared.gas + listGas(list, fork)
  return { ...withList(prepared, list), gas: gasLimitMax !== null && gas > gasLimitMax ? gasLimitMax : gas }
}

/**
 * The cold touches behind a list of what a call accesses, as a node tells it (`eth_createAccessList`).
 *
 * What is warm from the start is left out: the sender, the recipient, precompiles (EIP-2929), whoever authorizes a
 * delegation (EIP-7702), and `warm`, for what only the caller knows: the block's fee recipient (EIP-3651), the
 * delegate of the recipient (EIP-7702), contracts that the call creates.
 */
export function coldTouches(input: {
  readonly transaction: Priced & Pick<Prepared, 'chainId'>
  readonly accessed: AccessList
  readonly fork: Fork
  readonly warm: readonly Address[]
}): readonly ColdTouch[] {
  const { transaction, accessed, fork } = input
  const authorities = authorizationsOf(transaction.pricing)
    .filter(({ chainId }) => chainId === 0 || chainId === transaction.chainId)
    .map(authorityOf)
  const warm = new Set([transaction.from, transaction.to, ...authorities, ...input.warm])
  const accounts = new Map<Address, Set<Slot>>() // A place that a node lists twice is still touched once.
  for (const { address, slots } of accessed)
    accounts.set(address, new Set([...(accounts.get(address) ?? []), ...slots]))
  return [...accounts].flatMap(([address, slots]): ColdTouch[] => {
    const isWarm = warm.has(address) || isPrecompile(address, fork)
    const account: ColdTouch[] = isWarm ? [] : [{ kind: 'account', address, by: 'unknown' }]
    return [...account, ...[...slots].map((slot): ColdTouch => ({ kind: 'slot', address, slot, by: 'unknown' }))]
  })
}

/** What listing would save: by an account's own entry, and by each of its slots. */
interface Savings {
  account: bigint
  readonly slots: Map<Slot, bigint>
}

interface Choice {
  readonly list: AccessList
  readonly saved: bigint
}

function tally(touches: readonly ColdTouch[], fork: Fork): ReadonlyMap<Address, Savings> {
  const { access, selfdestruct, read, write } = gasTables[fork].cold
  const accountSavings = { access, selfdestruct, unknown: access }
  const slotSavings = { read, write, unknown: read }
  const accounts = new Map<Address, Savings>()
  for (const touch of touches) {
    const savings = accounts.get(touch.address) ?? { account: 0n, slots: new Map<Slot, bigint>() }
    accounts.set(touch.address, savings)
    if (touch.kind === 'account') savings.account += accountSavings[touch.by]
    else savings.slots.set(touch.slot, (savings.slots.get(touch.slot) ?? 0n) + slotSavings[touch.by])
  }
  return accounts
}

/** Keeps the slots that save more than they cost, and the accounts that still do so with their slots. */
function worthwhile(accounts: ReadonlyMap<Address, Savings>, fork: Fork): ReadonlyMap<Address, Savings> {
  const entry = entryGas(fork)
  const kept = new Map<Address, Savings>()
  for (const [address, { account, slots }] of accounts) {
    const worthy = [...slots].filter(([, saved]) => saved > entry.slot)
    const gain = worthy.reduce((sum, [, saved]) => sum + saved - entry.slot, account - entry.address)
    if (gain > 0n) kept.set(address, { account, slots: new Map(worthy) })
  }
  return kept
}

function collect(accounts: ReadonlyMap<Address, Savings>): Choice {
  let saved = 0n
  const list: AccessListEntry[] = []
  for (const [address, { account, slots }] of [...accounts].sort(byName)) {
    saved += account
    for (const slotSaved of slots.values()) saved += slotSaved
    list.push({ address, slots: [...slots.keys()].sort() })
  }
  return { list, saved }
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

/** Gas used as a receipt tells it. */
function settle({ gas, refund }: RunTotals, floor: bigint): bigint {
  const cap = gas / 5n
  const used = gas - (refund < cap ? refund : cap)
  return used < floor ? floor : used
}

function withList<transaction extends Priced>(transaction: transaction, accessList: AccessList): transaction {
  const { pricing } = transaction
  if (pricing.type !== 'legacy') return { ...transaction, pricing: { ...pricing, accessList } }
  if (accessList.length === 0) return transaction
  return { ...transaction, pricing: { type: 'eip2930', gasPrice: pricing.gasPrice, accessList } }
}
