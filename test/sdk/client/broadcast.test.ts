import { describe, expect, it } from 'vitest'
import { closing } from './channels.ts'
import { down, spoilt, turncoat } from './liars.ts'
import { clientOf, failure, funded, onBackends, type Running } from './setting.ts'

onBackends('bitcoin client', (running) => {
  describe('broadcasts', () => broadcastTests(running))
})

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
    const unsigned = spoilt(raw, raw.length - 150)
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
    const broken = spoilt(raw, raw.length - 150)
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
