import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Anvil, startAnvil } from '../anvil.ts'
import { type BareWorkerd, layOut, shippedConfig, shippedText, startBareWorkerd } from './bareWorkerd.ts'
import { type Built, buildEdge } from './build.ts'
import { settled } from './submission.ts'
import { anvilChain, envelope, type Transfer, transfer } from './transfers.ts'

/** The file that operators run, as it is. Only its address is another, so that files of tests run side by side. */
const file = shippedText()
const secret = 'a5'.repeat(32)
const security = {
  keys: [{ name: 'shop', digest: createHash('sha256').update(secret).digest('hex'), scopes: ['submit', 'webhooks'] }],
}

let built: Built
let anvil: Anvil
let shop: Server
const paths: string[] = []
const running = new Set<BareWorkerd>()
beforeAll(async () => {
  shop = createServer((request, response) => {
    paths.push(request.url ?? '')
    response.end()
  })
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
  const args = ['--block-time', '0.25', '--slots-in-an-epoch', '1']
  ;[built, anvil] = await Promise.all([buildEdge(), startAnvil({ args })])
})
afterAll(async () => {
  for (const workerd of running) await workerd.kill()
  await anvil?.stop()
  built?.clear()
  shop?.close()
})

function place(text = file): string {
  const folder = built.folder()
  layOut(folder, { outdir: built.outdir, text })
  return folder
}

function chains(): Record<string, string> {
  const chain = { fork: 'osaka', executors: [anvil.url], finality: 1, pollMs: 50 }
  return { EDGE_CHAINS: JSON.stringify({ [anvilChain]: chain }), EDGE_SECURITY: JSON.stringify(security) }
}

async function start(cwd: string, env: Readonly<Record<string, string>>): Promise<BareWorkerd> {
  const workerd = await startBareWorkerd({ config: shippedConfig, cwd, port: 0, env, isQuiet: true })
  running.add(workerd)
  return workerd
}

async function ask(url: string, path: string, method = 'GET', body?: Uint8Array | string) {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream',
    },
    ...(body === undefined ? {} : { body: body as BodyInit }),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

/** Asks until the answer fits. */
async function until(url: string, path: string, fits: (json: Record<string, unknown>) => boolean): Promise<void> {
  while (!fits((await ask(url, path)).json)) await new Promise((resolve) => setTimeout(resolve, 50))
}

const batches = `/v1/chains/${anvilChain}/batches`
const webhook = `/v1/chains/${anvilChain}/webhook`

describe('the edge on bare workerd, by the file that is shipped', () => {
  it('[CR4] [CR5] [CR6] [CR7] is killed after it has acknowledged, and what it had acknowledged is included', async () => {
    const folder = place()
    const first = await start(folder, chains())
    const transfers: Transfer[] = []
    for (let nonce = 0; nonce < 4; nonce++) transfers.push(await transfer({ from: 0, nonce }))
    const { status, json } = await ask(first.url, batches, 'POST', envelope(transfers))
    await first.kill()
    expect([status, (json.items as readonly { ok: boolean }[]).map(({ ok }) => ok)]).toEqual([202, Array(4).fill(true)])
    const again = await start(folder, chains())
    const members = await settled(again.url, json.batch as `0x${string}`)
    expect(members.map(({ hash }) => hash)).toEqual(transfers.map(({ hash }) => hash))
    for (const { status } of members) expect(['included', 'finalized']).toContain(status.state)
  })

  it('has no Bitcoin and no towers where their variables are not set, and names the problem where there are no chains', async () => {
    const { url } = await start(place(), chains())
    expect((await ask(url, '/readyz')).json).toEqual({ ready: true, chains: [anvilChain] })
    const deposit = await ask(url, `/v1/channels/0x${'01'.repeat(32)}/payee/deposit`, 'PUT', '{}')
    expect(deposit).toMatchObject({ status: 404, json: { code: 'unknown-network' } })
    expect(await ask(url, '/v1/towers')).toMatchObject({ status: 404, json: { code: 'unknown-network' } })
    const bare = await start(place(), {})
    expect(await ask(bare.url, '/healthz')).toMatchObject({ status: 200 })
    const unset = { status: 500, json: { code: 'misconfigured', detail: 'The list of chains cannot be read.' } }
    expect(await ask(bare.url, '/readyz')).toMatchObject(unset)
    expect(await ask(bare.url, batches, 'POST', '{}')).toMatchObject(unset)
  })

  it('calls no webhook on this machine, also where the guard of URLs lets one through', async () => {
    const log = '(name = "LOG", text = "requests"),'
    const unguarded = file.replace(log, `${log}\n    (name = "WEBHOOKS", text = "loopback"),`)
    const opened = unguarded.replace('network = (allow = ["public"]', 'network = (allow = ["public", "local"]')
    expect(new Set([file, unguarded, opened]).size).toBe(3)
    const asShipped = await start(place(unguarded), chains())
    const control = await start(place(opened), chains())
    const local = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`
    for (const [{ url }, path, from] of [
      [asShipped, '/shipped', 1],
      [control, '/control', 2],
    ] as const) {
      const body = envelope([await transfer({ from, nonce: 0 })])
      expect((await ask(url, webhook, 'PUT', JSON.stringify({ url: local + path }))).status).toBe(200)
      expect((await ask(url, batches, 'POST', body)).status).toBe(202)
    }
    await until(control.url, webhook, ({ watched, waiting }) => watched === 0 && waiting === 0)
    // Its message has been made and tried, and is there still: the next try is due in seconds.
    await until(asShipped.url, webhook, ({ waiting }) => waiting === 1)
    expect(paths).toEqual(['/control'])
    const guarded = await start(place(), chains())
    expect(await ask(guarded.url, webhook, 'PUT', JSON.stringify({ url: `${local}/` }))).toMatchObject({
      status: 400,
      json: { code: 'malformed-webhook' },
    })
  })
})
