import { accountAt, isEmpty, seenBalance } from './accounts.ts'
import { charge, type Frame, mayChange } from './frame.ts'
import { setBalance, setDestroyed, touch, warmUp } from './undo.ts'

/**
 * Sends everything to the heir and stops. Only an account that this transaction created goes away, at its end
 * (EIP-6780); naming itself as heir, it burns what it has.
 */
export function selfdestruct(frame: Frame): void {
  const { execution, stack, sp, self } = frame
  const { rules } = execution
  if (!mayChange(frame)) return
  const heir = accountAt(execution, stack, sp - 8)
  const cold = warmUp(execution, heir) ? rules.coldHeir : 0
  self.seen |= seenBalance
  const { balance } = self
  const fresh = balance > 0n && isEmpty(heir) ? rules.callNewAccount : 0
  if (!charge(frame, cold + fresh)) return
  touch(execution, heir)
  if (balance > 0n && (heir !== self || self.isCreated)) {
    setBalance(execution, self, 0n)
    if (heir !== self) setBalance(execution, heir, heir.balance + balance)
  }
  if (self.isCreated && !self.isDestroyed) setDestroyed(execution, self)
  frame.status = 'stopped'
}
