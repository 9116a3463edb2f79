import { SdkError } from '../errors.ts'
import type { TxStatus } from '../ports.ts'
import type { Address, TxHash } from '../units.ts'
import type { Verified } from '../verify/index.ts'
import type { BlockBook, Included } from './blocks.ts'
import type { Board } from './board.ts'
import { carrier } from './carry.ts'
import { type Attempt, currentAttempt, type Intent, type IntentEvent, type Phase, type Refusal } from './intent.ts'
import type { Life } from './life.ts'
import type { World } from './order.ts'
import { applyEvent, type Ended, type Outbox } from './outbox.ts'
import { changeOutboxes, type OutboxPlace } from './outboxStore.ts'
import { createProver, type Prover } from './prove.ts'

/** One event of one intent, to be stored. */
export interface Change {
  readonly account: Address
  readonly nonce: number
  readonly event: IntentEvent
}

/** The desk between outbox, relay and node: what one of them says is stored, shown, and acted on here. */
export interface Dispatch {
  /**
   * Takes in outboxes as they are stored: what is decided is told to those who follow it, what is not is carried.
   *
   * @param first - What is to be carried before the rest, in this order.
   */
  readonly reflect: (outboxes: readonly Outbox[], first?: readonly Attempt[]) => void
  /** Stores events as soon as the store lets it, and reflects what came of them. */
  readonly record: (changes: readonly Change[]) => void
  /** Somebody says that a block holds the transaction. */
  readonly claim: (hash: TxHash, blockNumber: number) => void
}

interface Desk {
  readonly place: OutboxPlace
  readonly board: Board
  readonly life: Life
  readonly prover: Prover
  readonly carry: (attempts: readonly Attempt[]) => void
  /** Transactions of open intents. */
  readonly known: Map<TxHash, Known>
  readonly unstored: Change[]
  isStoring: boolean
}

interface Known {
  readonly account: Address
  readonly nonce: number
  readonly attempt: Attempt
  /** False once other bytes of the intent are the ones to send, or none. */
  isCurrent: boolean
  /** How often the relay's word on it did not hold. */
  doubts: number
}

/** A desk with nothing on it. */
export function createDispatch(parts: {
  readonly world: World
  readonly place: OutboxPlace
  readonly board: Board
  readonly blocks: BlockBook
  readonly life: Life
}): Dispatch {
  const { world, place, board, blocks, life } = parts
  const known: Desk['known'] = new Map()
  const prover = createProver(blocks, life, {
    proven: (inclusions) => prove(desk, inclusions),
    doubted: (hash) => doubt(desk, hash),
  })
  const carry = carrier(world, life, {
    isLive: (hash) => known.get(hash)?.isCurrent === true && !prover.isClaimed(hash),
    doubts: (hash) => known.get(hash)?.doubts ?? 0,
    reached: board.mark,
    refused: (hash, problem) => refuse(desk, hash, problem),
    heard: (hash, status) => hear(desk, hash, status),
  })
  const desk: Desk = { place, board, life, prover, carry, known, unstored: [], isStoring: false }
  return {
    reflect: (outboxes, first = []) => reflect(desk, outboxes, first),
    record: (changes) => record(desk, changes),
    claim: (hash, blockNumber) => claim(desk, hash, blockNumber),
  }
}

function reflect(desk: Desk, outboxes: readonly Outbox[], first: readonly Attempt[]): void {
  const waiting = new Map(first.map((attempt) => [attempt.hash, attempt]))
  for (const { account, intents } of outboxes)
    for (const intent of intents) {
      const current = currentAttempt(intent)
      if (current && !waiting.has(current.hash)) waiting.set(current.hash, current)
      for (const attempt of intent.attempts) {
        if (intent.phase.name === 'open') expect(desk, { account, intent, attempt, isCurrent: attempt === current })
        else settle(desk, intent.phase, attempt.hash)
      }
    }
  for (const { account, history } of outboxes) closeBooks(desk, account, history)
  desk.carry([...waiting.values()])
}

/** The transaction may still be executed, a refused one too. */
function expect(
  { known, board }: Desk,
  of: { readonly account: Address; readonly intent: Intent; readonly attempt: Attempt; readonly isCurrent: boolean },
): void {
  const { account, intent, attempt, isCurrent } = of
  if (attempt.refusal) board.decide(attempt.hash, fateOf(attempt.refusal))
  else board.open(attempt.hash)
  const before = known.get(attempt.hash)
  if (before) before.isCurrent = isCurrent
  else known.set(attempt.hash, { account, nonce: intent.nonce, attempt, isCurrent, doubts: 0 })
}

/** Other wallets on the store may have seen the end, and forgotten the bytes. */
function closeBooks(desk: Desk, account: Address, history: readonly Ended[]): void {
  const phases = new Map(history.map(({ nonce, phase }) => [nonce, phase]))
  for (const [hash, own] of desk.known) {
    const phase = own.account === account ? phases.get(own.nonce) : undefined
    if (phase) settle(desk, phase, hash)
  }
}

/** The nonce is used. */
function settle({ board, prover, known }: Desk, phase: Exclude<Phase, { name: 'open' }>, hash: TxHash): void {
  if (phase.name === 'lost') board.decide(hash, { state: 'replaced', by: null })
  else if (phase.hash !== hash) board.decide(hash, { state: 'replaced', by: phase.hash })
  else if (board.isOpen(hash)) {
    const inclusion = prover.proofOf(hash)
    // Another wallet on the store has proven it; this one believes no store either.
    if (!inclusion) {
      prover.claim(hash, phase.blockNumber)
      return
    }
    board.decide(hash, { state: 'included', inclusion })
  }
  known.delete(hash)
  prover.forget(hash)
}

function fateOf({ code, detail }: Refusal) {
  return code === expired ? ({ state: 'expired' } as const) : ({ state: 'rejected', code, detail } as const)
}

const expired = 'expired'
/** Longest text of a refusal that is stored. */
const refusalCharsMax = 256

function hear(desk: Desk, hash: TxHash, status: TxStatus): void {
  desk.board.hear(hash, status)
  if (status.state === 'included' || status.state === 'finalized') claim(desk, hash, status.blockNumber)
  else if (status.state === 'rejected') refuse(desk, hash, status)
  else if (status.state === 'expired') refuse(desk, hash, { code: expired, detail: 'The relay stopped sending it.' })
}

function claim({ known, prover }: Desk, hash: TxHash, blockNumber: number): void {
  if (known.has(hash)) prover.claim(hash, blockNumber)
}

function doubt({ known, carry }: Desk, hash: TxHash): void {
  const own = known.get(hash)
  if (!own) return
  own.doubts += 1
  if (own.isCurrent) carry([own.attempt])
}

function refuse(desk: Desk, hash: TxHash, { code, detail }: Refusal): void {
  const own = desk.known.get(hash)
  if (!own?.isCurrent) return
  own.isCurrent = false
  const { account, nonce } = own
  const refusal = { code: code.slice(0, refusalCharsMax), detail: detail.slice(0, refusalCharsMax) }
  record(desk, [{ account, nonce, event: { type: 'refused', hash, refusal } }])
}

/** Stored first, told after. What the store has closed long ago is told alone. */
function prove(desk: Desk, inclusions: readonly Verified<Included>[]): void {
  const changes: Change[] = []
  for (const proof of inclusions) {
    const { hash, blockNumber, blockHash, index } = proof.value
    const own = desk.known.get(hash)
    const event: IntentEvent = { type: 'included', inclusion: { hash, blockNumber, blockHash, index } }
    if (own) changes.push({ account: own.account, nonce: own.nonce, event })
    else {
      desk.board.decide(hash, { state: 'included', inclusion: proof })
      desk.prover.forget(hash)
    }
  }
  record(desk, changes)
}

function record(desk: Desk, changes: readonly Change[]): void {
  desk.unstored.push(...changes)
  if (desk.isStoring || changes.length === 0) return
  desk.isStoring = true
  desk.life.task(store(desk))
}

async function store(desk: Desk): Promise<void> {
  const { unstored, life } = desk
  try {
    for (let failures = 0; unstored.length > 0; ) {
      const some = unstored.splice(0)
      const accounts = [...new Set(some.map(({ account }) => account))]
      const stored = await unlessRetryable(storeFor(desk.place, accounts, some))
      if (stored) {
        failures = 0
        reflect(desk, stored, [])
      } else {
        unstored.unshift(...some)
        await life.pause(failures++)
      }
    }
  } finally {
    desk.isStoring = false // In the same turn as the last look at what is unstored.
  }
}

/** In one commit, or in several where it would be too large: events need no company. */
async function storeFor(
  place: OutboxPlace,
  accounts: readonly Address[],
  changes: readonly Change[],
): Promise<readonly Outbox[]> {
  try {
    return await changeOutboxes(place, accounts, (outboxes) => {
      const after = outboxes.map((outbox) => withChanges(outbox, changes))
      return { outboxes: after, result: after }
    })
  } catch (error) {
    const isTooLarge = error instanceof SdkError && error.code === 'store/malformed-commit'
    if (!isTooLarge || accounts.length === 1) throw error
    const middle = Math.ceil(accounts.length / 2)
    const first = await storeFor(place, accounts.slice(0, middle), changes)
    return [...first, ...(await storeFor(place, accounts.slice(middle), changes))]
  }
}

function unlessRetryable<value>(work: Promise<value>): Promise<value | undefined> {
  return work.catch((error) => {
    if (error instanceof SdkError && error.retryable) return undefined
    throw error
  })
}

function withChanges(outbox: Outbox, changes: readonly Change[]): Outbox {
  return changes
    .filter(({ account }) => account === outbox.account)
    .reduce((box, { nonce, event }) => applyEvent(box, nonce, event), outbox)
}
