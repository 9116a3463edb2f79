import { expect, it } from 'vitest'
import { currentEngine, hmacSha256 } from '../../../sdk/crypto/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { toHex } from '../../../sdk/units.ts'

it('[RFC 4231, case 2] authenticates bytes under a key', () => {
  const mac = hmacSha256(new TextEncoder().encode('Jefe'), new TextEncoder().encode('what do ya want for nothing?'))
  expect(toHex(mac)).toBe('0x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
})

it('[ECDH] two keys reach the same secret from either side, and a malformed key none', () => {
  const engine = currentEngine()
  // Published test keys, for nothing else.
  const [one, other] = [new Uint8Array(32).fill(0x31), new Uint8Array(32).fill(0x32)]
  const secret = engine.sharedSecret(one, engine.publicKey(other))
  expect(engine.sharedSecret(other, engine.publicKey(one))).toEqual(secret)
  expect(secret).not.toEqual(engine.sharedSecret(one, engine.publicKey(one)))
  expect(() => engine.sharedSecret(one, new Uint8Array(33))).toThrow(SdkError)
})
