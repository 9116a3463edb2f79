import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { accepted, type Decoded, refused, SdkError } from '../errors.ts'

declare const checked: unique symbol

/**
 * English words that hold entropy and its checksum (BIP-39), lower case, one space between them.
 * Made by {@link parseMnemonic} and {@link mnemonicFromEntropy} only.
 */
export type Mnemonic = string & { readonly [checked]: 'Mnemonic' }

/** Longest text {@link parseMnemonic} reads; 24 words of the list need 215 characters. */
export const mnemonicTextMax = 1_024

const entropySizes: readonly number[] = [16, 20, 24, 28, 32]
const wordCounts: readonly number[] = [12, 15, 18, 21, 24]

/**
 * Words for entropy (BIP-39 "Generating the mnemonic").
 *
 * Funds at risk: whoever can guess the bytes owns the keys. They come from a `Random` port.
 *
 * @param entropy - 16, 20, 24, 28 or 32 bytes; any other size throws `keys/malformed-mnemonic`.
 */
export function mnemonicFromEntropy(entropy: Uint8Array): Mnemonic {
  if (!entropySizes.includes(entropy.length))
    throw new SdkError('keys/malformed-mnemonic', 'A mnemonic is made of 16, 20, 24, 28 or 32 bytes of entropy.')
  return entropyToMnemonic(entropy, wordlist) as Mnemonic
}

/** The entropy behind the words: 16 to 32 fresh bytes, the caller's to zero. */
export function entropyOf(mnemonic: Mnemonic): Uint8Array {
  return mnemonicToEntropy(mnemonic, wordlist)
}

/**
 * Reads a mnemonic as people type it: any case, any white space, full-width letters. Never throws.
 *
 * A reason names positions, never words, so that it can be shown and logged.
 */
export function parseMnemonic(text: string): Decoded<Mnemonic> {
  if (text.length > mnemonicTextMax) return refused(`the text is longer than ${mnemonicTextMax} characters`)
  const words = text.normalize('NFKD').toLowerCase().split(/\s+/).filter(Boolean)
  if (!wordCounts.includes(words.length))
    return refused(`a mnemonic has 12, 15, 18, 21 or 24 words, and this text has ${words.length}`)
  const strange = words.flatMap((word, at) => (wordlist.includes(word) ? [] : [at + 1]))
  if (strange.length > 0) return refused(`not in the English list: word ${strange.join(', ')}`)
  const mnemonic = words.join(' ')
  try {
    mnemonicToEntropy(mnemonic, wordlist).fill(0)
  } catch {
    return refused('the checksum does not fit: a word is wrong, or two are swapped')
  }
  return accepted(mnemonic as Mnemonic)
}

/** What PBKDF2 is asked for to turn a mnemonic into a seed; fits the `Cipher` port as it is. */
export interface SeedInputs {
  readonly hash: 'SHA-512'
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly iterations: 2048
  readonly size: 64
}

/**
 * The inputs that turn a mnemonic into its seed (BIP-39 "From mnemonic to seed"), for the platform's PBKDF2.
 *
 * Every passphrase gives a seed; a mistyped one gives another, empty wallet. The bytes are the caller's to zero.
 * Throws `keys/malformed-mnemonic` for a passphrase that is not well-formed Unicode, since it has no UTF-8 form.
 */
export function seedInputs(mnemonic: Mnemonic, passphrase: string): SeedInputs {
  const utf8 = new TextEncoder()
  return {
    hash: 'SHA-512',
    password: utf8.encode(mnemonic),
    salt: utf8.encode(`mnemonic${wellFormed(passphrase).normalize('NFKD')}`),
    iterations: 2048,
    size: 64,
  }
}

/**
 * The seed (64 bytes), derived here and now: several milliseconds of plain JavaScript. For tests and small uses;
 * where time counts, give {@link seedInputs} to a `Cipher`. Throws as {@link seedInputs} does.
 */
export function seedOf(mnemonic: Mnemonic, passphrase = ''): Uint8Array {
  return mnemonicToSeedSync(mnemonic, wellFormed(passphrase))
}

function wellFormed(passphrase: string): string {
  if (/\p{Surrogate}/u.test(passphrase))
    throw new SdkError('keys/malformed-mnemonic', 'The passphrase is not well-formed Unicode.')
  return passphrase
}
