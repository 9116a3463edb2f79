import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../sim/random.ts'

/** What can go wrong between an edge and its executor. */
export const proxyFaults = ['dropBefore', 'dropAfter', 'duplicate', 'delay', 'busy', 'broken'] as const
export type ProxyFault = (typeof proxyFaults)[number]

export interface Proxy {
  readonly url: string
  /** How often each fault struck. */
  readonly faults: Readonly<Record<ProxyFault, number>>
  /** From now on it passes everything on. */
  readonly heal: () => void
  readonly stop: () => Promise<void>
}

/** Longest delay: beyond the edge's own patience, so that an answer comes when nobody waits for it any more. */
const delayMsMax = 3_000

/**
 * A proxy that loses requests before and after they are done, does them twice, holds them back until others have
 * overtaken them, and answers 429 and nonsense.
 *
 * @param chance - Of a fault, for each request.
 */
export async function startProxy(target: string, random: Random, chance: number): Promise<Proxy> {
  const faults: Record<ProxyFault, number> = { dropBefore: 0, dropAfter: 0, duplicate: 0, delay: 0, busy: 0, broken: 0 }
  let isWell = false
  const server = createServer((incoming, outgoing) => {
    const fault = !isWell && random.chance(chance) ? random.pick(proxyFaults) : null
    if (fault) faults[fault] += 1
    const delayMs = fault === 'delay' ? random.from(50, delayMsMax) : 0
    pass(target, incoming, outgoing, fault, delayMs).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    heal: () => {
      isWell = true
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function pass(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: ProxyFault | null,
  delayMs: number,
): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const forward = async () => {
    const response = await fetch(target, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return { status: response.status, text: await response.text() }
  }
  if (fault === 'dropBefore') {
    outgoing.destroy()
    return
  }
  if (fault === 'busy') {
    outgoing.writeHead(429, { 'retry-after': '1' }).end('slow down')
    return
  }
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
  const { status, text } = await forward()
  if (fault === 'duplicate') await forward()
  if (fault === 'dropAfter') outgoing.destroy()
  else if (fault === 'broken')
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(text.slice(0, text.length / 2))
  else outgoing.writeHead(status, { 'content-type': 'application/json' }).end(text)
}
