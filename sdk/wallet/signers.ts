import { SdkError } from '../errors.ts'
import { createKeyring, type Keyring, type Mnemonic, parseMnemonic, seedInputs, singleKeyring } from '../keys/index.ts'
import type { Cipher, Signer } from '../ports.ts'

/** A signer whose keys are in this process. It signs whatever it is asked to, and asks nobody. */
export interface LocalSigner extends Signer {
  /** Zeroes the keys. From then on everything throws `keys/locked`. */
  readonly lock: () => void
}

/**
 * A signer over the EVM accounts of a mnemonic (BIP-44), kept nowhere but in memory.
 *
 * Throws `keys/malformed-mnemonic`, and `units/out-of-range` for a number of accounts outside 1..`accountsMax`.
 *
 * @param mnemonic - As people type it.
 * @param accounts - How many, 1 when not said.
 * @param passphrase - Of BIP-39, empty when not said. Any text opens a wallet, each a different one.
 */
export async function mnemonicSigner(options: {
  readonly mnemonic: string
  readonly cipher: Cipher
  readonly accounts?: number
  readonly passphrase?: string
}): Promise<LocalSigner> {
  const { mnemonic, cipher, accounts = 1, passphrase = '' } = options
  const keyring = await unlockKeyring(readMnemonic(mnemonic), cipher, passphrase)
  keyring.accounts(accounts)
  return keyringSigner(keyring, () => accounts)
}

/**
 * A signer of one account.
 *
 * @param secretKey - 32 bytes, copied; the caller's to zero. Throws `crypto/malformed-key`.
 */
export function secretKeySigner(secretKey: Uint8Array): LocalSigner {
  return keyringSigner(singleKeyring(secretKey), () => 1)
}

/** A keyring as a signer of its first accounts; `count` is asked each time, since accounts can be added. */
export function keyringSigner(keyring: Keyring, count: () => number): LocalSigner {
  return {
    accounts: async () => keyring.accounts(count()),
    sign: async ({ account, digest }) => keyring.signDigest(account, digest),
    lock: keyring.wipe,
  }
}

/** The keyring of a mnemonic, its seed derived by the platform and zeroed again. */
export async function unlockKeyring(mnemonic: Mnemonic, cipher: Cipher, passphrase: string): Promise<Keyring> {
  const inputs = seedInputs(mnemonic, passphrase)
  const seed = await cipher.pbkdf2(inputs)
  const keyring = createKeyring(seed)
  for (const secret of [inputs.password, inputs.salt, seed]) secret.fill(0)
  return keyring
}

/** Reads a mnemonic at the wall. Throws `keys/malformed-mnemonic`, without echoing a word. */
export function readMnemonic(text: string): Mnemonic {
  const parsed = parseMnemonic(text)
  if (parsed.ok) return parsed.value
  throw new SdkError('keys/malformed-mnemonic', `The mnemonic cannot be read: ${parsed.reason}.`)
}
