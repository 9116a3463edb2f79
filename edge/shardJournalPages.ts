import type { Address, TxHash } from '../sdk/units.ts'
import { boundBytesMax } from './limits.ts'
import { joined, type Payload, partsFrom } from './payload.ts'
import type { ShardAccount, ShardHead, ShardRow } from './shardRows.ts'
import type { SqlValue } from './sql.ts'

/** One thing the journal tells, in the order of events. */
export type JournalLine =
  | { readonly kind: 'row'; readonly row: ShardRow }
  /** Rows the journal has came to one stage, and nothing else about them changed. */
  | { readonly kind: 'moved'; readonly hashes: TxHash[]; readonly to: Pick<ShardRow, 'stage' | 'since' | 'dueAt'> }
  | { readonly kind: 'payload'; readonly row: Payload }
  /** A pack has the payloads of some, as it will have their rows. */
  | { readonly kind: 'kept'; readonly id: number }
  /** A payload is kept no longer. */
  | { readonly kind: 'gone'; readonly hash: TxHash }
  | { readonly kind: 'account'; readonly row: ShardAccount }
  | { readonly kind: 'head'; readonly row: ShardHead }

/**
 * One row of the journal: lines as a list in JSON, and what is text or bytes already one after the other, as the lines
 * name it.
 */
export interface JournalPage {
  readonly lines: string
  readonly footprints: string
  readonly bytes: Uint8Array
}

/** Lines as rows of the journal: one as a rule, several where one would be too large for a table. */
export function* pagesOf(lines: readonly JournalLine[]): Iterable<JournalPage> {
  const page = pageOf(lines)
  if (pageSize(page) <= boundBytesMax || lines.length === 1) {
    yield page
    return
  }
  const half = lines.length >> 1
  yield* pagesOf(lines.slice(0, half))
  yield* pagesOf(lines.slice(half))
}

/** Lines as one row, whatever its size. */
export function pageOf(lines: readonly JournalLine[]): JournalPage {
  const payloads = lines.flatMap((line) => (line.kind === 'payload' ? line.row : []))
  return { lines: JSON.stringify(lines.map(listOf)), ...joined(payloads) }
}

/** What a page takes on the disk, about. */
export function pageSize({ lines, footprints, bytes }: JournalPage): number {
  return lines.length + footprints.length + bytes.length
}

/** A line as a list, which takes half the text of one with names; of a payload, how long its parts are. */
function listOf(line: JournalLine): Lists[keyof Lists] {
  switch (line.kind) {
    case 'row': {
      const { hash, sender, nonce, stage, status, maxFeePerGas, maxPriorityFeePerGas, sequence, since, dueAt } =
        line.row
      const fees = [String(maxFeePerGas), String(maxPriorityFeePerGas)] as const
      return ['row', hash, sender, nonce, stage, status, ...fees, sequence, since, dueAt]
    }
    case 'payload': {
      const { hash, footprintJson, raw } = line.row
      return ['payload', hash, footprintJson.length, raw.length]
    }
    default:
      return [line.kind, line]
  }
}

/** Fields may be added at the end, read with a default: rows of the release before are still read. */
interface Lists {
  readonly row: readonly [
    kind: 'row',
    hash: TxHash,
    sender: Address,
    nonce: number,
    stage: ShardRow['stage'],
    status: ShardRow['status'],
    maxFeePerGas: string,
    maxPriorityFeePerGas: string,
    sequence: number,
    since: number,
    dueAt: number | null,
  ]
  readonly payload: readonly [kind: 'payload', hash: TxHash, footprint: number, raw: number]
  readonly other: readonly [kind: Other['kind'], line: Other]
}
type Other = Exclude<JournalLine, { kind: 'row' | 'payload' }>

/** A page as it is read back. Nothing else writes to that table. */
export function readPage({ lines, footprints, bytes }: Readonly<Record<string, SqlValue>>): JournalPage {
  return { lines: String(lines), footprints: String(footprints), bytes: new Uint8Array(bytes as ArrayBuffer) }
}

export function linesOf({ lines, footprints, bytes }: JournalPage): readonly JournalLine[] {
  const next = partsFrom(footprints, bytes)
  return (JSON.parse(lines) as readonly Lists[keyof Lists][]).map((told): JournalLine => {
    if (told[0] === 'row') return { kind: 'row', row: rowOf(told) }
    if (told[0] !== 'payload') return told[1]
    const [, hash, footprint, raw] = told
    return { kind: 'payload', row: { hash, ...next(footprint, raw) } }
  })
}

function rowOf(told: Lists['row']): ShardRow {
  const [, hash, sender, nonce, stage, status, maxFee, maxPriority, sequence, since, dueAt] = told
  const fees = { maxFeePerGas: BigInt(maxFee), maxPriorityFeePerGas: BigInt(maxPriority) }
  return { hash, sender, nonce, stage, status, ...fees, sequence, since, dueAt }
}
