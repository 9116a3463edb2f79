import { SdkError } from '../errors.ts'
import type { Clock } from '../ports.ts'
import type { ChannelId } from '../units.ts'
import { isTakenOver, type TillBoxes } from './boxes.ts'
import { createPlaces, type Places } from './places.ts'
import type { Taken, Till } from './till.ts'

/** How often the chain is looked at where nothing else is said: every half minute. */
export const pollMsDefault = 30_000
/** Most announced ids that no channel came of yet. */
export const announcedMax = 1_000
/** How long an announced id is read where no channel comes of it: a quarter of an hour. */
export const announceMs = 900_000
/** Most boxes that are asked at the same time. */
export const readersMax = 1_000
/** Pauses after failures double from the first to the second, in milliseconds. */
const pauseMsMin = 250
const pauseMsMax = 30_000

export interface RunTillOptions {
  readonly till: Till
  readonly boxes: TillBoxes
  readonly clock: Clock
  /**
   * Between two looks at the chain.
   *
   * Funds at risk: a channel that is not looked at once in its `marginBlocks` can be lost to the refund.
   */
  readonly pollMs?: number
  readonly readersMax?: number
  /** Told of everything that failed. All of it is tried again, but for bugs, which end the reading of their channel. */
  readonly onNeglect?: (neglect: TillNeglect) => void
}

/** What could not be done, and why. `channelId` is `null` for what concerns all channels. */
export interface TillNeglect {
  readonly channelId: ChannelId | null
  readonly error: unknown
}

/** Why the program ended. `taken-over`: another till has come up on the store, or speaks for this side of the boxes. */
export type TillEnd = 'stopped' | 'taken-over'

/** A till that reads its boxes and watches the chain. */
export interface TillProgram {
  /**
   * Reads the box of a channel from now on, for a quarter of an hour if no channel comes of it. Again is no harm, and
   * brings a channel that waits for its turn to the front. Throws `till/busy` when too many are announced. [TP2]
   */
  readonly announce: (channel: ChannelId) => void
  /** Calls `listener` after each message that was taken, until the returned function is called. A hint. */
  readonly onTaken: (listener: (taken: Taken) => void) => () => void
  /** Of the boxes it runs on. */
  readonly seal: TillBoxes['seal']
  /** Resolves when everything has ended. Never rejects. */
  readonly ended: Promise<TillEnd>
  /** Ends it: no new announcements, the messages in hand, the look at the chain. The till and its store stay open. [TP7] */
  readonly stop: () => Promise<TillEnd>
}

/** Runs a till, by the rules of `sdk/till/PROGRAM.md`, until it is stopped or another one has taken over. */
export function runTill(options: RunTillOptions): TillProgram {
  const state: State = {
    ...options,
    pollMs: options.pollMs ?? pollMsDefault,
    onNeglect: options.onNeglect ?? (() => undefined),
    places: createPlaces(options.readersMax ?? readersMax),
    stopping: new AbortController(),
    readers: new Map(),
    holders: new Map(),
    announced: new Map(),
    listeners: new Set(),
    end: 'stopped',
  }
  const ended = run(state)
  return {
    announce: (channel) => announce(state, channel),
    onTaken: (listener) => {
      state.listeners.add(listener)
      return () => state.listeners.delete(listener)
    },
    seal: options.boxes.seal,
    ended,
    stop: () => {
      state.stopping.abort()
      return ended
    },
  }
}

interface State extends Required<Pick<RunTillOptions, 'till' | 'boxes' | 'clock' | 'pollMs' | 'onNeglect'>> {
  readonly places: Places
  readonly stopping: AbortController
  readonly readers: Map<ChannelId, Reader>
  /** Turns of the readers that have a place, the longest first. */
  readonly holders: Map<ChannelId, AbortController>
  /** When each announced id expires, unless a channel came of it. */
  readonly announced: Map<ChannelId, number>
  readonly listeners: Set<(taken: Taken) => void>
  end: TillEnd
}

interface Reader {
  readonly stopping: AbortController
  readonly done: Promise<void>
}

async function run(state: State): Promise<TillEnd> {
  const { clock, pollMs, stopping, readers } = state
  tend(state)
  while (!stopping.signal.aborted) {
    await watch(state)
    tend(state)
    await clock.sleep(pollMs, stopping.signal).catch(() => undefined)
  }
  for (const reader of readers.values()) reader.stopping.abort()
  await Promise.all([...readers.values()].map(({ done }) => done))
  return state.end
}

/** TP5: one look at the chain for every channel. TP6: and at who has the store. */
async function watch(state: State): Promise<void> {
  const { till, boxes, onNeglect } = state
  try {
    if (!(await boxes.isCurrent())) return giveUp(state)
    for (const neglect of await till.watch()) onNeglect(neglect)
  } catch (error) {
    onNeglect({ channelId: null, error })
  }
}

/** Starts readers where they are wanted, ends those that are not, and lets those in line have their turn. */
function tend(state: State): void {
  const { till, clock, stopping, readers, announced } = state
  if (stopping.signal.aborted) return
  const channels = new Set(till.channels())
  for (const [id, expiresAt] of announced) if (channels.has(id) || expiresAt <= clock.now()) announced.delete(id)
  for (const [id, reader] of readers) if (!channels.has(id) && !announced.has(id)) reader.stopping.abort()
  for (const id of [...channels, ...announced.keys()]) ensureReader(state, id)
  rotate(state)
}

/** TP8: as many as wait in line get the places of those that had theirs longest. */
function rotate({ places, holders }: State): void {
  for (const turn of [...holders.values()].slice(0, places.waiting())) turn.abort()
}

function announce(state: State, id: ChannelId): void {
  const { clock, till, places, stopping, readers, announced } = state
  if (stopping.signal.aborted) throw new SdkError('till/busy', 'The till is closing.', { retryable: true })
  const isKnown = announced.has(id) || till.channels().includes(id)
  if (!isKnown && announced.size >= announcedMax)
    throw new SdkError('till/busy', `${announcedMax} channels are announced.`, { retryable: true })
  if (!isKnown || announced.has(id)) announced.set(id, clock.now() + announceMs)
  // One that is about to end makes way first: the next look starts another.
  if (!readers.get(id)?.stopping.signal.aborted) ensureReader(state, id)
  places.hurry(id)
}

function ensureReader(state: State, id: ChannelId): void {
  const { boxes, readers } = state
  if (readers.has(id)) return
  const stopping = new AbortController()
  const done = readBox(state, id, stopping.signal).then((isOver) => {
    if (!isOver) return // A bug: it stays, so that no other begins.
    readers.delete(id)
    boxes.forget(id)
  })
  readers.set(id, { stopping, done })
}

/** TP1: reads a box until it is not wanted any more. False when a bug ended it. */
async function readBox(state: State, id: ChannelId, signal: AbortSignal): Promise<boolean> {
  const { clock, onNeglect, places } = state
  for (let failures = 0; await places.take(id, signal); ) {
    const error = await readTurn(state, id, signal)
    if (isTakenOver(error)) giveUp(state)
    if (signal.aborted || isTakenOver(error)) return true
    failures = error === null ? 0 : failures + 1
    if (error === null) continue
    onNeglect({ channelId: id, error })
    if (!(error instanceof SdkError)) return false // TP4
    await clock.sleep(pauseMs(failures - 1), signal).catch(() => undefined)
  }
  return true
}

/** Reads until the turn is over, and gives the place back. What failed is returned. */
async function readTurn(state: State, id: ChannelId, signal: AbortSignal): Promise<unknown> {
  const { boxes, holders, places } = state
  const turn = new AbortController()
  const endTurn = () => turn.abort()
  signal.addEventListener('abort', endTurn, { once: true })
  holders.set(id, turn)
  try {
    await boxes.mailbox(id).read((message) => take(state, id, message, turn.signal), turn.signal)
    return null
  } catch (error) {
    const isEnd = turn.signal.aborted && (error === turn.signal.reason || error instanceof SdkError)
    return isEnd && !isTakenOver(error) ? null : error
  } finally {
    signal.removeEventListener('abort', endTurn)
    holders.delete(id)
    places.give()
  }
}

/** TP3: takes a message, however often it takes while the turn lasts. The message stays in the box until it resolves. */
async function take(state: State, id: ChannelId, message: Uint8Array, turn: AbortSignal): Promise<void> {
  const { till, clock, onNeglect, announced, listeners } = state
  for (let attempt = 0; ; attempt++) {
    try {
      const taken = await till.take(message)
      if (announced.has(id) && till.channels().includes(id)) announced.delete(id)
      for (const listener of [...listeners]) listener(taken)
      return
    } catch (error) {
      if (isTakenOver(error)) giveUp(state)
      if (turn.aborted || isTakenOver(error) || !(error instanceof SdkError)) throw error
      onNeglect({ channelId: id, error })
      await clock.sleep(pauseMs(attempt), turn)
    }
  }
}

/** TP6: whoever came later speaks for this side now. */
function giveUp(state: State): void {
  if (!state.stopping.signal.aborted) state.end = 'taken-over'
  state.stopping.abort()
}

function pauseMs(attempt: number): number {
  return Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(attempt, 20))
}
