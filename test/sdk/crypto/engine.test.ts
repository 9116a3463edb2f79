import { afterEach, describe, expect, it } from 'vitest'
import { currentEngine, keccak256, sha256, useEngine } from '../../../sdk/crypto/engine.ts'
import { nobleEngine } from '../../../sdk/crypto/noble.ts'

const before = currentEngine()
afterEach(() => useEngine(before))

describe('the engine in use', () => {
  it('is noble unless another is put in place', async () => {
    // By another name, so that it is loaded anew: the tests put another one in place (test/setup.ts).
    const name = '../../../sdk/crypto/engine.ts?fresh'
    const fresh: typeof import('../../../sdk/crypto/engine.ts') = await import(name)
    expect(fresh.currentEngine()).toBe(nobleEngine)
  })

  it('serves every caller from then on', () => {
    const answer = Uint8Array.of(1, 2, 3)
    useEngine({ ...nobleEngine, name: 'other', keccak256: () => answer, sha256: () => answer })
    expect(currentEngine().name).toBe('other')
    expect(keccak256(new Uint8Array(0))).toBe(answer)
    expect(sha256(new Uint8Array(0))).toBe(answer)
  })
})
