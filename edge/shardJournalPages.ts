import type { TxHash } from '../sdk/units.ts'
import { journalPageBytesMax } from './limits.ts'
import type { Payload } from './payload.ts'
import type { ShardAccount, ShardRow } from './shardRows.ts'
import { amountsAsText, amountsOf, type SqlValue } from './sql.ts'

/** One thing the journal tells, in the order of events. */
export type JournalLine =
  | { readonly kind: 'row'; readonly row: ShardRow }
  /** Rows the journal has came to one stage, and nothing else about them changed. */
  | { readonly kind: 'moved'; readonly hashes: TxHash[]; readonly to: Pick<ShardRow, 'stage' | 'since' | 'dueAt'> }
  | { readonly kind: 'payload'; readonly row: Payload }
  /** A payload is kept no longer. */
  | { readonly kind: 'gone'; readonly hash: TxHash }
  | { readonly kind: 'account'; readonly row: ShardAccount }

/** One row of the journal: lines as a list in JSON, and the transactions' bytes one after the other, as the lines name them. */
export interface JournalPage {
  readonly lines: string
  readonly bytes: Uint8Array
}

/** What a payload's line says of its bytes: how many there are. */
interface Told extends Omit<Payload, 'raw'> {
  readonly length: number
}

/** Lines as rows of the journal: one as a rule, several where one would be too large for a table. */
export function* pagesOf(lines: readonly JournalLine[]): Iterable<JournalPage> {
  let texts: string[] = []
  let raws: Uint8Array[] = []
  let size = 0
  for (const line of lines) {
    const text = textOf(line)
    const raw = line.kind === 'payload' ? line.row.raw : undefined
    const more = text.length + (raw?.length ?? 0)
    if (size + more > journalPageBytesMax && texts.length > 0) {
      yield { lines: `[${texts.join()}]`, bytes: joined(raws) }
      texts = []
      raws = []
      size = 0
    }
    texts.push(text)
    if (raw) raws.push(raw)
    size += more
  }
  if (texts.length > 0) yield { lines: `[${texts.join()}]`, bytes: joined(raws) }
}

function textOf(line: JournalLine): string {
  if (line.kind === 'row') return JSON.stringify({ kind: 'row', row: amountsAsText(line.row) })
  if (line.kind !== 'payload') return JSON.stringify(line)
  const { raw, ...rest } = line.row
  return JSON.stringify({ kind: 'payload', row: { ...rest, length: raw.length } satisfies Told })
}

/** Reads a row of the journal. Nothing else writes to that table. */
export function decodePage(lines: SqlValue | undefined, bytes: SqlValue | undefined): readonly JournalLine[] {
  let at = 0
  return (JSON.parse(String(lines)) as readonly JournalLine[]).map((line): JournalLine => {
    if (line.kind === 'row') return { kind: 'row', row: amountsOf(line.row) }
    if (line.kind !== 'payload') return line
    const { length, ...rest } = line.row as unknown as Told
    const raw = new Uint8Array((bytes as ArrayBuffer).slice(at, at + length))
    at += length
    return { kind: 'payload', row: { ...rest, raw } }
  })
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
