import { SdkError } from '../errors.ts'
import { authorityOf } from '../evm/authorization.ts'
import { createdAddress } from '../evm/sender.ts'
import { authorizationsOf, type Prepared, type Signed } from '../evm/transaction.ts'
import type { Address } from '../units.ts'
import type { Access, AccessSource, Declaration, Footprint, Place } from './access.ts'
import { normalise } from './place.ts'

/** Most gas one declaration may expect. Sums over a million transactions stay exact. */
export const gasMax = 0xffff_ffff

/**
 * Declares what a transaction will touch, in normal form: a place in one list only, write before all,
 * and a place both read and credited is written.
 *
 * @param gas - Gas it is expected to use, 0 to {@link gasMax}. Throws `batch/malformed` beyond.
 * @param source - Where the knowledge comes from, by default from the caller.
 */
export function declare(
  access: Access,
  gas: number,
  source: Exclude<AccessSource, 'unknown'> = 'declared',
): Declaration {
  return { ...normalise(access), source, gas: expectedGas(gas) }
}

/** Declares nothing: the transaction conflicts with every other one. Throws `batch/malformed` on impossible gas. */
export function undeclared(gas: number): Declaration {
  return { reads: [], writes: [], credits: [], source: 'unknown', gas: expectedGas(gas) }
}

/**
 * The places of one transaction: what its sender declared, and what its signed fields imply.
 *
 * Implied are the sender's nonce and balance (written), the recipient's code (read) and balance (credited, when
 * value moves), a created contract's nonce, balance and code (written), and, of each authorization that can
 * take effect, the authority's nonce and code (written) and the delegate's code (read) (EIP-7702).
 * SPEC.md, F1 to F5. Throws `batch/malformed` on impossible gas.
 */
export function footprint(signed: Signed, declaration: Declaration): Footprint {
  const { reads, writes, credits, source, gas } = declaration
  const implied = impliedBy(signed.prepared)
  const access = normalise({
    reads: [...reads, ...implied.reads],
    writes: [...writes, ...implied.writes],
    credits: [...credits, ...implied.credits],
  })
  return { ...access, source, gas: expectedGas(gas), sender: signed.prepared.from }
}

function impliedBy(prepared: Prepared): Access {
  const { chainId, from, to, value, pricing } = prepared
  const reads: Place[] = []
  const writes: Place[] = [at('nonce', from), at('balance', from)]
  const credits: Place[] = []
  if (to === null) {
    const created = createdAddress(prepared)
    writes.push(at('nonce', created), at('balance', created), at('code', created))
  } else {
    reads.push(at('code', to))
    if (value > 0n && to !== from) credits.push(at('balance', to))
  }
  for (const authorization of authorizationsOf(pricing)) {
    if (authorization.chainId !== 0 && authorization.chainId !== chainId) continue
    const authority = authorityOf(authorization)
    if (authority === undefined) continue // EIP-7702: a tuple that fails is skipped, the transaction goes on.
    writes.push(at('nonce', authority), at('code', authority))
    reads.push(at('code', authorization.delegate))
  }
  return { reads, writes, credits }
}

function at(kind: 'nonce' | 'balance' | 'code', of: Address): Place {
  return { kind, address: of }
}

function expectedGas(gas: number): number {
  if (!Number.isInteger(gas) || gas < 0 || gas > gasMax)
    throw new SdkError('batch/malformed', `The expected gas ${gas} is not a whole number from 0 to ${gasMax}.`)
  return gas
}
