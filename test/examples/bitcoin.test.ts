import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BitcoinBackend, startBitcoin } from '../../edge/local/bitcoinBackend.ts'
import { payBitcoin } from '../../examples/bitcoin.ts'
import { sats } from '../../sdk/units.ts'
import { strangers } from '../sdk/wallet/bitcoin/coinsWorld.ts'

const root = join(import.meta.dirname, '../..')

describe('the Bitcoin example', () => {
  let backend: BitcoinBackend
  beforeAll(async () => {
    backend = await startBitcoin({ bitcoind: null })
  })
  afterAll(() => backend?.stop())

  it('stands in the README as it is', () => {
    const source = readFileSync(join(root, 'examples/bitcoin.ts'), 'utf8').trimEnd()
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readme).toContain(`<!-- examples/bitcoin.ts -->\n\`\`\`ts\n${source}\n\`\`\``)
  })

  it('receives, pays, and pays faster', async () => {
    const told = await payBitcoin({
      urls: [backend.url, backend.url],
      password: 'published password of a test',
      fund: async (address) => {
        await backend.fund(address, sats(100_000n))
        await backend.mine(1)
      },
      mine: () => backend.mine(1),
      payee: strangers(90).p2tr,
    })
    expect(told).toEqual([
      'owned 100000',
      expect.stringMatching(/^quoted \d+$/),
      expect.stringMatching(/^paid \d+ by replacement$/),
      'confirmed',
    ])
  })
})
