import type { LiveChannel } from '../../../channel/penalty/index.ts'
import {
  type Pace,
  paceDefault,
  type SwapAction,
  type SwapFacts,
  type Swapper,
  type SwapTerms,
  swapAction,
} from '../../../channel/swap/index.ts'
import { unreachable } from '../../../errors.ts'
import { type ChannelId, msats, sameBytes, toHex } from '../../../units.ts'
import type { PenaltyDesk } from './desk.ts'
import { type Htlcs, isGone } from './htlcs.ts'
import { decideHeld, invoiceOf, keepInvoice, offeredTo } from './invoices.ts'
import { liveOf } from './node.ts'
import { offer } from './paying.ts'
import { paymentOf } from './payments.ts'
import { wake } from './tend.ts'

/** The lock of a swap, on the other chain: read there, and called by whoever has a wallet there. */
export interface SwapLockSide {
  /**
   * What is final there. `sent`: this side has signed a call, and its end is not final; so it has to remember that, also over a restart.
   * [SW6] `preimage`: what a taking has told.
   */
  readonly facts: () => Promise<{
    readonly lock: SwapFacts['lock']
    readonly nowSeconds: number
    readonly preimage: Uint8Array | null
  }>
  readonly lock: () => Promise<void>
  readonly take: (preimage: Uint8Array) => Promise<void>
  readonly giveBack: () => Promise<void>
}

/** One side of a swap of bitcoin over a channel for tokens. */
export interface SwapWish {
  readonly own: Swapper
  readonly terms: SwapTerms
  /** Shared by the two, without a hub between them. */
  readonly channel: ChannelId
  /** The chooser's; `null` for the other one. Kept by the caller until the swap is over. */
  readonly preimage: Uint8Array | null
  readonly pace?: Pace
  readonly lock: SwapLockSide
}

export interface TwoWaySwaps {
  /**
   * Does the next thing of a swap, and says what that was: to be called with each block of either chain and after each start, until it
   * says `over`. What it says of the HTLC it knows from the store, so that it goes on after a restart.
   *
   * Funds at risk: both sides have to be told the same terms, and to call in time. Ends in the wrong order, or a pace that the chains do not
   * keep, lose one side to the other. [SW2] [SW3] [SW4]
   *
   * Throws `wallet/unknown-channel`, `wallet/busy`, and what `lock` throws.
   */
  readonly swap: (wish: SwapWish) => Promise<SwapAction>
}

/** For a month after the lock's end it is remembered what becomes of the HTLC. */
const rememberSeconds = 2_592_000

/** Swaps of one wallet. */
export function twoWaySwaps(htlcs: Htlcs, deskOf: (id: ChannelId) => PenaltyDesk): TwoWaySwaps {
  return { swap: (wish) => pursueSwap(htlcs, deskOf(wish.channel), wish) }
}

async function pursueSwap(htlcs: Htlcs, desk: PenaltyDesk, wish: SwapWish): Promise<SwapAction> {
  const { own, terms, lock, pace = paceDefault } = wish
  const { hash } = terms.lock
  if (own === 'token-payer') await hold(htlcs, terms)
  const tip = desk.sighting?.view.height
  if (tip === undefined) return 'wait'
  const told = await lock.facts()
  const { htlc, preimage } = own === 'coin-payer' ? await paidOut(htlcs, desk, hash) : await paidIn(htlcs, desk, terms)
  const known = wish.preimage ?? preimage ?? told.preimage
  const facts: SwapFacts = { tip, nowSeconds: told.nowSeconds, lock: told.lock, htlc, preimage: known }
  const action = swapAction(own, terms, facts, pace)
  switch (action) {
    case 'offer-htlc':
      liveOf(desk)
      await offer(htlcs, desk, {
        ...{ paymentHash: hash, amount: terms.amount, fee: msats(0n), feeMax: msats(0n), waitMs: 0 },
        expiry: () => terms.expiry,
      })
      return action
    case 'fulfil-htlc':
      if (known) await decide(htlcs, desk, hash, { preimage: known })
      return action
    case 'fail-htlc':
      await decide(htlcs, desk, hash, 'back')
      return action
    case 'lock':
      await lock.lock()
      return action
    case 'take-lock':
      if (known) await lock.take(known)
      return action
    case 'give-back-lock':
      await lock.giveBack()
      return action
    case 'wait':
    case 'over':
      return action
    default:
      return unreachable(action)
  }
}

/** The HTLC is not given back before the swap says so. */
async function hold({ world, clock, desks }: Htlcs, { lock, amount }: SwapTerms): Promise<void> {
  if (await invoiceOf(world.store, lock.hash)) return
  const endsAtSeconds = lock.endSeconds + rememberSeconds
  const record = { kind: 'held', preimage: null, amount, endsAtSeconds, state: { kind: 'open' } } as const
  const nowSeconds = Math.floor(clock.now() / 1_000)
  await keepInvoice(world.store, lock.hash, record, { nowSeconds, isOver: (id) => isGone(desks, id) })
}

async function decide(
  { world }: Htlcs,
  desk: PenaltyDesk,
  hash: Uint8Array,
  decision: { readonly preimage: Uint8Array } | 'back',
): Promise<void> {
  await decideHeld(world.store, hash, decision)
  await wake(desk)
}

type HtlcFacts = Pick<SwapFacts, 'htlc' | 'preimage'>

/** The HTLC as who offers it knows it: held when both have revoked what was before. */
async function paidOut({ world, wishing }: Htlcs, { known, id }: PenaltyDesk, hash: Uint8Array): Promise<HtlcFacts> {
  const stored = await paymentOf(world.store, hash)
  if (!stored || stored.record.channel !== id)
    return { htlc: wishing.has(toHex(hash)) ? 'sent' : 'none', preimage: null }
  const { state, id: number } = stored.record
  if (state.kind === 'paid') return { htlc: 'paid', preimage: state.preimage }
  if (state.kind === 'failed') return { htlc: 'back', preimage: null }
  const live = known.channel as LiveChannel
  const isHeld = live.base.htlcs.some((one) => one.by === live.own && one.id === number)
  return { htlc: isHeld ? 'held' : 'sent', preimage: null }
}

/** The HTLC as who is paid by it knows it. One that is not of the terms is given back. */
async function paidIn(htlcs: Htlcs, desk: PenaltyDesk, { amount, expiry, lock }: SwapTerms): Promise<HtlcFacts> {
  const kept = await invoiceOf(htlcs.world.store, lock.hash)
  const none: HtlcFacts = { htlc: 'none', preimage: null }
  if (!kept) return none
  const { state, preimage } = kept.record
  if (state.kind === 'received') return { htlc: 'paid', preimage }
  const { channel } = desk.known
  const found = channel && 'base' in channel ? offeredTo(channel) : []
  const htlc = found.find((one) => sameBytes(one.paymentHash, lock.hash))
  if (state.kind === 'back') return { htlc: 'back', preimage }
  if (!htlc) return none
  if (htlc.amount >= amount && htlc.expiry >= expiry) return { htlc: 'held', preimage }
  await decide(htlcs, desk, lock.hash, 'back')
  return { htlc: 'back', preimage: null }
}
