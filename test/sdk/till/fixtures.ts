import { memory } from '../../../sdk/adapters/memory.ts'
import {
  type ChainView,
  channelIdOf,
  decodeMessage,
  encodeMessage,
  linkKeyOf,
  type Message,
  type Opening,
} from '../../../sdk/channel/index.ts'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import type { StoredRecord } from '../../../sdk/ports.ts'
import { type Deposit, localTillSigner, type TillOptions } from '../../../sdk/till/index.ts'
import { feerate, height, type Sats, sats, txid } from '../../../sdk/units.ts'
import { opening, payeeSecret, payerSecret, terms, view } from '../channel/fixtures.ts'

/** Where a payer offers a channel of the fixtures. */
export const start: ChainView = { ...view, fundedAt: null }

/** Everything around a till, in the test's hands. */
export interface Shop {
  readonly options: TillOptions
  readonly records: Map<string, StoredRecord>
  /** What the till has sent, read. */
  readonly sent: Message[]
  readonly deposits: Deposit[]
  readonly broadcasts: Uint8Array[]
  now: number
  view: ChainView
  /** What the link answers; throws when the test says so. */
  onSend: () => void
}

export function openShop({ undepositedMax = sats(1_000n) }: { readonly undepositedMax?: Sats } = {}): Shop {
  const records = new Map<string, StoredRecord>()
  const shop: Shop = {
    records,
    sent: [],
    deposits: [],
    broadcasts: [],
    now: 1_000_000,
    view: start,
    onSend: () => undefined,
    options: {
      store: memory(records),
      terms,
      undepositedMax,
      viewMsMax: -1, // Every message is judged by what the chain shows now.
      signer: localTillSigner([payeeSecret]),
      clock: { now: () => shop.now },
      chain: {
        view: async () => shop.view,
        broadcast: async (transaction) => void shop.broadcasts.push(transaction),
        feerate: async () => feerate(1_000),
      },
      link: {
        send: async (_, bytes) => {
          shop.onSend()
          const envelope = decodeMessage(bytes)
          if (envelope.ok) shop.sent.push(envelope.value.message)
        },
        deposit: async (deposit) => void shop.deposits.push(deposit),
      },
    },
  }
  return shop
}

/** A message as the payer of a channel seals it. */
export function sealed(message: Message, by: { readonly of?: Opening; readonly secret?: Uint8Array } = {}): Uint8Array {
  const { of = opening, secret = payerSecret } = by
  const shared = currentEngine().sharedSecret(secret, of.terms.payeeKey)
  return encodeMessage(message, linkKeyOf(shared, channelIdOf(of)))
}

/** An opening of the same payer on another output. */
export function otherOpening(change: Partial<Opening> = {}): Opening {
  return { ...opening, funding: { txid: txid('cd'.repeat(32)), index: 0 }, ...change }
}

export function at(blocks: number): ChainView {
  return { ...view, height: height(blocks) }
}

/** The name of what is bought. */
export function named(name: number): Uint8Array {
  return new Uint8Array(16).fill(name)
}
