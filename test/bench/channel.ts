import { p2wpkh } from '../../sdk/bitcoin/index.ts'
import {
  channelIdOf,
  nextUpdate,
  type Opening,
  openPayee,
  openPayer,
  type Payee,
  type Payer,
  payeeStep,
  payerStep,
} from '../../sdk/channel/index.ts'
import { currentEngine, nobleEngine, useEngine } from '../../sdk/crypto/index.ts'
import { height, sats, txid } from '../../sdk/units.ts'
import { closeByPeer } from './channelPeer.ts'
import { paymentFigures } from './checkout.ts'
import { penaltyFigures } from './penalty.ts'
import type { Figure } from './run.ts'

const rounds = 200
const paymentsPerRound = 5

/**
 * Payments through a one-way channel, both sides in one process, storage and transport left out: the payer makes, signs and
 * steps, the payee verifies and steps, the payer takes the ack. No published library has such a channel, so the peer is what
 * one would write: bitcoinjs-lib makes the closing anew on each side, and the same curve signs and verifies. Its part of the
 * work is the smaller one, since it keeps no channel. `ratio` says how many times faster ours is.
 */
export async function* run(): AsyncIterable<Figure> {
  useEngine(nobleEngine)
  const ours = openChannel()
  const theirs = closeByPeer(ours.opening, secrets)
  const best = { ours: Number.POSITIVE_INFINITY, theirs: Number.POSITIVE_INFINITY }
  for (let round = 0; round < rounds; round++) {
    best.ours = Math.min(best.ours, msOf(ours.pay))
    best.theirs = Math.min(best.theirs, msOf(theirs))
  }
  const [value, peerValue] = [best.ours, best.theirs].map((ms) => (1_000 * paymentsPerRound) / ms) as [number, number]
  const peer = 'bitcoinjs-lib, noble-curves'
  yield { name: 'one-way payments, both sides', value, unit: '/s', peer, peerValue, ratio: value / peerValue }
  yield* penaltyFigures()
  yield* paymentFigures()
}

const secrets = { payer: new Uint8Array(32).fill(0x11), payee: new Uint8Array(32).fill(0x22) }
const view = { height: height(110), fundedAt: height(100), spend: null }

/** A channel with room for all payments of a run. */
function openChannel(): { readonly opening: Opening; readonly pay: () => void } {
  const { publicKey } = currentEngine()
  const [payerKey, payeeKey] = [publicKey(secrets.payer), publicKey(secrets.payee)]
  const opening: Opening = {
    terms: {
      network: 'regtest',
      payeeKey,
      payeeScript: p2wpkh(payeeKey),
      closeFee: sats(300n),
      confirmationsMin: 1,
      capacityMin: sats(1_000n),
      capacityMax: sats(10_000_000n),
      expiryBlocksMin: 150,
      expiryBlocksMax: 1_000,
      marginBlocks: 144,
    },
    payerKey,
    payerScript: p2wpkh(payerKey),
    capacity: sats(10_000_000n),
    expiry: height(900),
    funding: { txid: txid('ab'.repeat(32)), index: 0 },
  }
  const payer: Payer = { ...openPayer(opening, new Uint8Array(0)), phase: 'open' }
  return { opening, pay: counter({ payer, payee: openPayee(opening, height(100)) }) }
}

/** Makes one payment after the other. */
function counter(sides: { payer: Payer; payee: Payee }): () => void {
  const price = sats(100n)
  let made = 0
  return () => {
    made += 1
    const paymentId = new Uint8Array(16)
    new DataView(paymentId.buffer).setUint32(0, made)
    const next = nextUpdate(sides.payer, { amount: price, paymentId })
    if (typeof next === 'string') throw new Error(`The payer does not pay: ${next}.`)
    const signature = currentEngine().sign(next.digest, secrets.payer).slice(0, 64)
    const update = { ...next.update, signature }
    sides.payer = payerStep(sides.payer, { type: 'update', update }).channel
    const taken = payeeStep(sides.payee, { type: 'update', update, price, view })
    sides.payee = taken.channel
    const answer = taken.effects.find((effect) => effect.type === 'send')
    if (answer?.message.type !== 'ack') throw new Error('The payee did not take the payment.')
    sides.payer = payerStep(sides.payer, { type: 'message', message: answer.message }).channel
    if (sides.payer.best.number !== made || channelIdOf(sides.payer.opening) !== update.channelId)
      throw new Error('The payer was not answered.')
  }
}

function msOf(pay: () => void): number {
  const start = performance.now()
  for (let at = 0; at < paymentsPerRound; at++) pay()
  return performance.now() - start
}
