import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** Where a path is served by another program: everything below `prefix` goes to `target`, with `strip` taken off. */
export interface Passage {
  readonly prefix: string
  /** `null` while there is none. */
  readonly target: () => string | null
  readonly strip?: string
  /** Told of each request that passes. */
  readonly seen?: (method: string, path: string) => void
}

export interface Front {
  readonly url: string
  readonly stop: () => Promise<void>
}

export interface FrontOptions {
  readonly port: number
  readonly passages: readonly Passage[]
  readonly handle: (request: Request) => Response | Promise<Response>
}

/** Largest body that the front reads itself. */
const bodyBytesMax = 65_536
/** Every page and answer of this server: nothing from elsewhere, nothing inline, in no frame. */
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/**
 * One port on loopback for the pages, the merchant, and what is passed on to others. A request that names another host, or
 * that another site's page makes, is refused: a page elsewhere must not steer a till on this machine.
 */
export async function openFront({ port, passages, handle }: FrontOptions): Promise<Front> {
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing, { passages, handle }).catch(() => outgoing.destroy())
  })
  /** Sockets that were passed on: the server does not count them among its connections. */
  const passed = new Set<Duplex>()
  server.on('upgrade', (incoming, socket, head) => {
    passed.add(socket)
    socket.once('close', () => passed.delete(socket))
    const passage = passageOf(passages, incoming.url ?? '/')
    if (passage && isFromHere(incoming) && isOwnPage(incoming)) passSocket(incoming, socket, head, passage)
    else socket.destroy()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const ended = new Promise<void>((resolve) => server.once('close', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close()
      server.closeAllConnections()
      for (const socket of passed) socket.destroy()
      return ended
    },
  }
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { passages, handle }: Pick<FrontOptions, 'passages' | 'handle'>,
): Promise<void> {
  const { method = 'GET', url = '/' } = incoming
  if (!isFromHere(incoming)) return end(outgoing, 403, { code: 'other-site' })
  // One name for one place: the till names its box by it, and a page asks its own origin only.
  const own = `127.0.0.1:${incoming.socket.localPort}`
  if (incoming.headers.host !== own && incoming.headers.accept?.includes('text/html')) {
    outgoing.writeHead(307, { location: `http://${own}${url}` }).end()
    return
  }
  const passage = passageOf(passages, url)
  if (passage) {
    passage.seen?.(method, url)
    return pass(incoming, outgoing, passage)
  }
  const body = method === 'GET' || method === 'HEAD' ? undefined : await readBody(incoming)
  if (body === null) return end(outgoing, 413, { code: 'too-large' })
  const plain = Object.entries(incoming.headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  )
  const asked = new Request(new URL(url, `http://${incoming.headers.host}`), {
    method,
    headers: plain.map(([name, value]): [string, string] => [name, value]),
    ...(body ? { body } : {}),
  })
  const response = await handle(asked)
  outgoing.writeHead(response.status, { ...headers, ...Object.fromEntries(response.headers) })
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}

/** On this machine by its name, and not from another site's page. */
function isFromHere({ headers: { host = '', 'sec-fetch-site': site } }: IncomingMessage): boolean {
  const isLoopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host)
  return isLoopback && (site === undefined || site === 'same-origin' || site === 'none')
}

/** Browsers open a WebSocket to any place and say where the page is from; other programs say nothing. */
function isOwnPage({ headers: { host, origin } }: IncomingMessage): boolean {
  return origin === undefined || origin === `http://${host}`
}

function passageOf(passages: readonly Passage[], url: string): Passage | undefined {
  return passages.find(({ prefix }) => url === prefix || url.startsWith(`${prefix}/`) || url.startsWith(`${prefix}?`))
}

/** Hands a WebSocket on, byte by byte. */
function passSocket(incoming: IncomingMessage, socket: Duplex, head: Buffer, { target, strip = '' }: Passage): void {
  const to = target()
  if (to === null) {
    socket.destroy()
    return
  }
  const url = new URL(to)
  const onward = connect(Number(url.port || 80), url.hostname, () => {
    const fields = Object.entries({ ...incoming.headers, host: url.host }).map(([name, value]) => `${name}: ${value}`)
    const path = `${url.pathname.replace(/\/$/, '')}${(incoming.url ?? '/').slice(strip.length)}`
    onward.write(`GET ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket).pipe(onward)
  })
  // Either end may go at any time; the other one learns of it.
  const part = () => {
    onward.destroy()
    socket.destroy()
  }
  for (const end of [onward, socket]) end.on('error', part).on('close', part)
}

/** Hands a request on as it is, and the answer back as it comes: readers of a box wait for seconds. */
function pass(incoming: IncomingMessage, outgoing: ServerResponse, { target, strip = '' }: Passage): Promise<void> {
  const to = target()
  if (to === null) {
    end(outgoing, 503, unavailable)
    return Promise.resolve()
  }
  const url = new URL(to)
  const path = `${url.pathname.replace(/\/$/, '')}${(incoming.url ?? '/').slice(strip.length)}`
  return new Promise((resolve) => {
    const { host: _, ...rest } = incoming.headers
    const onward = request({
      host: url.hostname,
      port: url.port,
      method: incoming.method,
      path,
      headers: { ...rest, host: url.host },
    })
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, {
        ...answer.headers,
        'cache-control': answer.headers['cache-control'] ?? 'no-store',
        'x-content-type-options': 'nosniff',
      })
      answer.pipe(outgoing)
    })
    onward.on('error', () => {
      if (outgoing.headersSent) outgoing.destroy()
      else end(outgoing, 503, unavailable)
      resolve()
    })
    outgoing.on('close', () => {
      onward.destroy()
      resolve()
    })
    incoming.pipe(onward)
  })
}

/** The edge's own words for it (docs/http.md), so that its readers wait and come back. */
const unavailable = {
  type: 'urn:lanekit:problem:unavailable',
  title: 'A part of the edge did not answer',
  status: 503,
  code: 'unavailable',
  detail: 'The program behind this path is not running. Send the same request again.',
  retryable: true,
}

function end(outgoing: ServerResponse, status: number, body: object): void {
  const type = status === 503 ? 'application/problem+json' : 'application/json'
  outgoing.writeHead(status, {
    ...headers,
    'content-type': type,
    'cache-control': 'no-store',
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  })
  outgoing.end(JSON.stringify(body))
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
