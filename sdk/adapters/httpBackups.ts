import { SdkError } from '../errors.ts'
import type { BackupLink, KeptBackup } from '../ports.ts'
import { fromHex, isHex, toHex } from '../units.ts'
import { exchange, type Fetch, fieldsOf, parseJson } from './http.ts'
import type { BoxPlace } from './httpBoxes.ts'
import { problemOf, refused, relay, want } from './relayAnswer.ts'

export interface HttpBackupsOptions {
  readonly fetch?: Fetch
  /** Per request. */
  readonly timeoutMs?: number
}

const backupBytesMax = 16 * 1024
const answerBytesMax = 2 * backupBytesMax + 256
const timeoutMsDefault = 15_000

/**
 * Places for backups over HTTP: the edge's contract in docs/http.md. They never retry. Give it to a wallet as `backup.link`.
 *
 * Throws `units/malformed` for a token that is not 32 bytes. No message holds the address or the token.
 */
export function httpBackups(options: HttpBackupsOptions = {}): (at: BoxPlace) => BackupLink {
  const { fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  return ({ box, id, side, token }) => {
    if (token.length !== 32) throw new SdkError('units/malformed', 'A token has 32 bytes.')
    const base = `${box.replace(/\/+$/, '')}/v1/channels/${id}/${side}/backup`
    const authorization = `Bearer ${toHex(token).slice(2)}`
    const ask = (url: string, init: RequestInit) =>
      exchange(fetch, { counterpart: relay, url, init, timeoutMs, bodyBytesMax: answerBytesMax })
    return {
      keep: async ({ number, bytes }) => {
        const headers = { authorization, 'content-type': 'application/octet-stream' }
        const init: RequestInit = { method: 'PUT', headers, body: Uint8Array.from(bytes) }
        const answer = await ask(`${base}/${number}`, init)
        if (answer.status !== 202) throw refused(problemOf(answer))
      },
      kept: async () => {
        const answer = await ask(base, { headers: { authorization } })
        if (answer.status === 200) return want(readKept(parseJson(answer.body)), 'the backup is not of its shape')
        const problem = problemOf(answer)
        if (problem.code === 'unknown-backup') return null
        throw refused(problem)
      },
    }
  }
}

function readKept(json: unknown): KeptBackup | undefined {
  const { number, bytes } = fieldsOf(json) ?? {}
  if (!Number.isSafeInteger(number) || (number as number) < 1) return undefined
  if (!isHex(bytes) || bytes.length > 2 + 2 * backupBytesMax) return undefined
  return { number: number as number, bytes: fromHex(bytes) }
}
