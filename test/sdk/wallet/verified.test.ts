import { describe, expect, it } from 'vitest'
import { createEthereumClient } from '../../../sdk/client/ethereum/index.ts'
import { chainId, toHex, txHash } from '../../../sdk/units.ts'
import { createMachine } from '../../../sdk/vm/index.ts'
import { createWallet } from '../../../sdk/wallet/createWallet.ts'
import { beaconNode, checkpoint, clock, hashOf, olderBlock, proofNodeOf, youngest } from '../client/ethereum/setting.ts'
import { testNetwork } from '../verify/ethereum/beacon.ts'
import { alice, coin, holding, nobody, token } from '../verify/ethereum/world.ts'
import { modelWorld } from './model/world.ts'

const verify = createEthereumClient({
  network: testNetwork,
  checkpoint: toHex(checkpoint.root),
  beacons: [beaconNode()],
  nodes: [proofNodeOf()],
  clock,
  machines: async (fork) => createMachine({ fork }),
})
const { parts } = modelWorld()
const chain = { ...parts.chain, id: chainId(testNetwork.chainId) }
const coins = { address: coin, symbol: 'COIN', decimals: 6 }

describe('a wallet with a light client', () => {
  it('tells balances of the final block, in wei and in a token, and of who has none', async () => {
    const wallet = await createWallet({ ...parts, chain, verify })
    const ether = await wallet.balance(alice)
    expect(ether).toMatchObject({ value: 10n ** 18n + 12n, verdict: { level: 'finalized', proven: ['account'] } })
    expect(await wallet.balance(alice, coins)).toMatchObject({
      value: holding,
      verdict: { level: 'finalized', proven: ['call'] },
    })
    expect(await wallet.balance(nobody, coins)).toMatchObject({ value: 0n })
    expect(await wallet.balance(nobody)).toMatchObject({ value: 0n, verdict: { proven: ['account-absence'] } })
    wallet.close()
  })

  it('tells a receipt by the level of the block that holds it', async () => {
    const wallet = await createWallet({ ...parts, chain, verify })
    const [final, fresh] = [olderBlock, youngest].map(({ transactions }) =>
      txHash(hashOf(transactions[0] as Uint8Array)),
    )
    expect(await wallet.receipt(final as never)).toMatchObject({
      value: { blockNumber: 5, index: 0, receipt: { outcome: 'succeeded' } },
      verdict: { level: 'finalized' },
    })
    expect(await wallet.receipt(fresh as never)).toMatchObject({
      value: { blockNumber: 14 },
      verdict: { level: 'optimistic' },
    })
    expect(await wallet.receipt(txHash(`0x${'00'.repeat(32)}`))).toBeUndefined()
    wallet.close()
  })

  it('refuses a client of another chain, a balance without a client, and what is no token', async () => {
    await expect(createWallet({ ...parts, chain: { ...chain, id: chainId(5) }, verify })).rejects.toMatchObject({
      code: 'client/wrong-network',
    })
    const without = await createWallet({ ...parts, chain })
    await expect(without.balance(alice)).rejects.toMatchObject({ code: 'client/not-provable' })
    const wallet = await createWallet({ ...parts, chain, verify })
    await expect(wallet.balance(alice, { ...coins, address: nobody })).rejects.toMatchObject({
      code: 'client/not-provable',
    })
    expect((await wallet.balance(alice, { ...coins, address: token })).value).toBe(0n)
    for (const one of [without, wallet]) one.close()
  })
})
