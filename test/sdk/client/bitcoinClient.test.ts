import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { memory } from '../../../sdk/adapters/memory.ts'
import type { ChainView, Opening } from '../../../sdk/channel/index.ts'
import { createBitcoinClient } from '../../../sdk/client/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { BitcoinNode, BitcoinPlace, StoredRecord } from '../../../sdk/ports.ts'
import type { TillChain } from '../../../sdk/till/index.ts'
import { sats } from '../../../sdk/units.ts'
import { findBitcoind } from '../../bitcoind.ts'
import { closing, fund, offer } from './channels.ts'
import { claims, type Facts, lies, stuckAt, turncoat } from './liars.ts'

bitcoinClientTests('ledger through Esplora', () => startBitcoin({ bitcoind: null }))

const found = findBitcoind()
if (found.binary !== null)
  bitcoinClientTests('bitcoind', () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 }))
else
  describe('bitcoin client: bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })

type Running = () => BitcoinBackend

function bitcoinClientTests(name: string, start: () => Promise<BitcoinBackend>): void {
  describe(`bitcoin client: ${name}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())
    const running = () => backend

    describe('views', () => viewTests(running))
    describe('reorganisations', () => reorgTests(running))
    describe('liars', () => lieTests(running))
    describe('nodes that differ', () => crowdTests(running))
    describe('broadcasts', () => broadcastTests(running))
  })
}

const clientOf = (...nodes: readonly BitcoinNode[]) => createBitcoinClient({ network: 'regtest', nodes })

/** Channels of one ledger are told apart by their expiry. */
let expiry = 600
async function funded(backend: BitcoinBackend, capacity?: bigint): Promise<Opening> {
  const opening = await fund(backend, offer(++expiry, capacity))
  await backend.mine(1)
  return opening
}

async function failure(call: Promise<unknown>): Promise<SdkError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SdkError)) throw new Error(`It did not fail as it must: ${error}.`)
  return error
}

const down: Partial<BitcoinNode> = Object.fromEntries(
  ['tip', 'headers', 'inclusion', 'transaction', 'spend', 'broadcast', 'feeEstimates', 'minFeerate'].map((name) => [
    name,
    async () => {
      throw new SdkError('node/unreachable', 'The node did not answer.', { retryable: true })
    },
  ]),
)

function viewTests(running: Running) {
  it('[OW8] a funding output is shown from its block on, with the depth it has', async () => {
    const backend = running()
    const client: TillChain = await clientOf(backend.node)
    const opening = await fund(backend, offer(++expiry))
    const before = await client.view(opening)
    expect(before).toMatchObject({ fundedAt: null, spend: null })
    await backend.mine(1)
    const fundedAt = before.height + 1
    expect(await client.view(opening)).toEqual({ height: fundedAt, fundedAt, spend: null })
    await backend.mine(2)
    expect(await client.view(opening)).toEqual({ height: fundedAt + 2, fundedAt, spend: null })
  })

  it('[OW21] a spend is shown from its block on, with what it pays; one that waits is nothing', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const { fundedAt } = await client.view(opening)
    const { raw, txid } = closing(opening)
    await client.broadcast(raw)
    expect(await client.view(opening)).toMatchObject({ fundedAt, spend: null })
    await backend.mine(2)
    const { height, spend } = await client.view(opening)
    expect(spend).toMatchObject({ txid, height: height - 1 })
    expect(spend?.outputs.map(({ value }) => value)).toEqual([10_000n, 39_500n])
  })

  it('[OW8] an output of another amount, script or place is no funding', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const others: readonly Opening[] = [
      { ...opening, capacity: sats(opening.capacity - 1n) },
      { ...opening, capacity: sats(opening.capacity + 1n) },
      { ...opening, expiry: (opening.expiry + 1) as Opening['expiry'] },
      { ...opening, funding: { ...opening.funding, index: 1 } },
      { ...opening, funding: { ...opening.funding, index: 0xffff_ffff } },
    ]
    for (const other of others) expect(await client.view(other)).toMatchObject({ fundedAt: null, spend: null })
    expect((await client.view(opening)).fundedAt).not.toBeNull()
    expect(client.faults()).toEqual([])
  })

  it('the chain that moves while it is looked at is looked at again, and a view is of one tip', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { raw, txid } = closing(opening)
    await backend.node.broadcast(raw)
    const { node, say } = turncoat(backend.node)
    const client = await clientOf(node)
    const { height } = await client.sync()
    let blocks = 1
    say({
      spend: async (...asked) => {
        if (blocks-- > 0) await backend.mine(1)
        return backend.node.spend(...asked)
      },
    })
    expect(await client.view(opening)).toMatchObject({ height: height + 1, spend: { txid, height: height + 1 } })
  })

  it('a chain that never stands still is not shown', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { node, say } = turncoat(backend.node)
    say({
      spend: async (...asked) => {
        await backend.mine(1)
        return backend.node.spend(...asked)
      },
    })
    const { code, retryable } = await failure((await clientOf(node)).view(opening))
    expect([code, retryable]).toEqual(['node/unreachable', true])
  })

  it('an inclusion is proven, with its verdict; what waits or is unknown is nothing', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const { funding } = await fund(backend, offer(++expiry))
    expect(await client.inclusion(funding.txid)).toBeNull()
    await backend.mine(3)
    const { height } = await client.sync()
    const proven = await client.inclusion(funding.txid)
    expect(proven?.value).toMatchObject({ block: { height: height - 2 } })
    expect(proven?.verdict).toMatchObject({
      level: 'confirmed',
      confirmations: 3,
      sources: ['node 0'],
      tip: { height },
    })
    expect(await client.inclusion('cd'.repeat(32) as typeof funding.txid)).toBeNull()
  })

  it('calls that come together share their rounds', async () => {
    const backend = running()
    const { node, asked } = turncoat(backend.node)
    const client = await clientOf(node)
    const tips = await Promise.all(Array.from({ length: 20 }, () => client.sync()))
    expect(new Set(tips.map(({ height }) => height)).size).toBe(1)
    expect(asked.get('tip')).toBeLessThanOrEqual(2)
    // Nothing is new: no headers are asked for.
    const before = asked.get('headers')
    await client.sync()
    expect(asked.get('headers')).toBe(before)
  })

  it('what is proven is not asked for again', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { node, asked } = turncoat(backend.node)
    const client = await clientOf(node)
    const view = await client.view(opening)
    const proofs = asked.get('inclusion')
    expect(await client.view(opening)).toEqual(view)
    expect(asked.get('inclusion')).toBe(proofs)
  })
}

function reorgTests(running: Running) {
  it('[OW8] a reorganisation takes the funding back, and gives it again', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const { height, fundedAt } = await client.view(opening)
    expect(fundedAt).toBe(height)
    expect((await backend.reorg(1)).ok).toBe(true)
    expect(await client.view(opening)).toEqual({ height: height + 1, fundedAt: null, spend: null })
    await backend.mine(1)
    expect(await client.view(opening)).toEqual({ height: height + 2, fundedAt: height + 2, spend: null })
  })

  it('[OW21] a reorganisation takes the spend back, and puts it elsewhere', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const { raw, txid } = closing(opening)
    await client.broadcast(raw)
    await backend.mine(2)
    const { height, fundedAt } = await client.view(opening)
    expect((await backend.reorg(2)).ok).toBe(true)
    expect(await client.view(opening)).toEqual({ height: height + 1, fundedAt, spend: null })
    await backend.mine(1)
    expect(await client.view(opening)).toMatchObject({ fundedAt, spend: { txid, height: height + 2 } })
  })

  it('[OW21] another spend may take the place of the first', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const [one, other] = [closing(opening, 10_000n), closing(opening, 20_000n)]
    await client.broadcast(one.raw)
    await backend.mine(1)
    expect((await client.view(opening)).spend?.txid).toBe(one.txid)
    expect((await backend.reorg(1, [other.raw])).ok).toBe(true)
    expect((await client.view(opening)).spend?.txid).toBe(other.txid)
  })

  it('a deep one is found as well', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    await backend.mine(39)
    const { height } = await client.view(opening)
    expect((await backend.reorg(40)).ok).toBe(true)
    expect(await client.view(opening)).toEqual({ height: height + 1, fundedAt: null, spend: null })
  })
}

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

  it.each(claims)('$name: worth nothing', async ({ tell }) => {
    const { node, say } = turncoat(facts.honest)
    say(await tell(facts))
    expect(await (await ready(node)).view(opening)).toEqual(truth)
    expect(await (await ready(node, facts.honest)).view(opening)).toEqual(truth)
  })

  it('a funding that only a liar has is none', async () => {
    const backend = running()
    const waiting = await fund(backend, offer(++expiry))
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

function broadcastTests(running: Running) {
  it('a transaction that is known, mined, or mined and spent from is a success', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const { raw } = closing(opening)
    const funding = (await backend.node.transaction(opening.funding.txid)) ?? new Uint8Array(0)
    await client.broadcast(raw)
    await client.broadcast(raw)
    await backend.mine(1)
    await client.broadcast(raw)
    await client.broadcast(funding)
    for (const code of ['missing-inputs', 'conflict'] as const) {
      const { node, say } = turncoat(backend.node)
      say({ broadcast: async () => ({ ok: false, code, detail: 'no' }) })
      await (await clientOf(node)).broadcast(funding)
    }
  })

  it('a node that says it took another transaction is not believed', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { node, say } = turncoat(backend.node)
    say({ broadcast: async () => ({ ok: true, txid: opening.funding.txid }) })
    const { code, retryable } = await failure((await clientOf(node)).broadcast(closing(opening).raw))
    expect([code, retryable]).toEqual(['node/unreachable', true])
  })

  it('a refusal of all is told in their words', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { raw } = closing(opening)
    const unsigned = raw.with(raw.length - 150, (raw[raw.length - 150] ?? 0) ^ 1)
    const { code, notes } = await failure((await clientOf(backend.node)).broadcast(unsigned))
    expect([code, notes.length]).toEqual(['node/refused', 1])
    expect(notes[0]).toMatch(/^script: ./)
  })

  it('a conflict with what is mined is a refusal, unless it is itself what is mined', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const opening = await funded(backend)
    const [one, other] = [closing(opening, 10_000n), closing(opening, 20_000n)]
    await client.broadcast(one.raw)
    await backend.mine(1)
    expect((await failure(client.broadcast(other.raw))).code).toBe('node/refused')
    await client.broadcast(one.raw)
  })

  it('one node that takes it is enough; while one is silent, a refusal is not for good', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { raw } = closing(opening)
    const { node, say } = turncoat(backend.node)
    const client = await clientOf(node, backend.node)
    say(down)
    const broken = raw.with(raw.length - 150, (raw[raw.length - 150] ?? 0) ^ 1)
    const { code, retryable, notes } = await failure(client.broadcast(broken))
    expect([code, retryable]).toEqual(['node/unreachable', true])
    expect(notes.join()).toMatch(/script: /)
    await client.broadcast(raw)
    expect(await backend.node.transaction(closing(opening).txid)).toEqual(raw)
  })

  it('bytes that are no transaction go to nobody', async () => {
    const { node, asked } = turncoat(running().node)
    expect((await failure((await clientOf(node)).broadcast(Uint8Array.of(1, 2, 3)))).code).toBe('units/malformed')
    expect(asked.get('broadcast')).toBeUndefined()
  })
}
