import { HARDENED_OFFSET, HDKey } from '@scure/bip32'
import { currentEngine, keccak256 } from '../crypto/engine.ts'
import { accepted, type Decoded, invariant, refused, SdkError } from '../errors.ts'
import { type Address, address, toHex } from '../units.ts'

declare const checked: unique symbol

/** Child numbers from a node downwards (BIP-32); hardened ones have 2^31 added. Made by {@link parsePath}. */
export type Path = readonly number[] & { readonly [checked]: 'Path' }

/** Deepest path: a node's depth is one byte (BIP-32 "Serialization format"). */
export const pathDepthMax = 255
const pathTextMax = 4_096
const extendedKeyTextMax = 112

/**
 * One node of an HD tree (BIP-32). The secret key and chain code stay inside: printing or serialising a node
 * shows neither.
 */
export interface HdNode {
  /** 0 for the root. */
  readonly depth: number
  /** Child number; hardened ones from 2^31. */
  readonly index: number
  /** First four bytes of the public key's hash160, big-endian. */
  readonly fingerprint: number
  /** 33 bytes, compressed; a fresh copy. */
  readonly publicKey: () => Uint8Array
  /** 32 bytes; a fresh copy, the caller's to zero. Throws `keys/locked` when the node holds no secret. */
  readonly secretKey: () => Uint8Array
  /**
   * The node `path` below this one. Throws `keys/locked` for a hardened step without a secret, and
   * `keys/malformed-path` beyond {@link pathDepthMax}.
   */
  readonly derive: (path: Path) => HdNode
  /** `xpub...`: everything that is needed to watch all unhardened children. */
  readonly extendedPublicKey: () => string
  /**
   * `xprv...`. Funds at risk: owns everything below this node, and is text that cannot be erased.
   * Throws `keys/locked` when the node holds no secret.
   */
  readonly extendedSecretKey: () => string
  /** Zeroes the secret key. The node stays as a public one; nodes derived before keep theirs. */
  readonly wipe: () => void
}

/** Version bytes with which a network prints extended keys: `xpub` and `xprv`, say (BIP-32). */
export interface KeyVersions {
  readonly public: number
  readonly private: number
}

/**
 * The root of the tree that belongs to a seed (BIP-32 "Master key generation").
 *
 * @param seed - 16 to 64 bytes, not kept; the caller's to zero.
 * @param versions - How nodes of this tree are printed: as those of the main network when not said.
 */
export function hdNode(seed: Uint8Array, versions?: KeyVersions): HdNode {
  if (seed.length < 16 || seed.length > 64)
    throw new SdkError('units/out-of-range', 'A seed of an HD tree has 16 to 64 bytes.')
  return nodeOf(versions ? HDKey.fromMasterSeed(seed, versions) : HDKey.fromMasterSeed(seed))
}

/**
 * Reads `xpub...` or `xprv...` of the main network (BIP-32 "Serialization format"). Never throws.
 * A reason never quotes the text.
 */
export function parseExtendedKey(text: string): Decoded<HdNode> {
  if (text.length > extendedKeyTextMax) return refused('the text is too long for an extended key')
  try {
    return accepted(nodeOf(HDKey.fromExtendedKey(text)))
  } catch {
    return refused('the text is not an extended key of BIP-32')
  }
}

/** Reads `m/44'/60'/0'/0/0`; `'`, `h` and `H` mark hardened steps. Never throws. */
export function parsePath(text: string): Decoded<Path> {
  if (text.length > pathTextMax) return refused('the path is too long')
  const [root, ...steps] = text.split('/')
  if (root !== 'm') return refused('a path starts with m')
  if (steps.length > pathDepthMax) return refused(`a path has at most ${pathDepthMax} steps`)
  const numbers: number[] = []
  for (const [at, step] of steps.entries()) {
    const parts = /^(0|[1-9]\d{0,9})(['hH]?)$/.exec(step)
    const number = Number(parts?.[1])
    if (!parts || number >= HARDENED_OFFSET) return refused(`step ${at + 1} is not a number from 0 to 2^31 - 1`)
    numbers.push(parts[2] ? number + HARDENED_OFFSET : number)
  }
  return accepted(pathOf(numbers))
}

/** The parent of all EVM accounts, `m/44'/60'/0'/0` (BIP-44, coin type 60 of SLIP-44). */
export function evmAccountsPath(): Path {
  return pathOf([44 + HARDENED_OFFSET, 60 + HARDENED_OFFSET, HARDENED_OFFSET, 0])
}

/** The one step from that parent to account `index`. Throws `units/out-of-range` outside 0..2^31 - 1. */
export function accountStep(index: number): Path {
  return pathOf([plainStep(index)])
}

/**
 * The first Bitcoin account of a kind: `m/84'/c'/0'` for P2WPKH (BIP-84), `m/86'/c'/0'` for P2TR (BIP-86),
 * `m/48'/c'/0'/2'` for a share in P2WSH multisig (BIP-48), `c` being the coin type (SLIP-44): 0, or 1 for test networks.
 */
export function bitcoinAccountPath(kind: BitcoinAccountKind, coinType: 0 | 1): Path {
  const { purpose, script } = bitcoinAccounts[kind]
  return pathOf([purpose, coinType, 0, ...script].map((step) => step + HARDENED_OFFSET))
}

/** What a Bitcoin account pays to. */
export type BitcoinAccountKind = 'wpkh' | 'tr' | 'multisig'

const bitcoinAccounts: Readonly<Record<BitcoinAccountKind, { readonly purpose: number; readonly script: number[] }>> = {
  wpkh: { purpose: 84, script: [] },
  tr: { purpose: 86, script: [] },
  multisig: { purpose: 48, script: [2] },
}

/**
 * The parent of all channel keys, `m/7113'/c'/0'`. No BIP has that number, so that no wallet's accounts meet it
 * (BIP-43), and every step is hardened: a channel key that leaks tells nothing of another key.
 */
export function channelsPath(coinType: 0 | 1): Path {
  return pathOf([7113, coinType, 0].map((step) => step + HARDENED_OFFSET))
}

/** The hardened step from that parent to the key of channel `index`. Throws `units/out-of-range` outside 0..2^31 - 1. */
export function channelStep(index: number): Path {
  return pathOf([plainStep(index) + HARDENED_OFFSET])
}

/** What is left of `path` below `parent`, or nothing when it does not lead there by plain steps alone. */
export function plainStepsBelow(parent: Path, path: readonly number[]): Path | undefined {
  const rest = path.slice(parent.length)
  const isBelow = parent.every((step, at) => path[at] === step) && rest.length > 0
  return isBelow && rest.every(isPlain) ? pathOf(rest) : undefined
}

/** The EVM account of a public key of 33 or 65 bytes: the last 20 bytes of its keccak256. Throws `crypto/malformed-key`. */
export function addressOfKey(publicKey: Uint8Array): Address {
  const point = currentEngine().uncompressed(publicKey).subarray(1)
  return address(toHex(keccak256(point).subarray(12)))
}

function plainStep(index: number): number {
  if (!isPlain(index)) throw new SdkError('units/out-of-range', `${index} is not an index of a key (0 to 2^31 - 1).`)
  return index
}

function isPlain(index: number): boolean {
  return Number.isSafeInteger(index) && index >= 0 && index < HARDENED_OFFSET
}

function pathOf(numbers: readonly number[]): Path {
  return numbers as Path
}

/** The library's key prints its secret as JSON, so it stays behind this closure. */
function nodeOf(key: HDKey): HdNode {
  return {
    depth: key.depth,
    index: key.index,
    fingerprint: key.fingerprint,
    publicKey: () => {
      const bytes = key.publicKey
      invariant(bytes, 'every HD node has a public key')
      return bytes
    },
    secretKey: () => secretOf(key),
    derive: (path) => nodeOf(descend(key, path)),
    extendedPublicKey: () => key.publicExtendedKey,
    extendedSecretKey: () => {
      requireSecret(key)
      return key.privateExtendedKey
    },
    wipe: () => {
      key.wipePrivateData()
    },
  }
}

/** The key below `from`; secrets of the steps between are zeroed again. */
function descend(from: HDKey, path: Path): HDKey {
  if (from.depth + path.length > pathDepthMax)
    throw new SdkError('keys/malformed-path', `The path leads deeper than ${pathDepthMax} steps.`)
  let key = from
  for (const number of path) {
    if (number >= HARDENED_OFFSET) requireSecret(key)
    const child = key.deriveChild(number)
    if (key !== from) key.wipePrivateData()
    key = child
  }
  return key
}

function requireSecret(key: HDKey): void {
  secretOf(key).fill(0)
}

/** A copy of the secret key. */
function secretOf(key: HDKey): Uint8Array {
  const copy = key.privateKey
  if (!copy) throw new SdkError('keys/locked', 'The node holds no secret key: it is a public one, or was wiped.')
  return copy
}
