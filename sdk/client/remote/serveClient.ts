import type { EthereumClient } from '../ethereum/index.ts'
import {
  messageOf,
  plainError,
  type RemoteMethod,
  type Reply,
  remoteMethods,
  replyOfError,
  type ThreadPort,
  withoutTries,
} from './messages.ts'

/**
 * Answers what {@link remoteEthereumClient} asks: the whole program of a worker is
 *
 * ```ts
 * serveEthereumClient(self, createEthereumClient({ checkpoint, beacons, nodes, store, machines }))
 * ```
 */
export function serveEthereumClient(port: ThreadPort, client: EthereumClient): void {
  const known = new Set<string>(remoteMethods)
  port.addEventListener('message', (event) => {
    const asked = messageOf(event, 'ask')
    if (!asked) return
    const { id, method, args } = asked
    const answer = async (): Promise<Reply> => {
      try {
        if (!known.has(method)) throw new TypeError(`there is no ${method}`)
        return { lanekit: 'told', id, kind: 'value', value: sendable(method, await run(client, method, args)) }
      } catch (error) {
        return replyOfError(id, error)
      }
    }
    answer().then((reply) => port.postMessage(reply))
  })
}

function run(client: EthereumClient, method: RemoteMethod, args: readonly unknown[]): unknown {
  const called = client[method] as (...told: readonly unknown[]) => unknown
  return called(...args)
}

/** What another thread can be sent: errors lose their causes, blocks their tries. */
function sendable(method: RemoteMethod, value: unknown): unknown {
  if (method !== 'faults') return withoutTries(value)
  const { beacons, nodes } = value as ReturnType<EthereumClient['faults']>
  const plain = (fault: (typeof nodes)[number]) => ({ ...fault, error: plainError(fault.error) })
  return { beacons: beacons.map(plain), nodes: nodes.map(plain) }
}
