import { type Access, type BoxAnswer, type BoxEvent, boxStep, boxWakeAt, readInbox } from '../../edge/channelBox.ts'
import {
  type BackupRow,
  type BoxChange,
  type BoxHead,
  type BoxRows,
  type DepositRow,
  type MessageRow,
  otherSide,
  type Side,
  type SideRow,
} from '../../edge/channelBoxRows.ts'
import { messageBytesMax } from '../../edge/limits.ts'
import { problem } from '../../edge/problems.ts'
import { refused } from '../../sdk/adapters/relayAnswer.ts'
import { sha256 } from '../../sdk/crypto/index.ts'
import type { BackupLink, ChannelLink, LinkMessage } from '../../sdk/ports.ts'
import { toHex } from '../../sdk/units.ts'
import { closingInput } from './closings.ts'

/** A box's rows in memory: what SQLite does, the plain way. */
export interface MemoryBoxRows extends BoxRows {
  readonly apply: (changes: readonly BoxChange[]) => void
}

export function memoryBoxRows(): MemoryBoxRows {
  let head: BoxHead | undefined
  let deposit: DepositRow | undefined
  const sides = new Map<Side, SideRow>()
  const backups = new Map<Side, BackupRow>()
  let messages: readonly MessageRow[] = []
  return {
    head: () => head,
    side: (side) => sides.get(side),
    message: (side, sequence) => messages.find((row) => row.side === side && row.sequence === sequence),
    messagesAfter: (side, after, limit) =>
      messages.filter((row) => row.side === side && row.sequence > after).slice(0, limit),
    deposit: () => deposit,
    backup: (side) => backups.get(side),
    apply: (changes) => {
      for (const change of changes) {
        if ('remove' in change) {
          const isGone = (row: MessageRow) =>
            change.remove === 'everything' || (row.side === change.side && row.sequence <= change.through)
          messages = messages.filter((row) => !isGone(row))
          if (change.remove === 'messages') continue
          head = undefined
          deposit = undefined
          sides.clear()
          backups.clear()
        } else if (change.put === 'head') head = change.row
        else if (change.put === 'deposit') deposit = change.row
        else if (change.put === 'backup') backups.set(change.row.side, change.row)
        else if (change.put === 'side') sides.set(change.row.side, change.row)
        else messages = [...messages, { ...change.row, bytes: change.row.bytes.slice() }]
      }
    },
  }
}

/** A channel box without an edge around it: the true step, rows in memory, no chain. */
export interface MemoryBox {
  readonly rows: MemoryBoxRows
  readonly feed: (event: BoxEvent) => BoxAnswer
  /** One side's link to it. */
  readonly link: (side: Side, token: Uint8Array) => ChannelLink
  /** Where one side keeps its newest copy. */
  readonly backup: (side: Side, token: Uint8Array) => BackupLink
}

export function memoryBox(now: () => number = Date.now): MemoryBox {
  const rows = memoryBoxRows()
  const readers = new Set<() => void>()
  const turn = (event: BoxEvent) => {
    const { changes, answer } = boxStep(rows, event, 1_000)
    rows.apply(changes)
    return answer
  }
  const feed = (event: BoxEvent) => {
    const answer = turn(event)
    if ((boxWakeAt(rows) ?? Number.POSITIVE_INFINITY) <= now()) turn({ type: 'tick', now: now() })
    // A reader's own visit wakes nobody, or two readers would wake each other for ever.
    if (event.type === 'post') for (const wake of [...readers]) wake()
    return answer
  }
  const link = (side: Side, token: Uint8Array): ChannelLink => {
    const access: Access = { side, claim: toHex(sha256(token)) }
    return {
      send: async ({ sequence, epoch, bytes }) => {
        if (bytes.length > messageBytesMax) refuse('message-too-large')
        if (bytes.length === 0) refuse('malformed-message')
        demand(feed({ type: 'post', access, post: { sequence, epoch, bytes }, now: now() }))
      },
      receive: async function* (after, signal): AsyncGenerator<LinkMessage, void> {
        let last = after
        while (!signal.aborted) {
          demand(feed({ type: 'visit', access, now: now() }))
          const { messages } = demand(readInbox(rows, side, last))
          for (const { sequence, bytes } of messages) {
            if (signal.aborted) return
            last = sequence
            yield { sequence, bytes: bytes.slice() }
          }
          if (messages.length === 0) await grown(readers, signal)
        }
      },
      acknowledge: async ({ through, epoch }) => {
        demand(feed({ type: 'acknowledge', access, through, epoch, now: now() }))
      },
      deposit: async (deposit) => {
        if (side === 'payer') refuse('unknown-route')
        demand(feed({ type: 'deposit', access, deposit: { ...deposit, input: closingInput }, now: now() }))
      },
      standing: async () => {
        demand(feed({ type: 'visit', access, now: now() }))
        const { epoch = 0, sent = 0, acknowledged = 0 } = rows.side(side) ?? {}
        const read = rows.side(otherSide(side))?.acknowledged ?? 0
        return { epoch, sent, acknowledged, read }
      },
    }
  }
  const backup = (side: Side, token: Uint8Array): BackupLink => {
    const access: Access = { side, claim: toHex(sha256(token)) }
    return {
      keep: async (kept) => {
        demand(feed({ type: 'keep', access, backup: kept, now: now() }))
      },
      kept: async () => {
        demand(feed({ type: 'visit', access, now: now() }))
        const { number, bytes } = rows.backup(side) ?? {}
        return number === undefined || !bytes ? null : { number, bytes: bytes.slice() }
      },
    }
  }
  return { rows, feed, link, backup }
}

function demand<good extends { readonly ok: true }>(answer: good | Exclude<BoxAnswer, { ok: true }>): good {
  if (!answer.ok) return refuse(answer.code, answer.detail)
  return answer
}

function refuse(code: Parameters<typeof problem>[0], detail = 'It cannot be.'): never {
  throw refused(problem(code, detail))
}

function grown(readers: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      readers.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    readers.add(done)
    signal.addEventListener('abort', done)
  })
}
