import type { SdkError } from '../errors.ts'
import type { LinkMessage } from '../ports.ts'
import { fromHex, isHex } from '../units.ts'
import { fieldsOf, nonsense, unreachable } from './http.ts'
import { linkMessageBytesMax } from './httpBox.ts'
import { refused, relay } from './relayAnswer.ts'
import { readProblem } from './relayShapes.ts'

/** The part of a WebSocket that is used here: the platform's has it, and so has that of the package `ws`. */
export interface BoxSocket {
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  readonly send: (text: string) => void
  readonly close: () => void
}

export type Fields = Readonly<Record<string, unknown>>

/** One open socket to a channel box: questions with their answers, and one reader. */
export interface Line {
  /** Throws `relay/unreachable`, `relay/refused`, `relay/nonsense`. */
  readonly ask: (frame: Fields) => Promise<Fields>
  readonly mayRead: () => boolean
  /** Messages after a sequence, then live. Ends quietly when aborted, else by throwing. */
  readonly read: (after: number, signal: AbortSignal) => AsyncGenerator<LinkMessage, void>
  readonly isOpen: () => boolean
}

/** How long a socket may take to open. */
const openMsMax = 5_000
/** An unused socket is closed after this; one that is silent for this long is asked whether it lives. */
const idleMs = 10_000
const silenceMs = 30_000
/** Most messages that wait for their reader: twice what a box holds. */
const waitingMax = 512

interface Waiting {
  readonly resolve: (fields: Fields) => void
  readonly reject: (error: SdkError) => void
}

interface Reader {
  /** True once the box has begun to give it messages; what comes before was meant for the reader before it. */
  isReady: boolean
  readonly take: (message: LinkMessage) => void
  readonly fail: (error: SdkError) => void
}

interface State {
  readonly socket: BoxSocket
  readonly timeoutMs: number
  readonly asked: Map<number, Waiting>
  reader: Reader | undefined
  /** The last reader's end, on its way to the box: frames sent at once may be heard in any order. */
  paused: Promise<unknown>
  isOpen: boolean
  lastId: number
  /** Stops the timer that {@link rest} set last. */
  disarm: () => void
}

/**
 * Waits for a socket to open.
 *
 * Throws `relay/unreachable` when it does not.
 *
 * @param timeoutMs - Of each question.
 */
export async function openLine(socket: BoxSocket, timeoutMs: number): Promise<Line> {
  const state: State = {
    ...{ socket, timeoutMs, asked: new Map(), reader: undefined, paused: Promise.resolve() },
    ...{ isOpen: false, lastId: 0, disarm: () => undefined },
  }
  socket.onmessage = ({ data }: { readonly data: unknown }) => hear(state, data)
  await new Promise<void>((resolve, reject) => {
    const lost = () => {
      clearTimeout(timer)
      const error = unreachable(relay)
      fail(state, error)
      reject(error)
    }
    const timer = setTimeout(() => {
      lost()
      socket.close()
    }, openMsMax)
    socket.onopen = () => {
      clearTimeout(timer)
      state.isOpen = true
      resolve()
    }
    socket.onclose = lost
    socket.onerror = lost
  })
  return {
    ask: (frame) => ask(state, frame),
    mayRead: () => state.reader === undefined,
    read: (after, signal) => read(state, after, signal),
    isOpen: () => state.isOpen,
  }
}

/** Nothing more comes: all that wait are told. */
function fail(state: State, error: SdkError): void {
  state.isOpen = false
  state.disarm()
  for (const { reject } of state.asked.values()) reject(error)
  state.asked.clear()
  state.reader?.fail(error)
}

function end(state: State, error: SdkError): void {
  fail(state, error)
  state.socket.close()
}

/** Re-armed by whatever is said: a line without a use is closed; one in use that fell silent is asked, then given up. */
function rest(state: State): void {
  state.disarm()
  if (!state.isOpen) return
  const isUsed = () => state.asked.size > 0 || state.reader !== undefined
  arm(
    state,
    () => {
      if (!isUsed()) return end(state, unreachable(relay))
      state.socket.send('ping')
      arm(state, () => end(state, unreachable(relay)), idleMs)
    },
    isUsed() ? silenceMs : idleMs,
  )
}

function arm(state: State, act: () => void, ms: number): void {
  const timer = setTimeout(act, ms)
  state.disarm = () => clearTimeout(timer)
}

function hear(state: State, data: unknown): void {
  if (data !== 'pong') {
    const told = readTold(data)
    if (told === undefined) {
      end(state, nonsense(relay, 'a frame is not of its shape'))
      return
    }
    if (told.kind === 'message') {
      if (state.reader?.isReady) state.reader.take(told.message)
    } else {
      const waiting = state.asked.get(told.id)
      state.asked.delete(told.id)
      if (told.kind === 'done') waiting?.resolve(told.fields)
      else waiting?.reject(told.error)
    }
  }
  rest(state)
}

/** @param answered - Called before anything that the box says after its answer is heard. */
function ask(state: State, frame: Fields, answered?: () => void): Promise<Fields> {
  return new Promise((resolve, reject) => {
    if (!state.isOpen) return reject(unreachable(relay))
    state.lastId += 1
    const id = state.lastId
    const timer = setTimeout(() => {
      state.asked.delete(id)
      reject(unreachable(relay))
    }, state.timeoutMs)
    state.asked.set(id, {
      resolve: (fields) => {
        clearTimeout(timer)
        answered?.()
        resolve(fields)
      },
      reject: (error) => {
        clearTimeout(timer)
        reject(error)
      },
    })
    rest(state)
    state.socket.send(JSON.stringify({ id, ...frame }))
  })
}

async function* read(state: State, after: number, signal: AbortSignal): AsyncGenerator<LinkMessage, void> {
  const inbox: LinkMessage[] = []
  let expected = after + 1
  let wake: () => void = () => undefined
  let failure: SdkError | undefined
  const fails = (error: SdkError) => {
    failure ??= error
    wake()
  }
  const reader: Reader = {
    isReady: false,
    take: (message) => {
      // A hole, or more than a box holds, is a box that broke its contract.
      if (message.sequence !== expected || inbox.length >= waitingMax)
        return fails(nonsense(relay, 'the messages are not in order'))
      expected += 1
      inbox.push(message)
      wake()
    },
    fail: fails,
  }
  state.reader = reader
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    await state.paused
    if (signal.aborted) return
    await ask(state, { act: 'receive', after }, () => {
      reader.isReady = true
    })
    while (!signal.aborted) {
      const message = inbox.shift()
      if (message) yield message
      else if (failure) throw failure
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    signal.removeEventListener('abort', stop)
    state.reader = undefined
    // The line may be gone; then there is nothing left to pause.
    if (state.isOpen) state.paused = ask(state, { act: 'pause' }).catch(() => undefined)
  }
}

type Told =
  | { readonly kind: 'message'; readonly message: LinkMessage }
  | { readonly kind: 'done'; readonly id: number; readonly fields: Fields }
  | { readonly kind: 'refused'; readonly id: number; readonly error: SdkError }

/** Reads a frame of the box, believing none of it. */
function readTold(data: unknown): Told | undefined {
  let json: unknown
  try {
    json = typeof data === 'string' && data.length <= 4 * linkMessageBytesMax ? JSON.parse(data) : undefined
  } catch {
    return undefined
  }
  const fields = fieldsOf(json)
  if (!fields) return undefined
  const message = fieldsOf(fields.message)
  if (message) {
    const { sequence, bytes } = message
    if (!isCount(sequence) || !isHex(bytes) || bytes.length <= 2 || bytes.length > 2 + 2 * linkMessageBytesMax)
      return undefined
    return { kind: 'message', message: { sequence, bytes: fromHex(bytes) } }
  }
  const { id, ok, problem } = fields
  if (!isCount(id)) return undefined
  if (ok === true) return { kind: 'done', id, fields }
  const told = readProblem(problem)
  return told && { kind: 'refused', id, error: refused(told) }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
