import { DurableObject } from 'cloudflare:workers'
import type { Notice, Taken } from '../../edge/chain.ts'
import type { Env } from '../../edge/objects.ts'
import { type Offers, packItems, unpackOffers } from '../../edge/parcel.ts'
import { footprintJson } from '../../edge/payload.ts'
import { shardName } from '../../edge/placement.ts'
import type { Item } from '../../edge/shard.ts'
import { hear, tell } from '../../edge/told.ts'
import { address, toHex, txHash } from '../../sdk/units.ts'
import { anvilChain } from '../edge/transfers.ts'

export { ShardObject } from '../../edge/shardObject.ts'

/** A chain object that takes everything over and does nothing: what is measured is the shard. */
export class ChainObject extends DurableObject<Env> {
  async offer(_chain: number, _shard: number, offers: Offers, notices: readonly Notice[]) {
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

/** Of one item in a request: hash, sender, nonce, and bytes that nobody reads. */
const hashBytes = 32
const senderBytes = 20
const nonceBytes = 4
const itemBytes = hashBytes + senderBytes + nonceBytes + 110

/** Hands items to a shard as the worker would, judged already; under `/floor`, their bytes to an object that stores them. */
export default {
  async fetch(request: Request, env: BenchEnv): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer())
    if (new URL(request.url).pathname === '/floor') {
      const rows = Array.from({ length: bytes.length / itemBytes }, (_, at) =>
        bytes.slice(at * itemBytes, (at + 1) * itemBytes),
      )
      return Response.json({ stored: await env.FLOOR.getByName('floor').insert(rows) })
    }
    const items = Array.from({ length: bytes.length / itemBytes }, (_, at) => itemOf(bytes, at * itemBytes))
    const answers = hear(await env.SHARD.getByName(shardName(anvilChain, 0)).submit(anvilChain, 0, packItems(items)))
    return Response.json({ stored: answers.filter(({ ok }) => ok).length })
  },
}

function itemOf(bytes: Uint8Array, from: number): Item {
  const [ofSender, ofNonce] = [from + hashBytes, from + hashBytes + senderBytes]
  const sender = address(toHex(bytes.subarray(ofSender, ofNonce)))
  const writes = [{ kind: 'nonce', address: sender } as const, { kind: 'balance', address: sender } as const]
  return {
    hash: txHash(toHex(bytes.subarray(from, ofSender))),
    sender,
    nonce: new DataView(bytes.buffer).getUint32(ofNonce),
    maxFeePerGas: 10n,
    maxPriorityFeePerGas: 1n,
    raw: bytes.subarray(ofNonce + nonceBytes, from + itemBytes),
    footprintJson: footprintJson({ reads: [], writes, credits: [], source: 'declared', gas: 21_000, sender }),
  }
}
