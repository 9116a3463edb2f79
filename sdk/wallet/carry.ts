import { batchIdOf, batchTransactionsMax, encodeBatch } from '../batch/index.ts'
import { SdkError } from '../errors.ts'
import type { RelayAck, RelayProblem, TxStatus } from '../ports.ts'
import type { BatchId, TxHash } from '../units.ts'
import type { Attempt } from './intent.ts'
import type { Life } from './life.ts'
import type { Chain, World } from './order.ts'

/** Most event streams that are open at once: browsers share six connections among everything. */
export const streamsMax = 4
/** Longest time on one event stream; then the relay is asked anew, lest it keep something to itself. */
export const streamMsMax = 60_000

/** What carrying needs to know, and whom it tells. */
export interface Ledger {
  /** True while these bytes are the current ones of an undecided intent, and no claim about them waits for proof. */
  readonly isLive: (hash: TxHash) => boolean
  readonly heard: (hash: TxHash, status: TxStatus) => void
  /** A definite no. */
  readonly refused: (hash: TxHash, problem: RelayProblem) => void
  readonly reached: (hashes: readonly TxHash[], relay: 'answering' | 'silent') => void
  /** How often the relay's word on this hash did not hold; whoever is doubted is asked less often. */
  readonly doubts: (hash: TxHash) => number
}

/** A batch as it is sent. */
export interface Parcel {
  readonly batch: BatchId
  readonly envelope: Uint8Array
  readonly attempts: readonly Attempt[]
}

/** Packs transactions into envelopes, in order, each as full as the bounds allow. Pure. */
export function pack(chain: Chain, attempts: readonly Attempt[]): readonly Parcel[] {
  if (attempts.length === 0) return []
  if (attempts.length > batchTransactionsMax) {
    const rest = pack(chain, attempts.slice(batchTransactionsMax))
    return [...pack(chain, attempts.slice(0, batchTransactionsMax)), ...rest]
  }
  const transactions = attempts.map(({ bytes, declaration }) => ({ raw: bytes, declaration }))
  try {
    const envelope = encodeBatch({ chainId: chain.id, fork: chain.fork, transactions })
    return [{ batch: batchIdOf(envelope), envelope, attempts }]
  } catch (error) {
    const isTooLarge = error instanceof SdkError && error.code === 'batch/too-large'
    if (!isTooLarge || attempts.length === 1) throw error
    return halves(attempts).flatMap((half) => pack(chain, half))
  }
}

/**
 * Brings transactions to the relay and follows them until each is decided. OUTBOX.md: OB8, OB9.
 *
 * A round is: send, listen, pause. Sending equal bytes again changes nothing and tells where they stand, so one
 * round serves alike for a first submission, a lost answer, a cut stream, and a relay that forgot everything.
 *
 * @returns A function that takes up transactions, but for those that are already carried.
 */
export function carrier(world: World, life: Life, ledger: Ledger): (attempts: readonly Attempt[]) => void {
  const carriage: Carriage = { world, life, ledger, carried: new Set(), streams: 0 }
  /** First submissions leave one after the other: a relay refuses nonces too far beyond those it has seen. */
  let turn: Promise<void> = Promise.resolve()
  return (attempts) => {
    const fresh = attempts.filter(({ hash }) => !carriage.carried.has(hash))
    for (const { hash } of fresh) carriage.carried.add(hash)
    for (const parcel of pack(world.chain, fresh)) {
      const before = turn
      turn = new Promise((begun) => {
        life.task(rounds(carriage, { attempts: parcel.attempts, before, begun }))
      })
    }
  }
}

interface Carriage {
  readonly world: World
  readonly life: Life
  readonly ledger: Ledger
  readonly carried: Set<TxHash>
  streams: number
}

interface Load {
  readonly attempts: readonly Attempt[]
  readonly before: Promise<void>
  /** Told when the first submission has been answered, or has failed. */
  readonly begun: () => void
}

async function rounds(carriage: Carriage, { attempts, before, begun }: Load): Promise<void> {
  const { world, life, ledger, carried } = carriage
  await before
  const own = new Set(attempts)
  const states = new Map<TxHash, string>()
  let failures = Math.max(...attempts.map(({ hash }) => ledger.doubts(hash)))
  let sequence = 0
  const heard: Hear = (hash, status) => {
    if (states.get(hash) !== status.state) failures = 0
    states.set(hash, status.state)
    ledger.heard(hash, status)
  }
  // Whoever was wrong about a transaction before is not asked at once.
  if (failures > 0) await life.pause(failures)
  const handOver = (group: readonly Attempt[], delay: Promise<void>) => {
    for (const attempt of group) own.delete(attempt)
    life.task(rounds(carriage, { attempts: group, before: delay, begun: () => undefined }))
  }
  for (; ; failures++) {
    for (const attempt of own) if (!ledger.isLive(attempt.hash)) leave(carried, own, attempt)
    const [parcel] = life.signal.aborted ? [] : pack(world.chain, [...own])
    if (!parcel) return begun()
    const ack = await submit(carriage, parcel)
    begun()
    if (!ack) await life.pause(failures)
    else if (ack.ok) {
      const late = readItems(parcel, ack, { heard, refused: ledger.refused })
      if (late.length > 0) handOver(late, life.pause(failures + 1, longestWaitMs(ack)))
      if (![...own].some(({ hash }) => ledger.isLive(hash))) continue
      if (carriage.streams < streamsMax) sequence = await listen(carriage, { parcel, sequence, heard })
      await life.pause(failures)
    } else if (ack.problem.retryable) await life.pause(failures, waitMs(ack.problem))
    else {
      // A refusal of the whole says nothing of one among several.
      const [only, ...others] = parcel.attempts
      if (only && others.length === 0) ledger.refused(only.hash, ack.problem)
      else for (const half of halves(parcel.attempts)) handOver(half, Promise.resolve())
    }
  }
}

type Hear = (hash: TxHash, status: TxStatus) => void
type Ack = RelayAck & { readonly ok: true }

function leave(carried: Set<TxHash>, own: Set<Attempt>, attempt: Attempt): void {
  own.delete(attempt)
  carried.delete(attempt.hash)
}

async function submit({ world, ledger }: Carriage, parcel: Parcel): Promise<RelayAck | undefined> {
  const hashes = parcel.attempts.map(({ hash }) => hash)
  try {
    const ack = await world.relay.submit(world.chain.id, parcel.envelope)
    if (!ack.ok || isAnswerTo(parcel, ack)) {
      ledger.reached(hashes, 'answering')
      return ack
    }
  } catch (error) {
    if (!isRelays(error)) throw error
  }
  // OB9: whatever kept the answer away, the bytes may have arrived. Nothing is known, nothing has failed.
  ledger.reached(hashes, 'silent')
  return undefined
}

/** Takes in what the relay said of each transaction. Returns those that it asks to send again later. */
function readItems(
  { attempts }: Parcel,
  { items }: Ack,
  { heard, refused }: { readonly heard: Hear; readonly refused: Ledger['refused'] },
): readonly Attempt[] {
  return attempts.filter(({ hash }, at) => {
    const item = items[at]
    if (!item) return false
    if (item.ok) heard(hash, item.status)
    else if (!item.problem.retryable) refused(hash, item.problem)
    return !item.ok && item.problem.retryable
  })
}

/** Listens as long as there is something to hear. Resolves to the sequence to go on from. */
async function listen(
  carriage: Carriage,
  { parcel, sequence: from, heard }: { readonly parcel: Parcel; readonly sequence: number; readonly heard: Hear },
): Promise<number> {
  const { world, life, ledger } = carriage
  const { batch, attempts } = parcel
  const own = new Set(attempts.map(({ hash }) => hash))
  const ended = new AbortController()
  const until = ended.signal
  const end = () => ended.abort(life.signal.reason)
  if (life.signal.aborted) end()
  life.signal.addEventListener('abort', end, { once: true })
  world.clock.sleep(streamMsMax, until).then(end, end)
  carriage.streams += 1
  let sequence = from
  try {
    for await (const event of world.relay.events(world.chain.id, batch, from, until)) {
      sequence = event.sequence
      if (own.has(event.hash)) heard(event.hash, event.status)
      if (!attempts.some(({ hash }) => ledger.isLive(hash))) break
    }
  } catch (error) {
    if (!isRelays(error)) throw error
    // A log that no longer reaches back so far is read from where it begins.
    if (error.code === 'relay/refused') sequence = 0
  } finally {
    carriage.streams -= 1
    life.signal.removeEventListener('abort', end)
    end()
  }
  return sequence
}

/** Longest pause that a relay may ask for. */
const waitMsMax = 60_000

function waitMs({ retryAfterSeconds }: RelayProblem): number {
  return Math.min(waitMsMax, 1000 * (retryAfterSeconds ?? 0))
}

function longestWaitMs({ items }: Ack): number {
  return Math.max(0, ...items.map((item) => (item.ok ? 0 : waitMs(item.problem))))
}

function isAnswerTo({ batch, attempts }: Parcel, ack: Ack): boolean {
  if (ack.batch !== batch || ack.items.length !== attempts.length) return false
  return ack.items.every((item, at) => (item.ok ? item.hash === attempts[at]?.hash : item.index === at))
}

function halves(attempts: readonly Attempt[]): readonly (readonly Attempt[])[] {
  const middle = Math.ceil(attempts.length / 2)
  return [attempts.slice(0, middle), attempts.slice(middle)]
}

function isRelays(error: unknown): error is SdkError {
  return error instanceof SdkError && error.code.startsWith('relay/')
}
