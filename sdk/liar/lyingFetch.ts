import { fieldsOf } from './change.ts'
import type { Lie } from './lies.ts'

/** The platform's `fetch`, as far as adapters use it. */
type Fetch = (url: string, init: RequestInit) => Promise<Response>

/**
 * A `fetch` that passes everything on to an honest server, and changes the answers that the lie is about: results of
 * JSON-RPC, and `data` of the Beacon API. For tests alone.
 */
export function lyingFetch(fetch: Fetch, lie: Lie): Fetch {
  return async (url, init) => {
    const path = /\/eth\/v1\/beacon\/([^?]+)/.exec(url)?.[1]
    if (path === undefined) return lieByRpc(fetch, lie, { url, init })
    const response = await fetch(url, init)
    const isAbout = lie.about.some((one) => path === one || path.startsWith(`${one}/`))
    if (!isAbout || response.status !== 200) return response
    return answer(await lieAboutData(lie, await response.json()))
  }
}

async function lieByRpc(
  fetch: Fetch,
  lie: Lie,
  { url, init }: { readonly url: string; readonly init: RequestInit },
): Promise<Response> {
  const asked = fieldsOf(JSON.parse(String(init.body)))
  const response = await fetch(url, init)
  if (!lie.about.includes(String(asked.method)) || response.status !== 200) return response
  const ask = async (params: readonly unknown[]) => {
    const again = await fetch(url, { ...init, body: JSON.stringify({ ...asked, params }) })
    return fieldsOf(await again.json()).result
  }
  const told = fieldsOf(await response.json())
  const params = Array.isArray(asked.params) ? asked.params : []
  return answer({ ...told, result: await lie.tell(told.result, { params, ask }) })
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
