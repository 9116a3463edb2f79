import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sats } from 'lanekit'
import { esplora, httpPeers, memory, webCipher } from 'lanekit/adapters'
import { p2wpkh } from 'lanekit/bitcoin'
import type { Terms } from 'lanekit/channel'
import { currentEngine } from 'lanekit/crypto'
import { localTillSigner } from 'lanekit/till'
import { createBitcoinWallet, mnemonicBitcoinSigner } from 'lanekit/wallet/bitcoin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../edge/local/bitcoinBackend.ts'
import type { Edge } from '../../edge/local/workerd.ts'
import { openBuyer, openShop } from '../../examples/machine.ts'
import { sats as satsOf } from '../../sdk/units.ts'
import { startBareEdge } from '../edge/bareWorkerd.ts'

/** Published test keys, for nothing else. */
const mnemonic = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'
const tillSecret = new Uint8Array(32).fill(0x47)
const payoutSecret = new Uint8Array(32).fill(0x48)
const network = 'regtest'

describe('examples/machine.ts', () => {
  const persist = mkdtempSync(join(tmpdir(), 'lanekit-machine-'))
  const ends: (() => unknown)[] = [() => rmSync(persist, { recursive: true, force: true })]
  let bitcoin: BitcoinBackend
  let edge: Edge

  beforeAll(async () => {
    bitcoin = await startBitcoin({ bitcoind: null })
    ends.push(bitcoin.stop)
    edge = await startBareEdge({
      persist,
      chains: {},
      bitcoin: { network, esplora: [bitcoin.url], pollMs: 1_000 },
    })
    ends.push(edge.stop)
  })
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  it('[402] a machine opens a channel and buys calls over the real edge; the shop closes with what it sold', async () => {
    const nodes = [esplora({ url: bitcoin.url, network })]
    const terms: Terms = {
      network,
      payeeKey: currentEngine().publicKey(tillSecret),
      payeeScript: p2wpkh(currentEngine().publicKey(payoutSecret)),
      closeFee: sats(500n),
      confirmationsMin: 1,
      capacityMin: sats(10_000n),
      capacityMax: sats(1_000_000n),
      expiryBlocksMin: 100,
      expiryBlocksMax: 10_000,
      marginBlocks: 12,
    }
    const signer = localTillSigner([tillSecret])
    const shop = await openShop({ terms, edge: edge.url, store: memory(), signer, nodes, pollMs: 500 })
    ends.push(shop.stop)
    const face = await serve(async (request) => shop.app.fetch(request))
    ends.push(face.stop)

    const keys = await mnemonicBitcoinSigner({ mnemonic, network, cipher: webCipher() })
    const parts = { keys, store: memory(), network, nodes, pollMs: 500 } as const
    const first = await createBitcoinWallet({ ...parts, peers: httpPeers() })
    await bitcoin.fund(await first.address(), satsOf(200_000n))
    first.close()
    await bitcoin.mine(1)

    const mining = setInterval(() => bitcoin.mine(1), 1_000)
    ends.push(() => clearInterval(mining))
    const buyer = await openBuyer(parts, face.url)
    ends.push(buyer.wallet.close)
    for (const place of ['Riga', 'Oslo', 'Bern'])
      expect(await (await buyer.fetch(`${face.url}/forecast/${place}`)).json()).toEqual({ place, sun: true })
    const [channel] = buyer.wallet.channels()
    if (channel?.kind !== 'one-way') throw new Error('The buyer pays one shop.')
    expect([channel.spent, channel.phase]).toEqual([36n, 'open'])
    expect(await shop.till.income()).toMatchObject({ channels: 1, spent: 36n })

    await buyer.wallet.closeChannel(buyer.channel)
    for await (const changed of buyer.wallet.changes(AbortSignal.timeout(30_000))) {
      if (changed.kind !== 'one-way' || !changed.ending) continue
      expect(changed.ending.toPayee).toBe(channel.paid)
      break
    }
  })
})

/** Serves a fetch handler on this machine: headers and all, without bodies of requests. */
async function serve(handle: (request: Request) => Promise<Response>) {
  const server = createServer(async ({ url = '/', method = 'GET', headers }, outgoing) => {
    const told = Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []))
    const response = await handle(
      new Request(new URL(url, 'http://127.0.0.1'), { method, headers: told as [string, string][] }),
    )
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}
