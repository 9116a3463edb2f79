import type { Address } from '../units.ts'
import type { AccountFacts } from './facts.ts'
import { currentAttempt } from './intent.ts'
import { type OrderRefusal, type Quote, refusal } from './order.ts'
import { freeNonces, type Outbox, openIntentsMax } from './outbox.ts'

/** A quote and the nonce it will have. */
export interface Reserved {
  readonly quote: Quote
  readonly nonce: number
}

export type Reservation =
  | { readonly ok: true; readonly reserved: readonly Reserved[] }
  | { readonly ok: false; readonly refusals: readonly OrderRefusal[] }

/**
 * Gives each quote its nonce, in order, account by account. Pure: it decides from the outboxes it is shown, so it
 * can be asked again when they change. [OB3] [OB4]
 *
 * Refused: what an account cannot pay beside everything of it that is still open, a nonce fixed by hand that is not
 * the next, and more open intents than an outbox holds. One refusal refuses all, so nothing is sent in part.
 */
export function reserve(
  quotes: readonly Quote[],
  facts: ReadonlyMap<Address, AccountFacts>,
  outboxes: readonly Outbox[],
): Reservation {
  const byIndex = new Map<number, Reserved>()
  const refusals: OrderRefusal[] = []
  for (const outbox of outboxes) {
    const own = quotes.filter(({ from }) => from === outbox.account)
    const known = facts.get(outbox.account)
    if (!known) continue
    const nonces = freeNonces(outbox, known.pending, own.length)
    const no = noRoom(outbox, own) ?? noFunds(outbox, own, known) ?? wrongNonce(own, nonces)
    if (no) refusals.push(no)
    own.forEach((quote, at) => {
      byIndex.set(quote.index, { quote, nonce: nonces[at] as number })
    })
  }
  if (refusals.length > 0) return { ok: false, refusals: refusals.sort((one, other) => one.index - other.index) }
  return { ok: true, reserved: quotes.flatMap(({ index }) => byIndex.get(index) ?? []) }
}

function noRoom(outbox: Outbox, own: readonly Quote[]): OrderRefusal | undefined {
  const open = outbox.intents.filter(({ phase }) => phase.name === 'open').length
  const first = own[openIntentsMax - open]
  return first && refusal(first.index, 'wallet/outbox-full', `${open} transactions of the account are still open.`)
}

/** What is open and not yet executed is counted against the balance: it can still be executed. */
function noFunds(outbox: Outbox, own: readonly Quote[], { balance, latest }: AccountFacts): OrderRefusal | undefined {
  let cost = 0n
  for (const intent of outbox.intents) if (intent.nonce >= latest) cost += currentAttempt(intent)?.costMax ?? 0n
  for (const { index, costMax } of own) {
    cost += costMax
    if (cost > balance)
      return refusal(
        index,
        'wallet/insufficient-funds',
        `It takes up to ${cost} wei in all, the account holds ${balance}.`,
      )
  }
  return undefined
}

function wrongNonce(own: readonly Quote[], nonces: readonly number[]): OrderRefusal | undefined {
  for (const [at, { index, order }] of own.entries()) {
    const next = nonces[at] as number
    if (order.nonce === undefined || order.nonce === next) continue
    if (order.nonce > next) return refusal(index, 'wallet/nonce-gap', `The next nonce is ${next}, not ${order.nonce}.`)
    return refusal(index, 'wallet/nonce-taken', `The nonce ${order.nonce} is taken; the next is ${next}.`)
  }
  return undefined
}
