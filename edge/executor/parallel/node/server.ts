import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bodyBytesMax, requestsMax } from './limits.ts'
import { answerBody, type Methods } from './rpc.ts'

/** A node's JSON-RPC over HTTP. */
export interface RpcServer {
  readonly url: string
  /** Resolves once every connection is closed. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/**
 * Serves the methods to programs of this machine, on 127.0.0.1 alone; of pages, to those that this machine serves itself,
 * since the node may sign for whoever asks. A port of 0 lets the system choose.
 *
 * @param failed - Hears of what a method throws: a bug of ours, or a log that can no longer be written.
 */
export async function serveRpc(methods: Methods, port: number, failed: (error: unknown) => void): Promise<RpcServer> {
  let underWay = 0
  const server = createServer(async (request, response) => {
    underWay += 1
    try {
      await answer(request, response, { methods, isBusy: underWay > requestsMax })
    } catch (error) {
      response.writeHead(500).end()
      failed(error)
    } finally {
      underWay -= 1
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const ended = new Promise<void>((resolve) => server.once('close', resolve))
  const stop = () => {
    server.close()
    server.closeAllConnections()
    return ended
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { methods, isBusy }: { readonly methods: Methods; readonly isBusy: boolean },
): Promise<void> {
  const { method, headers } = request
  // A name that resolves to this machine is not this machine: a page elsewhere could have chosen it.
  if (!isLocal(`http://${headers.host ?? ''}`)) return end(response, 403)
  if (headers.origin !== undefined) {
    if (!isLocal(headers.origin)) return end(response, 403)
    response.setHeader('access-control-allow-origin', headers.origin)
    response.setHeader('access-control-allow-headers', 'content-type')
    response.setHeader('vary', 'origin')
  }
  if (method === 'OPTIONS') return end(response, 204)
  if (method !== 'POST') return end(response, 405)
  if (isBusy) return end(response, 503)
  const text = await readBody(request)
  if (text === undefined) return end(response, 413)
  const body = await answerBody(text, methods)
  if (body === undefined) return end(response, 204)
  response.writeHead(200, { 'content-type': 'application/json' }).end(body)
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 413 ? { connection: 'close' } : {}).end()
}

function isLocal(url: string): boolean {
  if (!URL.canParse(url)) return false
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname)
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > bodyBytesMax) return undefined
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}
