import { type Declaration, transactionPlacesMax } from '../batch/index.ts'
import { accepted, type Decoded, invariant, SdkError } from '../errors.ts'
import {
  attachAccessList,
  coldTouches,
  createdAddress,
  type Fees,
  gasTables,
  type Prepared,
  type PricedList,
  prepare,
  quoteAccessList,
  signingPayload,
  transactionBytesMax,
} from '../evm/index.ts'
import { type Address, type Slot, wei } from '../units.ts'
import type { AccountFacts, ChainFacts, FactFinder, Run, RunFacts } from './facts.ts'
import {
  type AccessListOffer,
  type Chain,
  callOf,
  feeCapOf,
  type Order,
  type OrderRefusal,
  type Quote,
  type Quoted,
  refusal,
} from './order.ts'
import { inParallel } from './pool.ts'

/** On top of what a run needs now, since another transaction may come first. What is not used is not paid. */
export const gasMarginPercent = 25n
/** How many times its current value the base fee may reach before a transaction has to wait (six full blocks: 2). */
const baseFeeHeadroom = 2n
/** Most quotes whose lists are measured at once. */
const quotesInFlightMax = 4

/** Who asks, and how closely lists are priced: `measured` runs each call with its lists on the node as well. */
export interface Asking {
  readonly chain: Chain
  readonly finder: FactFinder
  readonly accounts: readonly Address[]
  readonly lists: 'estimated' | 'measured'
}

/** Answers in the order of the orders, and what was learnt of their senders on the way. */
export interface Answers {
  readonly quoted: readonly Quoted[]
  readonly senders: ReadonlyMap<Address, AccountFacts>
}

/**
 * Fills in gas, fees, access list and declaration of each order, from what the node says of it now.
 *
 * Refused, as values: an account the signer does not have, more value than it holds, a call that would revert, a fee
 * below the base fee, and whatever the fork does not allow. Throws what the node throws.
 */
export async function quoteOrders(asking: Asking, orders: readonly Order[]): Promise<Answers> {
  const { accounts, finder } = asking
  const from = orders.map((order) => senderOf(order, accounts))
  const known = [...new Set(from)].filter((account) => account !== undefined)
  const [chain, senders] = await Promise.all([finder.chain(), finder.accounts(known)])
  const wanted = orders.map((order, index) => refuseEarly({ index, order, from: from[index], senders }))
  const runs = await finder.runs(wanted.flatMap((one) => ('run' in one && one.run ? [{ ...one.run, chain }] : [])))
  const told = runs[Symbol.iterator]()
  const quoted = wanted.map((one): Quoted => {
    if ('code' in one) return no(one)
    const facts = one.run ? told.next().value : byHand(one.order)
    invariant(facts, 'every run has its facts')
    if (!facts.ok) return no(refusal(one.index, 'wallet/would-revert', facts.reason))
    return quoteOrder(asking.chain, { ...one, chain, facts: facts.value })
  })
  if (asking.lists === 'estimated') return { quoted, senders }
  return { quoted: await inParallel(quoted, quotesInFlightMax, (one) => measured(finder, one)), senders }
}

/** What is to be run for an order (nothing when it fixes everything), or why it need not be. */
type Wanted =
  | OrderRefusal
  | {
      readonly index: number
      readonly order: Order
      readonly from: Address
      readonly run: Omit<Run, 'chain'> | undefined
    }

function refuseEarly(told: {
  readonly index: number
  readonly order: Order
  readonly from: Address | undefined
  readonly senders: Answers['senders']
}): Wanted {
  const { index, order, from, senders } = told
  if (!from) return refusal(index, 'keys/unknown-account', 'The signer does not hold the account.')
  const { balance } = senders.get(from) ?? { balance: 0n }
  if (order.value > balance)
    return refusal(index, 'wallet/insufficient-funds', `It sends ${order.value} wei, the account holds ${balance}.`)
  const needsRun = order.gas === undefined || order.declaration === undefined
  return { index, order, from, run: needsRun ? { call: callOf(order, from, []), gas: order.gas } : undefined }
}

/** Who an order is from: the first account when it names none, nobody when the signer does not hold it. */
export function senderOf(order: Order, accounts: readonly Address[]): Address | undefined {
  return order.from === null ? accounts[0] : accounts.find((account) => account === order.from)
}

/** Everything that is signed over, once the nonce is known. Throws `evm/malformed-transaction`. */
export function prepareQuote(
  { id, fork }: Chain,
  { order, from, gas, fees, accessList }: Quote,
  nonce: number,
): Prepared {
  const list = accessList.chosen.list
  return prepare(order, { chainId: id, fork, from, nonce, gas, fees, accessList: list })
}

interface Told {
  readonly index: number
  readonly order: Order
  readonly from: Address
  readonly chain: ChainFacts
  readonly facts: RunFacts
}

function quoteOrder(chain: Chain, { index, order, from, chain: now, facts }: Told): Quoted {
  const fees = order.fees ?? usualFees(order, now)
  const cap = feeCapOf(fees)
  if (cap < now.baseFeePerGas)
    return no(refusal(index, 'wallet/fee-too-low', `The fee cap ${cap} is below the base fee ${now.baseFeePerGas}.`))
  const gas = order.gas ?? withMargin(facts.gasNeeded, chain)
  try {
    const bare = prepare(order, { chainId: chain.id, fork: chain.fork, from, nonce: 0, gas, fees, accessList: [] })
    const accessList = offerOf(chain, { bare, order, facts, feeRecipient: now.feeRecipient })
    const full = attachAccessList(bare, accessList.chosen.list, chain.fork)
    const costMax = wei(order.value + full.gas * feeCapOf(full.pricing))
    const declaration = order.declaration ?? facts.declaration
    const size = oversize(full, declaration)
    if (size) return no(refusal(index, 'wallet/too-large', size))
    return { ok: true, quote: { index, order, from, gas: full.gas, fees, costMax, accessList, declaration } }
  } catch (error) {
    if (!(error instanceof SdkError) || error.code !== 'evm/malformed-transaction') throw error
    return no(refusal(index, error.code, error.message))
  }
}

/** What a signature adds to the bytes at the most. */
const signatureBytes = 80

function oversize(prepared: Prepared, { reads, writes, credits }: Declaration): string | undefined {
  const bytes = signingPayload(prepared).length + signatureBytes
  if (bytes > transactionBytesMax) return `It would be longer than ${transactionBytesMax} bytes.`
  const places = reads.length + writes.length + credits.length
  return places > transactionPlacesMax ? `It declares more than ${transactionPlacesMax} places.` : undefined
}

const nothing: PricedList = { list: [], gasDifference: 0n }

function offerOf(
  { fork }: Chain,
  told: {
    readonly bare: Prepared
    readonly order: Order
    readonly facts: RunFacts
    readonly feeRecipient: Address | null
  },
): AccessListOffer {
  const { bare, order, facts, feeRecipient } = told
  // A legacy transaction has no room for a list.
  if (order.type === 'legacy') return { chosen: nothing, full: nothing, best: nothing, isExact: true }
  const warm = feeRecipient === null ? [] : [feeRecipient]
  if (bare.to === null) warm.push(createdAddress(bare))
  const touches = coldTouches({ transaction: bare, accessed: facts.accessed, fork, warm })
  const { full, best, isExact } = quoteAccessList({ transaction: bare, touches, fork, run: null })
  return { chosen: chosenOf(order, { full, best }), full, best, isExact: isExact || touches.length === 0 }
}

/** The differences as the node itself runs them; as they were estimated where it does not offer that. */
async function measured(finder: FactFinder, quoted: Quoted): Promise<Quoted> {
  if (!quoted.ok || quoted.quote.accessList.isExact) return quoted
  const { order, from, accessList } = quoted.quote
  const lists = [[], accessList.full.list, accessList.best.list]
  const [without, withFull, withBest] = await finder.gasUsed(lists.map((list) => callOf(order, from, list)))
  if (without === undefined || withFull === undefined || withBest === undefined) return quoted
  const full = { list: accessList.full.list, gasDifference: withFull - without }
  const best = withBest < without ? { list: accessList.best.list, gasDifference: withBest - without } : nothing
  const chosen = chosenOf(order, { full, best })
  return { ok: true, quote: { ...quoted.quote, accessList: { chosen, full, best, isExact: true } } }
}

function chosenOf(order: Order, { full, best }: { readonly full: PricedList; readonly best: PricedList }): PricedList {
  return order.accessList === 'always' ? full : order.accessList === 'auto' ? best : nothing
}

function usualFees({ type }: Order, { baseFeePerGas, maxPriorityFeePerGas }: ChainFacts): Fees {
  const tip = wei(maxPriorityFeePerGas)
  // One price is paid in full, so it gets less headroom than a cap.
  if (type === 'legacy' || type === 'eip2930') return { gasPrice: wei(baseFeePerGas + baseFeePerGas / 4n + tip) }
  return { maxFeePerGas: wei(baseFeeHeadroom * baseFeePerGas + tip), maxPriorityFeePerGas: tip }
}

function withMargin(gasNeeded: bigint, { fork }: Chain): bigint {
  const gas = gasNeeded + (gasNeeded * gasMarginPercent) / 100n
  const { gasLimitMax } = gasTables[fork]
  return gasLimitMax !== null && gas > gasLimitMax ? gasLimitMax : gas
}

/** Facts of an order that leaves nothing to ask. */
function byHand({ gas, declaration }: Order): Decoded<RunFacts> {
  invariant(gas !== undefined && declaration !== undefined, 'an order without a run fixes gas and declaration')
  const accessed = new Map<Address, Slot[]>()
  for (const place of [...declaration.reads, ...declaration.writes, ...declaration.credits]) {
    const slots = accessed.get(place.address) ?? []
    accessed.set(place.address, slots)
    if (place.kind === 'slot') slots.push(place.slot)
  }
  const list = [...accessed].map(([address, slots]) => ({ address, slots }))
  return accepted({ gasNeeded: gas, gasUsed: BigInt(declaration.gas), declaration, accessed: list })
}

function no(refusal: OrderRefusal): Quoted {
  return { ok: false, refusal }
}
