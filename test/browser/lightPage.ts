import { remoteEthereumClient } from '../../sdk/client/remote/index.ts'
import { address, fromHex } from '../../sdk/units.ts'
import { mainnet } from '../../sdk/verify/ethereum/network.ts'

/** What the test asks the page for. */
export interface LightPage {
  /** Balance, level and call of the world's accounts, and how often the page's own thread had its turn meanwhile. */
  readonly ask: (alice: string, token: string, data: string) => Promise<readonly unknown[]>
  /** The code of the error after the worker has failed. */
  readonly fail: () => Promise<string>
}

const client = remoteEthereumClient(new Worker('/worker.js', { type: 'module' }), mainnet)

const page: LightPage = {
  ask: async (alice, token, data) => {
    let turns = 0
    const clock = setInterval(() => {
      turns += 1
    }, 1)
    const balance = await client.balance(address(alice as never))
    const call = await client.call({ to: address(token as never), data: fromHex(data as never) })
    clearInterval(clock)
    return [`${balance.value}`, balance.verdict.level, call.value.output[31], turns]
  },
  fail: async () => {
    const broken = remoteEthereumClient(new Worker('/missing.js', { type: 'module' }), mainnet)
    return broken.sync().then(
      () => 'it answered',
      (error: { readonly code: string }) => error.code,
    )
  },
}

declare global {
  var lightPage: LightPage
}
globalThis.lightPage = page
