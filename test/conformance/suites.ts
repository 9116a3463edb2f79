import { bip } from './bip.ts'
import { blocks } from './blocks.ts'
import { bolt3 } from './bolt3.ts'
import { bolt11 } from './bolt11.ts'
import { cometbft } from './cometbft.ts'
import { corrupted } from './corrupted.ts'
import { filters } from './filters.ts'
import { headers } from './headers.ts'
import { lightSync } from './lightSync.ts'
import { proofs } from './proofs.ts'
import { rlp } from './rlp.ts'
import { stateTests } from './stateTests.ts'
import type { Suite } from './suite.ts'
import { transactionTests } from './transactionTests.ts'

/** Every published suite that the runner knows, by the name it is called with. One file a suite. */
export const suites: Readonly<Record<string, Suite>> = {
  bip,
  blocks,
  bolt11,
  bolt3,
  cometbft,
  corrupted,
  filters,
  headers,
  'light-sync': lightSync,
  proofs,
  rlp,
  'state-tests': stateTests,
  'transaction-tests': transactionTests,
}
