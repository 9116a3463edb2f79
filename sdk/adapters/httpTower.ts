import { SdkError } from '../errors.ts'
import type { SignedReceipt, TowerLink } from '../ports.ts'
import { fromHex, type Hex, isHex, toHex } from '../units.ts'
import { exchange, type Fetch, fieldsOf, parseJson } from './http.ts'
import { problemOf, refused, relay, want } from './relayAnswer.ts'

export interface HttpTowerOptions {
  /** Where the edge lives, without the `/v1`. */
  readonly url: string
  /** 32 bytes that name the channel at the tower: not the channel's id, so that towers cannot compare. */
  readonly tower: Hex
  /** 32 random bytes: whoever shows them first speaks for it from then on. */
  readonly token: Uint8Array
  /** An API key with the scope `towers`, where the edge asks for one, or lets in more who show one. Shown at the registration alone. */
  readonly key?: string
  readonly fetch?: Fetch
  /** Per request. */
  readonly timeoutMs?: number
}

interface Asked {
  readonly type?: string
  readonly body?: BodyInit
  readonly headers?: Readonly<Record<string, string>>
}

const answerBytesMax = 4_096
const receiptBytesMax = 128
const timeoutMsDefault = 15_000

/**
 * A tower link over HTTP: the edge's contract in docs/http.md. It never retries.
 *
 * Throws `units/malformed` for a name or a token that is not 32 bytes. No message holds the address or the token.
 */
export function httpTower(options: HttpTowerOptions): TowerLink {
  const { tower, token, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  if (!isHex(tower, 32) || token.length !== 32)
    throw new SdkError('units/malformed', 'A tower and a token have 32 bytes each.')
  const base = `${options.url.replace(/\/+$/, '')}/v1/towers/${tower}`
  const authorization = `Bearer ${toHex(token).slice(2)}`
  const shown = options.key === undefined ? {} : { 'lanekit-key': options.key }
  const ask = async (path: string, { type, body, ...more }: Asked = {}): Promise<SignedReceipt> => {
    const method = body === undefined ? 'GET' : 'PUT'
    const headers = { authorization, ...more.headers, ...(type === undefined ? {} : { 'content-type': type }) }
    const init: RequestInit = { method, headers, body: body ?? null }
    const asked = { counterpart: relay, url: `${base}${path}`, init, timeoutMs, bodyBytesMax: answerBytesMax }
    const answer = await exchange(fetch, asked)
    if (answer.status !== (body === undefined ? 200 : 202)) throw refused(problemOf(answer))
    return want(readReceipt(parseJson(answer.body)), 'the receipt is not of its shape')
  }
  return {
    register: ({ funding, first }) =>
      ask('', { type: 'application/json', body: JSON.stringify({ funding, first }), headers: shown }),
    keep: ({ number, bytes }) =>
      ask(`/states/${number}`, { type: 'application/octet-stream', body: Uint8Array.from(bytes) }),
    standing: () => ask(''),
  }
}

function readReceipt(json: unknown): SignedReceipt | undefined {
  const { receipt, signature } = fieldsOf(json) ?? {}
  if (!isHex(receipt) || receipt.length > 2 + 2 * receiptBytesMax || !isHex(signature, 64)) return undefined
  return { bytes: fromHex(receipt), signature: fromHex(signature) }
}
