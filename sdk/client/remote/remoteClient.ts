import { SdkError } from '../../errors.ts'
import { withTries } from '../../verify/ethereum/block.ts'
import type { BeaconNetwork, VerifiedBlock } from '../../verify/ethereum/index.ts'
import type { Answer, MinedIn } from '../ethereum/index.ts'
import type { NodeFault } from '../panel.ts'
import {
  errorOf,
  messageOf,
  type Question,
  type RemoteEthereumClient,
  type RemoteMethod,
  revivedError,
  type ThreadPort,
} from './messages.ts'

/** Most questions that are open at once. */
export const remoteCallsMax = 256

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * A light client that runs in a worker: nothing is verified on the thread that asks, and none of the verifier's code is loaded there.
 *
 * ```ts
 * const worker = new Worker(new URL('./light.js', import.meta.url), { type: 'module' })
 * const client = remoteEthereumClient(worker, mainnet)
 * await client.balance(account)
 * ```
 *
 * Calls throw as those of the client itself, `client/busy` beyond {@link remoteCallsMax} open ones, and `client/stopped` once the worker has
 * failed.
 *
 * Funds at risk: the worker's word is taken. Its script must come from where the page's own does.
 *
 * @param network - The one that the worker's client follows.
 */
export function remoteEthereumClient(port: ThreadPort, network: BeaconNetwork): RemoteEthereumClient {
  const open = new Map<number, Waiting>()
  let id = 0
  let failure: SdkError | null = null
  const fail = () => {
    failure ??= new SdkError('client/stopped', 'The worker of the light client has failed.', {
      notes: ['Start another one: what it had proven is in its store.'],
    })
    for (const { reject } of open.values()) reject(failure)
    open.clear()
  }
  port.addEventListener('error', fail)
  port.addEventListener('messageerror', fail)
  port.addEventListener('message', (event) => {
    const reply = messageOf(event, 'told')
    const waiting = reply && open.get(reply.id)
    if (!reply || !waiting) return
    open.delete(reply.id)
    if (reply.kind === 'value') waiting.resolve(reply.value)
    else waiting.reject(errorOf(reply))
  })
  const ask = <value>(method: RemoteMethod, ...args: readonly unknown[]): Promise<value> =>
    new Promise((resolve, reject) => {
      if (failure) throw failure
      if (open.size >= remoteCallsMax)
        throw new SdkError('client/busy', `${remoteCallsMax} questions are open already.`, { retryable: true })
      id += 1
      open.set(id, { resolve: resolve as Waiting['resolve'], reject })
      port.postMessage({ lanekit: 'ask', id, method, args } satisfies Question)
    })
  return {
    network,
    sync: () => ask('sync'),
    account: (address, at) => ask('account', address, at),
    balance: (address, at) => ask('balance', address, at),
    storage: (address, slots, at) => ask('storage', address, slots, at),
    code: (address, at) => ask('code', address, at),
    payment: (hash, at) => ask('payment', hash, at),
    mined: async (hash, at) => {
      const told = await ask<Answer<MinedIn> | null>('mined', hash, at)
      return told && { ...told, value: { ...told.value, block: withTries(told.value.block) } }
    },
    block: async (at) => {
      const told = await ask<Answer<VerifiedBlock>>('block', at)
      return { ...told, value: withTries(told.value) }
    },
    logs: (filter, range) => ask('logs', filter, range),
    call: (call, at) => ask('call', call, at),
    tokenBalance: (told, at) => ask('tokenBalance', told, at),
    conflicts: () => ask('conflicts'),
    faults: async () => {
      const { beacons, nodes } = await ask<Awaited<ReturnType<RemoteEthereumClient['faults']>>>('faults')
      return { beacons: beacons.map(revived), nodes: nodes.map(revived) }
    },
  }
}

function revived(fault: NodeFault): NodeFault {
  return { ...fault, error: revivedError(fault.error) }
}
