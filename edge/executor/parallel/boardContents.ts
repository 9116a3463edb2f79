import { type Address, type Slot, toHex } from '../../../sdk/units.ts'
import { type Board, boardOn, cell, cellAt, code, flagExists, record, recordsOf } from './board.ts'
import type { AccountContent, SlotValue } from './engine.ts'

/**
 * The state on the boards after the last commit that became visible: what is left when the committing thread is gone. Parts
 * of a later commit, in however many shards they stand, are as if they had never been written.
 *
 * @param until - What control memory says of the last commit.
 */
export function* boardContents(memories: readonly SharedArrayBuffer[], until: number): Iterable<AccountContent> {
  for (const board of memories.map(boardOn)) {
    const slots = slotsByOwner(board, until)
    for (const at of recordsOf(board)) {
      if (board.words[at + record.owner] !== 0) continue
      const found = cellAt(board, at, until)
      if (found === 0 || ((board.words[found + cell.flags] as number) & flagExists) === 0) continue
      yield { ...accountIn(board, found), address: keyIn(board, at, 20) as Address, slots: slots.get(at) ?? [] }
    }
  }
}

function slotsByOwner(board: Board, until: number): ReadonlyMap<number, readonly SlotValue[]> {
  const slots = new Map<number, SlotValue[]>()
  for (const at of recordsOf(board)) {
    const owner = board.words[at + record.owner] as number
    const found = owner === 0 ? 0 : cellAt(board, at, until)
    if (found === 0) continue
    const start = 4 * (found + cell.value)
    const value = board.bytes.slice(start, start + 32)
    if (value.every((byte) => byte === 0)) continue
    const known = slots.get(owner)
    const one = { slot: keyIn(board, at, 32) as Slot, value }
    if (known) known.push(one)
    else slots.set(owner, [one])
  }
  return slots
}

function accountIn({ words, bytes, view }: Board, at: number): Omit<AccountContent, 'address' | 'slots'> {
  let balance = 0n
  for (let limb = 3; limb >= 0; limb--)
    balance = (balance << 64n) | view.getBigUint64(4 * (at + cell.balance) + 8 * limb)
  const codeAt = words[at + cell.code] as number
  const start = 4 * (codeAt + code.bytes)
  const size = codeAt === 0 ? 0 : (words[codeAt + code.size] as number)
  return { nonce: view.getBigUint64(4 * (at + cell.nonce)), balance, code: bytes.slice(start, start + size) }
}

function keyIn({ bytes }: Board, at: number, size: number) {
  const start = 4 * (at + record.key)
  return toHex(bytes.subarray(start, start + size))
}
