import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { currentEngine, keccak256 as inUse, useEngine } from '../../../sdk/crypto/engine.ts'
import { nobleEngine } from '../../../sdk/crypto/noble.ts'
import { useWasmKeccak, wasmKeccak } from '../../../sdk/crypto/wasmKeccak.ts'
import { toHex } from '../../../sdk/units.ts'

afterEach(() => useEngine(nobleEngine))

describe('Keccak-256 as WebAssembly', () => {
  const keccak256 = wasmKeccak()
  if (!keccak256) throw new Error('WebAssembly does not load.')
  const patterned = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 167 + length) & 0xff)

  it('is noble’s at every length around its blocks, and beyond its memory', () => {
    const edges = [0, 1, 135, 136, 137, 271, 272, 273]
    for (const length of [...edges, ...edges.map((more) => 64_736 + more), 200_000])
      expect(toHex(keccak256(patterned(length))), `${length}`).toBe(toHex(nobleEngine.keccak256(patterned(length))))
  })

  it('is noble’s of any bytes, one after the other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(toHex(keccak256(bytes))).toBe(toHex(nobleEngine.keccak256(bytes)))
      }),
    )
  })

  it('serves the engine in use, once it is put there', () => {
    useWasmKeccak()
    expect(toHex(inUse(patterned(32)))).toBe(toHex(nobleEngine.keccak256(patterned(32))))
  })

  it('keeps the hash it gave, whatever is hashed after it', () => {
    const first = keccak256(patterned(32))
    const before = toHex(first)
    keccak256(patterned(64))
    expect(toHex(first)).toBe(before)
  })
})

describe('where WebAssembly may not be compiled', () => {
  it('there is none, and the engine in use stays', () => {
    const { Module } = WebAssembly
    WebAssembly.Module = class {
      constructor() {
        throw new WebAssembly.CompileError('Wasm code generation disallowed by embedder')
      }
    } as unknown as typeof WebAssembly.Module
    try {
      expect(wasmKeccak()).toBe(undefined)
      useWasmKeccak()
      expect(currentEngine()).toBe(nobleEngine)
    } finally {
      WebAssembly.Module = Module
    }
  })
})
