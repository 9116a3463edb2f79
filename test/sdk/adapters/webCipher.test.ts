import { createCipheriv, createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { webCipher } from '../../../sdk/adapters/webCipher.ts'
import type { Cipher, CipherInput } from '../../../sdk/ports.ts'
import { cipherContract } from '../../contracts/cipher.ts'
import { runContract } from '../../contracts/run.ts'

/** A second cipher, by another interface, so that the contract is not fitted to the first. */
const nodeCipher: Cipher = {
  pbkdf2: async ({ hash, password, salt, iterations, size }) =>
    Uint8Array.from(pbkdf2Sync(password, salt, iterations, size, hash === 'SHA-256' ? 'sha256' : 'sha512')),
  seal: async (input) => {
    requireSizes(input)
    const gcm = createCipheriv('aes-256-gcm', input.key, input.nonce).setAAD(input.associated)
    return Uint8Array.from(Buffer.concat([gcm.update(input.bytes), gcm.final(), gcm.getAuthTag()]))
  },
  open: async (input) => {
    requireSizes(input)
    if (input.bytes.length < 16) return undefined
    const gcm = createDecipheriv('aes-256-gcm', input.key, input.nonce).setAAD(input.associated)
    gcm.setAuthTag(input.bytes.subarray(-16))
    const opened = gcm.update(input.bytes.subarray(0, -16))
    try {
      return Uint8Array.from(Buffer.concat([opened, gcm.final()]))
    } catch {
      return undefined
    }
  },
}

function requireSizes({ key, nonce }: CipherInput) {
  if (key.length !== 32 || nonce.length !== 12) throw new Error('Wrong size.')
}

runContract(cipherContract('webCipher', webCipher()))
runContract(cipherContract("node's own cipher", nodeCipher))

describe('webCipher', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('says so where the platform has no WebCrypto', () => {
    vi.stubGlobal('crypto', undefined)
    expect(webCipher).toThrow(expect.objectContaining({ code: 'cipher/unavailable', retryable: false }))
    vi.stubGlobal('crypto', {})
    expect(webCipher).toThrow(expect.objectContaining({ code: 'cipher/unavailable' }))
  })

  it('takes views of shared memory, which WebCrypto itself refuses', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(32)).fill(7)
    const derive = (password: Uint8Array) =>
      webCipher().pbkdf2({ hash: 'SHA-256', password, salt: shared, iterations: 2, size: 32 })
    expect(await derive(shared)).toEqual(await derive(new Uint8Array(32).fill(7)))
  })

  it('passes on a fault of the platform, so that it is not taken for a wrong tag', async () => {
    const decrypt = vi.spyOn(crypto.subtle, 'decrypt').mockRejectedValue(new TypeError('out of memory'))
    const sealed = { key: new Uint8Array(32), nonce: new Uint8Array(12), bytes: new Uint8Array(16) }
    await expect(webCipher().open({ ...sealed, associated: new Uint8Array(0) })).rejects.toThrow('out of memory')
    decrypt.mockRestore()
  })
})
