import { batchIdOf, decodeBatch } from '../../../../sdk/batch/index.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { Relay, RelayEvent, RelayItem, RelayProblem, TxStatus } from '../../../../sdk/ports.ts'
import type { BatchId, TxHash } from '../../../../sdk/units.ts'
import { type ModelChain, read } from './chain.ts'

/** A relay in memory that holds to the contract of the edge. It forwards on `step`, and survives every wallet. */
export interface ModelRelay {
  readonly port: Relay
  /** Hands to the chain what it may have, and looks up what became of it. */
  readonly step: () => void
  /** Forgets everything it ever took. */
  readonly forget: () => void
  /** Refuses these transactions, as long as it is said. */
  readonly refuse: (decide: (hash: TxHash) => RelayProblem | undefined) => void
  /** Refuses whole submissions. */
  readonly refuseBatch: (decide: (hashes: readonly TxHash[]) => RelayProblem | undefined) => void
  /** Says what it likes of a transaction. */
  readonly say: (hash: TxHash, status: TxStatus) => void
  readonly statusOf: (hash: TxHash) => TxStatus | undefined
  /** How often each transaction was submitted. */
  readonly submissions: ReadonlyMap<TxHash, number>
  readonly submitted: readonly (readonly TxHash[])[]
}

interface Row {
  readonly raw: Uint8Array
  status: TxStatus
  /** In a block, as it has looked itself. Where that falls, it is back in line, as at the edge. */
  isSeen: boolean
}

export function modelRelay(chain: ModelChain): ModelRelay {
  const rows = new Map<TxHash, Row>()
  const batches = new Map<BatchId, readonly TxHash[]>()
  const submissions = new Map<TxHash, number>()
  const submitted: TxHash[][] = []
  let log: RelayEvent[] = []
  let sequence = 0
  let wakers = new Set<() => void>()
  let refuse: (hash: TxHash) => RelayProblem | undefined = () => undefined
  let refuseBatch: (hashes: readonly TxHash[]) => RelayProblem | undefined = () => undefined

  const say = (hash: TxHash, status: TxStatus) => {
    const row = rows.get(hash)
    if (row) row.status = status
    sequence += 1
    log.push({ sequence, hash, status })
    const waiting = wakers
    wakers = new Set()
    for (const wake of waiting) wake()
  }

  const take = (raw: Uint8Array, index: number): RelayItem => {
    const { hash } = read(raw)
    submissions.set(hash, (submissions.get(hash) ?? 0) + 1)
    const known = rows.get(hash)
    if (known) return { ok: true, hash, status: known.status }
    const no = refuse(hash)
    if (no) return { ok: false, index, problem: no }
    rows.set(hash, { raw, status: { state: 'queued' }, isSeen: false })
    say(hash, { state: 'queued' })
    return { ok: true, hash, status: { state: 'queued' } }
  }

  async function* events(batch: BatchId, from: number, signal: AbortSignal): AsyncGenerator<RelayEvent, void> {
    const own = batches.get(batch)
    if (!own)
      throw new SdkError('relay/refused', 'The relay refused: the batch is not known.', { notes: ['unknown-batch'] })
    let last = from
    for (;;) {
      if (signal.aborted) return
      const next = log.find((event) => event.sequence > last && own.includes(event.hash))
      if (next) {
        last = next.sequence
        yield next
        continue
      }
      if (own.every((hash) => isEnded(rows.get(hash)?.status))) return
      await new Promise<void>((resolve) => {
        wakers.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  return {
    port: {
      submit: async (_chain, envelope) => {
        const decoded = decodeBatch(envelope)
        if (!decoded.ok) return { ok: false, problem: problem('malformed-envelope') }
        const raws = decoded.value.transactions.map(({ raw }) => raw)
        const hashes = raws.map((raw) => read(raw).hash)
        submitted.push(hashes)
        const no = refuseBatch(hashes)
        if (no) return { ok: false, problem: no }
        const batch = batchIdOf(envelope)
        const items = raws.map((raw, index) => take(raw, index))
        batches.set(batch, hashes)
        return { ok: true, batch, items }
      },
      status: async (_chain, _sender, hash) => rows.get(hash)?.status,
      events: (_chain, batch, from, signal) => events(batch, from, signal),
    },
    step: () => {
      for (const [hash, row] of rows) {
        const found = chain.find(hash)
        const { state } = row.status
        if (found) row.isSeen = true
        if (found && state !== 'included') {
          const { number: blockNumber, hash: blockHash, index } = found
          say(hash, { state: 'included', window: 1, lane: 1, blockNumber, blockHash, index, succeeded: true })
        } else if (!found && (row.isSeen || !isEnded(row.status))) {
          row.isSeen = false
          const why = chain.pool(row.raw)
          if (!why && state !== 'accepted') say(hash, { state: 'accepted', window: 1, lane: 1 })
          if (why === 'insufficient funds') say(hash, { state: 'rejected', code: 'insufficient-funds', detail: why })
        }
      }
    },
    forget: () => {
      rows.clear()
      batches.clear()
      log = []
    },
    refuse: (decide) => {
      refuse = decide
    },
    refuseBatch: (decide) => {
      refuseBatch = decide
    },
    say,
    statusOf: (hash) => rows.get(hash)?.status,
    submissions,
    submitted,
  }
}

export function problem(code: string, options: Partial<RelayProblem> = {}): RelayProblem {
  return { code, detail: `It is refused: ${code}.`, retryable: false, retryAfterSeconds: null, ...options }
}

function isEnded(status: TxStatus | undefined): boolean {
  return status !== undefined && ['included', 'finalized', 'rejected', 'replaced', 'expired'].includes(status.state)
}
