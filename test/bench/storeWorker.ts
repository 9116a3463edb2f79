import { DurableObject } from 'cloudflare:workers'
import type { Notice, Taken } from '../../edge/chain.ts'
import type { Env } from '../../edge/objects.ts'
import { type Offers, unpackOffers } from '../../edge/parcel.ts'
import { shardName } from '../../edge/placement.ts'
import { hear, tell } from '../../edge/told.ts'
import { type ChainId, chainId } from '../../sdk/units.ts'
import { parcelOf, silentChain } from './storeWire.ts'

export { ShardObject } from '../../edge/shardObject.ts'

/** A chain object that takes everything over and does nothing, or does not even answer: what is measured is the shard. */
export class ChainObject extends DurableObject<Env> {
  async offer(chain: ChainId, _shard: number, offers: Offers, notices: readonly Notice[]) {
    if (chain === silentChain) await new Promise(() => undefined)
    const taken = unpackOffers(offers).map(({ hash, sequence }): Taken => ({ hash, state: 'queued', sequence }))
    return tell([
      ...taken,
      ...notices.map(({ hash, status, sequence }): Taken => ({ hash, state: status.state, sequence })),
    ])
  }
}

/** As little as an object that stores can do: the same bytes, a row each, one after the other, and nothing is asked of them. */
export class FloorObject extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)')
  }

  async insert(items: readonly Uint8Array[]): Promise<number> {
    const { sql } = this.ctx.storage
    this.ctx.storage.transactionSync(() => {
      for (let from = 0; from < items.length; from += bindingsMax) {
        const some = items.slice(from, from + bindingsMax)
        sql.exec(`INSERT INTO rows (bytes) VALUES ${some.map(() => '(?)').join()}`, ...some)
      }
    })
    return items.length
  }
}

/** Most parameters of one statement: the platform's bound. */
const bindingsMax = 100

interface BenchEnv extends Env {
  readonly FLOOR: { readonly getByName: (name: string) => Pick<FloorObject, 'insert'> }
}

/**
 * Hands a parcel to a shard as the worker would, judged and packed already: under `/<chain>/<shard>`. Under `/floor`
 * its bytes go to an object that stores them.
 */
export default {
  async fetch(request: Request, env: BenchEnv): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer())
    if (body.length === 0) return Response.json({ stored: 0 }) // Whether it is up.
    const [, first, second] = new URL(request.url).pathname.split('/')
    const parcel = parcelOf(body)
    if (first === 'floor') {
      const count = hear(parcel.sizes).length / 2
      const size = body.length / count
      const rows = Array.from({ length: count }, (_, at) => body.slice(at * size, (at + 1) * size))
      return Response.json({ stored: await env.FLOOR.getByName('floor').insert(rows) })
    }
    const [chain, shard] = [chainId(Number(first)), Number(second)]
    const answers = hear(await env.SHARD.getByName(shardName(chain, shard)).submit(chain, shard, parcel))
    return Response.json({ stored: answers.filter(({ ok }) => ok).length })
  },
}
