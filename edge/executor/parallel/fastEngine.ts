import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type CryptoEngine, useEngine } from '../../../sdk/crypto/engine.ts'
import { wasmEngine } from '../../../sdk/crypto/wasm.ts'

let engine: CryptoEngine | undefined

/** Puts the engine on WebAssembly in place, for a program of Node's: the same one each time. It is built with the package. */
export function useFastEngine(): void {
  engine ??= load()
  useEngine(engine)
}

function load(): CryptoEngine {
  const { resolve } = createRequire(import.meta.url)
  const moduleOf = (name: string) => new WebAssembly.Module(readFileSync(resolve(`lanekit/crypto/${name}.wasm`)))
  return wasmEngine({ secp256k1: moduleOf('secp256k1'), hashes: moduleOf('hashes') })
}
