import { sealRefund } from '../../sdk/bitcoin/index.ts'
import {
  type ChainView,
  type CloseAsk,
  closingFee,
  decodePayer,
  encodePayer,
  nextClose,
  nextUpdate,
  type Opening,
  type Payer,
  type PayerEffect,
  type PayerEvent,
  type PayerFault,
  type PayerMessage,
  type payerStep,
  refund,
  type Update,
} from '../../sdk/channel/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import { invariant, SdkError } from '../../sdk/errors.ts'
import type { Store } from '../../sdk/ports.ts'
import { type Feerate, type Height, height, type Sats } from '../../sdk/units.ts'

/** What the payer's shell works with. */
export interface PayerWorld {
  readonly store: Store
  readonly secretKey: Uint8Array
  readonly step: typeof payerStep
  readonly refundFeerate: Feerate
  readonly send: (message: PayerMessage) => Promise<void>
  readonly view: (opening: Opening) => Promise<ChainView>
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
  /** Told of everything that was signed, before it is stored. */
  readonly onSigned: (
    signed: { readonly update: Update } | { readonly ask: CloseAsk } | { readonly refund: true },
  ) => void
  /** Told of hints. */
  readonly onHint: (effect: Extract<PayerEffect, { type: 'answered' | 'refused' }>) => void
}

/** A payer of one channel around the pure core, as a wallet has it: one turn at a time, stored before anything leaves. */
export interface PayerShell {
  /** The stored channel, if there is one. */
  readonly channel: () => Promise<Payer | null>
  readonly begin: (channel: Payer) => Promise<void>
  readonly feed: (event: PayerEvent) => Promise<void>
  /** Signs and sends a payment; the reason when it is not even signed. */
  readonly pay: (wish: { readonly amount: Sats; readonly paymentId: Uint8Array }) => Promise<PayerFault | null>
  readonly askClose: (rate: Feerate) => Promise<PayerFault | null>
  /** Looks at the chain, and does what is due. */
  readonly watch: () => Promise<void>
}

export const payerKey = 'wallet/channel'

export function openPayerShell(world: PayerWorld): PayerShell {
  const { store, secretKey, onSigned } = world
  let loaded: { readonly channel: Payer; readonly version: number } | null = null
  let turn: Promise<unknown> = Promise.resolve()
  let seen: Height = height(0)

  function inTurn<value>(run: () => Promise<value>): Promise<value> {
    const end = turn.then(run)
    turn = end.catch(() => undefined)
    return end
  }

  async function load() {
    if (loaded) return loaded
    const record = await store.get(payerKey)
    if (!record) return null
    const channel = decodePayer(record.bytes)
    if (!channel.ok) throw new SdkError('store/corrupt', `The payer's record is damaged: ${channel.reason}.`)
    loaded = { channel: channel.value, version: record.version }
    return loaded
  }

  async function held() {
    const known = await load()
    invariant(known, 'the payer has a channel')
    return known
  }

  async function save(channel: Payer, expected: number): Promise<void> {
    loaded = null
    await store.commit([{ key: payerKey, expected, bytes: encodePayer(channel) }])
    loaded = { channel, version: expected + 1 }
  }

  async function feed(event: PayerEvent): Promise<void> {
    const { channel } = await held()
    for (const effect of world.step(channel, event).effects) await perform(effect)
  }

  async function perform(effect: PayerEffect): Promise<void> {
    switch (effect.type) {
      case 'persist':
        return save(effect.channel, (await held()).version)
      case 'send':
        return world.send(effect.message)
      case 'broadcast':
        return world.broadcast(effect.transaction)
      case 'sign-refund':
        return signRefund()
      default:
        return world.onHint(effect)
    }
  }

  async function signRefund(): Promise<void> {
    const { opening } = (await held()).channel
    const unsigned = refund(opening, world.refundFeerate)
    invariant(unsigned.ok, 'OW4: the channel can be refunded')
    onSigned({ refund: true })
    const { bytes } = sealRefund(unsigned.value, sign(unsigned.value.digest))
    await feed({ type: 'refund', transaction: bytes, height: seen })
  }

  function sign(digest: Uint8Array): Uint8Array {
    return currentEngine().sign(digest, secretKey).slice(0, 64)
  }

  return {
    channel: () => inTurn(async () => (await load())?.channel ?? null),
    begin: (channel) => inTurn(() => save(channel, 0)),
    feed: (event) => inTurn(() => feed(event)),
    pay: (wish) =>
      inTurn(async () => {
        const known = await load()
        const next = known ? nextUpdate(known.channel, wish) : 'not-open'
        if (typeof next === 'string') return next
        const update = { ...next.update, signature: sign(next.digest) }
        onSigned({ update })
        await feed({ type: 'update', update })
        return null
      }),
    askClose: (rate) =>
      inTurn(async () => {
        const { channel } = await held()
        const next = nextClose(channel, closingFee(channel.opening, rate))
        if (typeof next === 'string') return next
        const ask = { ...next.ask, signature: sign(next.digest) }
        onSigned({ ask })
        await feed({ type: 'close', ask })
        return null
      }),
    watch: () =>
      inTurn(async () => {
        const { channel } = await held()
        const view = await world.view(channel.opening)
        seen = view.height
        await feed({ type: 'chain', view })
      }),
  }
}
