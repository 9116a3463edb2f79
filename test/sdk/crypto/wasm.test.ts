import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { wasmEngine } from '../../../sdk/crypto/wasm.ts'
import { engineContract } from '../../contracts/engine.ts'

const folder = join(import.meta.dirname, '../../../dist/crypto')
const moduleOf = (name: string) => new WebAssembly.Module(readFileSync(join(folder, `${name}.wasm`)))

engineContract(wasmEngine({ secp256k1: moduleOf('secp256k1'), hashes: moduleOf('hashes') }, new Uint8Array(32).fill(7)))
