import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { address, chainId, createWallet, secretKeySigner } from 'lanekit'
import { httpRelay, memory, rpcNode } from 'lanekit/adapters'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fundAccounts } from '../../edge/local/furnish.ts'
import { quickstart } from '../../examples/quickstart.ts'
import { payWithViem } from '../../examples/viem.ts'
import { address as addressOf } from '../../sdk/units.ts'
import { type House, openHouse } from '../house.ts'

const root = join(import.meta.dirname, '../..')
const [alice, bob] = [address(`0x${'a1'.repeat(20)}`), address(`0x${'b0'.repeat(20)}`)]

describe('the README', () => {
  let house: House
  beforeAll(async () => {
    house = await openHouse()
  })
  afterAll(() => house.stop())

  it.each(['examples/quickstart.ts', 'examples/viem.ts', 'examples/verified.ts'])('shows %s as it is', (path) => {
    const source = readFileSync(join(root, path), 'utf8').trimEnd()
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`<!-- ${path} -->\n\`\`\`ts\n${source}\n\`\`\``)
  })

  it('[quick start] pays two people through the edge and proves both payments', async () => {
    const { edge, rpc } = house
    const token = address(house.token)
    const fund = (accounts: readonly string[]) => fundHere(house, accounts)
    const told = await quickstart({ edge, rpc, token, fund, alice, bob, password: 'published password of a test' })
    expect(told.slice(-2)).toEqual([
      '0 proven: transaction-inclusion and receipt-inclusion',
      '1 proven: transaction-inclusion and receipt-inclusion',
    ])
    const balances = await Promise.all([alice, bob].map((account) => balanceOf(house, account)))
    expect(balances).toEqual([5_000_000n, 7_000_000n])
  })

  it('[viem] sends by viem with our account and transport', async () => {
    const chain = { id: chainId(house.chain), fork: 'osaka' } as const
    // Published test key, for nothing else.
    const keys = secretKeySigner(new Uint8Array(32).fill(0x46))
    const [from] = await keys.accounts()
    if (!from) throw new Error('A key has an account.')
    await fundHere(house, [from])
    const [evm, relay] = [rpcNode({ url: house.rpc }), httpRelay(house.edge)]
    const wallet = await createWallet({ keys, store: memory(), evm, relay, chain })
    const receipt = await payWithViem(wallet, from, alice)
    wallet.close()
    expect(receipt.status).toBe('success')
    expect(await evm.balance(alice)).toBe(10n ** 16n)
  })
})

/** The package and its sources brand their types apart: what crosses over is read anew. */
function fundHere({ evm, token }: House, accounts: readonly string[]): Promise<void> {
  return fundAccounts(evm, token, accounts.map(addressOf), 10n ** 18n)
}

async function balanceOf({ evm, token }: House, account: string): Promise<bigint> {
  const data = new Uint8Array(36)
  data.set([0x70, 0xa0, 0x82, 0x31])
  data.set(Uint8Array.from(Buffer.from(account.slice(2), 'hex')), 16)
  const from = addressOf(`0x${'00'.repeat(20)}`)
  const word = await evm.call({ from, to: token, value: 0n, data })
  return BigInt(`0x${Buffer.from(word).toString('hex')}`)
}
