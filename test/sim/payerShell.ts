import {
  type ChainView,
  type CloseAsk,
  decodeMessage,
  isFromPayer,
  type Opening,
  type Payer,
  type PayerEffect,
  type PayerFault,
  type PayerMessage,
  type payerStep,
  type Update,
} from '../../sdk/channel/index.ts'
import { currentEngine } from '../../sdk/crypto/index.ts'
import { invariant, SdkError } from '../../sdk/errors.ts'
import type { Store } from '../../sdk/ports.ts'
import { type ChannelId, type Feerate, feerate, type Sats } from '../../sdk/units.ts'
import {
  askClose,
  claimDesk,
  type PayerDesk,
  signPayment,
  takeAnswer,
  tendDesk,
} from '../../sdk/wallet/bitcoin/payerDesk.ts'
import { encodePayerRecord, payerKeys, payerRecordFrom } from '../../sdk/wallet/bitcoin/payerRecord.ts'

/** What the payer's shell works with. */
export interface PayerWorld {
  readonly id: ChannelId
  readonly store: Store
  readonly secretKey: Uint8Array
  readonly step: typeof payerStep
  readonly refundFeerate: Feerate
  /** In milliseconds. */
  readonly now: () => number
  readonly send: (message: PayerMessage, bytes: Uint8Array) => Promise<void>
  readonly view: (opening: Opening) => Promise<ChainView>
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
  /** Told of everything that was signed, before it is stored. */
  readonly onSigned: (signed: { readonly update: Update } | { readonly ask: CloseAsk }) => void
  /** Told of hints. */
  readonly onHint: (effect: Extract<PayerEffect, { type: 'answered' | 'refused' }>) => void
  /** Told of what went wrong behind a call that had returned. */
  readonly onError: (error: unknown) => void
}

/** The wallet's own desk of one channel, without the wallet around it. */
export interface PayerShell {
  /** The stored channel, if there is one. */
  readonly channel: () => Promise<Payer | null>
  readonly begin: (channel: Payer) => Promise<void>
  readonly take: (message: Uint8Array) => Promise<void>
  /** Signs and sends a payment; the reason when it is not even signed. */
  readonly pay: (wish: { readonly amount: Sats; readonly paymentId: Uint8Array }) => Promise<PayerFault | null>
  readonly askClose: (rate: Feerate) => Promise<PayerFault | null>
  /** Looks at the chain, and does what is due. */
  readonly tend: () => Promise<void>
}

export const defaultRefundFeerate = feerate(2_000)

/** The payer of the record, or nothing when it is none. */
export function payerIn(bytes: Uint8Array | undefined): Payer | null {
  return bytes ? payerRecordFrom(bytes).channel : null
}

export function openPayerShell(world: PayerWorld): PayerShell {
  const { id, store } = world
  let claimed: Promise<PayerDesk> | null = null
  const held = () => {
    claimed ??= claimDesk(id, deskWorld(world))
    const desk = claimed
    desk.catch(() => {
      claimed = null // Claimed again by the next call.
    })
    return desk
  }
  return {
    channel: async () => payerIn((await store.get(payerKeys.channel(id)))?.bytes),
    begin: (channel) =>
      store.commit([
        {
          key: payerKeys.channel(id),
          expected: 0,
          bytes: encodePayerRecord({ epoch: 0, index: 0, peer: 'the till', channel }),
        },
      ]),
    take: async (message) => {
      await takeAnswer(await held(), message)
    },
    pay: async (wish) => {
      // A shopper may come before the disk has taken the channel.
      if (!(await store.get(payerKeys.channel(id)))) return 'not-open'
      const signed = await signPayment(await held(), wish)
      return signed.ok ? null : signed.fault
    },
    askClose: async (rate) => askClose(await held(), rate),
    tend: async () => tendDesk(await held()),
  }
}

function deskWorld(world: PayerWorld) {
  const { store, secretKey, step, onSigned, onHint } = world
  const engine = currentEngine()
  return {
    store,
    keys: {
      channelKey: async () => engine.publicKey(secretKey),
      channelSecret: async (_: number, publicKey: Uint8Array) => currentEngine().sharedSecret(secretKey, publicKey),
      signChannel: async ({ digest }: { readonly digest: Uint8Array }) =>
        currentEngine().sign(digest, secretKey).slice(0, 64),
    },
    chain: { view: world.view, broadcast: world.broadcast, feerate: async () => world.refundFeerate },
    clock: { now: world.now },
    step: ((channel, event) => {
      if (event.type === 'update') onSigned({ update: event.update })
      if (event.type === 'close') onSigned({ ask: event.ask })
      const right = step(channel, event)
      for (const effect of right.effects) if (effect.type === 'answered' || effect.type === 'refused') onHint(effect)
      return right
    }) satisfies typeof payerStep as typeof payerStep,
    mailbox: () => ({
      post: async (bytes: Uint8Array) => {
        const envelope = decodeMessage(bytes)
        invariant(envelope.ok && isFromPayer(envelope.value.message), 'a payer posts what a payer says')
        await world.send(envelope.value.message, bytes)
      },
      read: async () => {
        throw new SdkError('relay/unreachable', 'The simulation reads the box itself.')
      },
    }),
    task: (work: Promise<void>) => {
      work.catch(world.onError)
    },
    changed: () => undefined,
  }
}
