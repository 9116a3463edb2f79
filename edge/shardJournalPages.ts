import { type Address, joinBytes, type TxHash } from '../sdk/units.ts'
import type { Payload } from './payload.ts'
import type { ShardAccount, ShardRow } from './shardRows.ts'
import { partsOf, type SqlValue } from './sql.ts'

/** One thing the journal tells, in the order of events. */
export type JournalLine =
  | { readonly kind: 'row'; readonly row: ShardRow }
  /** Rows the journal has came to one stage, and nothing else about them changed. */
  | { readonly kind: 'moved'; readonly hashes: TxHash[]; readonly to: Pick<ShardRow, 'stage' | 'since' | 'dueAt'> }
  | { readonly kind: 'payload'; readonly row: Payload }
  /** A payload is kept no longer. */
  | { readonly kind: 'gone'; readonly hash: TxHash }
  | { readonly kind: 'account'; readonly row: ShardAccount }

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
  const told = lines.map((line) => ({ text: textOf(line), payload: line.kind === 'payload' ? line.row : undefined }))
  const sizeOf = ({ text, payload }: (typeof told)[number]) =>
    text.length + (payload ? payload.raw.length + payload.footprintJson.length : 0)
  for (const part of partsOf(told, sizeOf)) {
    const payloads = part.flatMap(({ payload }) => payload ?? [])
    yield {
      lines: `[${part.map(({ text }) => text).join()}]`,
      footprints: payloads.map(({ footprintJson }) => footprintJson).join(''),
      bytes: joinBytes(...payloads.map(({ raw }) => raw)),
    }
  }
}

/** A line as a list, which takes half the text of one with names; of a payload, how long its parts are. */
function textOf(line: JournalLine): string {
  switch (line.kind) {
    case 'row': {
      const { hash, sender, nonce, stage, status, maxFeePerGas, maxPriorityFeePerGas, sequence, since, dueAt } =
        line.row
      const fees = [String(maxFeePerGas), String(maxPriorityFeePerGas)] as const
      const told: Lists['row'] = ['row', hash, sender, nonce, stage, status, ...fees, sequence, since, dueAt]
      return JSON.stringify(told)
    }
    case 'payload': {
      const { hash, footprintJson, raw } = line.row
      const told: Lists['payload'] = ['payload', hash, footprintJson.length, raw.length]
      return JSON.stringify(told)
    }
    default:
      return JSON.stringify([line.kind, line] satisfies Lists['other'])
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

/** Reads a row of the journal. Nothing else writes to that table. */
export function decodePage({ lines, footprints, bytes }: Readonly<Record<string, SqlValue>>): readonly JournalLine[] {
  const texts = String(footprints)
  let [ofText, ofBytes] = [0, 0]
  return (JSON.parse(String(lines)) as readonly Lists[keyof Lists][]).map((told): JournalLine => {
    if (told[0] === 'row') return { kind: 'row', row: rowOf(told) }
    if (told[0] !== 'payload') return told[1]
    const [, hash, footprint, raw] = told
    const footprintJson = texts.slice(ofText, ofText + footprint)
    const row = { hash, footprintJson, raw: new Uint8Array((bytes as ArrayBuffer).slice(ofBytes, ofBytes + raw)) }
    ofText += footprint
    ofBytes += raw
    return { kind: 'payload', row }
  })
}

function rowOf(told: Lists['row']): ShardRow {
  const [, hash, sender, nonce, stage, status, maxFee, maxPriority, sequence, since, dueAt] = told
  const fees = { maxFeePerGas: BigInt(maxFee), maxPriorityFeePerGas: BigInt(maxPriority) }
  return { hash, sender, nonce, stage, status, ...fees, sequence, since, dueAt }
}
