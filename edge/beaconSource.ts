import { SdkError } from '../sdk/errors.ts'
import { isRecord } from './executor/answer.ts'
import { readText } from './executor/jsonRpc.ts'
import { beaconAnswerBytesMax, beaconTimeoutMs, bundleCachedBytesMax, bundleCachedMax } from './limits.ts'

/** What a beacon node answered, as it came; nothing where it does not have what was asked for. */
export type BeaconAnswer = { readonly json: unknown } | undefined

/**
 * Asks the first beacon node that answers (ethereum/beacon-APIs), and hands on what it says without judging it: whoever asks the
 * edge verifies. Throws `node/unreachable` or `node/nonsense` when none answers.
 *
 * @param urls - From configuration only, never from a request.
 * @param path - Below `/eth/v1/beacon/`, its parts held to their shapes by the caller.
 */
export async function askBeacon(urls: readonly string[], path: string): Promise<BeaconAnswer> {
  let last: unknown = unreachable()
  for (const url of urls) {
    try {
      return await askOne(`${url.replace(/\/+$/, '')}/eth/v1/beacon/${path}`)
    } catch (error) {
      if (!(error instanceof SdkError)) throw error
      last = error
    }
  }
  throw last
}

async function askOne(url: string): Promise<BeaconAnswer> {
  let text: string
  let status: number
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(beaconTimeoutMs),
    })
    status = response.status
    text = await readText(response, beaconAnswerBytesMax)
  } catch (error) {
    throw error instanceof SdkError ? error : unreachable()
  }
  if (status === 404 || status === 400) return undefined
  if (status !== 200) throw unreachable()
  try {
    const json: unknown = JSON.parse(text)
    if (isRecord(json) || Array.isArray(json)) return { json }
  } catch {
    // What is not JSON is nonsense, like any other answer without a shape.
  }
  throw new SdkError('node/nonsense', 'The beacon node did not answer in JSON.')
}

function unreachable(): SdkError {
  return new SdkError('node/unreachable', 'No beacon node answers.', { retryable: true })
}

/** Answers that are handed out again for a while. Bounded; the oldest goes first. Nothing of it is needed: it saves questions. */
export interface Shelf {
  readonly get: (key: string, now: number) => unknown
  /** @param size - About how many bytes it takes: what is too large is not kept. */
  readonly put: (key: string, value: unknown, kept: { readonly until: number; readonly size: number }) => void
}

export function openShelf(): Shelf {
  const entries = new Map<string, { readonly value: unknown; readonly until: number; readonly size: number }>()
  let bytes = 0
  const drop = (key: string) => {
    bytes -= entries.get(key)?.size ?? 0
    entries.delete(key)
  }
  return {
    get: (key, now) => {
      const entry = entries.get(key)
      if (entry && entry.until > now) return entry.value
      drop(key)
      return undefined
    },
    put: (key, value, { until, size }) => {
      drop(key)
      if (size > bundleCachedBytesMax / 4) return
      entries.set(key, { value, until, size })
      bytes += size
      for (const oldest of entries.keys()) {
        if (entries.size <= bundleCachedMax && bytes <= bundleCachedBytesMax) break
        drop(oldest)
      }
    },
  }
}
