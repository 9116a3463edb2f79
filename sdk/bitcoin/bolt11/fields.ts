import { currentEngine } from '../../crypto/engine.ts'
import { joinBytes } from '../../units.ts'
import { p2pkh, p2sh, scriptKind, witnessProgram, witnessScriptPubKey } from '../script.ts'
import type { Hop } from './invoice.ts'
import { numberWords, wholeBytes, wordsNumber, wordsOf } from './words.ts'

/** Tagged fields by the number that stands for them (BOLT-11, "Tagged Fields"). */
export const fieldTypes = {
  paymentHash: 1,
  route: 3,
  features: 5,
  expiry: 6,
  fallback: 9,
  description: 13,
  paymentSecret: 16,
  payee: 19,
  descriptionHash: 23,
  finalExpiry: 24,
  metadata: 27,
} as const

/** Whole bytes in the longest field: its length in words has ten bits. */
export const fieldBytesMax = 639

/** A tagged field, its data in words. */
export interface Field {
  readonly type: number
  readonly words: readonly number[]
}

/** Takes the data of an invoice apart; nothing when its last field is cut off. */
export function fieldsOf(words: readonly number[]): readonly Field[] | undefined {
  const fields: Field[] = []
  for (let at = 0; at < words.length; ) {
    const [type, high, low] = words.slice(at, at + 3)
    if (type === undefined || high === undefined || low === undefined) return undefined
    const start = at + 3
    at = start + high * 32 + low
    if (at > words.length) return undefined
    fields.push({ type, words: words.slice(start, at) })
  }
  return fields
}

/** A field as it is written. */
export function fieldWords({ type, words }: Field): readonly number[] {
  return [type, ...numberWords(words.length, 2), ...words]
}

/** A whole number in its shortest form, up to 2^50; else nothing. */
export function numberFrom(words: readonly number[]): number | undefined {
  return words.length > 0 && words.length <= 10 && words[0] !== 0 ? wordsNumber(words) : undefined
}

/** The bits that are set, ascending; nothing when the field is longer than it needs to be. */
export function bitsFrom(words: readonly number[]): readonly number[] | undefined {
  if (words.length === 0 || words[0] === 0) return undefined
  return [...words]
    .reverse()
    .flatMap((word, at) => [0, 1, 2, 3, 4].filter((bit) => word & (1 << bit)).map((bit) => 5 * at + bit))
}

/** Bits as the shortest field. */
export function bitsWords(bits: readonly number[]): number[] {
  const words: number[] = new Array(Math.floor(Math.max(...bits) / 5) + 1).fill(0)
  for (const bit of bits) {
    const at = words.length - 1 - Math.floor(bit / 5)
    words[at] = (words[at] as number) | (1 << (bit % 5))
  }
  return words
}

/** The script of a fallback; nothing for a version that is not known, or a program that its version does not have. */
export function fallbackFrom([version, ...rest]: readonly number[]): Uint8Array | undefined {
  const program = wholeBytes(rest)
  if (version === undefined || !program) return undefined
  if (version === 17) return program.length === 20 ? p2pkh(program) : undefined
  if (version === 18) return program.length === 20 ? p2sh(program) : undefined
  if (version > 16 || program.length < 2 || program.length > 40) return undefined
  const script = witnessScriptPubKey(version, program)
  const kind = scriptKind(script)
  if (kind === 'other' || (kind === 'p2tr' && !currentEngine().isXOnlyKey(program))) return undefined
  return script
}

/** A script as a fallback; nothing for one that has no address. */
export function fallbackWords(script: Uint8Array): readonly number[] | undefined {
  const kind = scriptKind(script)
  if (kind === 'p2pkh') return [17, ...wordsOf(script.slice(3, 23))]
  if (kind === 'p2sh') return [18, ...wordsOf(script.slice(2, 22))]
  const program = witnessProgram(script)
  return program ? [program.version, ...wordsOf(program.bytes)] : undefined
}

const hopBytes = 51

/** The hops of a way; nothing when there are none, or a node is no point. */
export function routeFrom(words: readonly number[]): readonly Hop[] | undefined {
  const bytes = wholeBytes(words)
  if (!bytes || bytes.length === 0 || bytes.length % hopBytes !== 0) return undefined
  const hops: Hop[] = []
  for (let at = 0; at < bytes.length; at += hopBytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, hopBytes)
    const node = bytes.slice(at, at + 33)
    if (!currentEngine().isPublicKey(node)) return undefined
    hops.push({
      node,
      shortChannelId: bytes.slice(at + 33, at + 41),
      feeBaseMsats: view.getUint32(41),
      feeMillionths: view.getUint32(45),
      expiryDeltaBlocks: view.getUint16(49),
    })
  }
  return hops
}

/** A way as it is written. */
export function routeWords(hops: readonly Hop[]): readonly number[] {
  return wordsOf(
    joinBytes(
      ...hops.map(({ node, shortChannelId, feeBaseMsats, feeMillionths, expiryDeltaBlocks }) => {
        const numbers = new DataView(new ArrayBuffer(10))
        numbers.setUint32(0, feeBaseMsats)
        numbers.setUint32(4, feeMillionths)
        numbers.setUint16(8, expiryDeltaBlocks)
        return joinBytes(node, shortChannelId, new Uint8Array(numbers.buffer))
      }),
    ),
  )
}
