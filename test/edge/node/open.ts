import { type Node, type NodeOptions, openNode } from '../../../edge/executor/parallel/node/node.ts'
import { type RpcServer, serveRpc } from '../../../edge/executor/parallel/node/server.ts'
import { developmentChain } from '../../../edge/local/developmentChain.ts'
import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'

/** An embedded node inside the test, served over HTTP. */
export interface ServedNode {
  readonly node: Node
  readonly url: string
  readonly stop: () => Promise<void>
}

/** Opens a node whose blocks wait for nobody, and forgets its chain unless told otherwise. */
export async function serveNode(
  options: Partial<NodeOptions> & { readonly blockMs?: number } = {},
): Promise<ServedNode> {
  const { blockMs = 0, ...rest } = options
  const node = await openNode({
    ...developmentChain({ fork: 'osaka', accounts: 4, blockMs }),
    folder: null,
    precompiles: await loadPrecompiles([6]),
    ...rest,
  })
  const server: RpcServer = await serveRpc(node.methods, 0, (error) => {
    throw error
  })
  return {
    node,
    url: server.url,
    stop: async () => {
      await server.stop()
      await node.stop()
    },
  }
}

/** One call, as its answer comes. */
export async function ask(url: string, method: string, params: readonly unknown[] = []): Promise<Answered> {
  return post(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })) as Promise<Answered>
}

export interface Answered {
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

export async function post(url: string, body: string): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const text = await response.text()
  return text === '' ? null : JSON.parse(text)
}
