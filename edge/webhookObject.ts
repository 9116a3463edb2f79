import { DurableObject } from 'cloudflare:workers'
import type { BatchId, ChainId } from '../sdk/units.ts'
import type { Env, WebhookApi, WebhookStanding } from './objects.ts'
import { chainName } from './placement.ts'
import { openRunner, type Runner } from './runner.ts'
import { openFaults } from './sql.ts'
import { type WebhookEffect, type WebhookEvent, type WebhookStep, webhookStep, webhookWakeAt } from './webhook.ts'
import { doForWebhook, newSecret, type WebhookWorld } from './webhookDeeds.ts'
import type { CallRow } from './webhookRows.ts'
import { openWebhookStore, type WebhookStore } from './webhookSql.ts'

/** The Durable Object around the webhook's step: batches and messages in SQLite, an alarm, calls over the public network. */
export class WebhookObject extends DurableObject<Env> implements WebhookApi {
  readonly #store: WebhookStore
  readonly #runner: Runner<WebhookEvent, WebhookStep>

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { storage } = ctx
    this.#store = openWebhookStore(storage.sql)
    const world: WebhookWorld = {
      look: (chain, batch) => env.CHAIN.getByName(chainName(chain)).batch(batch),
      fetch: (url, init) => (env.WEB ? env.WEB.fetch(url, init) : fetch(url, init)),
      feed: (event) => this.#runner.feed(event),
      now: Date.now,
    }
    this.#runner = openRunner<WebhookEvent, WebhookEffect, WebhookStep>({
      storage,
      now: Date.now,
      decide: (event) => webhookStep(this.#store, event),
      commit: ({ changes }) => this.#store.apply(changes),
      forget: () => undefined, // It reads its rows from the disk.
      wakeAt: () => webhookWakeAt(this.#store),
      tick: (now) => ({ type: 'tick', now }),
      perform: (effect) => doForWebhook(effect, world),
      report: openFaults(storage.sql).report,
    })
    ctx.blockConcurrencyWhile(() => this.#runner.resume())
  }

  override async alarm(): Promise<void> {
    await this.#runner.wake()
  }

  async register(chain: ChainId, url: string): Promise<string | null> {
    const isNew = this.#store.head() === undefined
    this.#runner.feed({ type: 'register', chain, url, secret: newSecret(), now: Date.now() })
    return isNew ? (this.#store.head()?.secret ?? null) : null
  }

  async rotate(): Promise<string | null> {
    const secret = newSecret()
    return this.#runner.feed({ type: 'rotate', secret, now: Date.now() }).isTaken ? secret : null
  }

  async forget(): Promise<boolean> {
    return this.#runner.feed({ type: 'forget', now: Date.now() }).isTaken
  }

  async watch(batch: BatchId): Promise<boolean> {
    return this.#runner.feed({ type: 'watch', batch, now: Date.now() }).isTaken
  }

  async standing(): Promise<WebhookStanding | null> {
    const head = this.#store.head()
    return head ? { url: head.url, isGone: head.isGone, ...this.#store.counts() } : null
  }

  async dead(limit: number): Promise<readonly CallRow[]> {
    return this.#store.dead(limit)
  }

  async replay(id: string): Promise<boolean> {
    return this.#runner.feed({ type: 'replay', id, now: Date.now() }).isTaken
  }
}
