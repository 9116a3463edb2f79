import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../../edge/local/bitcoinBackend.ts'
import { createBitcoinClient } from '../../../sdk/client/index.ts'
import { findBitcoind } from '../../bitcoind.ts'
import { closing, fund, offer } from './channels.ts'

bitcoinClientTests('ledger through Esplora', () => startBitcoin({ bitcoind: null }))

const found = findBitcoind()
if (found.binary !== null)
  bitcoinClientTests('bitcoind', () => startBitcoin({ bitcoind: found.binary, lifetimeMs: 600_000 }))
else
  describe('bitcoin client: bitcoind', () => {
    it.skip(`needs a bitcoind (${found.reason})`, () => undefined)
  })

function bitcoinClientTests(name: string, start: () => Promise<BitcoinBackend>): void {
  describe(`bitcoin client: ${name}`, () => {
    let backend: BitcoinBackend
    beforeAll(async () => {
      backend = await start()
    })
    afterAll(() => backend?.stop())
    const clientOf = () => createBitcoinClient({ network: 'regtest', nodes: [backend.node] })

    it('[OW8] a funding output is shown from its block on, with the depth it has', async () => {
      const client = await clientOf()
      const opening = await fund(backend, offer(700))
      const before = await client.view(opening)
      expect(before).toMatchObject({ fundedAt: null, spend: null })
      await backend.mine(1)
      expect(await client.view(opening)).toEqual({
        height: before.height + 1,
        fundedAt: before.height + 1,
        spend: null,
      })
      await backend.mine(2)
      expect(await client.view(opening)).toEqual({
        height: before.height + 3,
        fundedAt: before.height + 1,
        spend: null,
      })
    })

    it('[OW21] a spend is shown from its block on, with what it pays', async () => {
      const client = await clientOf()
      const opening = await fund(backend, offer(701))
      await backend.mine(1)
      const { fundedAt } = await client.view(opening)
      const { raw, txid } = closing(opening)
      await client.broadcast(raw)
      expect(await client.view(opening)).toMatchObject({ fundedAt, spend: null })
      await backend.mine(1)
      const { height, spend } = await client.view(opening)
      expect(spend).toMatchObject({ txid, height })
      expect(spend?.outputs.map(({ value }) => value)).toEqual([10_000n, 39_500n])
    })
  })
}
