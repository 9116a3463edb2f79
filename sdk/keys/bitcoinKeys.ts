import { currentEngine } from '../crypto/engine.ts'
import type { KeyVersions } from '../crypto/hdKey.ts'
import { SdkError } from '../errors.ts'
import {
  type BitcoinAccountKind,
  bitcoinAccountPath,
  channelStep,
  channelsPath,
  type Path,
  plainStepsBelow,
} from './derivation.ts'
import { type HdNode, hdNode } from './hdNode.ts'

/** Most channel keys that a keyring keeps derived, so that a payment does not wait for a derivation. */
const channelKeysMax = 32

/** What a network's keys are derived and printed by. */
export interface BitcoinKeyFormat {
  /** Second, hardened step of account paths (SLIP-44). */
  readonly coinType: 0 | 1
  readonly xpub: KeyVersions
}

/** An account's extended public key, and where it comes from. */
export interface PrintedAccountKey {
  readonly xpub: string
  /** First four bytes of the master key's HASH160, as eight lower-case digits. */
  readonly fingerprint: string
  readonly path: readonly number[]
}

/** One signature of an input. */
export interface InputToSign {
  readonly scheme: 'ecdsa' | 'schnorr'
  /** 32 bytes. */
  readonly digest: Uint8Array
  /** From the master key; below an account of this keyring, two plain steps deeper. */
  readonly path: readonly number[]
  /** What a `schnorr` key is tweaked by before it signs (BIP-341), else `null`. */
  readonly tweak: Uint8Array | null
}

/**
 * A wallet's Bitcoin keys in this process's memory, and what they can do. Synchronous; asks nobody.
 * Once wiped, everything throws `keys/locked`. Equal inputs give equal signatures.
 */
export interface BitcoinKeyring {
  readonly accountKey: (kind: BitcoinAccountKind) => PrintedAccountKey
  /**
   * 64 bytes: r and s (low), or R and s. Throws `keys/unknown-account` for a path of no account: above all, nobody
   * gets a channel's signature in the name of a coin.
   */
  readonly signInput: (request: InputToSign) => Uint8Array
  /** 33 bytes. Throws `units/out-of-range` outside 0..2^31 - 1, as the next two do. */
  readonly channelKey: (index: number) => Uint8Array
  /** ECDSA over 32 bytes by that key: 64 bytes, r and s (low). */
  readonly signChannel: (index: number, digest: Uint8Array) => Uint8Array
  /** ECDH of that key and a public key of 33 bytes. Throws `crypto/malformed-key`. */
  readonly channelSecret: (index: number, publicKey: Uint8Array) => Uint8Array
  /** Zeroes every secret key as far as the language allows. */
  readonly wipe: () => void
}

/**
 * A keyring of the first account of each kind ({@link bitcoinAccountPath}) and of all channel keys, the key of channel
 * `index` being `m/7113'/c'/0'/index'` ({@link channelsPath}).
 *
 * @param seed - 16 to 64 bytes, not kept; the caller's to zero.
 */
export function createBitcoinKeyring(seed: Uint8Array, { coinType, xpub }: BitcoinKeyFormat): BitcoinKeyring {
  const root = hdNode(seed, xpub)
  const fingerprint = root.fingerprint.toString(16).padStart(8, '0')
  const accounts = kinds.map((kind): AccountNode => {
    const path = bitcoinAccountPath(kind, coinType)
    return { kind, path, node: root.derive(path) }
  })
  const channels = root.derive(channelsPath(coinType))
  root.wipe()
  const channelKeys = channelSecretKeys(channels)
  let wiped = false

  function requireOpen(): void {
    if (wiped) throw new SdkError('keys/locked', 'The keys are locked.')
  }

  return {
    accountKey(kind) {
      requireOpen()
      const { node, path } = accounts[kinds.indexOf(kind)] as AccountNode
      return { xpub: node.extendedPublicKey(), fingerprint, path: [...path] }
    },
    signInput({ scheme, digest, path, tweak }) {
      requireOpen()
      const secretKey = secretKeyAt(accounts, path)
      try {
        return scheme === 'schnorr' ? signSchnorr(digest, secretKey, tweak) : signEcdsa(digest, secretKey)
      } finally {
        secretKey.fill(0)
      }
    },
    channelKey(index) {
      requireOpen()
      return currentEngine().publicKey(channelKeys.at(index))
    },
    signChannel(index, digest) {
      requireOpen()
      return signEcdsa(digest, channelKeys.at(index))
    },
    channelSecret(index, publicKey) {
      requireOpen()
      return currentEngine().sharedSecret(channelKeys.at(index), publicKey)
    },
    wipe() {
      wiped = true
      for (const { node } of accounts) node.wipe()
      channels.wipe()
      channelKeys.wipe()
    },
  }
}

const kinds: readonly BitcoinAccountKind[] = ['wpkh', 'tr', 'multisig']

interface AccountNode {
  readonly kind: BitcoinAccountKind
  readonly path: Path
  readonly node: HdNode
}

/** The secret key at a path: a copy, the caller's to zero. */
function secretKeyAt(accounts: readonly AccountNode[], path: readonly number[]): Uint8Array {
  for (const account of accounts) {
    const steps = plainStepsBelow(account.path, path)
    if (steps?.length === 2) return account.node.secretKey(steps)
  }
  throw new SdkError('keys/unknown-account', 'The path leads to no account of this keyring.')
}

/** The keys of the channels used last, derived once. */
function channelSecretKeys(parent: HdNode) {
  /** In order of use: a map keeps the order of insertion. */
  const secretKeys = new Map<number, Uint8Array>()

  return {
    at(index: number): Uint8Array {
      const known = secretKeys.get(index)
      const secretKey = known ?? parent.secretKey(channelStep(index))
      secretKeys.delete(index)
      secretKeys.set(index, secretKey)
      for (const [oldest, its] of secretKeys) {
        if (secretKeys.size <= channelKeysMax) break
        secretKeys.delete(oldest)
        its.fill(0)
      }
      return secretKey
    },
    wipe() {
      for (const secretKey of secretKeys.values()) secretKey.fill(0)
      secretKeys.clear()
    },
  }
}

function signEcdsa(digest: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return currentEngine().sign(digest, secretKey).slice(0, 64)
}

/** With no randomness beside the digest and the key, so that a resend has the same bytes. */
function signSchnorr(digest: Uint8Array, secretKey: Uint8Array, tweak: Uint8Array | null): Uint8Array {
  const engine = currentEngine()
  const tweaked = tweak ? engine.tweakXOnlySecretKey(secretKey, tweak) : secretKey.slice()
  if (!tweaked) throw new SdkError('crypto/malformed-key', 'The tweak gives no key.')
  const signature = engine.schnorrSign(digest, tweaked, new Uint8Array(32))
  tweaked.fill(0)
  return signature
}
