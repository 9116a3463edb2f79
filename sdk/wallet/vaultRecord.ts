import { accepted, type Decoded, refused } from '../errors.ts'
import { accountsMax } from '../keys/index.ts'
import { decodeRlp, encodeRlp, quantity, type RlpItem, toBigInt } from '../rlp.ts'

/** Fewest PBKDF2 iterations a record may name: below, a stolen record costs little to search. For phones without WebCrypto. */
export const kdfIterationsMin = 100_000
/** Iterations of a new vault: OWASP's figure for PBKDF2-HMAC-SHA-256 (Password Storage Cheat Sheet, since 2023). */
export const kdfIterationsDefault = 600_000
/** Most iterations a record may name: above, an altered record would stall whoever opens it. */
export const kdfIterationsMax = 10_000_000

const format = 'lanekit vault'
const version = 1
const kdf = 'PBKDF2-HMAC-SHA-256'
const cipher = 'AES-256-GCM'
/** NIST SP 800-132 asks for at least 16. */
export const saltBytes = 16
export const nonceBytes = 12
const tagBytes = 16
const entropySizes: readonly number[] = [16, 20, 24, 28, 32]

/** What the seal of a record depends on, in the open beside it. */
export interface VaultHeader {
  readonly iterations: number
  /** Drawn when a password is set. */
  readonly passwordSalt: Uint8Array
  /** Drawn at each save. */
  readonly sealSalt: Uint8Array
  /** Drawn at each save. */
  readonly nonce: Uint8Array
}

/** A record that a password may open. */
export interface SealedRecord {
  readonly kind: 'sealed'
  readonly header: VaultHeader
  /** The bytes of the header, authenticated with the content. */
  readonly associated: Uint8Array
  readonly sealed: Uint8Array
}

/** A record, read but not opened; `unsupported` has this format, and something that this version does not know. */
export type VaultRecord = SealedRecord | { readonly kind: 'unsupported'; readonly what: string }

/** What is sealed. */
export interface VaultContent {
  /** Of the mnemonic, 16 to 32 bytes. */
  readonly entropy: Uint8Array
  /** How many accounts are in use. */
  readonly accounts: number
}

/**
 * The header of a record, version 1: an RLP list of
 * `format, version, kdf, iterations, passwordSalt (16), sealSalt (16), cipher, nonce (12)`, names in ASCII.
 *
 * The password key is PBKDF2-HMAC-SHA-256 of the password (UTF-8, NFC as in RFC 8265) and passwordSalt. The content
 * is sealed by AES-256-GCM under one further PBKDF2 round of that key and sealSalt, with these very bytes as
 * associated data. So each save has a key of its own, and the password is not needed to save again.
 */
export function encodeHeader({ iterations, passwordSalt, sealSalt, nonce }: VaultHeader): Uint8Array {
  return encodeRlp([
    ascii(format),
    quantity(version),
    ascii(kdf),
    quantity(iterations),
    passwordSalt,
    sealSalt,
    ascii(cipher),
    nonce,
  ])
}

/** A record as it is stored: `rlp([header, sealed])`, the header as a string of bytes. */
export function encodeRecord(associated: Uint8Array, sealed: Uint8Array): Uint8Array {
  return encodeRlp([associated, sealed])
}

/** Reads a record. Never throws. In every version the header's first two fields are the format and the version. */
export function decodeRecord(bytes: Uint8Array): Decoded<VaultRecord> {
  const [associated, sealed, ...more] = listOf(bytes)
  const [name, stated, ...fields] = listOf(associated)
  if (text(name) !== format) return refused('it has no header of a vault')
  if (number(stated) !== version) return unsupported('a version of the format that is not known here')
  const [kdfName, rounds, passwordSalt, sealSalt, cipherName, nonce, ...others] = fields
  if (text(kdfName) !== kdf) return unsupported('another key derivation')
  if (text(cipherName) !== cipher) return unsupported('another cipher')
  const iterations = number(rounds)
  if (iterations === undefined || iterations < kdfIterationsMin || iterations > kdfIterationsMax)
    return refused(`its iterations are outside ${kdfIterationsMin}..${kdfIterationsMax}`)
  if (!isBytes(passwordSalt, saltBytes) || !isBytes(sealSalt, saltBytes) || !isBytes(nonce, nonceBytes))
    return refused('its salts or nonce are of another size')
  if (!isBytes(associated) || !isBytes(sealed) || sealed.length < tagBytes || others.length > 0 || more.length > 0)
    return refused('its parts are not those of version 1')
  const header = { iterations, passwordSalt, sealSalt, nonce }
  return accepted({ kind: 'sealed', header, associated, sealed })
}

/** The bytes to seal: `rlp([entropy, accounts])`. */
export function encodeContent({ entropy, accounts }: VaultContent): Uint8Array {
  return encodeRlp([entropy, quantity(accounts)])
}

/** Reads what was sealed; the entropy is a copy. Never throws. */
export function decodeContent(bytes: Uint8Array): Decoded<VaultContent> {
  const [entropy, count, ...more] = listOf(bytes)
  const accounts = number(count)
  if (!isBytes(entropy) || !entropySizes.includes(entropy.length) || more.length > 0)
    return refused('its content is not entropy and a number of accounts')
  if (accounts === undefined || accounts < 1 || accounts > accountsMax)
    return refused(`its accounts are outside 1..${accountsMax}`)
  return accepted({ entropy: Uint8Array.from(entropy), accounts })
}

function unsupported(what: string): Decoded<VaultRecord> {
  return accepted({ kind: 'unsupported', what })
}

/** The items of an encoded list; none when it is anything else. */
function listOf(bytes: RlpItem | undefined): readonly RlpItem[] {
  const decoded = isBytes(bytes) ? decodeRlp(bytes) : undefined
  return decoded?.ok && !isBytes(decoded.value) ? decoded.value : []
}

function isBytes(item: RlpItem | undefined, size?: number): item is Uint8Array {
  return item instanceof Uint8Array && (size === undefined || item.length === size)
}

/** A canonical quantity of at most four bytes. */
function number(item: RlpItem | undefined): number | undefined {
  return isBytes(item) && item.length <= 4 && item[0] !== 0 ? Number(toBigInt(item)) : undefined
}

/** A name in ASCII; compared with ours, so anything else may come out as anything else. */
function text(item: RlpItem | undefined): string | undefined {
  return isBytes(item) && item.length <= 64 ? String.fromCharCode(...item) : undefined
}

function ascii(name: string): Uint8Array {
  return new TextEncoder().encode(name)
}
