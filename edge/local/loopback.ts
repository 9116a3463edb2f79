import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LoopbackServer {
  readonly url: string
  /** Resolves once every connection is closed. Safe to call twice. */
  readonly stop: () => Promise<void>
}

/** Largest body that is read: a block in hexadecimal. */
const bodyBytesMax = 8_000_000

/**
 * Serves a fetch handler on a port of 127.0.0.1 alone, chosen by the system unless given. A server that is not stopped
 * does not keep the process alive.
 */
export async function serveLoopback(
  handle: (request: Request) => Response | Promise<Response>,
  port = 0,
): Promise<LoopbackServer> {
  const server = createServer(async (incoming, outgoing) => {
    const response = await answer(incoming, handle)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  server.unref()
  const ended = new Promise<void>((resolve) => server.once('close', resolve))
  const stop = () => {
    server.close()
    server.closeAllConnections()
    return ended
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

async function answer(
  incoming: IncomingMessage,
  handle: (request: Request) => Response | Promise<Response>,
): Promise<Response> {
  try {
    const { method = 'GET', url = '/' } = incoming
    const body = method === 'POST' ? await readBody(incoming) : undefined
    if (body === null) return new Response('The body is too large', { status: 413 })
    return await handle(new Request(new URL(url, 'http://127.0.0.1'), { method, ...(body ? { body } : {}) }))
  } catch {
    return new Response('The server failed', { status: 500 })
  }
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of incoming) {
    size += chunk.length
    if (size > bodyBytesMax) return null
    chunks.push(chunk)
  }
  return Uint8Array.from(Buffer.concat(chunks))
}
