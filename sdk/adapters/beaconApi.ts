import { SdkError } from '../errors.ts'
import type { BeaconNode } from '../ports.ts'
import { type Hex, isHex } from '../units.ts'
import { type Counterpart, exchange, type Fetch, fieldsOf, nonsense, parseJson, quoted, unreachable } from './http.ts'

export interface BeaconApiOptions {
  /** Of the node, without `/eth/v1`. */
  readonly url: string
  readonly fetch?: Fetch
  /** Per request, the body included. */
  readonly timeoutMs?: number
}

/** Largest answer that is read: 128 updates take 7 MB in JSON. */
export const beaconAnswerBytesMax = 16 * 1024 * 1024
const timeoutMsDefault = 20_000

const node: Counterpart = { name: 'beacon node', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/**
 * A beacon node over its REST interface (ethereum/beacon-APIs, light client). Nothing it says is believed: answers are
 * bounded and are JSON, and all else is for the verifier to judge.
 *
 * Throws `node/unreachable` (retryable), `node/refused`, `node/nonsense`. No message holds the address of the node.
 */
export function beaconApi(options: BeaconApiOptions): BeaconNode {
  const { url, fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  const base = url.replace(/\/+$/, '')
  const ask = async (path: string): Promise<unknown> => {
    const { status, body } = await exchange(fetch, {
      counterpart: node,
      url: `${base}/eth/v1/beacon/${path}`,
      init: { headers: { accept: 'application/json' } },
      timeoutMs,
      bodyBytesMax: beaconAnswerBytesMax,
    })
    if (status === 429 || status >= 500) throw unreachable(node, status)
    const json = parseJson(body)
    if (status !== 200) throw refused(path, status, json)
    if (json === undefined) throw nonsense(node, `${nameOf(path)} brought no JSON`)
    return json
  }
  const dataOf = async (path: string) => fieldsOf(await ask(path))?.data
  const rootFrom = (path: string, json: unknown): Hex => {
    if (!isHex(json, 32)) throw nonsense(node, `${nameOf(path)} brought no root`)
    return json.toLowerCase() as Hex
  }
  return {
    genesis: async () => rootFrom('genesis', fieldsOf(await dataOf('genesis'))?.genesis_validators_root),
    finalizedRoot: async () => rootFrom('headers', fieldsOf(await dataOf('headers/finalized'))?.root),
    bootstrap: (root) => dataOf(`light_client/bootstrap/${root}`),
    updates: async (period, count) => {
      const list = await ask(`light_client/updates?start_period=${period}&count=${count}`)
      if (!Array.isArray(list) || list.length > count) throw nonsense(node, 'the updates are not the list asked for')
      return list.map((one) => fieldsOf(one)?.data)
    },
    finalityUpdate: () => dataOf('light_client/finality_update'),
    optimisticUpdate: () => dataOf('light_client/optimistic_update'),
  }
}

function nameOf(path: string): string {
  return path.replace(/[/?].*/, '')
}

function refused(path: string, status: number, json: unknown): SdkError {
  const { message } = fieldsOf(json) ?? {}
  const said = typeof message === 'string' ? `: ${quoted(message)}` : ''
  return new SdkError('node/refused', `The beacon node refused ${nameOf(path)} (HTTP status ${status})${said}.`)
}
