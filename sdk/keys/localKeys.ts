import { currentEngine, type Signature } from '../crypto/engine.ts'
import { SdkError } from '../errors.ts'
import type { Address } from '../units.ts'
import { accountStep, addressOfKey, evmAccountsPath } from './derivation.ts'
import { hdNode } from './hdNode.ts'

/** Most accounts one keyring derives. */
export const accountsMax = 1_000

/** Secret keys in this process's memory, and what they can do. Synchronous; asks nobody. */
export interface Keyring {
  /** The first `count` accounts, in order. Throws `units/out-of-range` beyond the keyring, `keys/locked` when wiped. */
  readonly accounts: (count: number) => readonly Address[]
  /**
   * Signs 32 bytes by an account that {@link accounts} has named; equal inputs give equal bytes (RFC 6979).
   * Throws `keys/unknown-account`, `keys/locked`.
   */
  readonly signDigest: (account: Address, digest: Uint8Array) => Signature
  /** Zeroes every secret key as far as the language allows. From then on everything throws `keys/locked`. */
  readonly wipe: () => void
}

/**
 * A keyring of the EVM accounts `m/44'/60'/0'/0/i` (BIP-44). Their common parent is derived once, which makes
 * an account about six times cheaper than from the root.
 *
 * @param seed - 16 to 64 bytes, not kept; the caller's to zero.
 */
export function createKeyring(seed: Uint8Array): Keyring {
  const root = hdNode(seed)
  const parent = root.derive(evmAccountsPath())
  root.wipe()
  return keyringOf(accountsMax, (index) => parent.secretKey(accountStep(index)), parent.wipe)
}

/**
 * A keyring of one account.
 *
 * @param secretKey - 32 bytes, copied; the caller's to zero. Throws `crypto/malformed-key`.
 */
export function singleKeyring(secretKey: Uint8Array): Keyring {
  const own = Uint8Array.from(secretKey)
  const keyring = keyringOf(
    1,
    () => own,
    () => own.fill(0),
  )
  keyring.accounts(1)
  return keyring
}

function keyringOf(countMax: number, secretKeyAt: (index: number) => Uint8Array, wipeSource: () => void): Keyring {
  /** In order of index: a map keeps the order of insertion. */
  const secretKeys = new Map<Address, Uint8Array>()
  let wiped = false

  return {
    accounts(count) {
      if (wiped) throw locked()
      if (!Number.isSafeInteger(count) || count < 1 || count > countMax)
        throw new SdkError('units/out-of-range', `${count} is outside 1..${countMax} accounts.`)
      while (secretKeys.size < count) {
        const secretKey = secretKeyAt(secretKeys.size)
        secretKeys.set(addressOfKey(currentEngine().publicKey(secretKey)), secretKey)
      }
      return [...secretKeys.keys()].slice(0, count)
    },
    signDigest(account, digest) {
      if (wiped) throw locked()
      const secretKey = secretKeys.get(account)
      if (!secretKey) throw new SdkError('keys/unknown-account', 'The account is none of this keyring.')
      return currentEngine().sign(digest, secretKey)
    },
    wipe() {
      wiped = true
      wipeSource()
      for (const secretKey of secretKeys.values()) secretKey.fill(0)
      secretKeys.clear()
    },
  }
}

function locked(): SdkError {
  return new SdkError('keys/locked', 'The keys are locked.')
}
