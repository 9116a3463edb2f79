import type { TxStatus } from '../sdk/ports.ts'

/**
 * Where a batch stands as one number (EIP-5792, `wallet_getCallsStatus`): 100 under way, 200 all of it is in blocks, 400
 * none of it is and the edge has stopped, 500 all of it was executed and reverted, 600 some of it came about and some
 * did not.
 */
export function callsStatus(statuses: readonly TxStatus[]): 100 | 200 | 400 | 500 | 600 {
  let done = 0
  let reverted = 0
  let failed = 0
  for (const status of statuses) {
    switch (status.state) {
      case 'included':
      case 'finalized':
        if (status.succeeded === false) reverted += 1
        else done += 1
        break
      case 'rejected':
      case 'replaced':
      case 'expired':
        failed += 1
        break
      default:
        return 100
    }
  }
  if (done === statuses.length) return 200
  if (failed === statuses.length) return 400
  return reverted === statuses.length ? 500 : 600
}
