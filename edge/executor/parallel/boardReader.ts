import { invariant } from '../../../sdk/errors.ts'
import { type Fork, isPrecompile } from '../../../sdk/evm/index.ts'
import { type Address, type Hex, type Slot, toHex } from '../../../sdk/units.ts'
import { type Account, emptyCodeHash, type State } from '../../../sdk/vm/index.ts'
import {
  type Board,
  cell,
  cellAt,
  code,
  findAccount,
  findSlot,
  flagExists,
  flagHasStorage,
  record,
  shardOf,
} from './board.ts'
import type { Numbers } from './outcomeWire.ts'

/** The state on the boards as of one commit. */
export interface BoardReader {
  readonly state: State
  readonly numbers: Numbers
  /**
   * From now on the state is that after commit `until`. Only accounts of these shards (as bits; 0: of any) may be asked for,
   * and those that everybody shares: precompiled contracts, and the recipient of fees.
   */
  readonly begin: (until: number, shards: number, feeRecipient: Address) => void
  /** Throws {@link ForeignShard} when this account may not be asked for. */
  readonly admit: (address: Address) => void
}

/** Thrown out of a run that asks for an account of a shard it had not declared. */
export class ForeignShard extends Error {
  override readonly name = 'ForeignShard'
}

/** Accounts and slots remembered before all is forgotten. */
const seatsMax = 200_000

interface Seat {
  readonly board: Board
  readonly shard: number
  readonly isPrecompile: boolean
  /** 0 while nobody has written a record. */
  at: number
  /** Which cell `account` was read from; a cell that is used again has another commit. */
  cell: number
  since: number
  /** The last commit that `account` was looked up for. */
  until: number
  account: Account | undefined
  readonly slots: Map<Slot, number>
}

interface Seats {
  readonly of: (address: Address) => Seat
  /** The record of a slot; 0 while nobody has written one. */
  readonly slot: (seat: Seat, slot: Slot) => number
  /** Forgets all, when they are many. */
  readonly trim: () => void
}

function createSeats(boards: readonly Board[], fork: Fork): Seats {
  const seats = new Map<Address, Seat>()
  let count = 0
  return {
    of: (address) => {
      let seat = seats.get(address)
      if (!seat) {
        const shard = shardOf(address, boards.length)
        const board = boards[shard] as Board
        const isShared = isPrecompile(address, fork)
        seat = { board, shard, isPrecompile: isShared, at: 0, cell: 0, since: 0, ...unread, slots: new Map() }
        seats.set(address, seat)
        count += 1
      }
      if (seat.at === 0) seat.at = findAccount(seat.board, address)
      return seat
    },
    slot: (seat, slot) => {
      const known = seat.slots.get(slot)
      if (known !== undefined) return known
      const at = seat.at === 0 ? 0 : findSlot(seat.board, seat.at, slot)
      if (at !== 0) {
        seat.slots.set(slot, at)
        count += 1
      }
      return at
    },
    trim: () => {
      if (count <= seatsMax) return
      seats.clear()
      count = 0
    },
  }
}

export function createBoardReader(boards: readonly Board[], fork: Fork): BoardReader {
  const seats = createSeats(boards, fork)
  const codes = new Map<Hex, Uint8Array>()
  let until = 0
  let allowed = 0
  let shared: Address | undefined

  const judge = (address: Address, seat: Seat): void => {
    if (allowed !== 0 && (allowed & (1 << seat.shard)) === 0 && address !== shared && !seat.isPrecompile)
      throw new ForeignShard(`${address} is of shard ${seat.shard}`)
  }

  const account = (address: Address): Account | undefined => {
    const seat = seats.of(address)
    judge(address, seat)
    if (seat.until === until) return seat.account // Nothing that comes later changes what was then.
    seat.until = until
    const at = seat.at === 0 ? 0 : cellAt(seat.board, seat.at, until)
    if (at === 0) {
      seat.account = undefined
      seat.cell = 0
      return undefined
    }
    const since = seat.board.words[at + cell.since] as number
    if (seat.cell !== at || seat.since !== since) {
      seat.account = readAccount(seat.board, at, codes)
      seat.cell = at
      seat.since = since
    }
    return seat.account
  }

  return {
    state: {
      account,
      code: (hash) => {
        const bytes = codes.get(hash)
        invariant(bytes, 'code is asked for after the account that names it')
        return bytes
      },
      storage: (address, slot) => {
        const seat = seats.of(address)
        const recordAt = seats.slot(seat, slot)
        const at = recordAt === 0 ? 0 : cellAt(seat.board, recordAt, until)
        if (at === 0) return undefined
        const start = 4 * (at + cell.value)
        return seat.board.bytes.subarray(start, start + 32)
      },
    },
    numbers: {
      account: (address) => numberOf(seats.of(address)),
      slot: (address, slot) => {
        const seat = seats.of(address)
        const at = seats.slot(seat, slot)
        return at === 0 ? 0 : (seat.board.words[at + record.number] as number)
      },
    },
    admit: (address) => judge(address, seats.of(address)),
    begin: (now, shards, feeRecipient) => {
      until = now
      allowed = shards
      shared = feeRecipient
      seats.trim()
    },
  }
}

/** No commit has this number, and it is not {@link nothingCommitted} either. */
const unread = { until: -2, account: undefined } as const

function numberOf({ board, at }: Seat): number {
  return at === 0 ? 0 : (board.words[at + record.number] as number)
}

function readAccount({ words, bytes, view }: Board, at: number, codes: Map<Hex, Uint8Array>): Account | undefined {
  const flags = words[at + cell.flags] as number
  if ((flags & flagExists) === 0) return undefined
  const limbs = 4 * (at + cell.balance)
  let balance = 0n
  for (let limb = 3; limb >= 0; limb--) {
    const part = view.getBigUint64(limbs + 8 * limb)
    balance = balance === 0n ? part : (balance << 64n) | part
  }
  const nonce = view.getBigUint64(4 * (at + cell.nonce))
  const codeAt = words[at + cell.code] as number
  const hasStorage = (flags & flagHasStorage) !== 0
  if (codeAt === 0) return { nonce, balance, codeHash: emptyCodeHash, hasStorage }
  const codeHash = toHex(bytes.subarray(4 * codeAt, 4 * codeAt + 32))
  if (!codes.has(codeHash)) {
    const start = 4 * (codeAt + code.bytes)
    codes.set(codeHash, bytes.slice(start, start + (words[codeAt + code.size] as number)))
  }
  return { nonce, balance, codeHash, hasStorage }
}
