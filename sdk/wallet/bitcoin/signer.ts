import { type Network, networks } from '../../bitcoin/network.ts'
import { type BitcoinKeyring, createBitcoinKeyring, type Mnemonic, seedInputs } from '../../keys/index.ts'
import type { BitcoinSigner, Cipher } from '../../ports.ts'
import { readMnemonic } from '../signers.ts'

/** A Bitcoin signer whose keys are in this process. It signs whatever it is asked to, and asks nobody. */
export interface LocalBitcoinSigner extends BitcoinSigner {
  /** Zeroes the keys. From then on everything throws `keys/locked`. */
  readonly lock: () => void
}

/**
 * A Bitcoin signer over a mnemonic, kept nowhere but in memory: the accounts of BIP-84, BIP-86 and BIP-48, and channel
 * keys below `m/7113h`. Throws `keys/malformed-mnemonic`.
 *
 * @param mnemonic - As people type it.
 * @param network - The test networks share their keys, the main network has its own.
 * @param passphrase - Of BIP-39, empty when not said. Any text opens a wallet, each a different one.
 */
export async function mnemonicBitcoinSigner(options: {
  readonly mnemonic: string
  readonly cipher: Cipher
  readonly network: Network
  readonly passphrase?: string
}): Promise<LocalBitcoinSigner> {
  const { mnemonic, cipher, network, passphrase = '' } = options
  return keyringBitcoinSigner(
    await unlockBitcoinKeyring({ mnemonic: readMnemonic(mnemonic), cipher, network, passphrase }),
  )
}

/** A keyring as a signer. Throws what the keyring throws. */
export function keyringBitcoinSigner(keyring: BitcoinKeyring): LocalBitcoinSigner {
  return {
    accountKey: async (kind) => keyring.accountKey(kind),
    sign: async (request) => keyring.signInput(request),
    channelKey: async (index) => keyring.channelKey(index),
    signChannel: async ({ index, digest }) => keyring.signChannel(index, digest),
    channelSecret: async (index, publicKey) => keyring.channelSecret(index, publicKey),
    lock: keyring.wipe,
  }
}

/** The Bitcoin keyring of a mnemonic, its seed derived by the platform and zeroed again. */
export async function unlockBitcoinKeyring(options: {
  readonly mnemonic: Mnemonic
  readonly cipher: Cipher
  readonly network: Network
  readonly passphrase: string
}): Promise<BitcoinKeyring> {
  const inputs = seedInputs(options.mnemonic, options.passphrase)
  const seed = await options.cipher.pbkdf2(inputs)
  const keyring = createBitcoinKeyring(seed, networks[options.network])
  for (const secret of [inputs.password, inputs.salt, seed]) secret.fill(0)
  return keyring
}
