import { DurableObject } from 'cloudflare:workers'
import type { Notice, Offer, Taken } from '../../edge/chain.ts'
import type { Env } from '../../edge/objects.ts'
import { shardName } from '../../edge/placement.ts'
import type { Item } from '../../edge/shard.ts'
import { address, toHex, txHash } from '../../sdk/units.ts'
import { anvilChain } from '../edge/transfers.ts'

export { ShardObject } from '../../edge/shardObject.ts'

/** A chain object that takes everything over and does nothing: what is measured is the shard. */
export class ChainObject extends DurableObject<Env> {
  async offer(_chain: number, _shard: number, offers: readonly Offer[], notices: readonly Notice[]): Promise<Taken[]> {
    const taken = offers.map(({ hash, sequence }): Taken => ({ hash, state: 'queued', sequence }))
    return [...taken, ...notices.map(({ hash, status, sequence }): Taken => ({ hash, state: status.state, sequence }))]
  }
}

/** Of one item in a request: hash, sender, nonce, and bytes that nobody reads. */
const hashBytes = 32
const senderBytes = 20
const nonceBytes = 4
const itemBytes = hashBytes + senderBytes + nonceBytes + 110

/** Hands items to a shard as the worker would, judged already. */
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const bytes = new Uint8Array(await request.arrayBuffer())
    const items = Array.from({ length: bytes.length / itemBytes }, (_, at) => itemOf(bytes, at * itemBytes))
    const answers = await env.SHARD.getByName(shardName(anvilChain, 0)).submit(anvilChain, 0, items)
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
    raw: bytes.slice(ofNonce + nonceBytes, from + itemBytes),
    footprint: { reads: [], writes, credits: [], source: 'declared', gas: 21_000, sender },
  }
}
