import { type Access, createTemplateBook, placeKey } from '../../sdk/batch/index.ts'
import type { Address } from '../../sdk/units.ts'
import { emptyCodeHash } from '../../sdk/vm/index.ts'
import { type RunnableBlock, runBlock } from './executedBlocks.ts'

/** How well templates foretold the calls of a block, each learnt from after it was foretold. */
export interface TemplateFit {
  /** Calls with data to an account with code. */
  readonly calls: number
  /** Of these, calls of a function that had been seen often enough before. */
  readonly forecasts: number
  /** Slots that were foretold, slots that were touched by those calls, and slots that were both. */
  readonly slots: Tally
  /** All places, but the sender's own, which no declaration needs to name. */
  readonly places: Tally
  /** Places foretold and touched, of which it was foretold too whether they are read, written or credited. */
  readonly opsRight: number
  /** Forecasts that named every place, and that every place they named was touched. */
  readonly complete: number
  readonly exact: number
}

export interface Tally {
  readonly foretold: number
  readonly touched: number
  readonly both: number
}

/** Runs a block, and lets a book of templates foretell its calls in their order. */
export function templateFit(runnable: RunnableBlock): TemplateFit {
  const { transactions, block, state } = runnable
  const codeHashOf = (account: Address) => state.account(account)?.codeHash ?? emptyCodeHash
  const book = createTemplateBook()
  const fit = { calls: 0, forecasts: 0, slots: none(), places: none(), opsRight: 0, complete: 0, exact: 0 }
  let at = 0
  for (const outcome of runBlock(runnable)) {
    const transaction = transactions[at++]
    if (!transaction || transaction.to === null || transaction.data.length < 4) continue
    const { from, to, data } = transaction
    if (codeHashOf(to) === emptyCodeHash || outcome.kind !== 'executed') continue
    fit.calls += 1
    const call = { from, to, data }
    const touched = withoutFees(outcome.access, from, block.miner)
    const foretold = book.forecast(call, codeHashOf)
    if (foretold) score(fit, opsIn(foretold), opsIn(touched))
    book.learn({ call, access: touched, codeHashOf })
  }
  return fit
}

function none() {
  return { foretold: 0, touched: 0, both: 0 }
}

type Writable<part> = { -readonly [key in keyof part]: part[key] extends Tally ? Writable<part[key]> : part[key] }

function score(
  fit: Writable<TemplateFit>,
  foretold: ReadonlyMap<string, string>,
  touched: ReadonlyMap<string, string>,
) {
  const both = [...foretold.keys()].filter((key) => touched.has(key))
  const isSlot = (key: string) => key.startsWith('1')
  const add = (tally: Writable<Tally>, keep: (key: string) => boolean) => {
    tally.foretold += [...foretold.keys()].filter(keep).length
    tally.touched += [...touched.keys()].filter(keep).length
    tally.both += both.filter(keep).length
  }
  add(fit.places, () => true)
  add(fit.slots, isSlot)
  fit.forecasts += 1
  fit.opsRight += both.filter((key) => foretold.get(key) === touched.get(key)).length
  fit.complete += both.length === touched.size ? 1 : 0
  fit.exact += both.length === touched.size && both.length === foretold.size ? 1 : 0
}

function opsIn(access: Access): ReadonlyMap<string, string> {
  const lists = ['reads', 'writes', 'credits'] as const
  return new Map(lists.flatMap((list) => access[list].map((place) => [placeKey(place), list] as const)))
}

/** What paying for a transaction touches is implied by it, and is nobody's to foretell. */
function withoutFees({ reads, writes, credits }: Access, from: Address, miner: Address): Access {
  const keep = ({ kind, address }: Access['reads'][number]) =>
    address !== miner && (address !== from || (kind !== 'nonce' && kind !== 'balance'))
  return { reads: reads.filter(keep), writes: writes.filter(keep), credits: credits.filter(keep) }
}
