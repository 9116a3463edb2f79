/** Turns an input into an answer, or into nothing when the contract fails. */
type Contract = (input: Uint8Array) => Uint8Array | undefined

/**
 * Precompiled contracts that need large libraries, by the number that is their address: what `lanekit/vm` takes as
 * `precompiles`. Only the libraries of the contracts asked for are loaded, and each brings all of its contracts: 6 to
 * 8 (bn254), 10 to 17 (KZG, BLS12-381), 256 (P-256).
 */
export async function loadPrecompiles(numbers: readonly number[]): Promise<Readonly<Record<number, Contract>>> {
  const isAsked = (first: number, last: number) => numbers.some((number) => number >= first && number <= last)
  const tables = await Promise.all([
    isAsked(6, 8) ? loadBn254() : {},
    isAsked(10, 17) ? loadBls12381() : {},
    isAsked(256, 256) ? loadP256() : {},
  ])
  return Object.assign({}, ...tables)
}

async function loadBn254() {
  const { bn254Add, bn254Multiply, bn254Pairing } = await import('./bn254.ts')
  return { 6: bn254Add, 7: bn254Multiply, 8: bn254Pairing }
}

async function loadBls12381() {
  const bls = await import('./bls12381.ts')
  return {
    10: bls.pointEvaluation,
    11: bls.g1Add,
    12: bls.g1Msm,
    13: bls.g2Add,
    14: bls.g2Msm,
    15: bls.blsPairing,
    16: bls.mapToG1,
    17: bls.mapToG2,
  }
}

async function loadP256() {
  const { p256Verify } = await import('./p256.ts')
  return { 256: p256Verify }
}
