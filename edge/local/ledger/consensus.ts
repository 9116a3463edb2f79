import { accepted, type Decoded, refused } from '../../../sdk/errors.ts'
import { blockWeightMax } from './block.ts'
import { type LedgerTransaction, type Outpoint, type Output, outpointKey } from './transaction.ts'

/** Blocks before a reward may be spent. */
export const coinbaseMaturity = 100

const moneyMax = 2_100_000_000_000_000n
/** From here on a locktime counts seconds (BIP-65). */
const locktimeSecondsMin = 500_000_000
const sequenceFinal = 0xffffffff
/** Bits of a sequence number (BIP-68): no relative lock; in units of 512 seconds; how many. */
const [lockOff, lockSeconds, lockValue] = [1 << 31, 1 << 22, 0xffff]

/** An unspent output, and the block that made it. */
export interface Coin extends Output {
  readonly height: number
  readonly coinbase: boolean
}

/** Where unspent outputs are looked up. */
export type View = (outpoint: Outpoint) => Coin | undefined

/** The block that a transaction is judged for: the next one, for a mempool. */
export interface Moment {
  readonly height: number
  /** Median time past (BIP-113) of the block at a height: what locks in seconds are compared with. */
  readonly medianTime: (height: number) => number
}

/** What a transaction spends, and leaves to the miner. */
export interface Spend {
  readonly coins: readonly Coin[]
  readonly fee: bigint
}

/** What no chain can hold, by the transaction alone, in the words of Core's CheckTransaction; `null` when it may be. */
export function faultOfShape({ inputs, outputs, weight }: LedgerTransaction): string | null {
  if (inputs.length === 0) return 'bad-txns-vin-empty'
  if (outputs.length === 0) return 'bad-txns-vout-empty'
  if (weight > blockWeightMax) return 'bad-txns-oversize'
  let total = 0n
  for (const { value } of outputs) total += value
  if (total > moneyMax) return 'bad-txns-txouttotal-toolarge'
  const keys = inputs.map(({ outpoint }) => outpointKey(outpoint))
  if (new Set(keys).size < keys.length) return 'bad-txns-inputs-duplicate'
  if (inputs.some(({ outpoint }) => spendsNothing(outpoint)))
    return inputs.length === 1 ? 'coinbase' : 'bad-txns-prevout-null'
  return null
}

/** True when nLockTime has passed, or every input waives it. */
export function isFinal({ locktime, inputs }: LedgerTransaction, { height, medianTime }: Moment): boolean {
  const now = locktime < locktimeSecondsMin ? height : medianTime(height - 1)
  return locktime < now || inputs.every(({ sequence }) => sequence === sequenceFinal)
}

/** Looks up what a transaction spends and holds it to consensus, but for scripts. Refuses in Core's words. */
export function spendOf(transaction: LedgerTransaction, view: View, moment: Moment): Decoded<Spend> {
  const coins: Coin[] = []
  for (const { outpoint } of transaction.inputs) {
    const coin = view(outpoint)
    if (!coin) return refused('bad-txns-inputs-missingorspent')
    coins.push(coin)
  }
  if (isLocked(transaction, coins, moment)) return refused('non-BIP68-final')
  if (coins.some(({ coinbase, height }) => coinbase && moment.height - height < coinbaseMaturity))
    return refused('bad-txns-premature-spend-of-coinbase')
  const sum = (outputs: readonly Output[]) => outputs.reduce((total, { value }) => total + value, 0n)
  const fee = sum(coins) - sum(transaction.outputs)
  return fee < 0n ? refused('bad-txns-in-belowout') : accepted({ coins, fee })
}

/** True while a relative lock of an input has not passed (BIP-68). */
function isLocked({ version, inputs }: LedgerTransaction, coins: readonly Coin[], moment: Moment): boolean {
  // Versions are compared without a sign.
  if (version >>> 0 < 2) return false
  return inputs.some(({ sequence }, at) => {
    const coin = coins[at]
    if (!coin || sequence & lockOff) return false
    const value = sequence & lockValue
    if (!(sequence & lockSeconds)) return moment.height < coin.height + value
    const since = moment.medianTime(Math.max(coin.height - 1, 0))
    return moment.medianTime(moment.height - 1) < since + value * 512
  })
}

function spendsNothing({ txid, index }: Outpoint): boolean {
  return index === 0xffffffff && /^0+$/.test(txid)
}
