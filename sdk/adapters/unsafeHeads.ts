import { SdkError } from '../errors.ts'
import type { UnsafeHeads } from '../ports.ts'
import { fromHex, type Hex, isHex } from '../units.ts'
import { type Counterpart, exchange, type Fetch, fieldsOf, nonsense, parseJson, unreachable } from './http.ts'

export interface UnsafeHeadsOptions {
  /** Of the server, without `/latest`. */
  readonly url: string
  readonly fetch?: Fetch
  /** Per request, the body included. */
  readonly timeoutMs?: number
}

/** Largest answer that is read: a payload of 10 MiB in hexadecimal, and its signature. */
export const unsafeAnswerBytesMax = 21 * 1024 * 1024
const timeoutMsDefault = 10_000

const server: Counterpart = { name: 'server of heads', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/**
 * A server that hands on what a rollup's sequencer gossips, over HTTP: `GET /latest` gives `{ data, signature }`, the signature as 65
 * bytes or as `{ r, s, yParity }` (the form of a16z/helios' server for the OP stack). Nothing it says is believed.
 *
 * Throws `node/unreachable` (retryable), `node/refused`, `node/nonsense`. No message holds the address of the server.
 */
export function unsafeHeads(options: UnsafeHeadsOptions): UnsafeHeads {
  const { url, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  const base = url.replace(/\/+$/, '')
  return {
    latest: async () => {
      const { status, body } = await exchange(fetch, {
        counterpart: server,
        url: `${base}/latest`,
        init: { headers: { accept: 'application/json' } },
        timeoutMs,
        bodyBytesMax: unsafeAnswerBytesMax,
      })
      if (status === 429 || status >= 500) throw unreachable(server, status)
      if (status !== 200)
        throw new SdkError('node/refused', `The server of heads refused latest (HTTP status ${status}).`)
      const told = fieldsOf(parseJson(body))
      const signature = readSignature(told?.signature)
      if (!isHex(told?.data) || !signature) throw nonsense(server, 'the head is not of its shape')
      return { data: fromHex(told?.data as Hex), signature }
    },
  }
}

function readSignature(json: unknown): Uint8Array | undefined {
  if (isHex(json, 65)) return fromHex(json)
  const { r, s, yParity } = fieldsOf(json) ?? {}
  const [first, second, parity] = [readNumber(r, 64), readNumber(s, 64), readNumber(yParity, 2)]
  return first && second && parity ? fromHex(`0x${first}${second}${parity}`) : undefined
}

/** A number in hexadecimal, in so many digits. */
function readNumber(json: unknown, digits: number): string | undefined {
  return typeof json === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(json) && json.length <= digits + 2
    ? json.slice(2).padStart(digits, '0')
    : undefined
}
