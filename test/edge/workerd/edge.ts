import { env, SELF } from 'cloudflare:test'
import { expect } from 'vitest'
import type { Env } from '../../../edge/objects.ts'
import worker from '../../../edge/worker.ts'
import { sha256 } from '../../../sdk/crypto/index.ts'
import type { RelayItem, TxStatus } from '../../../sdk/ports.ts'
import type { Hex } from '../../../sdk/units.ts'
import { chainId, toHex } from '../../../sdk/units.ts'
import { envelope, type Transfer, type TransferWish, transfer } from '../transfers.ts'

const origin = 'https://edge.invalid'

/** A chain of its own for each test: see vitest.workerd.config.ts. */
let last = 999
export function freshChain(): number {
  last += 1
  return last
}

export async function call(path: string, init?: RequestInit): Promise<Response> {
  return SELF.fetch(`${origin}${path}`, init)
}

/** The worker as another operator has configured it. */
export function configured(over: Partial<Env>) {
  const ours = { ...(env as unknown as Env), ...over }
  return async (path: string, init?: RequestInit): Promise<Response> =>
    worker.fetch(new Request(`${origin}${path}`, init), ours)
}

/** A secret as a configuration holds it. */
export function digestOf(secret: string): string {
  return toHex(sha256(new TextEncoder().encode(secret))).slice(2)
}

/** Calls, and holds the answer to the form of a problem. */
export async function problemOf(path: string, init?: RequestInit) {
  const response = await call(path, init)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = (await response.json()) as { code: string; status: number; retryable: boolean }
  expect(problem).toEqual({
    type: `urn:lanekit:problem:${problem.code}`,
    title: expect.any(String),
    status: response.status,
    code: expect.any(String),
    detail: expect.any(String),
    retryable: expect.any(Boolean),
  })
  expect(response.headers.has('retry-after')).toBe(problem.retryable)
  return { status: problem.status, code: problem.code }
}

export function post(body: BodyInit, type = 'application/octet-stream'): RequestInit {
  return { method: 'POST', headers: { 'content-type': type }, body }
}

export interface Submitted {
  readonly batch: Hex
  readonly items: readonly RelayItem[]
}

/** A wallet's view of one chain. */
export function walletOf(chain: number) {
  const base = `/v1/chains/${chain}`
  const submit = async (transfers: readonly Transfer[]): Promise<Submitted> => {
    const response = await call(`${base}/batches`, post(envelope(transfers, chainId(chain))))
    expect(response.status).toBe(202)
    return response.json()
  }
  const status = async ({ sender, hash }: Transfer): Promise<TxStatus | undefined> => {
    const response = await call(`${base}/senders/${sender}/txs/${hash}`)
    return response.status === 200 ? ((await response.json()) as { status: TxStatus }).status : undefined
  }
  return {
    base,
    transfer: (wish: TransferWish) => transfer({ chain, ...wish }),
    submit,
    /** The answer to one item: its state, or the problem's code. */
    verdict: async (one: Transfer) => {
      const { items } = await submit([one])
      const [item] = items
      return item?.ok ? item.status.state : item?.problem.code
    },
    status,
    until: async (one: Transfer, ...states: readonly TxStatus['state'][]) => {
      for (let at = 0; at < 400; at++) {
        const now = await status(one)
        if (now && states.includes(now.state)) return now
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
      throw new Error(`It is ${JSON.stringify(await status(one))}, not ${states.join(' or ')}.`)
    },
    /** A batch's events as the stream tells them, to its end. */
    events: async (batch: Hex, init?: RequestInit, query = '') => {
      const response = await call(`${base}/batches/${batch}/events${query}`, init)
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('event:'))
      return frames.map((frame) => {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1]
        return { event: field('event'), id: field('id'), data: JSON.parse(field('data') ?? '') }
      })
    },
  }
}
