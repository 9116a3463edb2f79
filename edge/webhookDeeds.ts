import { hmacSha256 } from '../sdk/crypto/index.ts'
import type { BatchId, ChainId } from '../sdk/units.ts'
import { webhookTimeoutMs } from './limits.ts'
import type { MemberStatus } from './objects.ts'
import type { CallOutcome, WebhookEffect, WebhookEvent } from './webhook.ts'
import type { CallRow } from './webhookRows.ts'

/** What the webhook's effects are done with. */
export interface WebhookWorld {
  readonly look: (chain: ChainId, batch: BatchId) => Promise<readonly MemberStatus[] | null>
  /** Goes out to the public network, and to no other. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly feed: (event: WebhookEvent) => void
  readonly now: () => number
}

/** Does one effect of the webhook's step and feeds back what came of it. Throws when the world fails. */
export async function doForWebhook(effect: WebhookEffect, world: WebhookWorld): Promise<void> {
  const { look, feed, now } = world
  switch (effect.type) {
    case 'look':
      for (const batch of effect.batches) {
        const members = await look(effect.chain, batch)
        feed({ type: 'seen', batch, members, now: now() })
      }
      return
    case 'call': {
      const { id, attempts } = effect.call
      const outcome = await tryCall(effect, world)
      feed({ type: 'called', id, attempts, outcome, now: now() })
      return
    }
  }
}

/** One try, as the Standard Webhooks specification has it. Only the status of the answer counts: none of it is read. */
async function tryCall(
  { url, secrets, call }: Extract<WebhookEffect, { type: 'call' }>,
  { fetch, now }: WebhookWorld,
): Promise<CallOutcome> {
  const seconds = Math.floor(now() / 1_000)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...webhookHeaders(call, secrets, seconds) },
      body: call.body,
      // A redirect would lead where nobody has looked.
      redirect: 'manual',
      signal: AbortSignal.timeout(webhookTimeoutMs),
    })
    await response.body?.cancel()
    if (response.ok) return 'done'
    return response.status === 410 ? 'gone' : { fault: String(response.status) }
  } catch {
    // Whatever went wrong on the way is one thing here: it is tried again.
    return { fault: 'unreachable' }
  }
}

/**
 * `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks, symmetric `v1`): HMAC-SHA256 over id, time
 * and body, joined by full stops; one signature for each secret, separated by spaces.
 *
 * @param secrets - Base64, 24 to 64 bytes each.
 */
export function webhookHeaders(
  { id, body }: Pick<CallRow, 'id' | 'body'>,
  secrets: readonly string[],
  seconds: number,
) {
  const signed = new TextEncoder().encode(`${id}.${seconds}.${body}`)
  const signatures = secrets.map((secret) => `v1,${toBase64(hmacSha256(fromBase64(secret), signed))}`)
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') }
}

/** A new secret, as rows keep it. */
export function newSecret(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(32)))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
