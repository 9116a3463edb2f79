import { SELF } from 'cloudflare:test'
import { vi } from 'vitest'
import { httpBox } from '../../../sdk/adapters/httpBox.ts'
import { toHex } from '../../../sdk/units.ts'
import { channelLinkContract } from '../../contracts/channelLink.ts'
import { runContract } from '../../contracts/run.ts'

// No chain: a deposit waits.
vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('offline'))

runContract(
  channelLinkContract('httpBox on the worker', async () => {
    const channel = toHex(crypto.getRandomValues(new Uint8Array(32)))
    const link = (side: 'payer' | 'payee', byte: number) =>
      httpBox({
        url: 'https://edge.invalid',
        channel,
        side,
        token: new Uint8Array(32).fill(byte),
        fetch: (url, init) => SELF.fetch(url, init),
      })
    return { payer: link('payer', 1), payee: link('payee', 2), stranger: link('payer', 3) }
  }),
)
