import type { Precompiles } from '../../../sdk/vm/index.ts'

export const heavyPrecompiles: Precompiles = {}
