import type { Hex } from '../units.ts'
import type { AccountEntry } from './accounts.ts'
import type { Code } from './code.ts'
import type { Execution } from './execution.ts'
import { cellLimbs, valueAt } from './slots.ts'
import { copy, type Words, wordLimbs } from './word.ts'

/**
 * What to put back when a frame reverts, oldest first. All changes to accounts and slots go through this file.
 * Reads are not undone: they have happened, whatever becomes of the frame.
 */
export interface UndoLog {
  readonly steps: Undo[]
  /** Values that slots had, one after the other. */
  words: Words
  wordCount: number
}

const wordsStart = 64

export function createUndoLog(): UndoLog {
  return { steps: [], words: new Int32Array(wordsStart * wordLimbs), wordCount: 0 }
}

type Undo =
  | { readonly kind: 'nonce' | 'balance'; readonly entry: AccountEntry; readonly value: bigint }
  | { readonly kind: 'code'; readonly entry: AccountEntry; readonly code: Code | null; readonly hash: Hex }
  | { readonly kind: 'warm' | 'touched' | 'created' | 'destroyed'; readonly entry: AccountEntry }
  | { readonly kind: 'slot' | 'transient'; readonly slot: number }
  | { readonly kind: 'warmSlot'; readonly slot: number }

/** A point to go back to. */
export interface Mark {
  readonly steps: number
  readonly logs: number
  readonly refund: number
}

export function mark({ undo, logs, refund }: Execution): Mark {
  return { steps: undo.steps.length, logs: logs.length, refund }
}

/** Takes back everything since the mark. */
export function revertTo(execution: Execution, { steps: length, logs, refund }: Mark): void {
  const { steps } = execution.undo
  while (steps.length > length) takeBack(execution, steps.pop() as Undo)
  execution.logs.length = logs
  execution.refund = refund
}

export function setNonce({ undo }: Execution, entry: AccountEntry, nonce: bigint): void {
  undo.steps.push({ kind: 'nonce', entry, value: entry.nonce })
  entry.nonce = nonce
}

/** The caller has seen the balance, or only adds to it. */
export function setBalance({ undo }: Execution, entry: AccountEntry, balance: bigint): void {
  undo.steps.push({ kind: 'balance', entry, value: entry.balance })
  entry.balance = balance
}

export function setCode({ undo }: Execution, entry: AccountEntry, code: Code): void {
  undo.steps.push({ kind: 'code', entry, code: entry.code, hash: entry.codeHash })
  entry.code = code
  entry.codeHash = code.hash
}

/** True when it was cold until now. */
export function warmUp({ undo }: Execution, entry: AccountEntry): boolean {
  if (entry.isWarm) return false
  undo.steps.push({ kind: 'warm', entry })
  entry.isWarm = true
  return true
}

/** True when it was cold until now. */
export function warmUpSlot({ undo, slots, turn }: Execution, slot: number): boolean {
  if (slots.warmTurns[slot] === turn) return false
  undo.steps.push({ kind: 'warmSlot', slot })
  slots.warmTurns[slot] = turn
  return true
}

export function touch({ undo }: Execution, entry: AccountEntry): void {
  if (entry.isTouched) return
  undo.steps.push({ kind: 'touched', entry })
  entry.isTouched = true
}

export function setCreated({ undo }: Execution, entry: AccountEntry): void {
  undo.steps.push({ kind: 'created', entry })
  entry.isCreated = true
}

export function setDestroyed({ undo }: Execution, entry: AccountEntry): void {
  undo.steps.push({ kind: 'destroyed', entry })
  entry.isDestroyed = true
}

export function setSlot({ undo, slots }: Execution, slot: number, words: Words, at: number): void {
  setCell(undo, 'slot', slots.cells, slot, words, at)
}

export function setTransient({ undo, transient }: Execution, slot: number, words: Words, at: number): void {
  setCell(undo, 'transient', transient.cells, slot, words, at)
}

function setCell(
  undo: UndoLog,
  kind: 'slot' | 'transient',
  cells: Words,
  slot: number,
  words: Words,
  at: number,
): void {
  const target = slot * cellLimbs + valueAt
  undo.steps.push({ kind, slot })
  const place = undo.wordCount * wordLimbs
  undo.wordCount += 1
  if (place + wordLimbs > undo.words.length) {
    const longer = new Int32Array(2 * undo.words.length)
    longer.set(undo.words)
    undo.words = longer
  }
  copy(cells, target, undo.words, place)
  copy(words, at, cells, target)
}

function takeBack(execution: Execution, step: Undo): void {
  const { slots, transient, undo } = execution
  switch (step.kind) {
    case 'nonce':
      step.entry.nonce = step.value
      return
    case 'balance':
      step.entry.balance = step.value
      return
    case 'code':
      step.entry.code = step.code
      step.entry.codeHash = step.hash
      return
    case 'warm':
      step.entry.isWarm = false
      return
    case 'touched':
      step.entry.isTouched = false
      return
    case 'created':
      step.entry.isCreated = false
      return
    case 'destroyed':
      step.entry.isDestroyed = false
      return
    case 'slot':
      takeBackCell(undo, slots.cells, step.slot)
      return
    case 'transient':
      takeBackCell(undo, transient.cells, step.slot)
      return
    case 'warmSlot':
      slots.warmTurns[step.slot] = 0
  }
}

function takeBackCell(undo: UndoLog, cells: Words, slot: number): void {
  undo.wordCount -= 1
  copy(undo.words, undo.wordCount * wordLimbs, cells, slot * cellLimbs + valueAt)
}
