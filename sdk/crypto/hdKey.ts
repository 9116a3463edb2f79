import { createBase58check } from '@scure/base'
import { invariant, SdkError } from '../errors.ts'
import { currentEngine } from './engine.ts'
import { hmacSha512 } from './hmac.ts'

/** First child number of hardened derivation (BIP-32): written `0h`. */
export const hardened = 0x80000000
/** A node's depth is one byte (BIP-32 "Serialization format"). */
export const depthMax = 255
const extendedKeyTextMax = 112

/** Version bytes with which a network prints extended keys: `xpub` and `xprv`, say (BIP-32). */
export interface KeyVersions {
  readonly public: number
  readonly private: number
}

/**
 * A key that has children (BIP-32, "extended key"), and its place in the tree. Its public half is computed when somebody
 * first asks: of most keys on a path, nobody does.
 */
export interface HdKey {
  /** 32 bytes; `null` where there is a public half alone, and once erased. */
  secretKey: Uint8Array | null
  /** 33 bytes, or `null` as long as nobody has asked. */
  publicKey: Uint8Array | null
  /** 32 bytes. */
  readonly chainCode: Uint8Array
  readonly depth: number
  readonly index: number
  readonly parentFingerprint: number
}

/** True for a child number that needs no secret. */
export function isPlain(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0 && number < hardened
}

/** The key at the root of a seed's tree (BIP-32 "Master key generation"). */
export function masterKey(seed: Uint8Array): HdKey {
  const [secretKey, chainCode] = halves(hmacSha512(new TextEncoder().encode('Bitcoin seed'), seed))
  invariant(currentEngine().isSecretKey(secretKey), 'a seed that gives no key is one in 2^127')
  return { secretKey, publicKey: null, chainCode, depth: 0, index: 0, parentFingerprint: 0 }
}

/**
 * One step down (BIP-32 "Child key derivation (CKD) functions"). Where a number gives no key, which one in 2^127 does, it is
 * the next one's. Throws `keys/locked` for a hardened step without a secret.
 *
 * @param isPrinted - Whether the parent's fingerprint will be asked for, which takes its public half.
 */
export function childOf(parent: HdKey, number: number, isPrinted: boolean): HdKey {
  const data = new Uint8Array(37)
  if (number >= hardened) data.set(secretOf(parent), 1)
  else data.set(publicOf(parent))
  new DataView(data.buffer).setUint32(33, number)
  const [tweak, chainCode] = halves(hmacSha512(parent.chainCode, data))
  data.fill(0)
  const { tweakSecretKey, tweakPublicKey } = currentEngine()
  const secretKey = parent.secretKey && tweakSecretKey(parent.secretKey, tweak)
  const publicKey = parent.secretKey ? null : tweakPublicKey(publicOf(parent), tweak)
  tweak.fill(0)
  if (secretKey === undefined || publicKey === undefined) {
    invariant((number + 1) % hardened !== 0, 'a number of its kind comes after it')
    return childOf(parent, number + 1, isPrinted)
  }
  const parentFingerprint = isPrinted ? fingerprintOf(parent) : 0
  return { secretKey, publicKey, chainCode, depth: parent.depth + 1, index: number, parentFingerprint }
}

/** The secret half itself, not a copy. Throws `keys/locked` where there is none. */
export function secretOf({ secretKey }: HdKey): Uint8Array {
  if (!secretKey) throw new SdkError('keys/locked', 'The node holds no secret key: it is a public one, or was wiped.')
  return secretKey
}

/** The public half itself, not a copy. */
export function publicOf(key: HdKey): Uint8Array {
  key.publicKey ??= currentEngine().publicKey(secretOf(key))
  return key.publicKey
}

/** First four bytes of the public half's hash160, big-endian. */
export function fingerprintOf(key: HdKey): number {
  const hash = currentEngine().hash160(publicOf(key))
  return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
}

/** Zeroes the secret half. */
export function erase(key: HdKey): void {
  key.secretKey?.fill(0)
  key.secretKey = null
}

/** `xpub...` (BIP-32 "Serialization format"). */
export function printPublic(key: HdKey, versions: KeyVersions): string {
  return print(key, versions.public, publicOf(key))
}

/** `xprv...`. Throws `keys/locked` where there is no secret half. */
export function printSecret(key: HdKey, versions: KeyVersions): string {
  const half = new Uint8Array(33)
  half.set(secretOf(key), 1)
  const text = print(key, versions.private, half)
  half.fill(0)
  return text
}

/** Reads `xpub...` or `xprv...` of these versions; nothing where it is neither. Never throws. */
export function readExtendedKey(text: string, versions: KeyVersions): HdKey | undefined {
  const bytes = text.length <= extendedKeyTextMax ? bytesOf(text) : undefined
  if (bytes?.length !== 78) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const [version, depth, parentFingerprint, index] = [
    view.getUint32(0),
    view.getUint8(4),
    view.getUint32(5),
    view.getUint32(9),
  ]
  if (depth === 0 && (parentFingerprint !== 0 || index !== 0)) return undefined
  const place = { chainCode: bytes.slice(13, 45), depth, index, parentFingerprint }
  const isSecret = version === versions.private && bytes[45] === 0
  const half = bytes.slice(isSecret ? 46 : 45)
  bytes.fill(0)
  const { isPublicKey, isSecretKey } = currentEngine()
  if (isSecret) return isSecretKey(half) ? { ...place, secretKey: half, publicKey: null } : undefined
  return version === versions.public && isPublicKey(half) ? { ...place, secretKey: null, publicKey: half } : undefined
}

function print({ chainCode, depth, index, parentFingerprint }: HdKey, version: number, half: Uint8Array): string {
  const bytes = new Uint8Array(78)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, version)
  view.setUint8(4, depth)
  view.setUint32(5, parentFingerprint)
  view.setUint32(9, index)
  bytes.set(chainCode, 13)
  bytes.set(half, 45)
  const text = base58check.encode(bytes)
  bytes.fill(0)
  return text
}

const base58check = /* @__PURE__ */ createBase58check((bytes: Uint8Array) => currentEngine().sha256(bytes))

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return base58check.decode(text)
  } catch {
    return undefined
  }
}

/** Both halves of 64 bytes, which are zeroed. */
function halves(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const both = [bytes.slice(0, 32), bytes.slice(32)] as const
  bytes.fill(0)
  return both
}
