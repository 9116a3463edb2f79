import {
  childOf,
  depthMax,
  erase,
  fingerprintOf,
  type HdKey,
  isPlain,
  printPublic,
  publicOf,
  readExtendedKey,
} from '../crypto/hdKey.ts'
import { accepted, type Decoded, invariant, refused } from '../errors.ts'
import { type Network, networks } from './network.ts'

/** Where a key comes from, so that whoever holds the seed knows it for its own (BIP-380). */
export interface KeyOrigin {
  /** First four bytes of the master key's HASH160, as eight lower-case digits. */
  readonly fingerprint: string
  /** Steps from the master key; hardened ones have 2^31 added. */
  readonly path: readonly number[]
}

/** An extended public key with its origin and the plain steps after it: a key expression of BIP-380. */
export interface AccountKey {
  readonly origin: KeyOrigin
  /** As BIP-32 prints it, for the network's kind: `xpub...` or `tpub...`. */
  readonly xpub: string
  readonly steps: readonly number[]
  /** The key after `steps`, from which children are derived. */
  readonly node: PublicNode
}

/** A public key that has children (BIP-32, "extended public key"). */
export interface PublicNode {
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly chainCode: Uint8Array
}

/** A public key of an account, and the way on which its signer finds it. */
export interface DerivedKey extends KeyOrigin {
  /** 33 bytes. */
  readonly publicKey: Uint8Array
}

/**
 * Reads an extended public key of the network's kind; `zpub` and `vpub` (SLIP-132) become `xpub` and `tpub`.
 * Never throws.
 *
 * Without an origin the key counts as its own master. Refuses keys of another kind, malformed ones, and
 * private keys, which have no business in this room.
 */
export function decodeAccountKey(input: {
  readonly xpub: string
  readonly network: Network
  readonly origin?: KeyOrigin
  readonly steps?: readonly number[]
}): Decoded<AccountKey> {
  const { network, steps = [] } = input
  const root = publicRoot(input.xpub, network)
  if (!root) return refused('the extended key is malformed, private, or of another network')
  const origin = input.origin ?? { fingerprint: fingerprintOf(root).toString(16).padStart(8, '0'), path: [] }
  if (origin.path.length + steps.length >= depthMax) return refused('the path is too long')
  if (steps.some((step) => !isPlain(step))) return refused('a public key has no hardened children')
  const { chainCode } = root
  const node = steps.reduce(below, { publicKey: publicOf(root), chainCode })
  return accepted({ origin, xpub: printPublic(root, networks[network].xpub), steps, node })
}

/** The key one plain step below (BIP-32, public parent to public child). `index` is below 2^31. */
export function childKey({ origin, steps, node }: AccountKey, index: number): DerivedKey {
  return {
    publicKey: below(node, index).publicKey,
    fingerprint: origin.fingerprint,
    path: [...origin.path, ...steps, index],
  }
}

/** The same key one plain step deeper, to derive many children from. */
export function stepInto(key: AccountKey, step: number): AccountKey {
  return { ...key, steps: [...key.steps, step], node: below(key.node, step) }
}

/** BIP-32, public parent to public child. */
function below(node: PublicNode, index: number): PublicNode {
  invariant(isPlain(index), 'a public key has plain children only')
  const child = childOf({ ...node, secretKey: null, depth: 0, index: 0, parentFingerprint: 0 }, index, false)
  return { publicKey: publicOf(child), chainCode: child.chainCode }
}

function publicRoot(text: string, network: Network): HdKey | undefined {
  const { xpub, zpub } = networks[network]
  const key = readExtendedKey(text, xpub) ?? readExtendedKey(text, zpub)
  if (!key?.secretKey) return key
  erase(key)
  return undefined
}
