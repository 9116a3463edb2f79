import { accepted, type Decoded, refused } from '../sdk/errors.ts'
import { fromHex, type Hex, isHex, toHex } from '../sdk/units.ts'
import type { MessageRow, Side } from './channelBoxRows.ts'
import { isRecord } from './executor/answer.ts'
import { depositBytesMax, messageBytesMax } from './limits.ts'
import { type ProblemCode, problem } from './problems.ts'

/** What a side asks over its socket: the requests of docs/http.md, one frame each. */
export type Frame = { readonly id: number } & (
  | { readonly act: 'open'; readonly token: Uint8Array }
  | { readonly act: 'send'; readonly sequence: number; readonly epoch: number; readonly bytes: Uint8Array }
  | { readonly act: 'acknowledge'; readonly through: number; readonly epoch: number }
  | { readonly act: 'standing' }
  /** From now on, messages after a sequence come by themselves. */
  | { readonly act: 'receive'; readonly after: number }
  | { readonly act: 'pause' }
  | {
      readonly act: 'deposit'
      readonly number: number
      readonly closeAtHeight: number
      readonly transaction: Uint8Array
    }
)

/** What a socket is, kept with it while the object sleeps. */
export interface SocketSeat {
  readonly side: Side
  /** SHA-256 of the token it was opened with; nothing before. */
  readonly claim: Hex | null
  /** Of the last message it was given; nothing while it receives none. */
  readonly cursor: number | null
}

/** Longest frame in characters: a deposit in hexadecimal digits, and room for the other fields. */
export const frameCharsMax = 2 * depositBytesMax + 512

/** Reads a frame. Never throws. What is wrong with a number or bytes is for the box's rules to say. */
export function readFrame(text: string): Decoded<Frame> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return refused('the frame is not JSON')
  }
  if (!isRecord(json) || !isCount(json.id)) return refused('the frame has no id')
  const { id, act } = json
  switch (act) {
    case 'open':
      return isHex(json.token, 32)
        ? accepted({ id, act, token: fromHex(json.token) })
        : refused('the token is not 32 bytes')
    case 'send': {
      const { sequence, epoch, bytes } = json
      if (!isCount(sequence) || !isCount(epoch) || !isHex(bytes))
        return refused('a message has sequence, epoch and bytes')
      return accepted({ id, act, sequence, epoch, bytes: fromHex(bytes) })
    }
    case 'acknowledge': {
      const { through, epoch } = json
      return isCount(through) && isCount(epoch)
        ? accepted({ id, act, through, epoch })
        : refused('an acknowledgement has through and epoch')
    }
    case 'receive':
      return isCount(json.after) ? accepted({ id, act, after: json.after }) : refused('a reader names a sequence')
    case 'standing':
    case 'pause':
      return accepted({ id, act })
    case 'deposit': {
      const { number, closeAtHeight, transaction } = json
      if (!isCount(number) || !isCount(closeAtHeight) || !isHex(transaction))
        return refused('a deposit has number, closeAtHeight and transaction')
      return accepted({ id, act, number, closeAtHeight, transaction: fromHex(transaction) })
    }
    default:
      return refused('the frame asks for nothing known')
  }
}

/** What is wrong with a message before the box looks at it, as the HTTP route says it. */
export function messageFault(
  frame: Extract<Frame, { act: 'send' }>,
): { readonly code: ProblemCode; readonly detail: string } | undefined {
  if (frame.bytes.length > messageBytesMax)
    return { code: 'message-too-large', detail: `A message has at most ${messageBytesMax} bytes.` }
  if (frame.bytes.length === 0 || frame.sequence < 1 || frame.epoch < 1)
    return { code: 'malformed-message', detail: 'Sequences and epochs count from 1; a message has at least one byte.' }
  return undefined
}

/** The good answer to a frame. */
export function doneFrame(id: number, fields: object = {}): string {
  return JSON.stringify({ id, ok: true, ...fields })
}

/** The refusal of a frame: the problem that HTTP would answer with. */
export function refusedFrame(id: number | null, code: ProblemCode, detail: string): string {
  const { retryable } = problem(code, detail)
  return JSON.stringify({ id, ok: false, problem: { code, detail, retryable } })
}

/** A message on its way to its reader. */
export function messageFrame({ sequence, bytes }: Pick<MessageRow, 'sequence' | 'bytes'>): string {
  return JSON.stringify({ message: { sequence, bytes: toHex(bytes) } })
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
