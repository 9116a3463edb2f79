import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Offers } from '../../../edge/executor/envelope.ts'
import { jsonRpcExecutor } from '../../../edge/executor/jsonRpc.ts'
import { syncSendMs } from '../../../edge/limits.ts'
import { developmentChain } from '../../../edge/local/developmentChain.ts'
import { rpcNode } from '../../../sdk/adapters/index.ts'
import { type Anvil, startAnvil } from '../../anvil.ts'
import { evmNodeContract } from '../../contracts/evmNode.ts'
import { executorContract } from '../../contracts/executor.ts'
import { runContract } from '../../contracts/run.ts'
import { alice } from '../../sdk/evm/samples.ts'
import { type ServedNode, serveNode } from '../node/open.ts'
import { anvilChain } from '../transfers.ts'

/** What the edge asks of an executor, of anvil and of the embedded one: the same rules, over the same JSON-RPC. */
const accounts = 40
let anvil: Anvil
let served: ServedNode

beforeAll(async () => {
  ;[anvil, served] = await Promise.all([
    startAnvil({ hardfork: 'osaka', accounts }),
    serveNode(developmentChain({ fork: 'osaka', accounts, blockMs: 0 })),
  ])
  const [funder] = (await rpcNode({ url: served.url }).request('eth_accounts', [])) as string[]
  const gift = { from: funder, to: alice.account, value: '0x56bc75e2d63100000' }
  await rpcNode({ url: served.url }).request('eth_sendTransaction', [gift])
})
afterAll(async () => {
  await anvil?.stop()
  await served?.stop()
})

/** Each rule has an account of its own; the first one is the funder. */
function payers(first: number): () => number {
  let next = first
  return () => next++
}

const ofAnvil = payers(1)
runContract(
  executorContract('anvil, transaction by transaction', async () => ({
    executor: jsonRpcExecutor({ executors: [anvil.url], finality: 2 }),
    payer: ofAnvil(),
  })),
)

const ofStreams = payers(1)
const streams: Offers = { runsEnvelopes: false, syncWait: undefined, syncRestUntil: 0 }
runContract(
  executorContract('the embedded executor, transaction by transaction', async () => ({
    executor: jsonRpcExecutor(
      { executors: [served.url], finality: 'tag' },
      { chain: { id: anvilChain, fork: 'osaka' }, offers: streams },
    ),
    payer: ofStreams(),
  })),
)
it('the embedded executor answers by receipts, as EIP-7966 says', () => expect(streams.syncWait).toBe(syncSendMs))

const ofEnvelopes = payers(20)
const offers: Offers = { runsEnvelopes: undefined, syncWait: undefined, syncRestUntil: 0 }
runContract(
  executorContract('the embedded executor, by envelopes', async () => ({
    executor: jsonRpcExecutor(
      { executors: [served.url], finality: 'tag' },
      { chain: { id: anvilChain, fork: 'osaka' }, offers },
    ),
    payer: ofEnvelopes(),
  })),
)

runContract(
  evmNodeContract('rpcNode on the embedded executor', async () => {
    const node = rpcNode({ url: served.url })
    const mined = async () => {
      const { account } = alice
      while ((await node.nonce(account, 'latest')) !== (await node.nonce(account, 'pending')));
    }
    await mined()
    return { node, chain: anvilChain, payer: alice, mined, runs: 'contracts' }
  }),
)
