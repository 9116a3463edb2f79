import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fundAccounts } from '../../edge/local/furnish.ts'
import { httpRelay, memory } from '../../sdk/adapters/index.ts'
import { webCipher } from '../../sdk/adapters/webCipher.ts'
import { invariant } from '../../sdk/errors.ts'
import { transfer } from '../../sdk/evm/index.ts'
import { createWallet, mnemonicSigner } from '../../sdk/wallet/index.ts'
import { type House, openHouse } from '../house.ts'

const accountsCount = 6
const transfersEach = 6
const crashes = 3
/** Published test mnemonic, for nothing else. */
const mnemonic = 'legal winner thank year wave sausage worth useful legal winner thank yellow'

describe('the edge loses power while it works', () => {
  let house: House
  beforeAll(async () => {
    house = await openHouse()
  })
  afterAll(() => house.stop())

  it('includes every acknowledged and every unacknowledged transaction exactly once', {
    timeout: 120_000,
  }, async () => {
    const { evm, token, chain } = house
    const keys = await mnemonicSigner({ mnemonic, cipher: webCipher(), accounts: accountsCount })
    const accounts = await keys.accounts()
    await fundAccounts(evm, token, accounts, 1_000n)
    const relay = httpRelay(house.edge)
    const wallet = await createWallet({ keys, store: memory(), relay, evm, chain: { id: chain, fork: 'osaka' } })

    const lusd = { address: token, decimals: 18, symbol: 'LUSD' }
    const orders = Array.from({ length: accountsCount * transfersEach }, (_, index) => {
      const [from, to] = [accounts[index % accountsCount], accounts[(index + 1) % accountsCount]]
      invariant(from && to, 'every transfer has two accounts')
      return { ...transfer(lusd, to, 1n), from }
    })
    const sent = await wallet.send(orders)
    const settled = sent.settled()
    for (let crash = 0; crash < crashes; crash++) {
      // Early, where batches are taken in and forwarded, and at another moment in every run.
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 400))
      await house.crashEdge()
    }
    const outcomes = await settled
    wallet.close()

    expect(sent.refused).toEqual([])
    expect(outcomes.map(({ state }) => state)).toEqual(orders.map(() => 'included'))
    expect(new Set(outcomes.map(({ hash }) => hash)).size).toBe(orders.length)
    // Each transfer moved one unit on, so once is all it happened: nonces and balances both say so.
    const nonces = await Promise.all(accounts.map((account) => evm.nonce(account, 'latest')))
    expect(nonces).toEqual(accounts.map(() => transfersEach))
  })
})
