import { accepted, type Decoded, invariant, refused } from '../../errors.ts'
import type { Checkpoint } from './checkpoint.ts'
import { hash256, holdsAt } from './hash.ts'
import { decodeTarget, headerSize, previousAt, stampOf, workOf } from './header.ts'
import { type BitcoinNetwork, rulesOf } from './network.ts'
import { faultOf, isAfterMedian, isTimewarp, medianSpan, periodLength } from './rules.ts'

/** What a run of checked headers came to. */
export interface Links {
  /** Hash of the last header. */
  readonly hash: Uint8Array
  /** Work of these headers alone. */
  readonly work: bigint
  /** Heights where a period starts suspiciously far back in time ({@link isTimewarp}). */
  readonly timewarps: readonly number[]
}

/** One target and how many headers had it: few distinct targets serve many headers. */
interface Target {
  readonly bits: number
  /** In the order of a hash: lowest byte first. */
  readonly bytes: Uint8Array
  readonly work: bigint
  headers: number
}

/**
 * Checks headers that follow `start`, each in full: that it names the one before it, has exactly the target that the
 * network requires and the work to show for it, and that its stamp and version are allowed.
 *
 * The hot path: a header costs the three compressions of its hash and little else.
 *
 * @param headers - Whole headers, one after the other.
 * @param nowSeconds - Seconds since 1970. Stamps up to two hours later are taken.
 */
export function checkLinks(
  network: BitcoinNetwork,
  start: Checkpoint,
  headers: Uint8Array,
  nowSeconds: number,
): Decoded<Links> {
  invariant(nowSeconds >= 0 && nowSeconds <= 0xffff_ffff, 'the time is given in seconds')
  const rules = rulesOf(network)
  const view = new DataView(headers.buffer, headers.byteOffset, headers.byteLength)
  const count = headers.length / headerSize
  const times = new Uint32Array(start.times.length + count)
  times.set(start.times)
  const targets = new Map<number, Target>()
  const timewarps: number[] = []
  let target: Target | undefined
  let { period } = start
  let hash = hash256(start.header)
  let previousBits = stampOf(start.header, 0).bits
  for (let index = 0; index < count; index++) {
    const at = index * headerSize
    const height = start.height + 1 + index
    const stamped = start.times.length + index
    const previousTime = times[stamped - 1] as number
    const version = view.getInt32(at, true)
    const time = view.getUint32(at + 68, true)
    const bits = view.getUint32(at + 72, true)
    if (!holdsAt(headers, at + previousAt, hash)) return fault(height, 'names another header before it')
    const header = { height, version, time, bits, previousTime, previousBits, period }
    const broken = faultOf(rules, header, nowSeconds)
    if (broken !== null) return fault(height, broken)
    const before = times.subarray(Math.max(0, stamped - medianSpan), stamped)
    if (!isAfterMedian(time, before)) return fault(height, 'is not stamped after the median of those before it')
    if (target?.bits !== bits) target = targetOf(targets, bits)
    hash = hash256(headers.subarray(at, at + headerSize))
    if (isAbove(hash, target.bytes)) return fault(height, 'has not the work that its target asks for')
    target.headers += 1
    times[stamped] = time
    previousBits = bits
    if (isTimewarp(header)) timewarps.push(height)
    if (height % periodLength === 0) period = { time, bits }
  }
  let work = 0n
  for (const one of targets.values()) work += one.work * BigInt(one.headers)
  return accepted({ hash, work, timewarps })
}

function fault(height: number, broken: string): Decoded<never> {
  return refused(`the header at height ${height} ${broken}`)
}

function targetOf(targets: Map<number, Target>, bits: number): Target {
  const met = targets.get(bits)
  if (met) return met
  const number = decodeTarget(bits)
  invariant(number.ok, 'a required target is one that bits can stand for')
  const bytes = Uint8Array.from({ length: 32 }, (_, at) => Number((number.value >> BigInt(8 * at)) & 0xffn))
  const target = { bits, bytes, work: workOf(number.value), headers: 0 }
  targets.set(bits, target)
  return target
}

/** Compares two numbers of 32 bytes, lowest first. */
function isAbove(hash: Uint8Array, target: Uint8Array): boolean {
  for (let at = 31; at >= 0; at--) {
    const difference = (hash[at] as number) - (target[at] as number)
    if (difference !== 0) return difference > 0
  }
  return false
}
