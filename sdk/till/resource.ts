import type { HonoRequest } from 'hono'
import { sha256 } from '../crypto/engine.ts'
import { toHex } from '../units.ts'

/**
 * What a request asks for, as 32 bytes: its method, its path with the query, and its body, of which a copy is read.
 *
 * @returns Nothing when the body is longer than `bodyBytesMax`.
 */
export async function resourceOf(request: HonoRequest, bodyBytesMax: number): Promise<Uint8Array | null> {
  const { pathname, search } = new URL(request.url)
  const { raw } = request
  // Where another handler has read the body before, it was kept.
  const body = raw.bodyUsed ? new Uint8Array(await request.arrayBuffer()) : await bodyOf(raw, bodyBytesMax)
  return body && sha256(new TextEncoder().encode(`${request.method}\n${pathname}${search}\n${toHex(sha256(body))}`))
}

async function bodyOf(request: Request, bytesMax: number): Promise<Uint8Array | null> {
  if (request.body === null) return new Uint8Array(0)
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) return null
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.clone().body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    size += read.value.byteLength
    if (size > bytesMax) {
      // Both copies have to be let go of, or neither stops.
      await Promise.all([reader?.cancel(), request.body.cancel()])
      return null
    }
    chunks.push(read.value)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
