import { hash as hashNow } from 'node:crypto'
import { compareBytes } from '../../sdk/bitcoin/script.ts'
import { type CryptoEngine, nobleEngine } from '../../sdk/crypto/index.ts'
import { joinBytes } from '../../sdk/units.ts'

/**
 * An engine whose signatures anyone could make and nobody here does: a public key is a hash of its secret, a signature a hash
 * of public key and digest, a tag a hash of key and bytes. A thousand times as fast as a real one, and as strict: another digest or key does not verify.
 *
 * What it cannot show: faults of the curve arithmetic itself. A part of the worlds runs on the real engine for that.
 */
export const fakeEngine: CryptoEngine = {
  ...nobleEngine,
  name: 'fake',
  sha256: (bytes) => hash(bytes),
  hmacSha256: (key, bytes) => hash(key, bytes),
  publicKey: (secretKey) => Uint8Array.of(2, ...hash(secretKey)),
  sharedSecret: (secretKey, publicKey) => {
    const both = [fakeEngine.publicKey(secretKey), publicKey].sort(compareBytes)
    return hash(...both)
  },
  isPublicKey: (bytes) => bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3),
  sign: (digest, secretKey) => signatureOf(digest, fakeEngine.publicKey(secretKey)),
  verify: (signature, digest, publicKey) => {
    const wanted = signatureOf(digest, publicKey)
    for (let at = 0; at < 64; at++) if (signature[at] !== wanted[at]) return false
    return signature.length >= 64
  },
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(hashNow('sha256', parts.length === 1 && parts[0] ? parts[0] : joinBytes(...parts), 'buffer'))
}

/** 65 bytes whose r and s are in range, so that they have a DER form. */
function signatureOf(digest: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const out = new Uint8Array(65)
  const half = hash(publicKey, digest)
  out.set(half)
  out.set(half, 32)
  out[0] = 1 + ((out[0] as number) & 0x3f)
  out[32] = 1 + ((out[32] as number) & 0x3f)
  return out
}
