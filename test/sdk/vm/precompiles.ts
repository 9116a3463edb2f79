import * as bls from '../../../sdk/crypto/bls12381.ts'
import { bn254Add, bn254Multiply, bn254Pairing } from '../../../sdk/crypto/bn254.ts'
import { p256Verify } from '../../../sdk/crypto/p256.ts'
import type { Precompiles } from '../../../sdk/vm/index.ts'

/** All that `loadPrecompiles` can load, without waiting. */
export const heavyPrecompiles: Precompiles = {
  6: bn254Add,
  7: bn254Multiply,
  8: bn254Pairing,
  10: bls.pointEvaluation,
  11: bls.g1Add,
  12: bls.g1Msm,
  13: bls.g2Add,
  14: bls.g2Msm,
  15: bls.blsPairing,
  16: bls.mapToG1,
  17: bls.mapToG2,
  256: p256Verify,
}
