import { SdkError } from '../errors.ts'
import type { Relay, RelayEvent } from '../ports.ts'
import type { BatchId, ChainId } from '../units.ts'
import { readEventStream } from './eventStream.ts'
import { chunksOf, exchange, type Fetch, nonsense, parseJson, readAnswer, unreachable } from './http.ts'
import { problemOf, refused, relay, want } from './relayAnswer.ts'
import { readAck, readEvent, readTold } from './relayShapes.ts'
import { watchdog } from './watchdog.ts'

export interface HttpRelayOptions {
  readonly fetch?: Fetch
  /**
   * What each request carries as `Authorization: Bearer`: an API key, or a sender's token (`senderTokenText`), made anew
   * before it ends. Asked once a request; what it throws, the call throws.
   */
  readonly bearer?: () => string | Promise<string>
  /** Per request, the body included; for the event stream: until it is open. */
  readonly timeoutMs?: number
  /** Longest silence on an open event stream before it counts as cut. */
  readonly silenceMs?: number
}

/** Largest answer that is read: 256 items, each with a long `waitsFor`. */
export const relayAnswerBytesMax = 16 * 1024 * 1024
const timeoutMsDefault = 20_000
const silenceMsDefault = 60_000

/**
 * A relay over HTTP: the edge's contract in docs/http.md. It never retries; when to ask again is the wallet's to
 * decide, and asking again is harmless.
 *
 * A 5xx without a problem document, a cut connection and the time being up all throw `relay/unreachable`: nothing
 * is known then of what was sent. An answer that breaks the contract throws `relay/nonsense`, a stream that the
 * relay no longer serves `relay/refused`. No message holds the relay's address.
 *
 * @param url - Where the edge lives, without the `/v1`.
 */
export function httpRelay(url: string, options: HttpRelayOptions = {}): Relay {
  const { fetch = globalThis.fetch, timeoutMs = timeoutMsDefault, silenceMs = silenceMsDefault } = options
  const base = url.replace(/\/+$/, '')
  const { bearer } = options
  const shown = async () => (bearer ? { authorization: `Bearer ${await bearer()}` } : {})
  const ask = async (path: string, init: RequestInit) =>
    exchange(fetch, {
      counterpart: relay,
      url: `${base}${path}`,
      init: { ...init, headers: { ...init.headers, ...(await shown()) } },
      timeoutMs,
      bodyBytesMax: relayAnswerBytesMax,
    })
  return {
    submit: async (chain, envelope) => {
      const answer = await ask(`/v1/chains/${chain}/batches`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', accept: 'application/json' },
        body: Uint8Array.from(envelope),
      })
      if (answer.status !== 202) return { ok: false, problem: problemOf(answer) }
      return want(readAck(parseJson(answer.body)), 'the acknowledgement is not of its shape')
    },
    status: async (chain, sender, hash) => {
      const answer = await ask(`/v1/chains/${chain}/senders/${sender}/txs/${hash}`, { method: 'GET' })
      if (answer.status !== 200) {
        const problem = problemOf(answer)
        if (answer.status === 404 && problem.code === 'unknown-transaction') return undefined
        throw refused(problem)
      }
      const told = want(readTold(parseJson(answer.body)), 'the status is not of its shape')
      if (told.hash !== hash) throw nonsense(relay, 'the status is of another transaction')
      return told.status
    },
    events: (chain, batch, sequence, signal) =>
      events({ fetch, base, shown, timeoutMs, silenceMs }, { chain, batch, sequence, signal }),
  }
}

interface Place {
  readonly fetch: Fetch
  readonly base: string
  readonly shown: () => Promise<Readonly<Record<string, string>>>
  readonly timeoutMs: number
  readonly silenceMs: number
}

interface Wanted {
  readonly chain: ChainId
  readonly batch: BatchId
  readonly sequence: number
  readonly signal: AbortSignal
}

/** Ends quietly when the caller aborts or the relay says that every transaction has ended; else throws. */
async function* events(place: Place, wanted: Wanted): AsyncGenerator<RelayEvent, void> {
  const { signal } = wanted
  const watch = watchdog(signal)
  try {
    watch.within(place.timeoutMs)
    const response = await open(place, wanted, watch.signal)
    watch.within(place.silenceMs)
    let last = wanted.sequence
    for await (const event of readEventStream(heard(response, () => watch.within(place.silenceMs)))) {
      if (event === 'malformed') throw nonsense(relay, 'the event stream is malformed')
      if (event.type === 'end') return
      if (event.type !== 'status') continue
      const told = want(readEvent(parseJson(new TextEncoder().encode(event.data))), 'an event is not of its shape')
      if (told.sequence <= last) continue // Told before; hearing it again changes nothing.
      last = told.sequence
      yield told
    }
    throw unreachable(relay)
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof SdkError ? error : unreachable(relay)
  } finally {
    watch.stop()
  }
}

async function open({ fetch, base, shown }: Place, wanted: Wanted, signal: AbortSignal): Promise<Response> {
  const { chain, batch, sequence } = wanted
  const response = await fetch(`${base}/v1/chains/${chain}/batches/${batch}/events`, {
    headers: {
      accept: 'text/event-stream',
      ...(sequence > 0 ? { 'last-event-id': `${sequence}` } : {}),
      ...(await shown()),
    },
    signal,
  })
  if (response.status === 200) return response
  throw refused(problemOf(await readAnswer(relay, response, relayAnswerBytesMax)))
}

/** Tells of each chunk before handing it on. */
async function* heard(response: Response, tell: () => void): AsyncGenerator<Uint8Array, void> {
  if (!response.body) return
  for await (const chunk of chunksOf(response.body)) {
    tell()
    yield chunk
  }
}
