import { authorityOf, delegationCode } from '../evm/authorization.ts'
import type { Authorization } from '../evm/transaction.ts'
import { accountOf, isEmpty, readCode, seenCode, seenNonce } from './accounts.ts'
import { codeOf, noCode } from './code.ts'
import type { Execution } from './execution.ts'
import { setCode, setNonce, warmUp } from './undo.ts'

const noDelegate = `0x${'00'.repeat(20)}`

/** Lets accounts run the code they wished for (EIP-7702). What does not fit is skipped; what does stays, even if the transaction fails. */
export function applyAuthorizations(execution: Execution, authorizations: readonly Authorization[]): void {
  for (const authorization of authorizations) apply(execution, authorization)
}

function apply(execution: Execution, authorization: Authorization): void {
  const { chainId, delegate, nonce } = authorization
  if (chainId !== 0 && chainId !== execution.block.chainId) return
  const authority = authorityOf(authorization)
  if (authority === undefined) return
  const entry = accountOf(execution, authority)
  warmUp(execution, entry)
  entry.seen |= seenCode | seenNonce
  const code = readCode(execution, entry)
  if (code.size > 0 && code.delegate === undefined) return
  if (entry.nonce !== nonce) return
  // An account that only has storage left exists too, as far as any does.
  if (!isEmpty(entry) || entry.baseExists) execution.refund += execution.rules.authorizationRefund
  setCode(execution, entry, delegate === noDelegate ? noCode : codeOf(delegationCode(delegate)))
  setNonce(execution, entry, nonce + 1n)
}
