import type { Decoded } from '../../sdk/errors.ts'
import { fromHex, type Hex } from '../../sdk/units.ts'
import {
  type BitcoinNetwork,
  type Checkpoint,
  decodeHeader,
  decodeTarget,
  type Extension,
  extendChain,
  type HeaderChain,
  startChain,
  workOf,
} from '../../sdk/verify/bitcoin/index.ts'

/** Late enough for every header of the vectors, early enough to be a time in seconds. */
export const nowSeconds = 4_000_000_000

/** The value of an answer that must not be a refusal. */
export function held<value>(answer: Decoded<value>): value {
  if (!answer.ok) throw new Error(`refused: ${answer.reason}`)
  return answer.value
}

/** Bytes of a hexadecimal text, with or without its prefix. */
export function bytesOf(text: unknown): Uint8Array {
  return fromHex(`0x${String(text).replace(/^0x/, '')}` as Hex)
}

/** Work of one header with these bits. */
export function workOfBits(bits: number): bigint {
  return workOf(held(decodeTarget(bits)))
}

/** Times harder than the easiest target of mainnet, rounded down, as explorers show it. */
export function difficultyOf(bits: number): bigint {
  return (0xffffn << 208n) / held(decodeTarget(bits))
}

/** A chain that keeps a period. */
export function started(network: BitcoinNetwork, anchor: Checkpoint): HeaderChain {
  return held(startChain(network, anchor, 2_016))
}

/** The chain with headers that it must take. */
export function extended(chain: HeaderChain, headers: Uint8Array): Extension {
  return held(extendChain(chain, headers, { nowSeconds }))
}

/**
 * A place to start in the middle of a chain when only the header there is known: the stamps before it are taken to be
 * ten minutes apart, its work its own, and its period to start at `periodTime`.
 */
export function anchorAt(height: number, header: Uint8Array, periodTime?: number): Checkpoint {
  const { bits, time } = held(decodeHeader(header))
  const times = Array.from({ length: 11 }, (_, at) => time - 600 * (10 - at))
  return { height, header, work: workOfBits(bits), period: { time: periodTime ?? time, bits }, times }
}
