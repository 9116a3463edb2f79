import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'
import type { Precompiles } from '../../../sdk/vm/index.ts'

/** Every contract that needs a large library: one number of each library brings all of its contracts. */
export const heavyPrecompiles: Precompiles = await loadPrecompiles([6, 10, 256])
