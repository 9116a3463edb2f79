import { SdkError } from '../errors.ts'
import type { ChannelLink, LinkMessage, LinkStanding } from '../ports.ts'
import { fromHex, type Hex, isHex, toHex } from '../units.ts'
import { type Answer, type Fetch, fieldsOf, nonsense, parseJson, readAnswer, unreachable } from './http.ts'
import { problemOf, refused, relay, want } from './relayAnswer.ts'
import { watchdog } from './watchdog.ts'

export interface HttpBoxOptions {
  /** Where the edge lives, without the `/v1`. */
  readonly url: string
  /** 32 bytes. */
  readonly channel: Hex
  readonly side: 'payer' | 'payee'
  /** 32 random bytes of this side alone: whoever shows them first speaks for it from then on. */
  readonly token: Uint8Array
  readonly fetch?: Fetch
  /** Per request. The box holds an empty answer back for ten seconds. */
  readonly timeoutMs?: number
}

/** Longest message the box takes. */
export const linkMessageBytesMax = 2_048
const messagesMax = 256
const answerBytesMax = 2 * messagesMax * (linkMessageBytesMax + 64)
const timeoutMsDefault = 25_000

/**
 * A channel link over HTTP: the edge's contract in docs/http.md. It never retries, as httpRelay does not; reading goes
 * on by itself as long as the box answers.
 *
 * Throws `units/malformed` for a channel or a token that is not 32 bytes. No message holds the address or the token.
 */
export function httpBox(options: HttpBoxOptions): ChannelLink {
  const { channel, side, token, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  if (!isHex(channel, 32) || token.length !== 32)
    throw new SdkError('units/malformed', 'A channel and a token have 32 bytes each.')
  const base = `${options.url.replace(/\/+$/, '')}/v1/channels/${channel}/${side}`
  const authorization = `Bearer ${toHex(token).slice(2)}`
  const ask = async (path: string, asked: Asked = {}): Promise<unknown> => {
    const { method = 'GET', type, body, status = 200, signal } = asked
    const headers = { authorization, ...(type === undefined ? {} : { 'content-type': type }) }
    const watch = watchdog(signal)
    watch.within(timeoutMs)
    const init = { method, headers, body: body ?? null, signal: watch.signal }
    const answer = await fetchAnswer(fetch, `${base}${path}`, init).finally(watch.stop)
    if (answer.status !== status) throw refused(problemOf(answer))
    return parseJson(answer.body)
  }
  return {
    send: async ({ sequence, epoch, bytes }) => {
      const body = Uint8Array.from(bytes)
      const path = `/outbox/${sequence}?epoch=${epoch}`
      const told = await ask(path, { method: 'PUT', type: 'application/octet-stream', body, status: 202 })
      if (fieldsOf(told)?.sequence !== sequence) throw nonsense(relay, 'it stored another message')
    },
    receive: (after, signal) => receive(ask, after, signal),
    acknowledge: async ({ through, epoch }) => {
      const told = await ask(`/inbox?through=${through}&epoch=${epoch}`, { method: 'DELETE' })
      if (fieldsOf(told)?.acknowledged !== through) throw nonsense(relay, 'it acknowledged something else')
    },
    deposit: async ({ number, closeAtHeight, transaction }) => {
      const body = JSON.stringify({ number, closeAtHeight, transaction: toHex(transaction) })
      const told = await ask('/deposit', { method: 'PUT', type: 'application/json', body, status: 202 })
      if (fieldsOf(told)?.number !== number) throw nonsense(relay, 'it stored another deposit')
    },
    standing: async () => want(readStanding(await ask('/outbox')), 'the standing is not of its shape'),
  }
}

interface Asked {
  readonly method?: 'GET' | 'PUT' | 'DELETE'
  readonly type?: string
  readonly body?: string | Uint8Array<ArrayBuffer>
  /** Of a good answer. */
  readonly status?: 200 | 202
  readonly signal?: AbortSignal
}

/** Ends quietly when the caller aborts; else throws. */
async function* receive(
  ask: (path: string, asked: Asked) => Promise<unknown>,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<LinkMessage, void> {
  let last = after
  while (!signal.aborted) {
    let messages: readonly LinkMessage[]
    try {
      const told = await ask(`/inbox?after=${last}`, { signal })
      messages = want(readMessages(told, last), 'the messages are not of their shape, or not in order')
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    for (const message of messages) {
      if (signal.aborted) return
      last = message.sequence
      yield message
    }
  }
}

async function fetchAnswer(fetch: Fetch, url: string, init: RequestInit): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch {
    throw unreachable(relay)
  }
  return readAnswer(relay, response, answerBytesMax)
}

/** Messages that follow `after` one by one, without a hole. */
function readMessages(json: unknown, after: number): readonly LinkMessage[] | undefined {
  const { messages } = fieldsOf(json) ?? {}
  if (!Array.isArray(messages) || messages.length > messagesMax) return undefined
  const read: LinkMessage[] = []
  for (const entry of messages) {
    const { sequence, bytes } = fieldsOf(entry) ?? {}
    if (sequence !== after + read.length + 1 || !isHex(bytes)) return undefined
    if (bytes.length <= 2 || bytes.length > 2 + 2 * linkMessageBytesMax) return undefined
    read.push({ sequence, bytes: fromHex(bytes) })
  }
  return read
}

export function readStanding(json: unknown): LinkStanding | undefined {
  const { epoch, sent, acknowledged, read } = fieldsOf(json) ?? {}
  if (!isCount(epoch) || !isCount(sent) || !isCount(acknowledged) || !isCount(read)) return undefined
  return acknowledged > sent ? undefined : { epoch, sent, acknowledged, read }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
