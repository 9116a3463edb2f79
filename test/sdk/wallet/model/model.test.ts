import { chainId } from '../../../../sdk/units.ts'
import { evmNodeContract } from '../../../contracts/evmNode.ts'
import { relayContract } from '../../../contracts/relay.ts'
import { runContract } from '../../../contracts/run.ts'
import { alice } from '../../evm/samples.ts'
import { modelChain } from './chain.ts'
import { modelRelay } from './relay.ts'

/** What the wallet is tested against keeps the same rules as what it meets outside. */
runContract(
  evmNodeContract('the model chain', async () => {
    const chain = modelChain(chainId(1337))
    chain.fund(alice.account, 10n ** 18n)
    return { node: chain.node, chain: chain.id, payer: alice, mined: async () => chain.mine(), runs: 'transfers' }
  }),
)

runContract(
  relayContract('the model relay', async () => {
    const chain = modelChain(chainId(1337))
    chain.fund(alice.account, 10n ** 18n)
    const relay = modelRelay(chain)
    return {
      relay: relay.port,
      chain: chain.id,
      payer: alice,
      included: async () => {
        relay.step()
        chain.mine()
        relay.step()
      },
    }
  }),
)
