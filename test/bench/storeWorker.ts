import { DurableObject } from 'cloudflare:workers'
import type { Notice, Offer, Taken } from '../../edge/chain.ts'
import type { Env } from '../../edge/objects.ts'
import { shardName } from '../../edge/placement.ts'
import type { Item } from '../../edge/shard.ts'
import { fromHex, type Hex } from '../../sdk/units.ts'
import { anvilChain } from '../edge/transfers.ts'

export { ShardObject } from '../../edge/shardObject.ts'

/** A chain object that takes everything over and does nothing: what is measured is the shard. */
export class ChainObject extends DurableObject<Env> {
  async offer(_chain: number, _shard: number, offers: readonly Offer[], notices: readonly Notice[]): Promise<Taken[]> {
    const taken = offers.map(({ hash, sequence }): Taken => ({ hash, state: 'queued', sequence }))
    return [...taken, ...notices.map(({ hash, status, sequence }): Taken => ({ hash, state: status.state, sequence }))]
  }
}

/** Hands items to a shard as the worker would, judged already. */
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { shard, items } = (await request.json()) as {
      shard: number
      items: readonly (Omit<Item, 'raw'> & { raw: Hex })[]
    }
    const answers = await env.SHARD.getByName(shardName(anvilChain, shard)).submit(
      anvilChain,
      shard,
      items.map((item) => ({
        ...item,
        raw: fromHex(item.raw),
        maxFeePerGas: BigInt(item.maxFeePerGas),
        maxPriorityFeePerGas: BigInt(item.maxPriorityFeePerGas),
      })),
    )
    return Response.json({ stored: answers.filter(({ ok }) => ok).length })
  },
}
