import { invariant, SdkError } from '../errors.ts'
import type { Cipher, CipherInput } from '../ports.ts'

/**
 * The `Cipher` of browsers, Node 20 and workerd (W3C Web Cryptography).
 *
 * Cloudflare's hosted runtime refuses PBKDF2 beyond 100,000 iterations. Throws `cipher/unavailable` where the
 * platform has no WebCrypto: a page outside https and localhost, and some phones; give those another `Cipher`.
 */
export function webCipher(): Cipher {
  const subtle = subtleOf(globalThis)
  return {
    async pbkdf2({ hash, password, salt, iterations, size }) {
      const key = await subtle.importKey('raw', unshared(password), 'PBKDF2', false, ['deriveBits'])
      const bits = await subtle.deriveBits({ name: 'PBKDF2', hash, salt: unshared(salt), iterations }, key, 8 * size)
      return new Uint8Array(bits)
    },
    async seal(input) {
      const key = await gcmKey(subtle, input, 'encrypt')
      return new Uint8Array(await subtle.encrypt(gcm(input), key, unshared(input.bytes)))
    },
    async open(input) {
      const key = await gcmKey(subtle, input, 'decrypt')
      try {
        return new Uint8Array(await subtle.decrypt(gcm(input), key, unshared(input.bytes)))
      } catch (error) {
        // The standard's one name for a tag that does not fit; anything else is a fault of the platform.
        if (error instanceof Error && error.name === 'OperationError') return undefined
        throw error
      }
    },
  }
}

function subtleOf(platform: { readonly crypto?: Crypto }): SubtleCrypto {
  const subtle = platform.crypto?.subtle
  if (subtle) return subtle
  throw new SdkError('cipher/unavailable', 'This platform has no WebCrypto here.', {
    notes: ['Browsers offer it to pages on https and localhost only.', 'Elsewhere, give another Cipher.'],
  })
}

function gcmKey(subtle: SubtleCrypto, { key, nonce }: CipherInput, usage: 'encrypt' | 'decrypt'): Promise<CryptoKey> {
  // WebCrypto would take shorter keys as AES-128 or -192, and nonces of any size.
  invariant(key.length === 32, 'an AES-256 key has 32 bytes')
  invariant(nonce.length === 12, 'a GCM nonce has 12 bytes')
  return subtle.importKey('raw', unshared(key), 'AES-GCM', false, [usage])
}

function gcm({ nonce, associated }: CipherInput): AesGcmParams {
  return { name: 'AES-GCM', iv: unshared(nonce), additionalData: unshared(associated), tagLength: 128 }
}

/** WebCrypto takes no views of shared memory; only those are copied, so that secrets are not. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)
}
