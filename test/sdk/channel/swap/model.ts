import {
  type Pace,
  type SwapFacts,
  type Swapper,
  type SwapTerms,
  swapAction,
} from '../../../../sdk/channel/swap/index.ts'
import { height } from '../../../../sdk/units.ts'

/**
 * Two chains and two sides, of whom one keeps to the steps and the other one does whatever it can. Chance is the other one's friend:
 * it says how fast blocks come within the pace, and when what the honest side sends is mined, within the time that the pace allows.
 */
interface World {
  readonly seconds: number
  readonly tip: number
  readonly htlc: SwapFacts['htlc']
  readonly lock: SwapFacts['lock']
  /** The preimage was told on either chain, or to the other side. */
  readonly isTold: boolean
  /** What the honest side has sent, and how long it has waited: seconds for a call, blocks for a claim. */
  readonly call: { readonly kind: 'lock' | 'take-lock' | 'give-back-lock'; readonly waited: number } | null
  readonly claim: { readonly waited: number } | null
}

/** Seconds are one unit a tick, so that every interleaving can be gone through. */
export const modelPace: Pace = {
  blockSecondsMin: 1,
  blockSecondsMax: 2,
  blocksSlack: 1,
  claimBlocks: 2,
  callSeconds: 2,
}

export interface ModelWish {
  readonly honest: Swapper | 'both'
  readonly terms: SwapTerms
  readonly preimage: Uint8Array
  readonly action?: typeof swapAction
}

export interface Verdict {
  readonly worlds: number
  /** A side that keeps to the steps has paid and got nothing. */
  readonly loss: string | null
  /** Some way leads to a swap. */
  readonly isSwapped: boolean
}

/** Goes through every world that can be reached. */
export function explore({ honest, terms, preimage, action = swapAction }: ModelWish): Verdict {
  const horizon = Math.max(terms.lock.endSeconds, modelPace.blockSecondsMax * terms.expiry) + 8
  const first: World = { seconds: 0, tip: 0, htlc: 'none', lock: 'none', isTold: false, call: null, claim: null }
  const seen = new Set<string>()
  const queue: World[] = [first]
  let loss: string | null = null
  let isSwapped = false
  for (let world = queue.pop(); world; world = queue.pop()) {
    const key = JSON.stringify(world)
    if (seen.has(key)) continue
    seen.add(key)
    if (world.htlc === 'paid' && world.lock === 'taken') isSwapped = true
    if (world.seconds >= horizon) {
      loss ??= lossIn(world, honest, key)
      continue
    }
    // Who keeps to the steps takes each at once; what it sends may be late.
    const steps = acted(world, { honest, terms, preimage, action })
    queue.push(...(steps.length > 0 ? steps : advanced(world, terms)))
    if (honest !== 'both') queue.push(...foul(world, honest, terms))
  }
  return { worlds: seen.size, loss, isSwapped }
}

function lossIn({ htlc, lock }: World, honest: ModelWish['honest'], key: string): string | null {
  const coinPayer = htlc === 'paid' && lock !== 'taken'
  const tokenPayer = lock === 'taken' && htlc !== 'paid'
  const isLoss = (honest !== 'token-payer' && coinPayer) || (honest !== 'coin-payer' && tokenPayer)
  return isLoss ? key : null
}

/** Steps of whoever keeps to them. */
function acted(world: World, { honest, terms, preimage, action = swapAction }: ModelWish): World[] {
  const sides: readonly Swapper[] = honest === 'both' ? ['coin-payer', 'token-payer'] : [honest]
  return sides.flatMap((own): World[] => {
    const knows = own === terms.chooser || world.isTold
    const { seconds: nowSeconds, tip, htlc, lock } = world
    const isSent = own === 'token-payer' && lock === 'none' && world.call?.kind === 'lock'
    const told = { nowSeconds, tip: height(tip), htlc, lock: isSent ? ('sent' as const) : lock }
    const facts: SwapFacts = { ...told, preimage: knows ? preimage : null }
    const kind = action(own, terms, facts, modelPace)
    switch (kind) {
      case 'offer-htlc':
        return [{ ...world, htlc: 'held' }]
      case 'fail-htlc':
        return [{ ...world, htlc: 'back' }]
      case 'fulfil-htlc':
        // The other side takes the word, or leaves it to the chain.
        if (world.claim) return []
        return [
          { ...world, isTold: true, htlc: 'paid' },
          { ...world, isTold: true, claim: { waited: 0 } },
        ]
      case 'lock':
      case 'take-lock':
      case 'give-back-lock':
        if (world.call) return []
        return [{ ...world, isTold: world.isTold || kind === 'take-lock', call: { kind, waited: 0 } }]
      default:
        return []
    }
  })
}

/** Time goes by: a second, and as many blocks as the pace allows; what was sent is mined, at the latest when its time is up. */
function advanced(world: World, terms: SwapTerms): World[] {
  const { blockSecondsMin, blockSecondsMax, blocksSlack, callSeconds, claimBlocks } = modelPace
  const seconds = world.seconds + 1
  const fewest = Math.max(world.tip, Math.floor(seconds / blockSecondsMax) - blocksSlack)
  const most = Math.ceil(seconds / blockSecondsMin) + blocksSlack
  const worlds: World[] = []
  for (let tip = fewest; tip <= most; tip++) {
    const blocks = tip - world.tip
    const call = world.call && { ...world.call, waited: world.call.waited + 1 }
    const claim = world.claim && { waited: world.claim.waited + blocks }
    const next = { ...world, seconds, tip, call, claim }
    const called = call ? [mined(next, terms), ...(call.waited < callSeconds ? [next] : [])] : [next]
    for (const one of called) {
      if (one.claim && one.htlc === 'held') {
        worlds.push({ ...one, htlc: 'paid', claim: null })
        if (one.claim.waited < claimBlocks) worlds.push(one)
      } else worlds.push({ ...one, claim: null })
    }
  }
  return worlds
}

/** What becomes of a call when it is mined. */
function mined(world: World, terms: SwapTerms): World {
  const { call, lock, seconds } = world
  const isEnded = seconds >= terms.lock.endSeconds
  const done = { ...world, call: null }
  if (call?.kind === 'lock') return lock === 'none' && !isEnded ? { ...done, lock: 'held' } : done
  if (call?.kind === 'take-lock') return lock === 'held' && !isEnded ? { ...done, lock: 'taken' } : done
  return lock === 'held' && isEnded ? { ...done, lock: 'back' } : done
}

/** Everything that a side without honour can do at once. */
function foul(world: World, honest: Swapper, terms: SwapTerms): World[] {
  const { lock, htlc, tip, seconds, isTold } = world
  const isEnded = seconds >= terms.lock.endSeconds
  const knows = terms.chooser !== honest || isTold
  const worlds: World[] = []
  if (honest === 'token-payer') {
    if (htlc === 'none') worlds.push({ ...world, htlc: 'held' })
    if (lock === 'held' && !isEnded && knows) worlds.push({ ...world, lock: 'taken', isTold: true })
    // From its expiry on it takes its HTLC back, unless the claim was first.
    if (htlc === 'held' && tip >= terms.expiry) worlds.push({ ...world, htlc: 'back' })
  } else {
    if (lock === 'none' && !isEnded) worlds.push({ ...world, lock: 'held' })
    if (lock === 'held' && isEnded) worlds.push({ ...world, lock: 'back' })
    if (htlc === 'held') worlds.push({ ...world, htlc: 'back' })
    // Late as well, as long as the coin payer's own claim is not mined, which takes some blocks after the expiry.
    if (htlc === 'held' && knows && tip <= terms.expiry + modelPace.claimBlocks)
      worlds.push({ ...world, htlc: 'paid', isTold: true })
  }
  return worlds
}
