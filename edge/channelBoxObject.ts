import { DurableObject } from 'cloudflare:workers'
import { configuredSources } from './bitcoinSource.ts'
import { openSeats, type Seats } from './boxSeats.ts'
import {
  type Access,
  type BoxAnswer,
  type BoxEffect,
  type BoxEvent,
  type BoxStep,
  boxStep,
  boxWakeAt,
  type InboxAnswer,
  type Post,
  readInbox,
} from './channelBox.ts'
import { type BoxWorld, doForBox } from './channelBoxDeeds.ts'
import { type BackupRow, type Deposit, otherSide } from './channelBoxRows.ts'
import { type BoxStore, openBoxStore } from './channelBoxSql.ts'
import { bitcoinOf, bitcoinPollMs } from './config.ts'
import { boxReadersMax, inboxWaitMs } from './limits.ts'
import type { BoxApi, Env } from './objects.ts'
import { openRunner, type Runner } from './runner.ts'
import { openFaults } from './sql.ts'

/** The Durable Object around the box's step: messages and deposit in SQLite, the chain as the Bitcoin sources tell it. */
export class ChannelBoxObject extends DurableObject<Env> implements BoxApi {
  readonly #store: BoxStore
  readonly #runner: Runner<BoxEvent, BoxStep>
  readonly #seats: Seats
  /** Readers that wait for a message. */
  readonly #readers = new Set<() => void>()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { storage } = ctx
    this.#store = openBoxStore(storage.sql)
    const world: BoxWorld = {
      bitcoin: () => configuredSources(bitcoinOf(env.BITCOIN)),
      feed: (event) => this.#runner.feed(event),
      now: Date.now,
    }
    this.#runner = openRunner<BoxEvent, BoxEffect, BoxStep>({
      storage,
      now: Date.now,
      decide: (event) => boxStep(this.#store, event, bitcoinOf(env.BITCOIN)?.pollMs ?? bitcoinPollMs),
      commit: (step) => {
        this.#store.apply(step.changes)
        this.#tell(step)
      },
      forget: () => undefined, // It reads its rows from the disk.
      wakeAt: () => boxWakeAt(this.#store),
      tick: (now) => ({ type: 'tick', now }),
      perform: (effect) => doForBox(effect, world),
      report: openFaults(storage.sql).report,
    })
    this.#seats = openSeats({
      ctx,
      box: this,
      inbox: (side, after) => readInbox(this.#store, side, after),
      hasNetwork: () => bitcoinOf(env.BITCOIN) !== null,
    })
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    ctx.blockConcurrencyWhile(() => this.#runner.resume())
  }

  override async alarm(): Promise<void> {
    await this.#runner.wake()
  }

  /** Takes a socket of one side: the last word of the path's place says which. */
  override async fetch(request: Request): Promise<Response> {
    const isPayer = new URL(request.url).pathname.includes('/payer/')
    return this.#seats.accept(isPayer ? 'payer' : 'payee')
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    await this.#seats.heard(socket, message)
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    // 1005 and 1006 say that no code came; they may not be sent.
    socket.close(code === 1005 || code === 1006 ? 1000 : code)
  }

  async post(access: Access, post: Post): Promise<BoxAnswer> {
    const { answer } = this.#runner.feed({ type: 'post', access, post, now: Date.now() })
    if (answer.ok) this.#seats.push(otherSide(access.side))
    return answer
  }

  async read(access: Access, after: number): Promise<InboxAnswer> {
    const answer = this.#visit(access)
    if (!answer.ok) return answer
    const deadline = Date.now() + inboxWaitMs
    for (;;) {
      const inbox = readInbox(this.#store, access.side, after)
      if (!inbox.ok) return inbox
      const left = deadline - Date.now()
      if (inbox.messages.length > 0 || left <= 0) return inbox
      if (this.#readers.size >= boxReadersMax)
        return { ok: false, code: 'backpressure', detail: 'Too many readers wait here.' }
      await this.#grown(left)
    }
  }

  async acknowledge(access: Access, through: number, epoch: number): Promise<BoxAnswer> {
    return this.#runner.feed({ type: 'acknowledge', access, through, epoch, now: Date.now() }).answer
  }

  async standing(access: Access): ReturnType<BoxApi['standing']> {
    const answer = this.#visit(access)
    if (!answer.ok) return answer
    const { epoch = 0, sent = 0, acknowledged = 0 } = this.#store.side(access.side) ?? {}
    const read = this.#store.side(otherSide(access.side))?.acknowledged ?? 0
    return { ok: true, standing: { epoch, sent, acknowledged, read } }
  }

  async leave(access: Access, deposit: Deposit): Promise<BoxAnswer> {
    return this.#runner.feed({ type: 'deposit', access, deposit, now: Date.now() }).answer
  }

  async left(access: Access): ReturnType<BoxApi['left']> {
    const answer = this.#visit(access)
    return answer.ok ? { ok: true, deposit: this.#store.deposit() ?? null } : answer
  }

  async keep(access: Access, backup: Pick<BackupRow, 'number' | 'bytes'>): Promise<BoxAnswer> {
    return this.#runner.feed({ type: 'keep', access, backup, now: Date.now() }).answer
  }

  async kept(access: Access): ReturnType<BoxApi['kept']> {
    const answer = this.#visit(access)
    return answer.ok ? { ok: true, backup: this.#store.backup(access.side) ?? null } : answer
  }

  #visit(access: Access): BoxAnswer {
    return this.#runner.feed({ type: 'visit', access, now: Date.now() }).answer
  }

  /** Resolves when a message has come, or after a time. */
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

  #tell({ changes }: BoxStep): void {
    if (changes.some((change) => 'put' in change && change.put === 'message'))
      for (const wake of [...this.#readers]) wake()
  }
}
