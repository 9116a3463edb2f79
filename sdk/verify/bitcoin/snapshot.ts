import { accepted, type Decoded, refused } from '../../errors.ts'
import { quantity, toBigInt } from '../../rlp.ts'
import { joinBytes, sameBytes } from '../../units.ts'
import { checkpointAt, type HeaderChain, type Rival, rivalsMax, startChain } from './chain.ts'
import type { Checkpoint } from './checkpoint.ts'
import { hash256 } from './hash.ts'
import { headerSize } from './header.ts'
import { checkLinks } from './links.ts'
import { type BitcoinNetwork, bitcoinNetworks } from './network.ts'
import { type Reader, readBytes, readerOf, readNumber } from './reader.ts'
import { medianSpan } from './rules.ts'

/** First byte of a stored chain. A new layout takes the next number, and this one stays readable. */
const formatVersion = 1
const checksumSize = 32
/** Stamps were judged when the headers came in; on the way back they need no clock. */
const endOfTime = 0xffff_ffff

/**
 * A chain as bytes, to be stored in one record: version, network, `headersMax`, base, best branch, rivals, and a
 * checksum of it all. 80 bytes a header and some 200 more; numbers lowest byte first.
 */
export function encodeChain({ network, headersMax, base, best, rivals }: HeaderChain): Uint8Array {
  const body = joinBytes(
    Uint8Array.of(formatVersion, bitcoinNetworks.indexOf(network)),
    uint32(headersMax),
    encodeCheckpoint(base),
    uint32(best.headers.length / headerSize),
    best.headers,
    Uint8Array.of(rivals.length),
    ...rivals.flatMap(({ fork, headers }) => [uint32(fork), uint32(headers.length / headerSize), headers]),
  )
  return joinBytes(body, hash256(body))
}

/**
 * Reads a stored chain back, every header checked again as when it came in, but for the clock.
 *
 * Funds at risk: the base is believed as stored. Who can write the record can choose the chain; the checksum finds
 * accidents, not intent.
 *
 * Refuses another version or network, a checksum that does not fit, and whatever {@link startChain} and
 * {@link extendChain} would.
 */
export function decodeChain(network: BitcoinNetwork, bytes: Uint8Array): Decoded<HeaderChain> {
  const body = bytes.subarray(0, Math.max(0, bytes.length - checksumSize))
  if (!sameBytes(hash256(body), bytes.subarray(body.length))) return refused('the checksum does not fit')
  const reader = readerOf(body)
  if (readNumber(reader, 1) !== formatVersion) return refused('the version is unknown')
  if (bitcoinNetworks[readNumber(reader, 1)] !== network) return refused(`the chain is not one of ${network}`)
  const headersMax = readNumber(reader, 4)
  const base = readCheckpoint(reader)
  const headers = readHeaders(reader)
  const rivals = Array.from({ length: Math.min(readNumber(reader, 1), rivalsMax) }, () => ({
    fork: readNumber(reader, 4),
    headers: readHeaders(reader),
  }))
  if (reader.fault !== null) return refused(reader.fault)
  if (reader.at !== body.length) return refused('bytes follow the chain')
  const start = startChain(network, base, headersMax)
  return start.ok ? restore(start.value, headers, rivals) : start
}

function restore(
  start: HeaderChain,
  headers: Uint8Array,
  rivals: readonly Pick<Rival, 'fork' | 'headers'>[],
): Decoded<HeaderChain> {
  const sizeMax = start.headersMax * headerSize
  if ([{ headers }, ...rivals].some((branch) => branch.headers.length > sizeMax))
    return refused('a branch is longer than is kept')
  const best = checkLinks(start.network, start.base, headers, endOfTime)
  if (!best.ok) return best
  const chain = { ...start, best: { headers, hash: best.value.hash, work: start.base.work + best.value.work } }
  const restored: Rival[] = []
  for (const rival of rivals) {
    const from = checkpointAt(chain, rival.fork)
    if (!from || rival.headers.length === 0) return refused('a rival does not leave the best branch')
    const links = checkLinks(chain.network, from, rival.headers, endOfTime)
    if (!links.ok) return links
    const work = from.work + links.value.work
    if (work > chain.best.work) return refused('a rival is heavier than the best branch')
    restored.push({ ...rival, hash: links.value.hash, work })
  }
  return accepted({ ...chain, rivals: restored })
}

function encodeCheckpoint({ height, header, work, period, times }: Checkpoint): Uint8Array {
  const digits = quantity(work)
  return joinBytes(
    uint32(height),
    header,
    new Uint8Array(32 - digits.length),
    digits,
    uint32(period.time),
    uint32(period.bits),
    Uint8Array.of(times.length),
    ...times.map(uint32),
  )
}

function readCheckpoint(reader: Reader): Checkpoint {
  const height = readNumber(reader, 4)
  const header = readBytes(reader, headerSize).slice()
  const work = toBigInt(readBytes(reader, 32))
  const period = { time: readNumber(reader, 4), bits: readNumber(reader, 4) }
  const stamps = Math.min(readNumber(reader, 1), medianSpan)
  return { height, header, work, period, times: Array.from({ length: stamps }, () => readNumber(reader, 4)) }
}

function readHeaders(reader: Reader): Uint8Array {
  return readBytes(reader, readNumber(reader, 4) * headerSize).slice()
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
}
