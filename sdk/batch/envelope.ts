import { transactionBytesMax } from '../evm/codec.ts'
import { type Address, type BatchId, type ChainId, chainId, type Slot } from '../units.ts'
import type { Access, AccessSource, BatchTransaction, Place } from './access.ts'
import { gasMax } from './footprint.ts'
import { marks, opOf } from './place.ts'

/** What a wallet submits at once: signed transactions in the order it wants, and what each is expected to touch. */
export interface Batch {
  readonly chainId: ChainId
  /** Rules the declarations were made under, as the `evm` room names them. */
  readonly fork: string
  readonly transactions: readonly BatchTransaction[]
}

/** A batch that came over the wire; its id is the digest of the binary form, whichever form it came in. */
export interface ReceivedBatch extends Batch {
  readonly id: BatchId
}

/** Why an envelope was refused. Stable names: the edge answers with them. */
export type EnvelopeFault =
  | 'malformed-envelope'
  | 'batch-too-large'
  | 'wrong-digest'
  | 'index-out-of-range'
  | 'unordered-keys'
  | 'unsupported-version'

export interface EnvelopeRefusal {
  readonly ok: false
  readonly code: EnvelopeFault
  readonly reason: string
}

/** Most transactions of one batch. */
export const batchTransactionsMax = 256
/** Most bytes of one envelope, in either form. */
export const batchBytesMax = 1_048_576
/** Most places one transaction declares: about one for 2,000 gas (EIP-7928) of the 2^24 that it can have (EIP-7825). */
export const transactionPlacesMax = 8_192
/** Most characters of a fork's name. */
export const forkLengthMax = 32

/** The one version there is. */
export const envelopeVersion = 1

/** The sources as numbers, for the binary form. */
export const accessSources: readonly AccessSource[] = ['unknown', 'declared', 'template', 'trace']

/**
 * What both forms hold: tables of accounts and slots, and transactions that point into them. SPEC.md, E2 to E5.
 * Still to be judged: {@link unpack} does.
 */
export interface Envelope {
  readonly chainId: number
  readonly fork: string
  readonly accounts: readonly Address[]
  readonly slots: readonly SlotGroup[]
  readonly txs: readonly EnvelopeTransaction[]
}

/** Slots of one account, which is named by its index. */
interface SlotGroup {
  readonly account: number
  readonly slots: readonly Slot[]
}

export interface EnvelopeTransaction {
  readonly raw: Uint8Array
  readonly reads: readonly number[]
  readonly writes: readonly number[]
  readonly credits: readonly number[]
  readonly source: AccessSource
  readonly gas: number
}

/** Refuses an envelope, and says why in one sentence without its full stop. */
export function refuse(code: EnvelopeFault, reason: string): EnvelopeRefusal {
  return { ok: false, code, reason }
}

/** Replaces places by indices into fresh tables. What the batch may not hold is left for {@link unpack} to refuse. */
export function pack(batch: Batch): Envelope {
  const touched = new Map<Address, Set<Slot>>()
  for (const { declaration } of batch.transactions) {
    for (const list of lists) {
      for (const place of declaration[list]) {
        const slots = touched.get(place.address) ?? new Set()
        touched.set(place.address, slots)
        if (place.kind === 'slot') slots.add(place.slot)
      }
    }
  }
  const accounts = [...touched.keys()].sort()
  const accountIndex = new Map(accounts.map((address, index) => [address, index]))
  const slotIndex = new Map<Address, ReadonlyMap<Slot, number>>()
  const groups: SlotGroup[] = []
  let next = 3 * accounts.length
  for (const [account, address] of accounts.entries()) {
    const slots = [...(touched.get(address) ?? [])].sort()
    if (slots.length > 0) groups.push({ account, slots })
    slotIndex.set(address, new Map(slots.map((slot) => [slot, next++])))
  }
  const indexOf = (place: Place): number =>
    (place.kind === 'slot'
      ? slotIndex.get(place.address)?.get(place.slot)
      : 3 * (accountIndex.get(place.address) ?? 0) + accountFields.indexOf(place.kind)) ?? -1
  const joined = new Uint8Array(next)
  const txs = batch.transactions.map(({ raw, declaration }) => ({
    raw,
    ...packAccess(declaration, indexOf, joined),
    source: declaration.source,
    gas: declaration.gas,
  }))
  return { chainId: batch.chainId, fork: batch.fork, accounts, slots: groups, txs }
}

/** The access in normal form (SPEC.md, F5), as indices. `joined` holds marks by index, and is left empty again. */
function packAccess(access: Access, indexOf: (place: Place) => number, joined: Uint8Array): Record<List, number[]> {
  const used: number[] = []
  for (const list of lists) {
    for (const place of access[list]) {
      const index = indexOf(place)
      if (joined[index] === 0) used.push(index)
      joined[index] = (joined[index] as number) | marks[list]
    }
  }
  const packed = { reads: [] as number[], writes: [] as number[], credits: [] as number[] }
  for (const index of used.sort((one, other) => one - other)) {
    packed[`${opOf(joined[index] as number)}s`].push(index)
    joined[index] = 0
  }
  return packed
}

const lists = ['reads', 'writes', 'credits'] as const
type List = (typeof lists)[number]
const accountFields = ['nonce', 'balance', 'code'] as const

/** Judges an envelope by every rule that both forms share, and puts places back. Never throws. SPEC.md, E2 to E8. */
export function unpack(envelope: Envelope): { readonly ok: true; readonly value: Batch } | EnvelopeRefusal {
  const { fork, accounts, slots, txs } = envelope
  if (!Number.isSafeInteger(envelope.chainId) || envelope.chainId < 1)
    return refuse('malformed-envelope', 'the chain id is not a whole number from 1')
  if (fork.length > forkLengthMax || !/^[a-zA-Z0-9-]+$/.test(fork))
    return refuse('malformed-envelope', `the fork is not a name of 1 to ${forkLengthMax} letters, digits and dashes`)
  if (txs.length === 0) return refuse('malformed-envelope', 'there is no transaction')
  if (txs.length > batchTransactionsMax)
    return refuse('batch-too-large', `there are more than ${batchTransactionsMax} transactions`)
  const fault = tablesFault(accounts, slots)
  if (fault) return fault

  const table = createPlaceTable(accounts, slots)
  const transactions: BatchTransaction[] = []
  for (const [at, tx] of txs.entries()) {
    const refusal = transactionFault(tx, at) ?? table.claim(tx, at)
    if (refusal) return refusal
    const { raw, reads, writes, credits, source, gas } = tx
    const declaration = {
      reads: reads.map(table.place),
      writes: writes.map(table.place),
      credits: credits.map(table.place),
      source,
      gas,
    }
    transactions.push({ raw, declaration })
  }
  const unused = table.unused()
  if (unused !== undefined) return refuse('malformed-envelope', unused)
  return { ok: true, value: { chainId: chainId(envelope.chainId), fork, transactions } }
}

function tablesFault(accounts: readonly Address[], groups: readonly SlotGroup[]): EnvelopeRefusal | undefined {
  if (!ascends(accounts)) return refuse('unordered-keys', 'the accounts do not ascend')
  if (!ascends(groups.map(({ account }) => account))) return refuse('unordered-keys', 'the slot groups do not ascend')
  for (const { account, slots } of groups) {
    if (account >= accounts.length) return refuse('index-out-of-range', `there is no account ${account}`)
    if (slots.length === 0) return refuse('malformed-envelope', `account ${account} has an empty slot group`)
    if (!ascends(slots)) return refuse('unordered-keys', `the slots of account ${account} do not ascend`)
  }
  return undefined
}

function transactionFault(tx: EnvelopeTransaction, at: number): EnvelopeRefusal | undefined {
  const places = tx.reads.length + tx.writes.length + tx.credits.length
  if (tx.raw.length === 0) return refuse('malformed-envelope', `transaction ${at} has no bytes`)
  if (tx.raw.length > transactionBytesMax)
    return refuse('batch-too-large', `transaction ${at} is longer than ${transactionBytesMax} bytes`)
  if (places > transactionPlacesMax)
    return refuse('batch-too-large', `transaction ${at} declares more than ${transactionPlacesMax} places`)
  if (tx.source === 'unknown' && places > 0)
    return refuse('malformed-envelope', `the access of transaction ${at} is unknown and declared`)
  if (!Number.isInteger(tx.gas) || tx.gas < 0 || tx.gas > gasMax)
    return refuse('malformed-envelope', `the gas of transaction ${at} is not a whole number from 0 to ${gasMax}`)
  return undefined
}

/** The places of the tables by index, each made once, and who used them. */
function createPlaceTable(accounts: readonly Address[], groups: readonly SlotGroup[]) {
  const slots = groups.flatMap(({ account, slots }) => slots.map((slot) => ({ account, slot })))
  const fields = 3 * accounts.length
  const size = fields + slots.length
  const places: (Place | undefined)[] = new Array(size)
  const usedBy = new Int32Array(size) // The last transaction that used it, + 1.

  /** Marks the places of one transaction as used. */
  function claim(tx: EnvelopeTransaction, at: number): EnvelopeRefusal | undefined {
    for (const list of [tx.reads, tx.writes, tx.credits]) {
      if (!ascends(list)) return refuse('unordered-keys', `the places of transaction ${at} do not ascend`)
      for (const index of list) {
        if (index >= size) return refuse('index-out-of-range', `transaction ${at} names place ${index} of ${size}`)
        if (usedBy[index] === at + 1)
          return refuse('malformed-envelope', `transaction ${at} names place ${index} in two lists`)
        usedBy[index] = at + 1
      }
    }
    return undefined
  }

  function place(index: number): Place {
    const known = places[index]
    if (known !== undefined) return known
    const made = index < fields ? fieldAt(index) : slotAt(index - fields)
    places[index] = made
    return made
  }

  const addressOf = (account: number) => accounts[account] as Address
  const fieldAt = (index: number): Place => ({
    kind: accountFields[(index % 3) as 0 | 1 | 2],
    address: addressOf(Math.floor(index / 3)),
  })
  function slotAt(index: number): Place {
    const { account, slot } = slots[index] as { account: number; slot: Slot }
    return { kind: 'slot', address: addressOf(account), slot }
  }

  /** A table entry that nobody names would be a second encoding of the same batch. */
  function unused(): string | undefined {
    if (usedBy.subarray(fields).includes(0)) return 'a slot stands in the table and is not used'
    const grouped = new Set(groups.map(({ account }) => account))
    const idle = accounts.findIndex(
      (_, at) => !grouped.has(at) && usedBy.subarray(3 * at, 3 * at + 3).every((by) => by === 0),
    )
    return idle < 0 ? undefined : `account ${idle} stands in the table and is not used`
  }

  return { claim, place, unused }
}

/** Strictly ascending, so without doubles. */
function ascends(items: readonly (string | number)[]): boolean {
  return items.every((item, at) => at === 0 || item > (items[at - 1] as string | number))
}
