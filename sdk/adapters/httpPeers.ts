import { SdkError } from '../errors.ts'
import type { ChannelLink, ChannelPeer, Peers } from '../ports.ts'
import { type ChannelId, fromHex, isHex } from '../units.ts'
import { type Answer, exchange, type Fetch, fieldsOf, nonsense, parseJson } from './http.ts'
import { problemOf, refused, relay } from './relayAnswer.ts'
import { type SocketBoxOptions, socketBox } from './socketBox.ts'

export interface HttpPeersOptions {
  readonly fetch?: Fetch
  /** Opens a WebSocket to a box; the platform's own unless this or `fetch` is given. */
  readonly connect?: SocketBoxOptions['connect']
  /** Per request to a payee; the box has its own. */
  readonly timeoutMs?: number
}

/** The format of the channels that a payee is asked for. */
const format = 'oneway-cltv/1'
/** Longest terms, and the longest address of a box. */
const termsBytesMax = 2_048
const addressCharsMax = 2_048
const answerBytesMax = 16_384
const timeoutMsDefault = 15_000

/**
 * Payees over HTTP: the contract of docs/till.md. An address is a URL; the payee's paths follow it.
 *
 * It never retries. A payee names the box of its channels, which is asked at the first use of a link and kept; one under
 * `https` may not name a box under `http`. Throws `units/malformed` for what is no such URL; no message holds an address.
 */
export function httpPeers(options: HttpPeersOptions = {}): Peers {
  const { fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  return (address) => {
    const base = addressOf(address)
    if (!base)
      throw new SdkError(
        'units/malformed',
        'A payee is named by a URL of http or https, without a query or a password.',
      )
    const ask = (path: string, method: 'GET' | 'POST') =>
      exchange(fetch, {
        counterpart: relay,
        url: `${base}${path}`,
        init: { method },
        timeoutMs,
        bodyBytesMax: answerBytesMax,
      })
    return peerOf(base, ask, reachOf(options))
  }
}

type Ask = (path: string, method: 'GET' | 'POST') => Promise<Answer>

type Reach = Pick<SocketBoxOptions, 'fetch' | 'connect'>

function reachOf({ fetch, connect }: HttpPeersOptions): Reach {
  return { ...(fetch ? { fetch } : {}), ...(connect ? { connect } : {}) }
}

function peerOf(base: string, ask: Ask, reach: Reach): ChannelPeer {
  let box: Promise<string> | undefined
  const face = async () => {
    const told = readFace(demand(await ask('/till', 'GET'), 200), base)
    box = Promise.resolve(told.box)
    return told
  }
  const boxUrl = () => {
    // What failed is asked again by the next call.
    box ??= face().then(
      (told) => told.box,
      (error) => {
        box = undefined
        throw error
      },
    )
    return box
  }
  return {
    terms: async () => (await face()).terms,
    announce: async (channel) => {
      demand(await ask(`/till/channels/${channel}`, 'POST'), 204)
    },
    link: (channel, token) => lazyLink(channel, token, boxUrl, reach),
  }
}

/** The payer's end of a box whose address is asked for at its first use. */
function lazyLink(channel: ChannelId, token: Uint8Array, boxUrl: () => Promise<string>, reach: Reach): ChannelLink {
  const linkTo = (url: string) => socketBox({ url, channel, side: 'payer', token, ...reach })
  linkTo('') // Throws here, not at the first use, for what is no channel or no token.
  let link: ChannelLink | undefined
  const opened = async () => {
    link ??= linkTo(await boxUrl())
    return link
  }
  return {
    send: async (message) => (await opened()).send(message),
    receive: async function* (after, signal) {
      yield* (await opened()).receive(after, signal)
    },
    acknowledge: async (read) => (await opened()).acknowledge(read),
    deposit: async (deposit) => (await opened()).deposit(deposit),
    standing: async () => (await opened()).standing(),
  }
}

/** The answer, if it has the status of a good one. */
function demand(answer: Answer, status: 200 | 204): Answer {
  if (answer.status === status) return answer
  if (answer.status < 400) throw nonsense(relay, `HTTP status ${answer.status} where ${status} was expected`)
  throw refused(problemOf(answer))
}

function readFace({ body }: Answer, base: string): { readonly terms: Uint8Array; readonly box: string } {
  const fields = fieldsOf(parseJson(body))
  if (fields?.format !== format) throw nonsense(relay, 'the payee has no channels of this format')
  const { terms, box } = fields
  const isTerms = isHex(terms) && terms.length > 2 && terms.length <= 2 + 2 * termsBytesMax
  const url = typeof box === 'string' ? addressOf(box) : undefined
  if (!isTerms || !url) throw nonsense(relay, 'the terms, or the address of the box, are not of their shape')
  if (base.startsWith('https:') && !url.startsWith('https:')) throw nonsense(relay, 'the box is not under https')
  return { terms: fromHex(terms), box: url }
}

/** A URL that paths are put behind, without the last slash; nothing for any other text. */
function addressOf(text: string): string | undefined {
  if (text.length > addressCharsMax) return undefined
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return undefined
  }
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (!isPlain || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}
