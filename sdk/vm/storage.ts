import type { AccountEntry } from './accounts.ts'
import type { Execution } from './execution.ts'
import { charge, type Frame, fail, mayChange } from './frame.ts'
import { cellLimbs, findSlot, originalAt, slotAt, valueAt } from './slots.ts'
import { setSlot, setTransient, warmUpSlot } from './undo.ts'
import { clear, copy, isEqual, isZero } from './word.ts'

/** A store is refused where no more than a stipend is left (EIP-2200). */
const storeGasMin = 2_300

export function sload(frame: Frame): void {
  const { execution, stack } = frame
  const at = frame.sp - 8
  const slot = slotAt(execution, frame.self, stack, at)
  const { warm, coldSlot } = execution.rules
  if (charge(frame, warmUpSlot(execution, slot) ? coldSlot : warm))
    copy(execution.slots.cells, slot * cellLimbs + valueAt, stack, at)
}

export function sstore(frame: Frame): void {
  const { execution, stack, sp } = frame
  if (!mayChange(frame)) return
  if (frame.gas <= storeGasMin) {
    fail(frame, 'out of gas')
    return
  }
  const value = sp - 16
  const slot = slotAt(execution, frame.self, stack, sp - 8)
  frame.sp = value
  const cold = warmUpSlot(execution, slot) ? execution.rules.coldStore : 0
  if (!charge(frame, cold + storePrice(execution, slot, value))) return
  const { cells } = execution.slots
  if (isEqual(cells, slot * cellLimbs + valueAt, stack, value)) return
  execution.refund += refundOf(execution, slot, value)
  setSlot(execution, slot, stack, value)
}

/** EIP-2200 with the prices of EIP-2929, of a slot that is warm. */
function storePrice({ rules, slots, stack }: Execution, slot: number, value: number): number {
  const { cells } = slots
  const cell = slot * cellLimbs
  if (isEqual(cells, cell + valueAt, stack, value)) return rules.warm
  if (!isEqual(cells, cell + valueAt, cells, cell + originalAt)) return rules.warm
  return isZero(cells, cell + originalAt) ? rules.storeNew : rules.storeChange
}

/** What the refund counter moves by when a slot takes another value (EIP-3529). */
function refundOf({ rules, slots, stack }: Execution, slot: number, value: number): number {
  const { cells } = slots
  const cell = slot * cellLimbs
  const wasZero = isZero(cells, cell + originalAt)
  const isDirty = !isEqual(cells, cell + valueAt, cells, cell + originalAt)
  let refund = 0
  if (!wasZero) {
    if (isDirty && isZero(cells, cell + valueAt)) refund -= rules.clearRefund
    if (isZero(stack, value)) refund += rules.clearRefund
  }
  if (isDirty && isEqual(cells, cell + originalAt, stack, value))
    refund += (wasZero ? rules.storeNew : rules.storeChange) - rules.warm
  return refund
}

export function tload(frame: Frame): void {
  const { execution, stack } = frame
  const at = frame.sp - 8
  const slot = transientSlot(execution, frame.self, stack, at)
  copy(execution.transient.cells, slot * cellLimbs + valueAt, stack, at)
}

export function tstore(frame: Frame): void {
  const { execution, stack, sp } = frame
  if (!mayChange(frame)) return
  const slot = transientSlot(execution, frame.self, stack, sp - 8)
  setTransient(execution, slot, stack, sp - 16)
  frame.sp = sp - 16
}

/** Storage that every transaction finds empty (EIP-1153). */
function transientSlot(execution: Execution, owner: AccountEntry, stack: Int32Array, at: number): number {
  const { transient, turn } = execution
  const slot = findSlot(transient, owner, stack, at)
  if (transient.turns[slot] !== turn) {
    transient.turns[slot] = turn
    clear(transient.cells, slot * cellLimbs + valueAt)
  }
  return slot
}
