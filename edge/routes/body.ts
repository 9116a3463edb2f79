import { isRecord } from '../executor/answer.ts'
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

/** The fields of a registration. Throws what is no JSON object as `malformed`, and a body that is too large under the same code. */
export async function readRegistrationFields(
  request: Request,
  bytesMax: number,
  malformed: Refusal,
): Promise<Record<string, unknown>> {
  if (mediaTypeOf(request) !== 'application/json') throw new Refusal('unsupported-media-type', 'Send application/json.')
  const body = await readBody(request, bytesMax, { code: malformed.code, what: 'A registration' })
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body))
    if (isRecord(json)) return json
  } catch {
    // Neither UTF-8 nor JSON.
  }
  throw malformed
}
