import type { ChannelLink } from '../ports.ts'
import { toHex } from '../units.ts'
import { type BoxSocket, type Line, openLine } from './boxLine.ts'
import { nonsense } from './http.ts'
import { type HttpBoxOptions, httpBox, readStanding } from './httpBox.ts'
import type { BoxPlace } from './httpBoxes.ts'
import { relay, want } from './relayAnswer.ts'

export interface SocketBoxOptions extends HttpBoxOptions {
  /**
   * Opens a WebSocket; the platform's own unless this or `fetch` is given. Without one, everything goes over HTTP, which
   * costs both sides and the edge twice as much. Node has one from version 22 on; before, give it one of the package `ws`:
   * `(url) => new WebSocket(url)`.
   */
  readonly connect?: (url: string) => BoxSocket
}

/** How long HTTP is used after a socket did not open. */
const withoutMs = 60_000

/**
 * A channel link over one WebSocket, and over HTTP wherever that does not open: the edge's contract in docs/http.md.
 * A payment then costs no request, and what the other side writes comes by itself.
 *
 * It never retries. When the socket breaks, whatever had no answer throws `relay/unreachable`, since it may have
 * arrived, and the next call opens another one. Throws as `httpBox` does.
 */
export function socketBox(options: SocketBoxOptions): ChannelLink {
  const http = httpBox(options)
  // A program that brings its own way to the network means all of the traffic.
  const connect = options.connect ?? (options.fetch ? undefined : platformConnect())
  if (!connect) return http
  const open = opener(options, connect)
  const over = async <value>(
    bySocket: (line: Line) => Promise<value>,
    byHttp: (link: ChannelLink) => Promise<value>,
  ): Promise<value> => {
    const line = await open()
    return line ? bySocket(line) : byHttp(http)
  }
  return {
    send: (message) =>
      over(
        async (line) => {
          const { sequence, epoch, bytes } = message
          const told = await line.ask({ act: 'send', sequence, epoch, bytes: toHex(bytes) })
          if (told.sequence !== sequence) throw nonsense(relay, 'it stored another message')
        },
        (link) => link.send(message),
      ),
    acknowledge: (read) =>
      over(
        async (line) => {
          const told = await line.ask({ act: 'acknowledge', ...read })
          if (told.acknowledged !== read.through) throw nonsense(relay, 'it acknowledged something else')
        },
        (link) => link.acknowledge(read),
      ),
    deposit: (deposit) =>
      over(
        async (line) => {
          const { number, closeAtHeight, transaction } = deposit
          const told = await line.ask({ act: 'deposit', number, closeAtHeight, transaction: toHex(transaction) })
          if (told.number !== number) throw nonsense(relay, 'it stored another deposit')
        },
        (link) => link.deposit(deposit),
      ),
    standing: () =>
      over(
        async (line) => want(readStanding(await line.ask({ act: 'standing' })), 'the standing is not of its shape'),
        (link) => link.standing(),
      ),
    receive: async function* (after, signal) {
      const line = await open()
      // A second reader at once has no place on the socket.
      if (!line?.mayRead()) yield* http.receive(after, signal)
      else yield* line.read(after, signal)
    },
  }
}

/**
 * The boxes of two-way channels, each over a WebSocket of its own: see {@link socketBox}. The opener writes as the payer, the
 * accepter as the payee.
 */
export function socketBoxes(options: Pick<SocketBoxOptions, 'fetch' | 'connect' | 'timeoutMs'> = {}) {
  return ({ box, id, side, token }: BoxPlace): ChannelLink =>
    socketBox({ ...options, url: box, channel: id, side, token })
}

/** The platform's WebSocket, if it has one. */
function platformConnect(): SocketBoxOptions['connect'] {
  const { WebSocket } = globalThis
  return WebSocket === undefined ? undefined : (url) => new WebSocket(url) as unknown as BoxSocket
}

/** Opens a line at its first use and again after it broke; nothing while HTTP is to be used. */
function opener(options: SocketBoxOptions, connect: (url: string) => BoxSocket): () => Promise<Line | undefined> {
  const { url, channel, side, token, timeoutMs = 25_000 } = options
  const place = `${url.replace(/\/+$/, '').replace(/^http/, 'ws')}/v1/channels/${channel}/${side}/socket`
  let line: Promise<Line | undefined> | undefined
  let withoutUntil = 0
  const attempt = async (): Promise<Line | undefined> => {
    try {
      const opened = await openLine(connect(place), timeoutMs)
      await opened.ask({ act: 'open', token: toHex(token) })
      return opened
    } catch {
      // Whatever it was, a refusal too: HTTP says it again, as an answer to the call itself.
      withoutUntil = Date.now() + withoutMs
      return undefined
    }
  }
  return async () => {
    if (Date.now() < withoutUntil) return undefined
    line ??= attempt()
    const opened = await line
    if (opened?.isOpen()) return opened
    line = Date.now() < withoutUntil ? undefined : attempt()
    return line
  }
}
