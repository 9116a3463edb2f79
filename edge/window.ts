import type { Footprint } from '../sdk/batch/access.ts'
import { explainWait, type Plan, plan, schedule, sentence, waitsOf } from '../sdk/batch/index.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { Address } from '../sdk/units.ts'
import type { ChainDraft } from './chainDraft.ts'
import type { ChainRows, PlannedTx, PlanRow, TxRow, WindowRow } from './chainRows.ts'
import type { Sending } from './executor/port.ts'
import {
  lanesInFlightMax,
  unknownPerSenderMax,
  unknownPerWindowMax,
  waitsToldMax,
  windowBytesMax,
  windowGasMax,
  windowTransactionsMax,
} from './limits.ts'
import { footprintOf, type Payload } from './payload.ts'

/** What may go now, and what came back from behind a hole. */
export interface Choice {
  /** In the order of arrival, but a sender's nonces in their own. */
  readonly rows: readonly TxRow[]
  /** Queued behind a nonce that nobody offers any more. */
  readonly stranded: readonly { readonly row: TxRow; readonly missingNonce: number }[]
}

type Access = 'known' | 'unknown'

/**
 * Chooses the transactions of the next window.
 *
 * A transaction may go when everything of its sender before it was acknowledged or goes along. Transactions whose
 * access is unknown conflict with all others, so they have windows of their own, under a quota per sender: in one
 * window with the others they would join all lanes into one.
 */
export function chooseWindow(rows: ChainRows, draft: ChainDraft, access: Access): Choice {
  const most = draft.head().failures > 0 ? lanesInFlightMax : windowTransactionsMax
  const senders = new Map<Address, Standing>()
  const chosen: TxRow[] = []
  const stranded: Choice['stranded'][number][] = []
  let bytes = 0
  let gas = 0
  let unknowns = 0
  for (const { hash, sender } of rows.queued()) {
    let standing = senders.get(sender)
    if (!standing) {
      standing = standingOf(draft, sender, access)
      senders.set(sender, standing)
      stranded.push(...standing.stranded)
    }
    // Whoever asks for a later nonce brings the earlier ones along.
    const place = standing.ready.findIndex((row) => row.hash === hash)
    for (const row of standing.ready.splice(0, place + 1)) {
      unknowns += Number(row.isUnknownAccess)
      bytes += row.size
      gas += row.gas
      const isFull = chosen.length === most || bytes > windowBytesMax || gas > windowGasMax
      if ((isFull && chosen.length > 0) || unknowns > unknownPerWindowMax) return { rows: chosen, stranded }
      chosen.push(row)
    }
  }
  return { rows: chosen, stranded }
}

/** What of one sender may go, by nonce, and what waits behind a hole. */
interface Standing {
  readonly ready: TxRow[]
  readonly stranded: readonly { readonly row: TxRow; readonly missingNonce: number }[]
}

function standingOf(draft: ChainDraft, sender: Address, access: Access): Standing {
  const rows = draft.txsOf(sender)
  const ready: TxRow[] = []
  // Below it is what the chain has used already, as far as we know: sending it finds out.
  const used = draft.account(sender)?.next ?? 0
  let expected = used
  let unknowns = 0
  for (const group of rivalsOf(rows)) {
    const { nonce } = group[0]
    // No window takes more of it.
    if (ready.length === windowTransactionsMax) break
    if (nonce > expected) {
      const missingNonce = expected
      const behind = rows.filter((row) => row.nonce > missingNonce && row.status.state === 'queued')
      return { ready, stranded: behind.map((row) => ({ row, missingNonce })) }
    }
    expected = Math.max(expected, nonce + 1)
    if (group.some(({ status }) => status.state === 'included')) continue
    if (group.some(({ status }) => status.state === 'planned')) {
      if (nonce < used) continue // In doubt, but in nobody's way: the chain has gone past it.
      break
    }
    const top = highestPaying(group)
    if (top.status.state !== 'queued') continue
    if (top.isUnknownAccess) {
      unknowns += 1
      if (access === 'known' || unknowns > unknownPerSenderMax) break
    }
    ready.push(top)
  }
  return { ready: access === 'unknown' && unknowns === 0 ? [] : ready, stranded: [] }
}

/** Transactions with one nonce. */
type Rivals = readonly [TxRow, ...TxRow[]]

/** A sender's rows, which come by nonce, a nonce at a time. */
function* rivalsOf(rows: readonly TxRow[]): Iterable<Rivals> {
  let group: [TxRow, ...TxRow[]] | undefined
  for (const row of rows) {
    if (group?.[0].nonce === row.nonce) {
      group.push(row)
      continue
    }
    if (group) yield group
    group = [row]
  }
  if (group) yield group
}

/** Of transactions with one nonce, the one that is sent. */
function highestPaying([first, ...others]: Rivals): TxRow {
  return others.reduce((best, row) => (row.maxFeePerGas > best.maxFeePerGas ? row : best), first)
}

/** A window, planned: what is stored of it, and its lanes in the order in which they should be started. */
export interface PlannedWindow {
  readonly rows: readonly TxRow[]
  readonly figures: WindowRow
  readonly plan: PlanRow
  readonly lanes: readonly (readonly Sending[])[]
}

/** Plans the chosen transactions and leases them until `leaseUntil`. */
export function planWindow(
  chosen: readonly TxRow[],
  payloadOf: (row: TxRow) => Payload,
  { window, now, leaseUntil }: { readonly window: number; readonly now: number; readonly leaseUntil: number },
): PlannedWindow {
  const payloads = chosen.map(payloadOf)
  const footprints = payloads.map(footprintOf)
  const planned = plan(footprints)
  const rows = chosen.map((row, index): TxRow => {
    const lane = planned.laneOf[index] as number
    const waitsFor = waitsOf(planned, index).map((target) => (chosen[target] as TxRow).hash)
    const status: TxStatus = { state: 'planned', window, lane, waitsFor }
    return { ...row, status, window, lane, attempts: row.attempts + 1, doubt: null, dueAt: leaseUntil }
  })
  return {
    rows,
    figures: {
      window,
      at: now,
      transactions: chosen.length,
      lanes: planned.lanes.length,
      criticalPathGas: planned.criticalPathGas,
      totalGas: planned.totalGas,
      makespanGas4: schedule(planned, 4).makespanGas,
    },
    plan: { window, transactions: chosen.map((row, index) => toldTx(row, index, planned, footprints)) },
    lanes: heaviestFirst(planned).map((lane) =>
      lane.map((index) => {
        const { hash, sender } = chosen[index] as TxRow
        const { raw } = payloads[index] as Payload
        return { hash, sender, raw, position: index, declaration: footprints[index] as Footprint }
      }),
    ),
  }
}

/** What is kept of one transaction of a plan. Its footprint goes with its payload, so its waits are explained now. */
function toldTx(
  { hash, sender, gas }: TxRow,
  index: number,
  planned: Plan,
  footprints: readonly Footprint[],
): PlannedTx {
  const targets = waitsOf(planned, index)
  const told = targets.slice(-waitsToldMax).reverse()
  const waits = told.map((target) => ({ index: target, reason: sentence(explainWait(footprints, index, target)) }))
  return { hash, sender, lane: planned.laneOf[index] as number, gas, waits, waitsLeftOut: targets.length - told.length }
}

/** The longest lane is started first: whoever starts last is done last. */
function heaviestFirst({ lanes, gas }: Plan): readonly (readonly number[])[] {
  const weight = (lane: readonly number[]) => lane.reduce((sum, index) => sum + (gas[index] as number), 0)
  return [...lanes].sort((one, other) => weight(other) - weight(one))
}
