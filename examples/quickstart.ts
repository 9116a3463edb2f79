import { type Address, chainId, createVault, createWallet, transfer } from 'lanekit'
import { httpRelay, memory, rpcNode, systemRandom, webCipher } from 'lanekit/adapters'

/** Pays two people in one batch, and says what the chain proves of it. */
export async function quickstart({ edge, rpc, password, fund, token, alice, bob }: Quickstart): Promise<string[]> {
  const store = memory() // indexedDb('my-wallet') in a browser, file('my-wallet') in Node
  const keys = await createVault({ store, cipher: webCipher(), random: systemRandom, password })
  await fund(await keys.accounts())

  const evm = rpcNode({ url: rpc })
  const chain = { id: chainId(31_337), fork: 'osaka' } as const
  const wallet = await createWallet({ keys, store, evm, chain, relay: httpRelay(edge) })

  const lusd = { address: token, decimals: 18, symbol: 'LUSD' }
  const drafts = [transfer(lusd, alice, 5_000_000n), transfer(lusd, bob, 7_000_000n)]
  for (const quoted of await wallet.quote(drafts)) {
    if (!quoted.ok) throw new Error(quoted.refusal.detail)
  }

  const sent = await wallet.send(drafts) // stored before anything leaves
  const told: string[] = []
  for await (const { index, state } of sent.progress()) told.push(`${index} ${state}`)
  for (const outcome of await sent.settled()) {
    if (outcome.state === 'included')
      told.push(`${outcome.index} proven: ${outcome.inclusion.verdict.proven.join(' and ')}`)
  }
  wallet.close()
  return told
}

/** What the quick start is given: where things run, and whom to pay. */
export interface Quickstart {
  readonly edge: string
  readonly rpc: string
  readonly password: string
  readonly fund: (accounts: readonly Address[]) => Promise<void>
  readonly token: Address
  readonly alice: Address
  readonly bob: Address
}
