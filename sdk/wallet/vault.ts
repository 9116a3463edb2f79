import type { Network } from '../bitcoin/index.ts'
import { SdkError } from '../errors.ts'
import { accountsMax, entropyOf, type Mnemonic, mnemonicFromEntropy } from '../keys/index.ts'
import type { BitcoinSigner, Cipher, Random, Store } from '../ports.ts'
import type { Address } from '../units.ts'
import { keyringBitcoinSigner, type LocalBitcoinSigner, unlockBitcoinKeyring } from './bitcoin/signer.ts'
import { keyringSigner, type LocalSigner, readMnemonic, unlockKeyring } from './signers.ts'
import {
  decodeContent,
  decodeRecord,
  encodeContent,
  encodeHeader,
  encodeRecord,
  kdfIterationsDefault,
  kdfIterationsMax,
  kdfIterationsMin,
  nonceBytes,
  type SealedRecord,
  saltBytes,
  type VaultContent,
  type VaultHeader,
} from './vaultRecord.ts'

/** Longest password, in UTF-8 bytes. */
export const passwordBytesMax = 1_024
/** Entropy of a new mnemonic: 16 bytes, 12 words. */
const entropyBytes = 16
const recordKey = 'vault'

/** What a vault asks of the world. */
export interface VaultPorts {
  readonly store: Store
  readonly cipher: Cipher
  readonly random: Random
}

/**
 * Keys encrypted at rest under a password, open in memory until {@link lock}. After that everything throws
 * `keys/locked`.
 *
 * Each save is one compare-and-set: when another tab saved first, the call throws `store/conflict` and nothing has
 * changed.
 */
export interface Vault extends LocalSigner {
  /** Derives and remembers the next account. */
  readonly addAccount: () => Promise<Address>
  /**
   * The Bitcoin keys of the same mnemonic, open until the vault is locked. The first call for a network reads the
   * stored vault once more: it throws `store/conflict` when the password was changed elsewhere.
   */
  readonly bitcoin: (network: Network) => Promise<BitcoinSigner>
  /**
   * The words, for a person to write down. Funds at risk: whoever reads them owns every account, and text cannot be
   * erased from memory. Throws `vault/wrong-password`.
   */
  readonly revealMnemonic: (password: string) => Promise<Mnemonic>
  /**
   * Seals the vault under another password. Throws `vault/wrong-password` for `current` and
   * `vault/malformed-password` for `next`; then the old password stays. A copy of the old record still opens with it.
   */
  readonly changePassword: (passwords: { readonly current: string; readonly next: string }) => Promise<void>
}

/**
 * Encrypts a mnemonic under a password and stores it.
 *
 * Funds at risk: the accounts can be restored from the mnemonic and from nothing else. Show it before money arrives.
 *
 * Throws `store/conflict` when the store has a vault already, `vault/malformed-password` for one that is empty, longer
 * than {@link passwordBytesMax} or not well-formed, `keys/malformed-mnemonic`, and `units/out-of-range`.
 *
 * @param mnemonic - As people type it. A new one of 12 words when not given.
 * @param accounts - How many to begin with, 1 when not said.
 * @param kdfIterations - Of PBKDF2; what a device can bear, within the named limits.
 */
export async function createVault(
  options: VaultPorts & {
    readonly password: string
    readonly mnemonic?: string
    readonly accounts?: number
    readonly kdfIterations?: number
  },
): Promise<Vault> {
  const { store, cipher, random, password, mnemonic, accounts = 1, kdfIterations = kdfIterationsDefault } = options
  requireRange(accounts, 1, accountsMax, 'accounts')
  requireRange(kdfIterations, kdfIterationsMin, kdfIterationsMax, 'iterations')
  const usable = requirePassword(password)
  const entropy = mnemonic === undefined ? random(entropyBytes) : entropyOf(readMnemonic(mnemonic))
  try {
    // The commit would refuse too, but only after the slow derivation.
    if (await store.get(recordKey)) throw new SdkError('store/conflict', 'The store has a vault already.')
    const key = await deriveKey(cipher, usable, random(saltBytes), kdfIterations)
    await save(options, key, { entropy, accounts }, 0)
    return await unlocked(options, key, { entropy, accounts })
  } finally {
    zero(entropy)
  }
}

/**
 * Opens the stored vault.
 *
 * Throws `vault/missing`, `vault/malformed` and `vault/unsupported` (a newer format) before any work on the password,
 * and `vault/wrong-password` after it. The record is only read, so no try loses anything. A record altered in a way
 * that leaves its form whole cannot be told from a wrong password.
 */
export async function openVault(options: VaultPorts & { readonly password: string }): Promise<Vault> {
  const { key, content } = await unseal(options.cipher, await load(options.store), options.password)
  try {
    return await unlocked(options, key, content)
  } finally {
    zero(content.entropy)
  }
}

/** What a password comes down to: its PBKDF2 key, and the parameters that led there. */
interface PasswordKey {
  readonly bytes: Uint8Array
  readonly salt: Uint8Array
  readonly iterations: number
}

/** A record that may be opened, and its version in the store. */
interface Loaded extends SealedRecord {
  readonly version: number
}

async function unlocked(ports: VaultPorts, key: PasswordKey, content: VaultContent): Promise<Vault> {
  const { store, cipher, random } = ports
  const keyring = await unlockKeyring(mnemonicFromEntropy(content.entropy), cipher, '')
  let { accounts } = content
  keyring.accounts(accounts)
  const signer = keyringSigner(keyring, () => accounts)
  /** Nothing once locked. */
  let unlockedBy: PasswordKey | undefined = key

  const bitcoinSigners = new Map<Network, LocalBitcoinSigner>()

  function requireUnlocked(): PasswordKey {
    if (unlockedBy) return unlockedBy
    throw new SdkError('keys/locked', 'The vault is locked.')
  }

  return {
    ...signer,
    async addAccount() {
      // A copy: locking meanwhile zeroes the original, and nothing may ever be sealed under zeros.
      const own = copyOf(requireUnlocked())
      const loaded = await load(store)
      const before = await reopen(cipher, own, loaded)
      const after = before.accounts + 1
      requireRange(after, 1, accountsMax, 'accounts')
      await save(ports, own, { entropy: before.entropy, accounts: after }, loaded.version)
      zero(own.bytes, before.entropy)
      accounts = after
      return keyring.accounts(after)[after - 1] as Address
    },
    async bitcoin(network) {
      const own = copyOf(requireUnlocked())
      const known = bitcoinSigners.get(network)
      const signer = known ?? (await bitcoinSigner(ports, own, network))
      zero(own.bytes)
      if (!unlockedBy) signer.lock()
      requireUnlocked()
      bitcoinSigners.set(network, signer)
      return signer
    },
    async revealMnemonic(password) {
      requireUnlocked()
      const { key, content } = await unseal(cipher, await load(store), password)
      const mnemonic = mnemonicFromEntropy(content.entropy)
      zero(key.bytes, content.entropy)
      return mnemonic
    },
    async changePassword({ current, next }) {
      requireUnlocked()
      const usable = requirePassword(next)
      const loaded = await load(store)
      const { key, content } = await unseal(cipher, loaded, current)
      const changed = await deriveKey(cipher, usable, random(saltBytes), loaded.header.iterations)
      await save(ports, changed, content, loaded.version)
      zero(key.bytes, content.entropy)
      if (!unlockedBy) return zero(changed.bytes)
      zero(unlockedBy.bytes)
      unlockedBy = changed
    },
    lock() {
      signer.lock()
      for (const bitcoin of bitcoinSigners.values()) bitcoin.lock()
      if (unlockedBy) zero(unlockedBy.bytes)
      unlockedBy = undefined
    },
  }
}

/** The Bitcoin keys of the stored mnemonic. */
async function bitcoinSigner(
  { store, cipher }: VaultPorts,
  key: PasswordKey,
  network: Network,
): Promise<LocalBitcoinSigner> {
  const { entropy } = await reopen(cipher, key, await load(store))
  const mnemonic = mnemonicFromEntropy(entropy)
  zero(entropy)
  return keyringBitcoinSigner(await unlockBitcoinKeyring({ mnemonic, cipher, network, passphrase: '' }))
}

/** Seals the content under a key and nonce of this save's own, and stores it if the record is still the expected one. */
async function save(
  { store, cipher, random }: VaultPorts,
  { bytes: passwordKey, salt, iterations }: PasswordKey,
  content: VaultContent,
  expected: number,
): Promise<void> {
  const header = { iterations, passwordSalt: salt, sealSalt: random(saltBytes), nonce: random(nonceBytes) }
  const associated = encodeHeader(header)
  const key = await sealKey(cipher, passwordKey, header)
  const bytes = encodeContent(content)
  const sealed = await cipher.seal({ key, nonce: header.nonce, bytes, associated })
  zero(key, bytes)
  await store.commit([{ key: recordKey, expected, bytes: encodeRecord(associated, sealed) }])
}

async function load(store: Store): Promise<Loaded> {
  const stored = await store.get(recordKey)
  if (!stored) throw new SdkError('vault/missing', 'The store has no vault.')
  const decoded = decodeRecord(stored.bytes)
  if (!decoded.ok) throw new SdkError('vault/malformed', `The stored vault cannot be read: ${decoded.reason}.`)
  if (decoded.value.kind === 'unsupported')
    throw new SdkError('vault/unsupported', `The stored vault has ${decoded.value.what}.`, {
      notes: ['A newer version of this program may open it.'],
    })
  return { ...decoded.value, version: stored.version }
}

async function unseal(
  cipher: Cipher,
  loaded: Loaded,
  password: string,
): Promise<{ readonly key: PasswordKey; readonly content: VaultContent }> {
  const { passwordSalt, iterations } = loaded.header
  const usable = passwordBytes(password)
  const key = usable && (await deriveKey(cipher, usable, passwordSalt, iterations))
  const content = key && (await open(cipher, key.bytes, loaded))
  if (content) return { key, content }
  throw new SdkError('vault/wrong-password', 'The password is wrong.', {
    notes: ['Nothing was changed.', 'If you are sure of it, the stored vault may have been altered.'],
  })
}

/** The content, by the key of a vault that is open. */
async function reopen(cipher: Cipher, key: PasswordKey, loaded: Loaded): Promise<VaultContent> {
  const content = await open(cipher, key.bytes, loaded)
  if (content) return content
  throw new SdkError('store/conflict', 'The password was changed elsewhere. Open the vault again.')
}

/** The content, or nothing when the key is not the one that sealed it. */
async function open(cipher: Cipher, passwordKey: Uint8Array, loaded: Loaded): Promise<VaultContent | undefined> {
  const { header, associated, sealed } = loaded
  const key = await sealKey(cipher, passwordKey, header)
  const bytes = await cipher.open({ key, nonce: header.nonce, bytes: sealed, associated })
  zero(key)
  if (!bytes) return undefined
  const content = decodeContent(bytes)
  zero(bytes)
  if (content.ok) return content.value
  throw new SdkError('vault/malformed', `The stored vault cannot be read: ${content.reason}.`)
}

async function deriveKey(
  cipher: Cipher,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Promise<PasswordKey> {
  const bytes = await cipher.pbkdf2({ hash: 'SHA-256', password, salt, iterations, size: 32 })
  zero(password)
  return { bytes, salt, iterations }
}

/** One round is enough: what goes in is a key already. */
function sealKey(cipher: Cipher, passwordKey: Uint8Array, { sealSalt }: VaultHeader): Promise<Uint8Array> {
  return cipher.pbkdf2({ hash: 'SHA-256', password: passwordKey, salt: sealSalt, iterations: 1, size: 32 })
}

/** UTF-8 of the password in NFC, so that one password typed on two systems is the same; nothing when it is unusable. */
function passwordBytes(password: string): Uint8Array | undefined {
  if (password.length > passwordBytesMax || /\p{Surrogate}/u.test(password)) return undefined
  const bytes = new TextEncoder().encode(password.normalize('NFC'))
  return bytes.length > 0 && bytes.length <= passwordBytesMax ? bytes : undefined
}

function requirePassword(password: string): Uint8Array {
  const usable = passwordBytes(password)
  if (usable) return usable
  throw new SdkError('vault/malformed-password', `A password is 1 to ${passwordBytesMax} bytes of well-formed text.`)
}

function requireRange(value: number, min: number, max: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new SdkError('units/out-of-range', `${value} ${what} are outside ${min}..${max}.`)
}

function copyOf(key: PasswordKey): PasswordKey {
  return { ...key, bytes: Uint8Array.from(key.bytes) }
}

function zero(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}
