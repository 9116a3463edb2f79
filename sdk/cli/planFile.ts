import type { Decoded } from 'lanekit'
import type { Plan } from 'lanekit/batch'

/** A plan as somebody wrote it down, and the batch it says it is of. Nothing in it is believed. */
export interface ReceivedPlan {
  readonly id: string | null
  readonly plan: Plan
}

/** Reads what `batch plan --json` prints; of what it says beside the plan, nothing is needed. Never throws. */
export function readPlan(text: string): Decoded<ReceivedPlan> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refused('the plan is not JSON')
  }
  const { id = null, lanes, totalGas, criticalPathGas, transactions } = fieldsOf(json)
  if (id !== null && typeof id !== 'string') return refused('the id of the plan is not text')
  if (!isNumber(totalGas) || !isNumber(criticalPathGas)) return refused('the plan does not say its gas')
  if (!Array.isArray(lanes) || !lanes.every(isIndexList))
    return refused('the lanes of the plan are not lists of numbers')
  if (!Array.isArray(transactions)) return refused('the plan has no transactions')
  const offsets = new Int32Array(transactions.length + 1)
  const laneOf = new Int32Array(transactions.length)
  const gas = new Float64Array(transactions.length)
  const targets: number[] = []
  for (const [index, transaction] of transactions.entries()) {
    const { waitsFor, lane, gas: own } = fieldsOf(transaction)
    if (!isIndexList(waitsFor) || !isIndex(lane) || !isNumber(own))
      return refused(`transaction ${index} of the plan is not of its shape`)
    for (const target of waitsFor) targets.push(target)
    offsets[index + 1] = targets.length
    laneOf[index] = lane
    gas[index] = own
  }
  const waits = { offsets, targets: Int32Array.from(targets) }
  const plan: Plan = { count: transactions.length, waits, laneOf, lanes, gas, criticalPathGas, totalGas }
  return { ok: true, value: { id, plan } }
}

function refused(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {}
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isIndex(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31
}

function isIndexList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isIndex)
}
