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

/**
 * One row of the journal: lines as a list in JSON, and what is text or bytes already one after the other, as the lines
 * name it.
 */
export interface JournalPage {
  readonly lines: string
  readonly footprints: string
  readonly bytes: Uint8Array
}

/** What a payload's line says: how long its parts are. */
interface PayloadLine {
  readonly kind: 'payload'
  readonly hash: TxHash
  readonly footprint: number
  readonly raw: number
}

/** Lines as rows of the journal: one as a rule, several where one would be too large for a table. */
export function* pagesOf(lines: readonly JournalLine[]): Iterable<JournalPage> {
  let texts: string[] = []
  let payloads: Payload[] = []
  let size = 0
  for (const line of lines) {
    const text = textOf(line)
    const payload = line.kind === 'payload' ? line.row : undefined
    const more = text.length + (payload ? payload.raw.length + payload.footprintJson.length : 0)
    if (size + more > journalPageBytesMax && texts.length > 0) {
      yield pageOf(texts, payloads)
      texts = []
      payloads = []
      size = 0
    }
    texts.push(text)
    if (payload) payloads.push(payload)
    size += more
  }
  if (texts.length > 0) yield pageOf(texts, payloads)
}

function pageOf(texts: readonly string[], payloads: readonly Payload[]): JournalPage {
  const bytes = new Uint8Array(payloads.reduce((size, { raw }) => size + raw.length, 0))
  let at = 0
  for (const { raw } of payloads) {
    bytes.set(raw, at)
    at += raw.length
  }
  const footprints = payloads.map(({ footprintJson }) => footprintJson).join('')
  return { lines: `[${texts.join()}]`, footprints, bytes }
}

function textOf(line: JournalLine): string {
  if (line.kind === 'row') return JSON.stringify({ kind: 'row', row: amountsAsText(line.row) })
  if (line.kind !== 'payload') return JSON.stringify(line)
  const { hash, footprintJson, raw } = line.row
  const told: PayloadLine = { kind: 'payload', hash, footprint: footprintJson.length, raw: raw.length }
  return JSON.stringify(told)
}

/** Reads a row of the journal. Nothing else writes to that table. */
export function decodePage({ lines, footprints, bytes }: Readonly<Record<string, SqlValue>>): readonly JournalLine[] {
  const texts = String(footprints)
  let [ofText, ofBytes] = [0, 0]
  return (JSON.parse(String(lines)) as readonly (Exclude<JournalLine, { kind: 'payload' }> | PayloadLine)[]).map(
    (line): JournalLine => {
      if (line.kind === 'row') return { kind: 'row', row: amountsOf(line.row) }
      if (line.kind !== 'payload') return line
      const { hash, footprint, raw } = line
      const footprintJson = texts.slice(ofText, ofText + footprint)
      const row = { hash, footprintJson, raw: new Uint8Array((bytes as ArrayBuffer).slice(ofBytes, ofBytes + raw)) }
      ofText += footprint
      ofBytes += raw
      return { kind: 'payload', row }
    },
  )
}
