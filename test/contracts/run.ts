import { describe, it } from 'vitest'
import type { Contract } from './contract.ts'

/** Hands a contract to the test runner, one case a rule. */
export function runContract({ name, rules }: Contract): void {
  describe(name, () => {
    for (const { title, check } of rules) it(title, check)
  })
}
