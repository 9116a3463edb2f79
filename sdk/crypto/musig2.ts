import {
  InvalidContributionErr,
  keyAggExport,
  keyAggregate,
  nonceAggregate,
  nonceGen,
  Session,
  sortKeys,
} from '@scure/btc-signer/musig2.js'
import { invariant } from '../errors.ts'

/** What others gave makes sense, or who of them gave what does not. `signer` is their place; `null` where it is nobody's alone. */
export type Musig<value> =
  | { readonly ok: true; readonly value: value }
  | { readonly ok: false; readonly signer: number | null; readonly reason: string }

/** What the aggregate key is tweaked by, in this order: 32 bytes, BIP-341's x-only way or the plain one. */
export interface MusigTweak {
  readonly tweak: Uint8Array
  readonly isXOnly: boolean
}

/** A nonce: its public half is told the others before anything is signed. */
export interface MusigNonce {
  /**
   * 97 bytes.
   *
   * Funds at risk: two signatures by one secret nonce give the secret key away. It is used once, lives in memory alone, and is
   * never stored, copied or restored: an old backup of it is a second use.
   */
  readonly secret: Uint8Array
  /** 66 bytes. */
  readonly public: Uint8Array
}

/** What all signers of one message agree on. */
export interface MusigTerms {
  /** Of all public nonces, see {@link aggregateMusigNonces}. */
  readonly nonce: Uint8Array
  /** All signers', 33 bytes each, in the order that they agreed on. */
  readonly publicKeys: readonly Uint8Array[]
  readonly message: Uint8Array
  readonly tweaks?: readonly MusigTweak[]
}

/** Public keys in the order of BIP-327: ascending. */
export function sortMusigKeys(publicKeys: readonly Uint8Array[]): readonly Uint8Array[] {
  return sortKeys([...publicKeys])
}

/** The x-only key, 32 bytes, that stands for all signers together (BIP-327, "KeyAgg"). Never throws. */
export function aggregateMusigKeys(
  publicKeys: readonly Uint8Array[],
  tweaks: readonly MusigTweak[] = [],
): Musig<Uint8Array> {
  return judged(() => keyAggExport(keyAggregate([...publicKeys], ...parted(tweaks))))
}

/**
 * Makes a nonce for one signature (BIP-327, "NonceGen").
 *
 * Funds at risk: `random` is 32 bytes that were never used before and that nobody foresees. See {@link MusigNonce}.
 */
export function makeMusigNonce(wish: {
  readonly random: Uint8Array
  readonly publicKey: Uint8Array
  readonly secretKey?: Uint8Array
  readonly aggregateKey?: Uint8Array
  readonly message?: Uint8Array
  readonly extra?: Uint8Array
}): MusigNonce {
  const { random, publicKey, secretKey, aggregateKey, message, extra } = wish
  invariant(random.length === 32, 'a nonce is made of 32 random bytes')
  return nonceGen(publicKey, secretKey, aggregateKey, message, extra, random)
}

/** The nonce of all signers together (BIP-327, "NonceAgg"), 66 bytes. Never throws. */
export function aggregateMusigNonces(nonces: readonly Uint8Array[]): Musig<Uint8Array> {
  return judged(() => nonceAggregate([...nonces]))
}

/**
 * Signs one's part (BIP-327, "Sign"), 32 bytes. Refuses terms that make no sense, a key that is not among them, and a secret nonce that
 * was used: it is wiped by its use. Never throws.
 *
 * Funds at risk: see {@link MusigNonce}.
 */
export function signMusigPart(terms: MusigTerms, secretNonce: Uint8Array, secretKey: Uint8Array): Musig<Uint8Array> {
  return judged(() => session(terms).sign(secretNonce, secretKey))
}

/** True when a part is the signer's at this place (BIP-327, "PartialSigVerify"). Never throws. */
export function verifyMusigPart(
  terms: Omit<MusigTerms, 'nonce'>,
  {
    part,
    nonces,
    signer,
  }: { readonly part: Uint8Array; readonly nonces: readonly Uint8Array[]; readonly signer: number },
): Musig<boolean> {
  return judged(() => {
    const nonce = nonceAggregate([...nonces])
    return session({ ...terms, nonce }).partialSigVerify(part, [...nonces], signer)
  })
}

/** All parts as one signature of BIP-340, 64 bytes (BIP-327, "PartialSigAgg"). It is not verified here. Never throws. */
export function joinMusigParts(terms: MusigTerms, parts: readonly Uint8Array[]): Musig<Uint8Array> {
  return judged(() => session(terms).partialSigAgg([...parts]))
}

function session({ nonce, publicKeys, message, tweaks = [] }: MusigTerms): Session {
  return new Session(nonce, [...publicKeys], message, ...parted(tweaks))
}

function parted(tweaks: readonly MusigTweak[]): [tweaks: Uint8Array[], isXOnly: boolean[]] {
  return [tweaks.map(({ tweak }) => tweak), tweaks.map(({ isXOnly }) => isXOnly)]
}

function judged<value>(run: () => value): Musig<value> {
  try {
    return { ok: true, value: run() }
  } catch (error) {
    // The library's messages may quote what was handed in, so they are not passed on.
    if (error instanceof InvalidContributionErr)
      return { ok: false, signer: error.idx, reason: 'a signer gave what makes no sense' }
    return { ok: false, signer: null, reason: 'a key, nonce, tweak or part makes no sense' }
  }
}
