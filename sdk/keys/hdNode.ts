import {
  childOf,
  erase,
  fingerprintOf,
  type HdKey,
  type KeyVersions,
  masterKey,
  printPublic,
  printSecret,
  publicOf,
  readExtendedKey,
  secretOf,
} from '../crypto/hdKey.ts'
import { accepted, type Decoded, refused, SdkError } from '../errors.ts'
import { type Path, pathDepthMax } from './derivation.ts'

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
  /**
   * 32 bytes of this node, or of the one `path` below it; a fresh copy, the caller's to zero. Throws `keys/locked` when
   * the node holds no secret, and `keys/malformed-path` as {@link HdNode.derive} does.
   */
  readonly secretKey: (path?: Path) => Uint8Array
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

/** How nodes are printed where nothing else is said: as those of Bitcoin's main network. */
const mainVersions: KeyVersions = { public: 0x0488b21e, private: 0x0488ade4 }

/**
 * The root of the tree that belongs to a seed (BIP-32 "Master key generation").
 *
 * @param seed - 16 to 64 bytes, not kept; the caller's to zero.
 * @param versions - How nodes of this tree are printed: as those of the main network when not said.
 */
export function hdNode(seed: Uint8Array, versions: KeyVersions = mainVersions): HdNode {
  if (seed.length < 16 || seed.length > 64)
    throw new SdkError('units/out-of-range', 'A seed of an HD tree has 16 to 64 bytes.')
  return nodeOf(masterKey(seed), versions)
}

/**
 * Reads `xpub...` or `xprv...` of the main network (BIP-32 "Serialization format"). Never throws.
 * A reason never quotes the text.
 */
export function parseExtendedKey(text: string): Decoded<HdNode> {
  const key = readExtendedKey(text, mainVersions)
  return key ? accepted(nodeOf(key, mainVersions)) : refused('the text is not an extended key of BIP-32')
}

/** The key stays behind this closure. */
function nodeOf(key: HdKey, versions: KeyVersions): HdNode {
  return {
    depth: key.depth,
    index: key.index,
    get fingerprint() {
      return fingerprintOf(key)
    },
    publicKey: () => publicOf(key).slice(),
    secretKey: (path) => secretOf(path ? descend(key, path, false) : copyOf(key)),
    derive: (path) => nodeOf(descend(key, path, true), versions),
    extendedPublicKey: () => printPublic(key, versions),
    extendedSecretKey: () => printSecret(key, versions),
    wipe: () => {
      if (key.secretKey) publicOf(key)
      erase(key)
    },
  }
}

/** A key of its own at the end of the path; secrets of the steps between are zeroed again. */
function descend(from: HdKey, path: Path, isPrinted: boolean): HdKey {
  if (from.depth + path.length > pathDepthMax)
    throw new SdkError('keys/malformed-path', `The path leads deeper than ${pathDepthMax} steps.`)
  let key = copyOf(from)
  for (const [at, number] of path.entries()) {
    const child = childOf(key, number, isPrinted && at === path.length - 1)
    erase(key)
    key = child
  }
  return key
}

function copyOf(key: HdKey): HdKey {
  return { ...key, secretKey: key.secretKey?.slice() ?? null }
}
