import { memory } from '../../../sdk/adapters/memory.ts'
import { p2wpkh } from '../../../sdk/bitcoin/index.ts'
import {
  channelIdOf,
  decodeMessage,
  isAuthentic,
  isFromPayer,
  linkKeyOf,
  type Opening,
  openPayer,
  type PayerFault,
  payerStep,
  type Terms,
} from '../../../sdk/channel/index.ts'
import { createMailbox } from '../../../sdk/client/index.ts'
import { currentEngine, sha256 } from '../../../sdk/crypto/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { ChannelLink, Clock, Store, StoredRecord } from '../../../sdk/ports.ts'
import {
  createTill,
  localTillSigner,
  mailboxLink,
  openBoxes,
  type RunTillOptions,
  runTill,
  type Till,
  type TillBoxes,
  type TillChain,
  type TillNeglect,
  type TillProgram,
} from '../../../sdk/till/index.ts'
import { type ChannelId, feerate, height, type Sats, sats, toHex, txid } from '../../../sdk/units.ts'
import { type MemoryBox, memoryBox } from '../../edge/memoryBox.ts'
import { defaultRefundFeerate, openPayerShell } from '../../sim/payerShell.ts'

/** A clock that runs a hundred times as fast, so that minutes pass in a test. */
export const fastClock: Clock = {
  now: () => Date.now() * haste,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }, ms / haste)
      signal?.addEventListener('abort', stop, { once: true })
    }),
}
const haste = 100

/** What every process of a test shares: boxes and the chain, and what fails of them. */
export interface Town {
  readonly boxes: Map<ChannelId, MemoryBox>
  readonly trouble: { node: boolean; box: boolean }
  readonly chain: TillChain & { tip: number; readonly broadcasts: Uint8Array[]; looks: number }
  /** Channels whose funding is in the chain. */
  readonly funded: Set<ChannelId>
  readonly box: (channel: ChannelId) => MemoryBox
}

export function createTown(): Town {
  const boxes = new Map<ChannelId, MemoryBox>()
  const funded = new Set<ChannelId>()
  const trouble = { node: false, box: false }
  const node = <value>(value: value): Promise<value> =>
    trouble.node
      ? Promise.reject(new SdkError('node/unreachable', 'Cut.', { retryable: true }))
      : Promise.resolve(value)
  const chain = {
    tip: 1_000,
    looks: 0,
    broadcasts: [] as Uint8Array[],
    view: (opening: Opening) => {
      chain.looks += 1
      const fundedAt = funded.has(channelIdOf(opening)) ? height(900) : null
      return node({ height: height(chain.tip), fundedAt, spend: null })
    },
    broadcast: async (transaction: Uint8Array) => {
      await node(null)
      chain.broadcasts.push(transaction)
    },
    feerate: () => node(feerate(1_500)),
  }
  return {
    boxes,
    funded,
    trouble,
    chain,
    box: (channel) => {
      const box = boxes.get(channel) ?? memoryBox()
      boxes.set(channel, box)
      return box
    },
  }
}

/** A link that fails while the town's boxes do. */
export function linkIn({ trouble, box }: Town, channel: ChannelId, side: 'payer' | 'payee', token: Uint8Array) {
  const link = box(channel).link(side, token)
  const reached = () => {
    if (trouble.box) throw new SdkError('relay/unreachable', 'Cut.', { retryable: true })
  }
  const wrapped: ChannelLink = {
    send: async (message) => {
      reached()
      await link.send(message)
    },
    receive: async function* (after, signal) {
      reached()
      yield* link.receive(after, signal)
    },
    acknowledge: async (read) => {
      reached()
      await link.acknowledge(read)
    },
    deposit: async (deposit) => {
      reached()
      await link.deposit(deposit)
    },
    standing: async () => {
      reached()
      return link.standing()
    },
  }
  return wrapped
}

export const tillSecret = keyOf('till')

export const shopTerms: Terms = {
  network: 'regtest',
  payeeKey: currentEngine().publicKey(tillSecret),
  payeeScript: p2wpkh(currentEngine().publicKey(keyOf('payout'))),
  closeFee: sats(300n),
  confirmationsMin: 1,
  capacityMin: sats(3_000n),
  capacityMax: sats(1_000_000n),
  expiryBlocksMin: 20,
  expiryBlocksMax: 5_000,
  marginBlocks: 12,
}

/** A till as a program, in a town. */
export interface Shop {
  readonly till: Till
  readonly boxes: TillBoxes
  readonly program: TillProgram
  readonly neglects: TillNeglect[]
  readonly store: Store
}

export interface ShopOptions {
  readonly records?: Map<string, StoredRecord>
  readonly run?: Partial<RunTillOptions>
  readonly secrets?: readonly Uint8Array[]
  readonly undepositedMax?: Sats
}

export async function openShop(town: Town, options: ShopOptions = {}): Promise<Shop> {
  const { records = new Map(), run = {}, secrets = [tillSecret], undepositedMax = sats(1_000_000n) } = options
  const store = memory(records)
  const signer = localTillSigner(secrets)
  const clock = fastClock
  const boxes = await openBoxes({
    store,
    signer,
    clock,
    payeeKey: shopTerms.payeeKey,
    connect: (channel, token) => linkIn(town, channel, 'payee', token),
  })
  const { chain } = town
  const till = await createTill({
    store,
    signer,
    clock,
    chain,
    link: mailboxLink(boxes),
    terms: shopTerms,
    undepositedMax,
  })
  const neglects: TillNeglect[] = []
  const program = runTill({ till, boxes, clock, pollMs: 2_000, onNeglect: (one) => neglects.push(one), ...run })
  return { till, boxes, program, neglects, store }
}

/** A payer of one channel on the pure core, with its mailbox and its store. */
export interface Shopper {
  readonly id: ChannelId
  readonly opening: Opening
  /** Everything the payee has answered, by kind. */
  readonly answers: string[]
  /** Offers the channel until the till has taken it and it is open. */
  readonly open: () => Promise<void>
  /** Signs a payment and sends it; the bytes that went out. The fault when nothing was signed. */
  readonly pay: (amount: Sats, paymentId: Uint8Array) => Promise<Uint8Array | PayerFault>
  /** Sends what is unanswered once more. */
  readonly resend: () => Promise<void>
  /** What became of the payment that was signed last. */
  readonly answer: () => Promise<'paid' | PayerFault>
  readonly remaining: () => Promise<Sats>
  /** Keeps what is sent from the box until told otherwise. */
  readonly hold: (isHeld: boolean) => void
  readonly stop: () => void
}

export function createShopper(town: Town, name: string, capacity: Sats = sats(100_000n)): Shopper {
  const secretKey = keyOf(name)
  const opening: Opening = {
    terms: shopTerms,
    payerKey: currentEngine().publicKey(secretKey),
    payerScript: p2wpkh(currentEngine().publicKey(keyOf(`${name} refund`))),
    capacity,
    expiry: height(2_000),
    funding: { txid: txid(toHex(keyOf(`${name} funding`)).slice(2)), index: 0 },
  }
  const id = channelIdOf(opening)
  const linkKey = linkKeyOf(currentEngine().sharedSecret(secretKey, shopTerms.payeeKey), id)
  const mailbox = createMailbox({ link: linkIn(town, id, 'payer', keyOf(`${name} token`)), epoch: 1, clock: fastClock })
  const stopping = new AbortController()
  const answers: string[] = []
  let isHeld = false
  let looks = 0
  let sent: Uint8Array = new Uint8Array(0)
  let fault: PayerFault | null = null
  const shell = openPayerShell({
    id,
    store: memory(),
    now: () => {
      looks += 1
      return looks * 60_001 // Whatever is unanswered is due at every look.
    },
    refundFeerate: defaultRefundFeerate,
    onError: (error) => {
      throw error
    },
    secretKey,
    step: payerStep,
    send: async (_, bytes) => {
      sent = bytes
      if (!isHeld) await mailbox.post(sent)
    },
    view: town.chain.view,
    broadcast: async () => {
      town.funded.add(id)
    },
    onSigned: () => undefined,
    onHint: (hint) => {
      fault = hint.fault
    },
  })
  void mailbox.read(async (bytes) => {
    const envelope = decodeMessage(bytes)
    if (!envelope.ok || !isAuthentic(envelope.value, linkKey)) return
    const { message } = envelope.value
    if (isFromPayer(message)) return
    answers.push(message.type)
    await shell.take(bytes)
  }, stopping.signal)
  return {
    id,
    opening,
    answers,
    open: async () => {
      await shell.begin(openPayer(opening, Uint8Array.of(1)))
      await shell.tend()
      await eventually(
        async () => (await shell.channel())?.phase === 'open',
        async () => {
          if ((await shell.channel())?.phase === 'funding') await shell.tend()
        },
      )
    },
    pay: async (amount, paymentId) => {
      const refusal = await shell.pay({ amount, paymentId })
      return refusal ?? sent
    },
    resend: () => shell.tend(),
    answer: async () => {
      await eventually(async () => !(await shell.channel())?.pending)
      return fault ?? 'paid'
    },
    remaining: async () => {
      const channel = await shell.channel()
      return sats(channel ? opening.capacity - opening.terms.closeFee - channel.spent : 0n)
    },
    hold: (held) => {
      isHeld = held
    },
    stop: () => stopping.abort(),
  }
}

/** 32 bytes that belong to a name. */
export function keyOf(name: string): Uint8Array {
  return sha256(new TextEncoder().encode(name))
}

/** A payment id that belongs to a name. */
export function paymentOf(name: string): Uint8Array {
  return keyOf(name).slice(0, 16)
}

/** Waits until something is so, five seconds at the most. */
export async function eventually(isSo: () => boolean | Promise<boolean>, meanwhile?: () => Promise<void>) {
  for (let tries = 0; tries < 300; tries++) {
    if (await isSo()) return
    await meanwhile?.()
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  throw new Error('It did not come to be.')
}
