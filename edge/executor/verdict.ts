import type { ProblemCode } from '../problems.ts'
import type { Outcome } from './port.ts'

/** Longest text of an executor that is passed on. */
const detailMax = 200

type Meaning = 'accepted' | 'stale' | 'unknown' | ProblemCode

/**
 * What nodes say about a transaction they are handed, in the words of geth, erigon, reth, nethermind, besu and anvil.
 * The first line that fits decides; what is only true at this moment (`unknown`) comes before what sounds like it.
 */
const meanings: readonly (readonly [RegExp, Meaning])[] = [
  [/already (known|imported|exists)|alreadyknown|known transaction|existing tx with same hash/i, 'accepted'],
  [/nonce.{0,16}(too low|below|already used|too old)|oldnonce|ownnonceused/i, 'stale'],
  [/pool.{0,10}(full|overflow)|account limit exceeded|rate.?limit|too many|timed? ?out/i, 'unknown'],
  [/nonce.{0,4}(too high|gap)|gapped|in-flight|future transaction|syncing|unavailable|busy|try again/i, 'unknown'],
  [/insufficient ?(funds|balance)|upfront cost|out of balance/i, 'insufficient-funds'],
  [/intrinsic gas (too low|exceed)|gas too low|gas (floor|cost)|floor data gas/i, 'gas-too-low'],
  [
    /gas (is )?too high|gas ?limit ?(too high|reached|exceed)|exceeds? .{0,24}gas limit$|exceeds? block gas/i,
    'gas-too-high',
  ],
  [
    /underpriced|fee ?too ?low|fee ?cap.{0,32}(less|below|lower)|base ?fee|gas price.{0,24}(low|below|replace)/i,
    'fee-too-low',
  ],
  [/chain ?id|wrong chain|invalid network/i, 'wrong-chain'],
  [
    /invalid (sender|signature|transaction)|rlp|decod|type not supported|unsupported transaction/i,
    'invalid-transaction',
  ],
  [/oversized|init ?code|priority fee.{0,32}higher/i, 'invalid-transaction'],
]

/**
 * What an error of `eth_sendRawTransaction` means for the transaction.
 *
 * A no counts only in words known to be about the transaction itself. Anything about the node's own condition
 * is `unknown`, and a text nobody has listed is `refused`: asked again before it is believed.
 */
export function outcomeOfError(code: number, message: string): Outcome {
  const meaning = meaningOf(message) ?? (nodeTroubles.includes(code) ? 'unknown' : undefined)
  const detail = `The executor says: ${printable(message)}`
  switch (meaning) {
    case undefined:
      return { kind: 'refused', detail }
    case 'accepted':
    case 'stale':
    case 'unknown':
      return { kind: meaning }
    default:
      return { kind: 'rejected', code: meaning, detail }
  }
}

/** Codes of a node that is itself in trouble: internal error, method missing, resource unavailable, limit exceeded. */
const nodeTroubles = [-32603, -32601, -32002, -32005]

function meaningOf(message: string): Meaning | undefined {
  return meanings.find(([pattern]) => pattern.test(message))?.[1]
}

/** The text in printable ASCII, cut: it goes to strangers. */
function printable(message: string): string {
  return message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, detailMax)
}
