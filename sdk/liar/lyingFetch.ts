import { fieldsOf, listOf } from './change.ts'
import type { Lie } from './lies.ts'

/** The platform's `fetch`, as far as adapters use it. */
type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * A `fetch` that passes everything on to an honest server, and changes the answers that the lie is about: results of
 * JSON-RPC (arrays too), `data` of the Beacon API, both in the bundles of a Lanekit edge, and what `/latest` of a server of heads
 * brings. For tests alone.
 */
export function lyingFetch(fetch: Fetch, lie: Lie): Fetch {
  return async (url, init) => {
    if (/\/verified\/bundle(?:\?|$)/.test(url)) return lieInBundle(fetch, lie, { url, init })
    if (/\/latest$/.test(url)) return lieAboutHead(fetch, lie, { url, init })
    const path = /\/eth\/v1\/beacon\/([^?]+)/.exec(url)?.[1]
    if (path === undefined) return lieByRpc(fetch, lie, { url, init })
    const response = await fetch(url, init)
    const isAbout = lie.about.some((one) => path === one || path.startsWith(`${one}/`))
    if (!isAbout || response.status !== 200) return response
    return answer(await lieAboutData(lie, await response.json()))
  }
}

interface Sent {
  readonly url: string
  readonly init: RequestInit
}

async function lieByRpc(fetch: Fetch, lie: Lie, { url, init }: Sent): Promise<Response> {
  const asked: unknown = JSON.parse(String(init.body))
  const response = await fetch(url, init)
  const calls = (Array.isArray(asked) ? asked : [asked]).map(fieldsOf)
  if (!calls.some(({ method }) => lie.about.includes(String(method))) || response.status !== 200) return response
  const told: unknown = await response.json()
  const answers = await Promise.all(
    (Array.isArray(told) ? told : [told]).map(async (one) => {
      const { id, result } = fieldsOf(one)
      const call = calls.find((sent) => sent.id === id) ?? {}
      if (!lie.about.includes(String(call.method))) return one
      const ask = async (params: readonly unknown[]) => {
        const again = await fetch(url, { ...init, body: JSON.stringify({ ...call, params }) })
        return fieldsOf(await again.json()).result
      }
      return { ...fieldsOf(one), result: await lie.tell(result, { params: listOf(call.params), ask }) }
    }),
  )
  return answer(Array.isArray(told) ? answers : answers[0])
}

async function lieAboutHead(fetch: Fetch, lie: Lie, { url, init }: Sent): Promise<Response> {
  const response = await fetch(url, init)
  if (!lie.about.includes('latest') || response.status !== 200) return response
  return answer(await lie.tell(await response.json(), { params: [], ask: async () => null }))
}

/** Parts of a bundle, and what a lie about them is about when they come one by one. */
const bundleParts = [
  ['finality', 'light_client/finality_update'],
  ['optimistic', 'light_client/optimistic_update'],
  ['header', 'eth_getBlockByHash'],
] as const

async function lieInBundle(fetch: Fetch, lie: Lie, sent: Sent): Promise<Response> {
  const response = await fetch(sent.url, sent.init)
  if (response.status !== 200) return response
  const told = { ...fieldsOf(await response.json()) }
  for (const [part, name] of bundleParts)
    if (lie.about.includes(name)) told[part] = await lie.tell(told[part], { params: [], ask: async () => null })
  if (!lie.about.includes('eth_getProof')) return answer(told)
  const number = fieldsOf(told.header).number
  const named = new URL(sent.url).searchParams.get('accounts')?.split(',') ?? []
  told.proofs = await Promise.all(
    listOf(told.proofs).map((proof, at) => {
      const [account, ...slots] = named[at]?.split(':') ?? []
      return lie.tell(proof, { params: [account, slots, number], ask: (params) => askByRpc(fetch, sent, params) })
    }),
  )
  return answer(told)
}

/** The same question about another account or block, which the edge answers too. */
async function askByRpc(fetch: Fetch, { url, init }: Sent, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getProof', params })
  const rpc = url.replace(/\/v1\/chains\/(\d+)\/verified.*$/, '/rpc/$1')
  const headers = { 'content-type': 'application/json' }
  return fieldsOf(await (await fetch(rpc, { ...init, method: 'POST', headers, body })).json()).result
}

/** Lists hold messages that each have `data` of their own. */
async function lieAboutData(lie: Lie, told: unknown): Promise<unknown> {
  const asked = { params: [], ask: async () => undefined }
  if (!Array.isArray(told)) return { ...fieldsOf(told), data: await lie.tell(fieldsOf(told).data, asked) }
  const data = await lie.tell(
    told.map((one) => fieldsOf(one).data),
    asked,
  )
  return (Array.isArray(data) ? data : [data]).map((one) => ({ data: one }))
}

function answer(json: unknown): Response {
  return new Response(JSON.stringify(json), { status: 200, headers: { 'content-type': 'application/json' } })
}
