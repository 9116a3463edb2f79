import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SdkError } from '../../../../sdk/errors.ts'
import type { Relay, RelayProblem } from '../../../../sdk/ports.ts'
import { address, batchId, chainId, txHash } from '../../../../sdk/units.ts'

/** A relay behind the HTTP of docs/http.md, on a free loopback port. */
export async function serveRelay(relay: Relay): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    answer(relay, request, response).catch((error) => {
      const problem = { code: 'internal', detail: String(error), retryable: false, retryAfterSeconds: null }
      if (!response.headersSent) refuse(response, 500, problem)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return { url: `http://127.0.0.1:${port}`, stop }
}

async function answer(relay: Relay, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, version, , chain = '', kind, first = '', second, third] = (request.url ?? '').split('/')
  if (version !== 'v1') return refuse(response, 404, problem('unknown-route'))
  const id = chainId(Number(chain))
  if (kind === 'batches' && request.method === 'POST') {
    const ack = await relay.submit(id, await bodyOf(request))
    return ack.ok ? send(response, 202, { batch: ack.batch, items: ack.items }) : refuse(response, 422, ack.problem)
  }
  if (kind === 'senders' && second === 'txs' && third) {
    const status = await relay.status(id, address(first), txHash(third))
    return status ? send(response, 200, { hash: third, status }) : refuse(response, 404, problem('unknown-transaction'))
  }
  if (kind === 'batches' && second === 'events') return stream(relay, request, response, { chain: id, batch: first })
  return refuse(response, 404, problem('unknown-route'))
}

async function stream(
  relay: Relay,
  request: IncomingMessage,
  response: ServerResponse,
  { chain, batch }: { readonly chain: ReturnType<typeof chainId>; readonly batch: string },
): Promise<void> {
  const gone = new AbortController()
  request.on('close', () => gone.abort())
  const after = Number(request.headers['last-event-id'] ?? 0)
  const events = relay.events(chain, batchId(batch), after, gone.signal)[Symbol.asyncIterator]()
  try {
    let next = await events.next()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': open\n\n')
    for (; !next.done; next = await events.next()) {
      const { sequence } = next.value
      response.write(`id: ${sequence}\nevent: status\ndata: ${JSON.stringify(next.value)}\n\n`)
    }
    response.end('event: end\ndata: {}\n\n')
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    refuse(response, 404, problem('unknown-batch'))
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

function problem(code: string): RelayProblem {
  return { code, detail: `It is refused: ${code}.`, retryable: false, retryAfterSeconds: null }
}

function refuse(response: ServerResponse, status: number, body: RelayProblem): void {
  send(response, status, { type: `urn:lanekit:problem:${body.code}`, title: body.code, status, ...body })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': status >= 400 ? 'application/problem+json' : 'application/json' })
  response.end(JSON.stringify(body))
}
