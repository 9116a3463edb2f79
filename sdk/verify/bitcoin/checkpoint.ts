import { accepted, type Decoded, refused } from '../../errors.ts'
import { sameBytes } from '../../units.ts'
import {
  type BitcoinHeader,
  decodeHeader,
  decodeTarget,
  headerSize,
  meetsOwnTarget,
  stampOf,
  workOf,
} from './header.ts'
import { type BitcoinNetwork, genesisOf, rulesOf } from './network.ts'
import { hasExceptions, medianSpan, type Period, periodLength } from './rules.ts'

/**
 * A header with everything that the headers after it are judged by.
 *
 * Funds at risk: as the anchor of a chain it is believed. Whoever gives it decides which chain is followed, so take it
 * from the program itself, or from several makers that agree.
 */
export interface Checkpoint {
  readonly height: number
  /** 80 bytes. */
  readonly header: Uint8Array
  /** Work of the whole chain up to and with this header. */
  readonly work: bigint
  /** The first header of its difficulty period; the header itself at a multiple of 2,016. */
  readonly period: Period
  /** Stamps of the last 11 headers, its own last; of all headers near the start of the chain. */
  readonly times: readonly number[]
}

/** Highest block a checkpoint may name: ten thousand years of them. */
const heightMax = 0x1fff_ffff

/** The start of a network's chain, which needs nobody's word. */
export function genesisCheckpoint(network: BitcoinNetwork): Checkpoint {
  const header = genesisOf(network)
  const { time, bits } = stampOf(header, 0)
  return { height: 0, header, work: workIn(header), period: { time, bits }, times: [time] }
}

/**
 * The header of a checkpoint that contradicts neither itself nor the network; that it is on the right chain nobody can
 * tell from it. Refuses a header without the work it claims, and stamps, a period or work that cannot belong to it.
 */
export function verifyCheckpoint(network: BitcoinNetwork, checkpoint: Checkpoint): Decoded<BitcoinHeader> {
  const { height, work, period, times } = checkpoint
  if (!Number.isSafeInteger(height) || height < 0 || height > heightMax) return refused('the height is out of range')
  const header = decodeHeader(checkpoint.header)
  if (!header.ok) return header
  const { time, bits } = header.value
  if (!meetsOwnTarget(header.value)) return refused('the header has not the work it claims')
  if (height === 0 && !sameBytes(header.value.bytes, genesisOf(network)))
    return refused(`block 0 is not that of ${network}`)
  if (work < workIn(header.value.bytes) || work >> 256n) return refused('the work is out of range')
  if (times.length !== Math.min(medianSpan, height + 1)) return refused('there is not one stamp for each of 11 headers')
  if (!times.every(isStamp) || times.at(-1) !== time) return refused("the last stamp is not the header's")
  const rules = rulesOf(network)
  const [easiest, first] = [decodeTarget(rules.easiestBits), decodeTarget(period.bits)]
  if (!isStamp(period.time) || !easiest.ok || !first.ok || first.value > easiest.value)
    return refused('the period has a stamp or a target that is out of range')
  if (height % periodLength === 0 && period.time !== time)
    return refused('the period does not start at its first header')
  const excepted = hasExceptions(rules) && height % periodLength !== 0 && bits === rules.easiestBits
  if (bits !== period.bits && !excepted) return refused('the header has not the target of its period')
  return header
}

/** A maker's word for the block at a height: of a list of checkpoints, a program's own constants, somebody's node. */
export interface VouchedBlock {
  readonly maker: string
  readonly height: number
  /** 32 bytes, wire order. */
  readonly hash: Uint8Array
}

/**
 * A checkpoint whose block at least `agree` makers name, and none names another.
 *
 * Funds at risk: makers who copy each other are one. They vouch for the block, and by its hash for all blocks before it; the work,
 * the period and the stamps beside its header are the checkpoint's own word, judged by the headers that follow.
 */
export function agreedBlock(told: {
  readonly network: BitcoinNetwork
  readonly checkpoint: Checkpoint
  readonly vouched: readonly VouchedBlock[]
  readonly agree: number
}): Decoded<Checkpoint> {
  const { network, checkpoint, vouched, agree } = told
  if (!Number.isSafeInteger(agree) || agree < 2) return refused('an agreement takes two makers')
  const header = verifyCheckpoint(network, checkpoint)
  if (!header.ok) return header
  const here = vouched.filter(({ height }) => height === checkpoint.height)
  const other = here.find(({ hash }) => !sameBytes(hash, header.value.hash))
  if (other) return refused(`${other.maker} names another block at height ${checkpoint.height}`)
  const makers = new Set(here.map(({ maker }) => maker))
  if (makers.size < agree) return refused(`${makers.size} of the ${agree} makers that must agree name the block`)
  return accepted(checkpoint)
}

/**
 * The checkpoint at the end of headers that follow another one and were checked.
 *
 * @param work - Of the whole chain at the last of them.
 */
export function checkpointAfter(start: Checkpoint, headers: Uint8Array, work: bigint): Checkpoint {
  const count = headers.length / headerSize
  if (count === 0) return start
  const height = start.height + count
  const first = height - (height % periodLength) - start.height - 1
  const recent = Array.from({ length: Math.min(medianSpan, count) }, (_, at) => stampOf(headers, count - 1 - at).time)
  return {
    height,
    header: headers.slice(-headerSize),
    work,
    period: first < 0 ? start.period : stampOf(headers, first),
    times: [...start.times, ...recent.reverse()].slice(-medianSpan),
  }
}

/** Work of headers that were checked. */
export function workIn(headers: Uint8Array): bigint {
  let total = 0n
  let bits = 0
  let work = 0n
  for (let index = 0; index < headers.length / headerSize; index++) {
    const next = stampOf(headers, index).bits
    if (next !== bits) {
      const target = decodeTarget(next)
      work = target.ok ? workOf(target.value) : 0n
      bits = next
    }
    total += work
  }
  return total
}

function isStamp(time: number): boolean {
  return Number.isInteger(time) && time >= 0 && time <= 0xffff_ffff
}
