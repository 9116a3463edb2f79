import { DurableObject } from 'cloudflare:workers'
import { invariant } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import { type Address, type BatchId, type ChainId, type TxHash, toHex } from '../sdk/units.ts'
import { type Controls, openControls } from './admin.ts'
import { type Audience, openAudience } from './audience.ts'
import { type Cancelling, endOf } from './cancelling.ts'
import {
  type ChainEffect,
  type ChainEvent,
  type ChainStep,
  chainStatus,
  chainStep,
  chainWakeAt,
  type Member,
  type Notice,
  type Taken,
} from './chain.ts'
import { type ChainWorld, doForChain } from './chainDeeds.ts'
import type { Settlement, WindowRow } from './chainRows.ts'
import { type ChainStore, openChainStore } from './chainSql.ts'
import { type ChainConfig, chainConfig } from './config.ts'
import { type Health, openHealth } from './executor/health.ts'
import { executorsOf } from './executor/jsonRpc.ts'
import type { Executor } from './executor/port.ts'
import { openGather } from './gather.ts'
import {
  deliveriesMax,
  eventsPerReadMax,
  eventsWaitMs,
  offerGatherMs,
  readersMax,
  windowsPerReadMax,
} from './limits.ts'
import type {
  Awaited,
  ChainApi,
  ChainFigures,
  Env,
  EventsAnswer,
  ExportedRow,
  MemberStatus,
  WindowAnswer,
} from './objects.ts'
import { type Offers, unpackOffers } from './parcel.ts'
import { shardName } from './placement.ts'
import type { AuditRow } from './policy.ts'
import { type KeyClaim, openReplies, type Replies, type Reply } from './replies.ts'
import { openRunner, type Runner } from './runner.ts'
import { openFaults, openIdentity } from './sql.ts'
import { hear, type Told, tell } from './told.ts'

/** The Durable Object around the chain's step: windows, leases, settlements and the log in SQLite. */
export class ChainObject extends DurableObject<Env> implements ChainApi {
  readonly #store: ChainStore
  readonly #replies: Replies
  readonly #controls: Controls
  readonly #faults: ReturnType<typeof openFaults>
  readonly #identity: ReturnType<typeof openIdentity>
  #health: Health | undefined
  readonly #runner: Runner<ChainEvent, ChainStep>
  readonly #audience: Audience
  /** Readers that wait for the log to grow. */
  readonly #readers = new Set<() => void>()
  readonly #gathered = openGather(offerGatherMs)
  #deliveries = 0

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { storage } = ctx
    this.#store = openChainStore(storage.sql)
    this.#replies = openReplies(storage.sql)
    this.#controls = openControls(storage.sql)
    this.#faults = openFaults(storage.sql)
    this.#identity = openIdentity(storage.sql)
    this.#audience = openAudience(ctx, (batch, after) => this.#eventsNow(batch, after))
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    const world: ChainWorld = {
      rows: this.#store,
      executor: () => this.#executors(),
      deliver: (shard, settlements) => this.#deliver(shard, settlements),
      feed: (event) => this.#runner.feed(event),
      now: Date.now,
    }
    this.#runner = openRunner<ChainEvent, ChainEffect, ChainStep>({
      storage,
      now: Date.now,
      decide: (event) => chainStep(this.#store, event, { ...this.#config(), isPaused: this.#controls.isPaused() }),
      commit: (step) => {
        this.#store.apply(step.changes)
        this.#tell(step)
      },
      forget: this.#store.forget,
      wakeAt: () => chainWakeAt(this.#store, this.#controls.isPaused()),
      tick: (now) => ({ type: 'tick', now }),
      perform: (effect) => doForChain(effect, world),
      report: this.#faults.report,
    })
    ctx.blockConcurrencyWhile(() => this.#runner.resume())
  }

  /** Takes a socket that tells of one batch: named by the path, with the cursor in the query. */
  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const batch = url.pathname.split('/').at(-2) as BatchId
    return this.#audience.accept(batch, Number(url.searchParams.get('after') ?? 0))
  }

  override async webSocketMessage(): Promise<void> {
    // A listener has nothing to say.
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    socket.close(code === 1005 || code === 1006 ? 1000 : code)
  }

  override async alarm(): Promise<void> {
    await this.#runner.wake()
  }

  async offer(
    chain: ChainId,
    shard: number,
    parcel: Offers,
    notices: readonly Notice[],
  ): Promise<Told<readonly Taken[]>> {
    const offers = unpackOffers(parcel)
    this.#identity.set(chain, 0)
    await this.#gathered()
    return tell(this.#runner.feed({ type: 'offers', shard, offers, notices, now: Date.now() }).taken)
  }

  async register(chain: ChainId, batch: BatchId, told: Told<readonly Member[]>): Promise<Told<readonly TxStatus[]>> {
    const members = hear(told)
    this.#identity.set(chain, 0)
    this.#runner.feed({ type: 'register', batch, members, now: Date.now() })
    return tell(members.map(({ hash, status }) => chainStatus(this.#store, hash) ?? status))
  }

  async batch(batch: BatchId): Promise<readonly MemberStatus[] | null> {
    const members = this.#store.members(batch)
    if (members.length === 0) return null
    return members.map(({ hash, sender }) => ({
      ...{ hash, sender, status: chainStatus(this.#store, hash) ?? null },
      isOpen: this.#store.tx(hash) !== undefined,
    }))
  }

  async status(sender: Address, hash: TxHash): Promise<TxStatus | null> {
    const isTheirs = this.#store.tx(hash)?.sender === sender || this.#store.isMember(sender, hash)
    return isTheirs ? (chainStatus(this.#store, hash) ?? null) : null
  }

  async cancel(chain: ChainId, wish: Cancelling): Promise<Settlement | null> {
    this.#identity.set(chain, 0)
    this.#runner.feed({ type: 'cancel', wish, now: Date.now() })
    return endOf(this.#store, wish)
  }

  async peek(batch: BatchId, after: number): Promise<'known' | 'unknown' | 'expired'> {
    if (this.#store.members(batch).length === 0) return 'unknown'
    const first = this.#store.firstEvent()?.sequence ?? 1
    return after > this.#store.head().sequence || (after > 0 && after < first - 1) ? 'expired' : 'known'
  }

  async events(batch: BatchId, after: number): Promise<EventsAnswer> {
    const place = await this.peek(batch, after)
    if (place !== 'known') return { kind: place }
    const answer = this.#eventsNow(batch, after)
    if (answer.events.length > 0 || answer.isOver) return answer
    if (this.#readers.size >= readersMax) return { kind: 'busy' }
    const deadline = Date.now() + eventsWaitMs
    for (let left = eventsWaitMs; left > 0; left = deadline - Date.now()) {
      await this.#grown(left)
      const next = this.#eventsNow(batch, after)
      if (next.events.length > 0 || next.isOver) return next
    }
    return answer
  }

  async outcomes(awaited: readonly Awaited[], waitMs: number, until: 'end' | 'verdict') {
    const enough = until === 'end' ? endings : verdicts
    const deadline = Date.now() + waitMs
    for (;;) {
      const statuses = awaited.map((one) => this.#outcome(one))
      const left = deadline - Date.now()
      const isOver = statuses.every((status) => status !== null && enough.has(status.state))
      if (isOver || left <= 0 || this.#readers.size >= readersMax) return statuses
      await this.#grown(left)
    }
  }

  async raw(hash: TxHash): Promise<{ readonly sender: Address; readonly raw: Uint8Array } | null> {
    const [row, payload] = [this.#store.tx(hash), this.#store.payload(hash)]
    return row && payload ? { sender: row.sender, raw: payload.raw } : null
  }

  async figures(): Promise<ChainFigures> {
    const { open, queued, window, sequence, failures } = this.#store.head()
    const due = chainWakeAt(this.#store)
    const isPaused = this.#controls.isPaused()
    const health = this.#health
    const up = health ? health.order().filter((index) => !health.isOpen(index)).length : 1
    return {
      ...{ open, queued, windows: window, events: sequence, failures, isPaused, executorsUp: up },
      // What a paused chain does not do is not late.
      lagMs: isPaused || due === null ? 0 : Math.max(0, Date.now() - due),
      faults: this.#faults.count(),
    }
  }

  async setPaused(chain: ChainId, isPaused: boolean): Promise<void> {
    this.#identity.set(chain, 0)
    this.#controls.setPaused(isPaused)
    if (!isPaused) await this.#runner.wake()
  }

  async rows(after: number, limit: number): Promise<readonly ExportedRow[]> {
    return this.#store.openAfter(after, limit).map((row) => {
      const { arrival, hash, sender, nonce, status, attempts } = row
      const raw = this.#store.payload(hash)?.raw
      return { arrival, hash, sender, nonce, status, attempts, raw: raw ? toHex(raw) : null }
    })
  }

  async forget(chain: ChainId, sender: Address): Promise<void> {
    this.#identity.set(chain, 0)
    this.#runner.feed({ type: 'forget', sender, now: Date.now() })
  }

  async audit(chain: ChainId, rows: readonly AuditRow[]): Promise<void> {
    this.#identity.set(chain, 0)
    this.#controls.audit(rows, Date.now())
  }

  async audited(after: number, limit: number): Promise<readonly (AuditRow & { readonly number: number })[]> {
    return this.#controls.audited(after, limit)
  }

  async forgetAudit(before: number): Promise<number> {
    return this.#controls.forgetAudit(before)
  }

  async claimKey(key: string, fingerprint: string): Promise<KeyClaim> {
    return this.#replies.claim(key, fingerprint, Date.now())
  }

  async keepReply(key: string, fingerprint: string, reply: Reply): Promise<void> {
    this.#replies.keep(key, fingerprint, reply, Date.now())
  }

  async releaseKey(key: string, fingerprint: string): Promise<void> {
    this.#replies.release(key, fingerprint)
  }

  async windows(after: number): Promise<readonly WindowRow[]> {
    return this.#store.windows(after, windowsPerReadMax)
  }

  async window(number: number): Promise<WindowAnswer | null> {
    const [figures, plan] = [this.#store.window(number), this.#store.plan(number)]
    return figures && plan ? { ...figures, transactions: plan.transactions } : null
  }

  #eventsNow(batch: BatchId, after: number) {
    const events = this.#store.eventsOf(batch, after, eventsPerReadMax)
    const isWhole = events.length < eventsPerReadMax
    const isOver = isWhole && this.#store.members(batch).every(({ hash }) => this.#hasEnded(hash))
    return { kind: 'events', events, isOver } as const
  }

  #hasEnded(hash: TxHash): boolean {
    const state = chainStatus(this.#store, hash)?.state
    return state === undefined || endings.has(state)
  }

  /** Where a transaction stands; an ending that its shard had heard of before it took the bytes anew does not count. */
  #outcome({ hash, sequence }: Awaited): TxStatus | null {
    const row = this.#store.tx(hash)
    if (row) return row.status
    const last = this.#store.lastEvent(hash)
    return last && last.sequence > sequence ? last.status : null
  }

  /** Resolves when the log has grown, or after a time. */
  #grown(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#readers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#readers.add(done)
    })
  }

  #tell({ changes }: ChainStep): void {
    const told = changes.flatMap((change) => ('put' in change && change.put === 'event' ? [change.row.hash] : []))
    if (told.length === 0) return
    for (const wake of [...this.#readers]) wake()
    if (!this.#audience.isEmpty()) this.#audience.push(new Set(told.flatMap((hash) => this.#store.batchesOf(hash))))
  }

  async #deliver(shard: number, settlements: readonly Settlement[]): Promise<boolean> {
    if (this.#deliveries === deliveriesMax) return false
    this.#deliveries += 1
    try {
      await this.env.SHARD.getByName(shardName(this.#config().id, shard)).settle(settlements)
      return true
    } finally {
      this.#deliveries -= 1
    }
  }

  #executors(): Executor {
    const config = this.#config()
    this.#health ??= openHealth(config.executors.length, Date.now)
    return executorsOf(config, this.#health)
  }

  #config(): ChainConfig {
    const identity = this.#identity.get()
    invariant(identity, 'an object with rows knows which chain it serves')
    return chainConfig(this.env.CHAINS, identity.chain)
  }
}

/** States after which a batch's stream says no more. */
const endings: ReadonlySet<TxStatus['state']> = new Set([
  'included',
  'finalized',
  'rejected',
  'replaced',
  'expired',
] as const)

/** States in which an executor has said yes or no, or in which none will be asked. */
const verdicts: ReadonlySet<TxStatus['state']> = new Set([...endings, 'accepted', 'held'] as const)
