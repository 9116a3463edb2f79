import { wasmEngine } from '../../../sdk/crypto/wasm.ts'
import { engineContract } from '../../contracts/engine.ts'
import { wasmModules } from '../../fastEngine.ts'

engineContract(wasmEngine(wasmModules(), new Uint8Array(32).fill(7)))
