import { join } from 'node:path'
import { type Hex, type Sats, type Store, sats } from 'lanekit'
import { esplora, socketBox, systemClock, systemRandom } from 'lanekit/adapters'
import { file } from 'lanekit/adapters/file'
import { type Network, p2wpkh } from 'lanekit/bitcoin'
import type { Terms } from 'lanekit/channel'
import { createBitcoinClient } from 'lanekit/client'
import {
  createTill,
  localTillSigner,
  mailboxLink,
  openBoxes,
  runTill,
  type Till,
  type TillNeglect,
  type TillProgram,
} from 'lanekit/till'
import { type Orders, openOrders } from './orders.ts'
import { connect } from './socket.ts'

export interface TillPlace {
  readonly network: Network
  readonly edge: string
  /** An Esplora API. */
  readonly bitcoin: string
  readonly askBitcoin: (url: string, init: RequestInit) => Promise<Response>
  readonly folder: string
  /** Told when the till has broadcast something. */
  readonly sent: () => void
}

/** The till, running, with all that the routes need of it. */
export interface Counter {
  readonly till: Till
  readonly program: TillProgram
  readonly orders: Orders
  /** Height of the chain at the last look. */
  readonly height: () => number
  /** What could not be looked after since the last time this was asked. */
  readonly neglected: () => readonly string[]
  readonly stop: () => Promise<void>
}

/**
 * Worth risking, a channel, when the till's disk dies: the closing that is left with the edge lags by so much. It saves
 * a message a payment.
 */
const undepositedMax: Sats = sats(1_000n)
const pollMs = 2_000

/** Opens the till on its store and runs it. */
export async function openTill({ network, edge, bitcoin, askBitcoin, folder, sent }: TillPlace): Promise<Counter> {
  const store = file(join(folder, 'shop'))
  const clock = systemClock
  const client = await createBitcoinClient({ network, nodes: [esplora({ url: bitcoin, network, fetch: askBitcoin })] })
  const broadcast = async (raw: Uint8Array) => {
    await client.broadcast(raw)
    sent()
  }
  const signer = localTillSigner([await keyOf(store)])
  const [payeeKey] = await signer.publicKeys()
  if (!payeeKey) throw new Error('A signer has the keys that it was given.')
  const boxOf = (channel: Hex, token: Uint8Array) => socketBox({ url: edge, side: 'payee', channel, token, connect })
  const boxes = await openBoxes({ store, signer, clock, payeeKey, connect: boxOf })
  const till = await createTill({
    ...{ store, signer, clock, undepositedMax },
    chain: { ...client, broadcast },
    link: mailboxLink(boxes),
    terms: termsOf(network, payeeKey),
  })
  const neglects = new Map<string, string>()
  const onNeglect = ({ channelId, error }: TillNeglect) => {
    neglects.set(channelId ?? 'all', error instanceof Error ? error.message : String(error))
  }
  const program = runTill({ till, boxes, clock, pollMs, onNeglect })
  const follower = followTip(client)
  return {
    till,
    program,
    orders: openOrders(store),
    height: follower.height,
    neglected: () => {
      const told = [...neglects.values()]
      neglects.clear()
      return told
    },
    stop: async () => {
      follower.stop()
      await program.stop()
      await store.close()
    },
  }
}

function followTip({ sync }: { readonly sync: () => Promise<{ readonly height: number }> }) {
  let tip = 0
  const timer = setInterval(() => {
    sync().then(
      ({ height }) => {
        tip = height
      },
      () => undefined, // The till's own look says so too.
    )
  }, pollMs)
  timer.unref()
  return { height: () => tip, stop: () => clearInterval(timer) }
}

/** The till's key, made at the first start. In a shop it would come from wherever its secrets are kept. */
async function keyOf(store: Store): Promise<Uint8Array> {
  const record = await store.get('shop/key')
  if (record) return record.bytes
  const bytes = systemRandom(32)
  await store.commit([{ key: 'shop/key', expected: 0, bytes }])
  return bytes
}

function termsOf(network: Network, payeeKey: Uint8Array): Terms {
  return {
    network,
    payeeKey,
    payeeScript: p2wpkh(payeeKey),
    closeFee: sats(400n),
    confirmationsMin: 3,
    capacityMin: sats(5_000n),
    capacityMax: sats(1_000_000n),
    expiryBlocksMin: 300,
    expiryBlocksMax: 5_000,
    marginBlocks: 144,
  }
}
