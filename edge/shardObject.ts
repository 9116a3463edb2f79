import { DurableObject } from 'cloudflare:workers'
import { invariant } from '../sdk/errors.ts'
import type { TxStatus } from '../sdk/ports.ts'
import type { Address, ChainId, TxHash } from '../sdk/units.ts'
import { openBuckets } from './buckets.ts'
import type { Settlement } from './chainRows.ts'
import { chainConfig } from './config.ts'
import { type Health, openHealth } from './executor/health.ts'
import { executorsOf } from './executor/jsonRpc.ts'
import type { Executor } from './executor/port.ts'
import { openGather } from './gather.ts'
import { senderBurst, senderPerSecond, sendersRemembered, submitGatherMs } from './limits.ts'
import type { Env, ShardApi } from './objects.ts'
import { openPace } from './pace.ts'
import { type Items, packOffers, unpackItems } from './parcel.ts'
import { chainName } from './placement.ts'
import { openRunner, type Runner } from './runner.ts'
import {
  type Answer,
  type Item,
  type ShardEffect,
  type ShardEvent,
  type ShardStep,
  shardStep,
  shardWakeAt,
} from './shard.ts'
import { doForShard, learn, type ShardWorld, stop } from './shardDeeds.ts'
import { type NonceStanding, nonceStanding } from './shardNonces.ts'
import { openShardStore, type ShardStore } from './shardSql.ts'
import { openFaults, openIdentity } from './sql.ts'
import { hear, type Told, tell } from './told.ts'

const tooMany: Answer = { ok: false, code: 'rate-limited', detail: 'The sender sends too many at once.' }

/** The Durable Object around the shard's step: rows in SQLite, nonces from the executor, offers to the chain object. */
export class ShardObject extends DurableObject<Env> implements ShardApi {
  readonly #identity: ReturnType<typeof openIdentity>
  #health: Health | undefined
  readonly #gathered = openGather(submitGatherMs)
  readonly #buckets = openBuckets({ burst: senderBurst, perSecond: senderPerSecond }, sendersRemembered)
  readonly #store: ShardStore
  readonly #world: ShardWorld
  readonly #runner: Runner<ShardEvent, ShardStep>

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { storage } = ctx
    const store = openShardStore(storage.sql)
    this.#store = store
    this.#identity = openIdentity(storage.sql)
    const pace = openPace()
    this.#world = {
      rows: store,
      pace,
      executor: () => this.#executors(),
      offer: async (offers, notices) => {
        const { chain, shard } = this.#who()
        return hear(await env.CHAIN.getByName(chainName(chain)).offer(chain, shard, packOffers(offers), notices))
      },
      cancel: (hash, sender, nonce) => {
        const { chain, shard } = this.#who()
        return env.CHAIN.getByName(chainName(chain)).cancel(chain, { hash, sender, nonce, shard })
      },
      feed: (event) => this.#runner.feed(event),
      now: Date.now,
    }
    this.#runner = openRunner<ShardEvent, ShardEffect, ShardStep>({
      storage,
      now: Date.now,
      decide: (event) => shardStep(store, event, pace.turn()),
      commit: ({ changes }) => store.apply(changes),
      forget: store.forget,
      wakeAt: () => shardWakeAt(store, pace.turn()),
      tick: (now) => ({ type: 'tick', now }),
      perform: (effect) => doForShard(effect, this.#world),
      report: openFaults(storage.sql).report,
    })
    ctx.blockConcurrencyWhile(() => this.#runner.resume())
  }

  override async alarm(): Promise<void> {
    await this.#runner.wake()
  }

  async submit(chain: ChainId, shard: number, parcel: Items): Promise<Told<readonly Answer[]>> {
    const items = unpackItems(parcel)
    this.#identity.set(chain, shard)
    this.#store.foresee(items)
    // Bytes that are here already cost nothing, and their sender must hear of them.
    const isWithin = (item: Item) =>
      this.#world.rows.row(item.hash) !== undefined || this.#buckets.take(item.sender, 1, Date.now())
    const within = items.filter(isWithin)
    const facts = await learn(within, this.#world)
    await this.#gathered()
    const { answers } = this.#runner.feed({ type: 'submit', items: within, facts, now: Date.now() })
    const answered = new Map(within.map((item, at) => [item, answers[at]]))
    return tell(items.map((item) => answered.get(item) ?? tooMany))
  }

  async settle(settlements: readonly Settlement[]): Promise<void> {
    this.#runner.feed({ type: 'settled', settlements, now: Date.now() })
  }

  async status(sender: Address, hash: TxHash): Promise<TxStatus | null> {
    const row = this.#world.rows.row(hash)
    return row?.sender === sender ? row.status : null
  }

  async cancel(sender: Address, hash: TxHash): Promise<TxStatus | null> {
    return stop(sender, hash, this.#world)
  }

  async forget(sender: Address): Promise<void> {
    this.#runner.feed({ type: 'forget', sender, now: Date.now() })
  }

  async nonces(sender: Address, latest: number): Promise<NonceStanding> {
    return nonceStanding(this.#world.rows, sender, latest)
  }

  #executors(): Executor {
    const config = chainConfig(this.env.CHAINS, this.#who().chain)
    this.#health ??= openHealth(config.executors.length, Date.now)
    return executorsOf(config, this.#health)
  }

  #who(): { readonly chain: ChainId; readonly shard: number } {
    const identity = this.#identity.get()
    invariant(identity, 'an object with rows knows which chain it serves')
    return identity
  }
}
