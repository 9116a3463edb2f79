import {
  checkPlan,
  type Declaration,
  type Footprint,
  footprint,
  gasMax,
  intern,
  type Place,
  type PlaceKeys,
  type Plan,
  placeKey,
  planKeys,
  undeclared,
} from '../../../sdk/batch/index.ts'
import type { Signed } from '../../../sdk/evm/index.ts'
import {
  type BatchRefusalCode,
  type EngineBatch,
  type Environment,
  engineLimits,
  type RefusedBatch,
  type SealedBlock,
} from './engine.ts'

/** A batch that may be run, and what is known of it before. */
export interface JudgedBatch {
  readonly kind: 'judged'
  readonly footprints: readonly Footprint[]
  readonly keys: PlaceKeys
  readonly plan: Plan
}

/** Looks at a batch before anything of it runs. The plan is made here when the batch brings none. */
export function judgeBatch(
  { transactions, declarations, plan, environment }: EngineBatch,
  parent: SealedBlock,
): JudgedBatch | RefusedBatch {
  if (transactions.length > engineLimits.batchTransactionsMax)
    return refuse('batch/too-large', `it has more than ${engineLimits.batchTransactionsMax} transactions`)
  const misfit = environmentFault(environment, parent)
  if (misfit) return refuse('batch/wrong-environment', misfit)
  if (declarations && declarations.length !== transactions.length)
    return refuse('batch/malformed', `it declares ${declarations.length} of ${transactions.length} transactions`)
  for (const [index, declaration] of (declarations ?? []).entries()) {
    const fault = declarationFault(declaration)
    if (fault) return refuse('batch/malformed', `declaration ${index}: ${fault}`)
  }
  const footprints = footprintsOf(transactions, declarations)
  const keys = intern(footprints)
  if (!plan) return { kind: 'judged', footprints, keys, plan: planKeys(keys) }
  const checked = checkPlan(plan, keys)
  return checked.ok ? { kind: 'judged', footprints, keys, plan } : refuse('batch/wrong-plan', checked.reason)
}

function refuse(code: BatchRefusalCode, detail: string): RefusedBatch {
  return { kind: 'refused', code, detail }
}

function footprintsOf(transactions: readonly Signed[], declarations: EngineBatch['declarations']): Footprint[] {
  return transactions.map((signed, index) => {
    const gas = Number(signed.prepared.gas)
    return footprint(signed, declarations?.[index] ?? undeclared(Math.min(gas, gasMax)))
  })
}

const uint256Max = (1n << 256n) - 1n
const uint64Max = (1n << 64n) - 1n
/** A block without room for one transaction is no block. */
const gasLimitMin = 21_000n
const extraDataMax = 32

function environmentFault(environment: Environment, { header }: SealedBlock): string | undefined {
  const { timestamp, gasLimit, baseFeePerGas, prevRandao, parentBeaconBlockRoot, extraData } = environment
  if (timestamp <= header.timestamp || timestamp > uint64Max) return 'its timestamp is not beyond its parent'
  if (gasLimit < gasLimitMin || gasLimit > uint64Max) return 'its gas limit is out of range'
  if (baseFeePerGas < 0n || baseFeePerGas > uint256Max) return 'its base fee is out of range'
  if (prevRandao && prevRandao.length !== 32) return 'its randomness is not 32 bytes'
  if (parentBeaconBlockRoot && parentBeaconBlockRoot.length !== 32) return 'its beacon root is not 32 bytes'
  return extraData && extraData.length > extraDataMax
    ? `its extra data is longer than ${extraDataMax} bytes`
    : undefined
}

function declarationFault({ reads, writes, credits, gas }: Declaration): string | undefined {
  if (!Number.isInteger(gas) || gas < 0 || gas > gasMax) return 'its gas is out of range'
  const seen = new Set<string>()
  for (const list of [reads, writes, credits]) {
    const fault = listFault(list, seen)
    if (fault) return fault
  }
  return undefined
}

function listFault(list: readonly Place[], seen: Set<string>): string | undefined {
  let before = ''
  for (const place of list) {
    const key = placeKey(place)
    if (key === before || seen.has(key)) return 'a place stands in it twice'
    if (key < before) return 'its places do not ascend'
    seen.add(key)
    before = key
  }
  return undefined
}
