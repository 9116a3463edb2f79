import { describe, expect, it } from 'vitest'
import { currentEngine } from '../../../sdk/crypto/engine.ts'
import {
  aggregateMusigKeys,
  aggregateMusigNonces,
  joinMusigParts,
  type Musig,
  makeMusigNonce,
  signMusigPart,
  verifyMusigPart,
} from '../../../sdk/crypto/musig2.ts'

const must = <value>(judged: Musig<value>): value => {
  if (!judged.ok) throw new Error(judged.reason)
  return judged.value
}
const message = new Uint8Array(32).fill(3)

function twoSigners() {
  const secretKeys = [1, 2].map((byte) => new Uint8Array(32).fill(byte))
  const publicKeys = secretKeys.map((key) => currentEngine().publicKey(key))
  const nonces = secretKeys.map((secretKey, at) =>
    makeMusigNonce({
      random: new Uint8Array(32).fill(10 + at),
      publicKey: publicKeys[at] as Uint8Array,
      secretKey,
      message,
    }),
  )
  const publicNonces = nonces.map((nonce) => nonce.public)
  const terms = { nonce: must(aggregateMusigNonces(publicNonces)), publicKeys, message }
  return { secretKeys, publicKeys, nonces, publicNonces, terms }
}

describe('a signature by several (BIP-327)', () => {
  it('is one of BIP-340 by their common key, and each part is checked by itself', () => {
    const { secretKeys, publicKeys, nonces, publicNonces, terms } = twoSigners()
    const parts = nonces.map(({ secret }, at) => must(signMusigPart(terms, secret, secretKeys[at] as Uint8Array)))
    for (const [signer, part] of parts.entries()) {
      expect(verifyMusigPart(terms, { part, nonces: publicNonces, signer })).toEqual({ ok: true, value: true })
      const other = verifyMusigPart(terms, { part, nonces: publicNonces, signer: 1 - signer })
      expect(other).toEqual({ ok: true, value: false })
    }
    const signature = must(joinMusigParts(terms, parts))
    expect(currentEngine().schnorrVerify(signature, message, must(aggregateMusigKeys(publicKeys)))).toBe(true)
  })

  it('takes a secret nonce once: used again, it is refused', () => {
    const { secretKeys, nonces, terms } = twoSigners()
    const [nonce, secretKey] = [nonces[0]?.secret as Uint8Array, secretKeys[0] as Uint8Array]
    expect(signMusigPart(terms, nonce, secretKey).ok).toBe(true)
    expect(signMusigPart({ ...terms, message: new Uint8Array(32).fill(4) }, nonce, secretKey).ok).toBe(false)
  })

  it('says who gave what makes no sense, and never throws', () => {
    const { publicKeys, publicNonces, terms } = twoSigners()
    const nonsense = new Uint8Array(33).fill(9)
    expect(aggregateMusigKeys([publicKeys[0] as Uint8Array, nonsense])).toMatchObject({ ok: false, signer: 1 })
    expect(aggregateMusigNonces([new Uint8Array(66), ...publicNonces])).toMatchObject({ ok: false, signer: 0 })
    expect(joinMusigParts(terms, [new Uint8Array(32).fill(255), new Uint8Array(32)])).toMatchObject({ signer: 0 })
    expect(joinMusigParts(terms, [])).toMatchObject({ ok: false })
    expect(aggregateMusigKeys([])).toMatchObject({ ok: false })
  })
})
