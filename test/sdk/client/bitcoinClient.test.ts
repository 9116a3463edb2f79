import { describe, expect, it } from 'vitest'
import { startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import type { Opening } from '../../../sdk/channel/index.ts'
import type { TillChain } from '../../../sdk/till/index.ts'
import { sats } from '../../../sdk/units.ts'
import { closing, fund } from './channels.ts'
import { turncoat } from './liars.ts'
import { clientOf, failure, freshOffer, funded, onBackends, type Running } from './setting.ts'

onBackends('bitcoin client', (running) => {
  describe('views', () => viewTests(running))
  describe('reorganisations', () => reorgTests(running))
})

// On the ledger alone: within a second, bitcoind would make the block that it has just called invalid again.
it('a chain that never keeps a block is not shown', async () => {
  const backend = await startBitcoin({ bitcoind: null })
  const opening = await funded(backend)
  await backend.mine(1)
  const { node, say } = turncoat(backend.node)
  say({
    spend: async (...asked) => {
      expect((await backend.reorg(1)).ok).toBe(true)
      return backend.node.spend(...asked)
    },
  })
  const { code, retryable } = await failure((await clientOf(node)).view(opening))
  await backend.stop()
  expect([code, retryable]).toEqual(['node/unreachable', true])
})

function viewTests(running: Running) {
  it('[OW8] a funding output is shown from its block on, with the depth it has', async () => {
    const backend = running()
    const client: TillChain = await clientOf(backend.node)
    const opening = await fund(backend, freshOffer())
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

  it('a chain that never stops growing is shown as of a block that is in it', async () => {
    const backend = running()
    const opening = await funded(backend)
    const { node, say } = turncoat(backend.node)
    say({
      spend: async (...asked) => {
        await backend.mine(1)
        return backend.node.spend(...asked)
      },
    })
    const client = await clientOf(node)
    const { height } = await client.sync()
    const { fundedAt } = await (await clientOf(backend.node)).view(opening)
    expect(await client.view(opening)).toEqual({ height: height + 1, fundedAt, spend: null })
  })

  it('an inclusion is proven, with its verdict; what waits or is unknown is nothing', async () => {
    const backend = running()
    const client = await clientOf(backend.node)
    const { funding } = await fund(backend, freshOffer())
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
    expect(await client.inclusion(opening.funding.txid)).not.toBeNull()
    expect(asked.get('inclusion')).toBe(proofs)
    // Its block is gone: whether another one holds it has to be proven anew.
    expect((await backend.reorg(1)).ok).toBe(true)
    await client.inclusion(opening.funding.txid)
    expect(asked.get('inclusion')).toBeGreaterThan(proofs ?? 0)
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
