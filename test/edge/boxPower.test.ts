import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Edge } from '../../edge/local/workerd.ts'
import { httpBox } from '../../sdk/adapters/httpBox.ts'
import { SdkError } from '../../sdk/errors.ts'
import type { LinkMessage } from '../../sdk/ports.ts'
import { height as heightOf, toHex } from '../../sdk/units.ts'
import { startBareEdge } from './bareWorkerd.ts'
import { type Built, buildEdge } from './build.ts'
import { closingInput, closingOf } from './closings.ts'

const count = 200
const crashes = 3
const channel = toHex(crypto.getRandomValues(new Uint8Array(32)))

let built: Built
let edge: Edge
let folder: string
let esplora: Server
let height = 800
const broadcasts: string[] = []

beforeAll(async () => {
  built = await buildEdge()
  folder = built.folder()
  esplora = createServer((request, response) => {
    if (request.url === '/blocks/tip/height') response.end(`${height}`)
    else if (request.url === `/tx/${closingInput.txid}/outspend/${closingInput.index}`) response.end('{"spent":false}')
    else if (request.url === '/tx')
      request.on('data', (chunk) => broadcasts.push(`${chunk}`)).on('end', () => response.end())
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => esplora.listen(0, '127.0.0.1', resolve))
  await start()
})

afterAll(async () => {
  await edge.stop()
  esplora.close()
  built.clear()
})

async function start(): Promise<void> {
  const { port } = esplora.address() as AddressInfo
  const bitcoin = { network: 'regtest', esplora: [`http://127.0.0.1:${port}`], pollMs: 100 }
  edge = await startBareEdge({ outdir: built.outdir, persist: folder, chains: {}, bitcoin })
}

/** The link to wherever the edge is now. */
function link(side: 'payer' | 'payee') {
  return httpBox({ url: edge.url, channel, side, token: new Uint8Array(32).fill(side.length), timeoutMs: 2_000 })
}

/** Makes a call until it is answered, as wallet and till do. */
async function insist(call: () => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof SdkError) || !error.retryable) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  throw new Error('the box did not come back')
}

function message(sequence: number): LinkMessage {
  return { sequence, bytes: new TextEncoder().encode(`message ${sequence}`) }
}

it('[CB7] [CB8] carries every message once and in order while the worker is killed', async () => {
  const stop = new AbortController()
  const received: LinkMessage[] = []
  const reading = (async () => {
    while (received.length < count)
      await insist(async () => {
        for await (const message of link('payee').receive(received.length, stop.signal)) {
          received.push(message)
          if (received.length % 50 === 0) await link('payee').acknowledge({ through: received.length, epoch: 1 })
          if (received.length === count) return
        }
      })
  })()
  const crashing = (async () => {
    for (let crash = 1; crash <= crashes; crash++) {
      while (received.length < (crash * count) / (crashes + 1)) await new Promise((resolve) => setTimeout(resolve, 5))
      await edge.kill()
      await start()
    }
  })()
  for (let sequence = 1; sequence <= count; sequence++)
    await insist(() => link('payer').send({ ...message(sequence), epoch: 1 }))
  await Promise.all([reading, crashing])
  stop.abort()
  expect(received).toEqual(Array.from({ length: count }, (_, at) => message(at + 1)))
})

it('[CB13] [CB16] broadcasts the deposit after a kill, with nobody asking', async () => {
  await insist(() => link('payee').deposit({ number: 9, closeAtHeight: heightOf(850), transaction: closingOf(9) }))
  await edge.kill()
  expect(broadcasts).toEqual([])
  height = 850
  await start()
  const end = Date.now() + 20_000
  while (broadcasts.length < 2 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(new Set(broadcasts)).toEqual(new Set([toHex(closingOf(9)).slice(2)]))
  expect(broadcasts.length).toBeGreaterThanOrEqual(2)
})
