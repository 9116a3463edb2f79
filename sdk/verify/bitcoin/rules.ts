import { invariant } from '../../errors.ts'
import { decodeTarget, encodeTarget } from './header.ts'
import type { NetworkRules } from './network.ts'

/** Headers of one difficulty period. */
export const periodLength = 2_016
/** How long a period should take. The clock runs over 2,015 intervals only, as it always has. */
const periodSeconds = 14 * 24 * 60 * 60
/** A testnet header this much later than the one before it may, and must, have the easiest target. */
const exceptionSeconds = 20 * 60
/** How far before its predecessor the first header of a period may be stamped (BIP-94). */
const timewarpSeconds = 600
/** How far ahead of the clock a header may be stamped. */
const futureSecondsMax = 2 * 60 * 60
/** A header must be stamped later than the median of this many before it. */
export const medianSpan = 11

/** What later headers need of the first header of their period. */
export interface Period {
  readonly time: number
  readonly bits: number
}

/** Where a header stands, as far as its difficulty depends on it. */
interface Position {
  readonly height: number
  readonly time: number
  /** Stamp and bits of the header before it. */
  readonly previousTime: number
  readonly previousBits: number
  /** Of the header before it: at the first header of a period, the one that just ended. */
  readonly period: Period
}

/** What the rules but link, median and work judge a header by. */
interface HeaderFacts extends Position {
  readonly version: number
  readonly bits: number
}

/** The first rule that a header breaks, of those that need no hash and no stamps but one; `null` when it keeps them. */
export function faultOf(rules: NetworkRules, header: HeaderFacts, nowSeconds: number): string | null {
  if (header.bits !== requiredBits(rules, header)) return 'has not the target that its height requires'
  if (header.time > nowSeconds + futureSecondsMax) return 'is stamped more than two hours from now'
  if (header.version < versionMin(rules, header.height)) return 'has a version that its height no longer allows'
  if (rules.difficulty === 'bip94' && isTimewarp(header)) return 'starts its period too far back in time (BIP-94)'
  return null
}

/**
 * True when a stamp is later than the median of those before it, that is, than more than half of them. Consensus wants
 * that of the {@link medianSpan} stamps before a header, or of all where there are fewer (median time past, BIP-113).
 */
export function isAfterMedian(time: number, before: Uint32Array): boolean {
  let earlier = 0
  for (let at = 0; at < before.length; at++) if ((before[at] as number) < time) earlier += 1
  return earlier > before.length / 2
}

/** The compact target that a header must have. */
export function requiredBits(rules: NetworkRules, position: Position): number {
  const { height, time, previousTime, previousBits, period } = position
  if (rules.difficulty === 'fixed') return rules.easiestBits
  if (height % periodLength === 0) {
    const bits = rules.difficulty === 'testnet3' ? previousBits : period.bits
    return retargetedBits(rules, { time: period.time, bits }, previousTime)
  }
  if (hasExceptions(rules) && time > previousTime + exceptionSeconds) return rules.easiestBits
  // Nodes look back for a header that was no exception. Within a period all that are none have the bits of its first.
  return period.bits
}

/** True where a header that comes late may have the easiest target. */
export function hasExceptions({ difficulty }: NetworkRules): boolean {
  return difficulty === 'bip94' || difficulty === 'testnet3'
}

/**
 * The target of a new period: the old one, times the seconds that its headers took, over two weeks; at most four times
 * easier or harder.
 *
 * The old target is that of the period's first header. Where there are no exceptions all its headers have the same one,
 * so this is the rule of every network (BIP-94 asks for the first, Bitcoin Core elsewhere for the last). On testnet3, where
 * they differ, `period` is told with the bits of its last.
 *
 * @param lastTime - Stamp of the period's last header.
 */
export function retargetedBits(rules: NetworkRules, period: Period, lastTime: number): number {
  const took = Math.min(Math.max(lastTime - period.time, periodSeconds / 4), periodSeconds * 4)
  // On every network the product stays below 2^256 (signet's limit is as high as that allows), so it wraps nowhere.
  const target = (targetOf(period.bits) * BigInt(took)) / BigInt(periodSeconds)
  const easiest = targetOf(rules.easiestBits)
  return encodeTarget(target < easiest ? target : easiest)
}

/** True when a period starts further back in time than BIP-94 allows: forbidden on testnet4, suspicious elsewhere. */
export function isTimewarp({ height, time, previousTime }: Omit<Position, 'period' | 'previousBits'>): boolean {
  return height % periodLength === 0 && time < previousTime - timewarpSeconds
}

/** The lowest version that a header at this height may have. */
function versionMin({ versionHeights: [two, three, four] }: NetworkRules, height: number): number {
  if (height >= four) return 4
  if (height >= three) return 3
  return height >= two ? 2 : Number.NEGATIVE_INFINITY
}

/** The target of bits that a rule gave or a checkpoint was checked for. */
function targetOf(bits: number): bigint {
  const target = decodeTarget(bits)
  invariant(target.ok, 'a required target is one that bits can stand for')
  return target.value
}
