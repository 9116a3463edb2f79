import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { useEngine } from '../../../sdk/crypto/engine.ts'
import { wasmEngine } from '../../../sdk/crypto/wasm.ts'

/** Puts the engine on WebAssembly in place, for a program of Node's. It is built with the package. */
export function useFastEngine(): void {
  const { resolve } = createRequire(import.meta.url)
  const moduleOf = (name: string) => new WebAssembly.Module(readFileSync(resolve(`lanekit/crypto/${name}.wasm`)))
  useEngine(wasmEngine({ secp256k1: moduleOf('secp256k1'), hashes: moduleOf('hashes') }))
}
