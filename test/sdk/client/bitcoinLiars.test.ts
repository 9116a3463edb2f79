import { beforeAll, describe, expect, it } from 'vitest'
import { memory } from '../../../sdk/adapters/memory.ts'
import type { ChainView, Opening } from '../../../sdk/channel/index.ts'
import { createBitcoinClient } from '../../../sdk/client/index.ts'
import type { BitcoinNode, BitcoinPlace, StoredRecord } from '../../../sdk/ports.ts'
import { closing, fund } from './channels.ts'
import { claims, down, type Facts, lies, stuckAt, turncoat } from './liars.ts'
import { clientOf, failure, freshOffer, funded, onBackends, type Running } from './setting.ts'

onBackends('bitcoin client among liars', (running) => {
  describe('liars', () => lieTests(running))
  describe('nodes that differ', () => crowdTests(running))
})

function lieTests(running: Running) {
  let opening: Opening
  let truth: ChainView
  let facts: Facts
  const records = new Map<string, StoredRecord>()
  /** A client that has the headers already. */
  const ready = (...nodes: readonly BitcoinNode[]) =>
    createBitcoinClient({ network: 'regtest', nodes, store: memory(new Map(records)) })
  beforeAll(async () => {
    const backend = running()
    const other = await funded(backend)
    opening = await funded(backend)
    await backend.mine(1)
    const honest = backend.node
    const tip = await honest.tip()
    truth = await (await createBitcoinClient({ network: 'regtest', nodes: [honest], store: memory(records) })).view(
      opening,
    )
    facts = { honest, tip, funding: opening.funding.txid, other: other.funding.txid }
  })

  it.each(lies)('$name: refused of one node, passed over among several', async ({ refusal, tell }) => {
    const { node, say } = turncoat(facts.honest)
    const alone = await ready(node)
    const among = await ready(node, facts.honest)

    say(await tell(facts))
    const { code, notes } = await failure(alone.view(opening))
    expect(code).toBe('node/nonsense')
    expect(notes.join()).toMatch(refusal)
    expect(await among.view(opening)).toEqual(truth)
    expect(among.faults()).toMatchObject([{ node: 0, error: { code: 'node/nonsense' } }])
    expect(among.faults()[0]?.error.message).toMatch(refusal)

    say(null)
    expect(await alone.view(opening)).toEqual(truth)
  })

  it('however many lie, one that tells the truth is enough', async () => {
    const told = await Promise.all([...lies, ...claims].map(({ tell }) => tell(facts)))
    const liars = told.map((lie) => {
      const { node, say } = turncoat(facts.honest)
      say(lie)
      return node
    })
    const client = await ready(...liars, facts.honest)
    expect(await client.view(opening)).toEqual(truth)
    expect(client.faults()).toHaveLength(lies.length)
    expect((await client.inclusion(opening.funding.txid))?.value.block.height).toBe(truth.fundedAt)
  })

  it.each(claims)('$name: worth nothing', async ({ tell }) => {
    const { node, say } = turncoat(facts.honest)
    say(await tell(facts))
    expect(await (await ready(node)).view(opening)).toEqual(truth)
    expect(await (await ready(node, facts.honest)).view(opening)).toEqual(truth)
  })

  it('a funding that only a liar has is none', async () => {
    const backend = running()
    const waiting = await fund(backend, freshOffer())
    const lie = lies.find(({ name }) => name === 'a block that is not in the chain')
    const { node, say } = turncoat(backend.node)
    const client = await clientOf(node, backend.node)
    await client.sync()
    const told = await lie?.tell(facts)
    say({ ...told })
    expect(await client.view(waiting)).toMatchObject({ fundedAt: null, spend: null })
    expect(client.faults()).toMatchObject([{ node: 0 }])
  })
}

function crowdTests(running: Running) {
  it('a spend that one node hides is shown when another proves it, and held against the first', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { raw, txid } = closing(opening)
    await backend.node.broadcast(raw)
    await backend.mine(1)
    const { node, say } = turncoat(backend.node)
    say({ spend: async () => undefined })
    expect((await (await clientOf(node)).view(opening)).spend).toBeNull()
    const client = await clientOf(node, backend.node)
    expect((await client.view(opening)).spend?.txid).toBe(txid)
    expect(client.faults()).toMatchObject([{ node: 0, error: { code: 'node/nonsense' } }])
  })

  it('a node that lags does not hold the others back', async () => {
    const backend = running()
    const place: BitcoinPlace = await backend.node.tip()
    const opening = await funded(backend)
    await backend.node.broadcast(closing(opening).raw)
    await backend.mine(1)
    const { node, say } = turncoat(backend.node)
    say(stuckAt(backend.node, place))
    const truth = await (await clientOf(backend.node)).view(opening)
    expect(await (await clientOf(node, backend.node)).view(opening)).toEqual(truth)
    expect(await (await clientOf(backend.node, node)).view(opening)).toEqual(truth)
    const old = await (await clientOf(node)).view(opening)
    expect(old).toEqual({ height: place.height, fundedAt: null, spend: null })
  })

  it('a node that is down does not stop the others, and is heard again when it is back', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { node, say } = turncoat(backend.node)
    const client = await clientOf(node, backend.node)
    say(down)
    const truth = await client.view(opening)
    expect(client.faults()).toMatchObject([{ node: 0, error: { code: 'node/unreachable' } }])
    say(null)
    expect(await client.view(opening)).toEqual(truth)
    expect((await client.inclusion(opening.funding.txid))?.verdict.sources).toEqual(['node 0', 'node 1'])
  })

  it('without any node the chain is unreachable, and nothing is forgotten', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { node, say } = turncoat(backend.node)
    const client = await clientOf(node, node)
    const truth = await client.view(opening)
    say(down)
    for (const call of [
      client.sync(),
      client.view(opening),
      client.inclusion(opening.funding.txid),
      client.feerate(),
    ]) {
      const { code, retryable } = await failure(call)
      expect([code, retryable]).toEqual(['node/unreachable', true])
    }
    say(null)
    expect(await client.view(opening)).toEqual(truth)
  })
}
