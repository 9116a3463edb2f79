import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { useEngine } from '../sdk/crypto/engine.ts'
import { type WasmModules, wasmEngine } from '../sdk/crypto/wasm.ts'

/** The modules of the WebAssembly engine, as the build has laid them out. */
export function wasmModules(): WasmModules {
  const moduleOf = (name: string) =>
    new WebAssembly.Module(readFileSync(join(import.meta.dirname, `../dist/crypto/${name}.wasm`)))
  return { secp256k1: moduleOf('secp256k1'), hashes: moduleOf('hashes') }
}

// Every engine holds to one suite (test/contracts/engine.ts), noble too; what is built on it need not wait for noble.
useEngine(wasmEngine(wasmModules()))
