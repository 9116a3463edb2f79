import hashes from 'lanekit/crypto/hashes.wasm'
import secp256k1 from 'lanekit/crypto/secp256k1.wasm'
import { useEngine } from '../sdk/crypto/engine.ts'
import { wasmEngine } from '../sdk/crypto/wasm.ts'

/** Recovering senders is most of what the worker computes. It multiplies by no secret, so nothing is blinded. */
export function useFastEngine(): void {
  useEngine(wasmEngine({ secp256k1, hashes }))
}
