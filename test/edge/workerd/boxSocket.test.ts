import { SELF } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { BoxSocket } from '../../../sdk/adapters/boxLine.ts'
import { httpBox } from '../../../sdk/adapters/httpBox.ts'
import { type SocketBoxOptions, socketBox } from '../../../sdk/adapters/socketBox.ts'
import { chainId, type Hex, toHex } from '../../../sdk/units.ts'
import { channelLinkContract } from '../../contracts/channelLink.ts'
import { runContract } from '../../contracts/run.ts'
import { envelope } from '../transfers.ts'
import { call, freshChain, post, problemOf, walletOf } from './edge.ts'
import { fakeNode } from './node.ts'

const origin = 'https://edge.invalid'
let requests = 0

/** A WebSocket to the worker, in the form that a browser's has. */
function connect(url: string): BoxSocket & { cut: () => void } {
  let inner: WebSocket | null = null
  const socket: BoxSocket & { cut: () => void } = {
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: (text) => inner?.send(text),
    close: () => inner?.close(1000),
    cut: () => {
      inner?.close(1000)
      socket.onclose?.(undefined as never)
    },
  }
  SELF.fetch(url.replace(/^ws/, 'http'), { headers: { upgrade: 'websocket' } }).then((response) => {
    inner = response.webSocket
    if (!inner) return socket.onerror?.(undefined as never)
    inner.addEventListener('message', (event) => socket.onmessage?.(event as never))
    inner.addEventListener('close', () => socket.onclose?.(undefined as never))
    inner.accept()
    socket.onopen?.(undefined as never)
  })
  return socket
}

function linkTo(channel: Hex, side: 'payer' | 'payee', byte: number, over: Partial<SocketBoxOptions> = {}) {
  return socketBox({
    url: origin,
    channel,
    side,
    token: new Uint8Array(32).fill(byte),
    connect,
    fetch: (url, init) => {
      requests += 1
      return SELF.fetch(url, init)
    },
    ...over,
  })
}

const fresh = () => toHex(crypto.getRandomValues(new Uint8Array(32)))

vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('offline'))

runContract(
  channelLinkContract('socketBox on the worker', async () => {
    const channel = fresh()
    return {
      payer: linkTo(channel, 'payer', 1),
      payee: linkTo(channel, 'payee', 2),
      stranger: linkTo(channel, 'payer', 3),
    }
  }),
)

describe('a link over a socket', () => {
  it('costs no request, and hears of messages that came over HTTP', async () => {
    const channel = fresh()
    const [payer, payee] = [linkTo(channel, 'payer', 1), linkTo(channel, 'payee', 2)]
    requests = 0
    const stop = new AbortController()
    const heard = payee.receive(0, stop.signal)[Symbol.asyncIterator]()
    const first = heard.next()
    await payer.send({ sequence: 1, epoch: 1, bytes: Uint8Array.of(1) })
    expect((await first).value).toEqual({ sequence: 1, bytes: Uint8Array.of(1) })
    expect(requests).toBe(0)
    const second = heard.next()
    const http = httpBox({
      ...{ url: origin, channel, side: 'payer', token: new Uint8Array(32).fill(1) },
      fetch: (url, init) => SELF.fetch(url, init),
    })
    await http.send({ sequence: 2, epoch: 1, bytes: Uint8Array.of(2) })
    expect((await second).value).toEqual({ sequence: 2, bytes: Uint8Array.of(2) })
    stop.abort()
    expect((await heard.next()).done).toBe(true)
  })

  it('goes over HTTP where no socket opens', async () => {
    const channel = fresh()
    const refuses = (url: string) => connect(url.replace('/socket', '/nothing'))
    const payer = linkTo(channel, 'payer', 1, { connect: refuses })
    requests = 0
    await payer.send({ sequence: 1, epoch: 1, bytes: Uint8Array.of(1) })
    expect(await payer.standing()).toEqual({ epoch: 1, sent: 1, acknowledged: 0, read: 0 })
    expect(requests).toBe(2)
  })

  it('says that nothing is known when the line breaks, and opens another one', async () => {
    const channel = fresh()
    const sockets: ReturnType<typeof connect>[] = []
    const payee = linkTo(channel, 'payee', 2, {
      connect: (url) => {
        const socket = connect(url)
        sockets.push(socket)
        return socket
      },
    })
    const reading = payee.receive(0, new AbortController().signal)[Symbol.asyncIterator]().next()
    await payee.standing()
    sockets[0]?.cut()
    await expect(reading).rejects.toMatchObject({ code: 'relay/unreachable', retryable: true })
    expect(await payee.standing()).toMatchObject({ sent: 0 })
    expect(sockets.length).toBe(2)
  })

  it('ends what is no frame, and needs a token first', async () => {
    const channel = fresh()
    const response = await call(`/v1/channels/${channel}/payer/socket`, { headers: { upgrade: 'websocket' } })
    const socket = response.webSocket as WebSocket
    socket.accept()
    const frames: string[] = []
    const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
    socket.addEventListener('message', ({ data }) => frames.push(String(data)))
    for (const text of ['no json', '{"id":-1}', '{"id":1,"act":"send"}', '{"id":2,"act":"standing"}']) {
      const before = frames.length
      socket.send(text)
      await expect.poll(() => frames.length).toBe(before + 1)
    }
    socket.send('x'.repeat(20_000))
    expect(await closed).toBe(1009)
    const codes = frames.map((frame) => JSON.parse(frame).problem.code)
    expect(codes).toEqual(['malformed-message', 'malformed-message', 'malformed-message', 'unauthorized'])
    expect(await problemOf(`/v1/channels/${channel}/payer/socket`)).toEqual({ status: 426, code: 'upgrade-required' })
  })
})

describe('a socket that tells of a batch', () => {
  it('tells what was missed since the cursor, then live, then the end', async () => {
    const chain = freshChain()
    const node = fakeNode(chain)
    const wallet = walletOf(chain)
    const one = await wallet.transfer({ from: 0, nonce: 0 })
    const submitted = await call(`${wallet.base}/batches`, post(envelope([one], chainId(chain)) as BodyInit))
    const { batch } = (await submitted.json()) as { batch: string }
    await wallet.until(one, 'accepted')
    const listen = async (after: number) => {
      const path = `${wallet.base}/batches/${batch}/socket?after=${after}`
      const { webSocket } = await call(path, { headers: { upgrade: 'websocket' } })
      const frames: { sequence: number; status?: { state: string }; end?: boolean }[] = []
      const ended = new Promise<void>((resolve) =>
        webSocket?.addEventListener('message', ({ data }) => {
          frames.push(JSON.parse(String(data)))
          if (frames.at(-1)?.end) resolve()
        }),
      )
      webSocket?.accept()
      return { frames, ended }
    }
    const whole = await listen(0)
    node.mine()
    await whole.ended
    const states = whole.frames.map(({ status }) => status?.state)
    expect(states.at(-2)).toBe('included')
    expect(states).toContain('accepted')
    const rest = await listen(whole.frames[0]?.sequence ?? 0)
    await rest.ended
    expect(rest.frames).toEqual(whole.frames.slice(1))
    const path = `${wallet.base}/batches/${batch}/socket`
    expect(await problemOf(path)).toEqual({ status: 426, code: 'upgrade-required' })
    const lost = `${wallet.base}/batches/0x${'ab'.repeat(32)}/socket`
    expect(await problemOf(lost, { headers: { upgrade: 'websocket' } })).toEqual({ status: 404, code: 'unknown-batch' })
    const ahead = `${path}?after=999999`
    expect(await problemOf(ahead, { headers: { upgrade: 'websocket' } })).toEqual({
      status: 410,
      code: 'cursor-expired',
    })
  })
})
