import {
  type Access,
  type Declaration,
  declare,
  gasMax,
  type Place,
  placeKey,
  transactionPlacesMax,
  undeclared,
} from '../batch/index.ts'
import type { AccessList } from '../evm/index.ts'
import type { CallTrace, NodeAccessList, NodeCall, TracedAccount } from '../ports.ts'
import { type Address, type Slot, slot } from '../units.ts'
import type { Executed } from '../vm/index.ts'

/** What a run of the call touched, as a node told it. */
export interface Told<run> {
  readonly call: NodeCall
  readonly run: run
  /** Whoever collects the fees of a block is touched by every transaction; that is nobody's declaration to make. */
  readonly feeRecipient: Address | null
}

/**
 * Declares from a trace: what the run changed is written, what it looked at is read.
 *
 * A balance that only rose is a credit when the account has no code, which could have looked at it, and was not
 * empty, since what a value call costs depends on that (EIP-161); else it is a write. A node tells balance and code
 * of every account it touched, so both count as read. Nonces do not: whoever changes one changes the balance or the
 * code beside it.
 */
export function declareFromTrace({ call, run, feeRecipient }: Told<CallTrace>): Declaration {
  const access: Writable = { reads: [], writes: [], credits: [] }
  for (const account of new Set([...run.before.keys(), ...run.after.keys()])) {
    if (account === feeRecipient && account !== call.from && account !== call.to && !runsCode(run.before.get(account)))
      continue
    declareAccount(access, account, run.before.get(account), run.after.get(account))
  }
  return bounded(withSender(access, call.from), run.gasUsed)
}

/**
 * Declares from an access list as a node made it. It does not tell reads from writes, so touching is taken as
 * writing, but for code, which hardly any run changes. So calls of one contract share a lane; a trace does better.
 */
export function declareFromAccessList({ call, run, feeRecipient }: Told<NodeAccessList>): Declaration {
  const access: Writable = { reads: [], writes: [], credits: [] }
  const listed = run.entries.map(({ address }) => address)
  for (const address of new Set([...listed, ...(call.to === null ? [] : [call.to])])) {
    if (address === feeRecipient && address !== call.to) continue
    access.reads.push({ kind: 'code', address })
    access.writes.push({ kind: 'balance', address })
  }
  for (const { address, slots } of run.entries)
    for (const key of slots) access.writes.push({ kind: 'slot', address, slot: slot(key) })
  return bounded(withSender(access, call.from), run.gasUsed)
}

/**
 * Declares by what earlier runs of the same code have taught, where a node made an access list and nobody ran the call: the
 * forecast tells reads from writes, which the list does not. Nothing when the list has a slot that the forecast lacks: this
 * call goes another way then.
 *
 * @param access - The forecast.
 */
export function declareFromTemplate(
  { call, run }: Omit<Told<NodeAccessList>, 'feeRecipient'>,
  access: Access,
): Declaration | null {
  const foretold = new Set([...access.reads, ...access.writes].map(placeKey))
  for (const { address, slots } of run.entries)
    for (const key of slots) if (!foretold.has(placeKey({ kind: 'slot', address, slot: slot(key) }))) return null
  return bounded(withSender(access, call.from), run.gasUsed, 'template')
}

/**
 * Declares from a run on the user's own machine: what it records is exact, for the state that it ran on.
 *
 * More places commute than after a trace: an account that was called is not read beyond its code, and a contract that was
 * paid without looking at its balance is credited. Being empty is a fact of all of an account (EIP-161): who
 * looked at it and found it so reads the balance, and a credit to such an account is a write.
 */
export function declareFromRun({ call, run }: Omit<Told<Executed>, 'feeRecipient'>): Declaration {
  const { reads, writes, credits, emptiness } = run.access
  const empty = new Set(emptiness.flatMap(({ address, isEmpty }) => (isEmpty ? [address] : [])))
  const [toEmpty, toOthers] = [
    credits.filter((one) => empty.has(one.address)),
    credits.filter((one) => !empty.has(one.address)),
  ]
  const found = [...empty].map((address): Place => ({ kind: 'balance', address }))
  const access = { reads: [...reads, ...found], writes: [...writes, ...toEmpty], credits: toOthers }
  return bounded(withSender(access, call.from), run.gasUsed)
}

/** All places of an access, in the form that lists are priced from. */
export function accessedBy({ reads, writes, credits }: Access): AccessList {
  const accounts = new Map<Address, Set<Slot>>()
  for (const place of [...reads, ...writes, ...credits]) {
    const slots = accounts.get(place.address) ?? new Set()
    accounts.set(place.address, slots)
    if (place.kind === 'slot') slots.add(place.slot)
  }
  return [...accounts].map(([address, slots]) => ({ address, slots: [...slots] }))
}

/** Everything a trace touched, in the form that lists are priced from. */
export function accessedIn({ run }: Told<CallTrace>): AccessList {
  return [...run.before].map(([address, { storage }]) => ({
    address,
    slots: [...storage.keys()].map((key) => slot(key)),
  }))
}

type Writable = { [list in keyof Access]: Place[] }

const untouched: TracedAccount = { storage: new Map() }

function declareAccount(access: Writable, address: Address, before = untouched, after = untouched): void {
  const nonceChanged = after.nonce !== undefined && after.nonce !== (before.nonce ?? 0)
  if (nonceChanged) access.writes.push({ kind: 'nonce', address })
  access[after.code === undefined ? 'reads' : 'writes'].push({ kind: 'code', address })
  access[balanceChange(before, after)].push({ kind: 'balance', address })
  for (const key of new Set([...before.storage.keys(), ...after.storage.keys()]))
    access[after.storage.has(key) ? 'writes' : 'reads'].push({ kind: 'slot', address, slot: slot(key) })
}

function balanceChange(before: TracedAccount, after: TracedAccount): keyof Access {
  const old = before.balance ?? 0n
  if (after.balance === undefined || after.balance === old) return 'reads'
  const wasEmpty = old === 0n && (before.nonce ?? 0) === 0
  return after.balance > old && !wasEmpty && !runsCode(before) && !runsCode(after) ? 'credits' : 'writes'
}

function runsCode(account: TracedAccount | undefined): boolean {
  return (account?.code?.length ?? 0) > 0
}

/** More places than an envelope takes of one transaction are as good as none: it conflicts with everything then. */
function bounded(access: Access, gasUsed: bigint, source: 'trace' | 'template' = 'trace'): Declaration {
  const gas = Math.min(gasMax, Number(gasUsed))
  const { reads, writes, credits } = access
  const places = reads.length + writes.length + credits.length
  return places > transactionPlacesMax ? undeclared(gas) : declare(access, gas, source)
}

/** A traced call pays no fee and some nodes skip its nonce; the transaction will change both. */
function withSender(access: Access, address: Address): Access {
  return { ...access, writes: [...access.writes, { kind: 'nonce', address }, { kind: 'balance', address }] }
}
