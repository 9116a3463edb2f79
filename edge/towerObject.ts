import { DurableObject } from 'cloudflare:workers'
import type { Hex } from '../sdk/units.ts'
import { configuredSources } from './bitcoinSource.ts'
import type { Outpoint } from './channelBoxRows.ts'
import { bitcoinOf, bitcoinPollMs } from './config.ts'
import type { Env, TowerApi, TowerReply } from './objects.ts'
import { openRunner, type Runner } from './runner.ts'
import { openFaults } from './sql.ts'
import { type TowerAnswer, type TowerEffect, type TowerEvent, type TowerStep, towerStep, towerWakeAt } from './tower.ts'
import { doForTower, type TowerWorld } from './towerDeeds.ts'
import { granted } from './towerGrant.ts'
import type { TowerStateRow } from './towerRows.ts'
import { openTowerStore, type TowerStore } from './towerSql.ts'

/** The Durable Object around the tower's step: states in SQLite, an alarm, the chain as the Bitcoin sources tell it. */
export class TowerObject extends DurableObject<Env> implements TowerApi {
  readonly #store: TowerStore
  readonly #runner: Runner<TowerEvent, TowerStep>

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    const { storage } = ctx
    this.#store = openTowerStore(storage.sql)
    const world: TowerWorld = {
      bitcoin: () => configuredSources(bitcoinOf(env.BITCOIN)),
      feed: (event) => this.#runner.feed(event),
      now: Date.now,
    }
    this.#runner = openRunner<TowerEvent, TowerEffect, TowerStep>({
      storage,
      now: Date.now,
      decide: (event) => towerStep(this.#store, event, bitcoinOf(env.BITCOIN)?.pollMs ?? bitcoinPollMs),
      commit: ({ changes }) => this.#store.apply(changes),
      forget: () => undefined, // It reads its rows from the disk.
      wakeAt: () => towerWakeAt(this.#store),
      tick: (now) => ({ type: 'tick', now }),
      perform: (effect) => doForTower(effect, world),
      report: openFaults(storage.sql).report,
    })
    ctx.blockConcurrencyWhile(() => this.#runner.resume())
  }

  override async alarm(): Promise<void> {
    await this.#runner.wake()
  }

  async register(claim: Hex, funding: Outpoint, first: number, bytesMax: number): Promise<TowerReply> {
    const event = { type: 'register', claim, funding, first, bytesMax, now: Date.now() } as const
    return this.#reply(this.#runner.feed(event).answer)
  }

  async grant(): Promise<boolean> {
    const row = granted(this.#store.grants(), Date.now())
    if (row) this.#store.keepGrants(row)
    return row !== null
  }

  async keep(claim: Hex, state: TowerStateRow): Promise<TowerReply> {
    return this.#reply(this.#runner.feed({ type: 'keep', claim, state, now: Date.now() }).answer)
  }

  async standing(claim: Hex): Promise<TowerReply> {
    return this.#reply(this.#runner.feed({ type: 'visit', claim, now: Date.now() }).answer)
  }

  #reply(answer: TowerAnswer): TowerReply {
    const head = this.#store.head()
    if (!answer.ok) return answer
    if (!head) return { ok: false, code: 'unknown-tower', detail: 'Nothing is watched under this name.' }
    const { funding, first, next, height, lookedAt, phase } = head
    return {
      ok: true,
      standing: { funding, first, next, height, lookedAt, phase, justice: this.#store.justice().length },
    }
  }
}
