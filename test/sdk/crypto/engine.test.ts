import { afterEach, describe, expect, it } from 'vitest'
import { currentEngine, keccak256, sha256, useEngine } from '../../../sdk/crypto/engine.ts'
import { nobleEngine } from '../../../sdk/crypto/noble.ts'

afterEach(() => useEngine(nobleEngine))

describe('the engine in use', () => {
  it('is noble unless another is put in place', () => {
    expect(currentEngine()).toBe(nobleEngine)
  })

  it('serves every caller from then on', () => {
    const answer = Uint8Array.of(1, 2, 3)
    useEngine({ ...nobleEngine, name: 'other', keccak256: () => answer, sha256: () => answer })
    expect(currentEngine().name).toBe('other')
    expect(keccak256(new Uint8Array(0))).toBe(answer)
    expect(sha256(new Uint8Array(0))).toBe(answer)
  })
})
