import type { ProblemCode } from '../problems.ts'
import { Refusal } from './answer.ts'

/** The body, as long as it is within bounds: what the header promises is checked first, what comes is counted. */
export async function readBody(
  request: Request,
  bytesMax: number,
  tooLarge: { readonly code: ProblemCode; readonly what: string },
): Promise<Uint8Array> {
  const refuse = () => new Refusal(tooLarge.code, `${tooLarge.what} has at most ${bytesMax} bytes.`)
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw refuse()
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    size += read.value.byteLength
    if (size > bytesMax) {
      await reader?.cancel()
      throw refuse()
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

/** The media type of the body, lower case, without parameters. */
export function mediaTypeOf(request: Request): string {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  return type.trim().toLowerCase()
}
