import { fieldsOf, flipped, type Json, listOf } from './change.ts'
import type { Lie } from './lies.ts'

const finality = ['light_client/finality_update']
const heads = [...finality, 'light_client/optimistic_update']
const everything = [...heads, 'light_client/updates']

function on(path: readonly string[], change: (value: unknown) => unknown) {
  return (result: unknown): unknown =>
    Array.isArray(result) ? result.map((one) => changeAt(one, path, change)) : changeAt(result, path, change)
}

function changeAt(json: unknown, [name, ...rest]: readonly string[], change: (value: unknown) => unknown): unknown {
  if (name === undefined) return change(json)
  const fields: Json = fieldsOf(json)
  // What a kind of message does not have stays away.
  return name in fields ? { ...fields, [name]: changeAt(fields[name], rest, change) } : json
}

const aggregate = 'sync_aggregate'

/** Lies of a beacon node. Signatures cannot be made, so each of these is a true message with something changed. */
export const beaconLies: readonly Lie[] = [
  {
    name: 'unsigned',
    claim: 'a head that nobody signed',
    about: everything,
    tell: on([aggregate, 'sync_committee_bits'], (bits) => `0x${'0'.repeat(String(bits).length - 2)}`),
  },
  {
    name: 'other-signers',
    claim: 'others have signed',
    about: everything,
    tell: on([aggregate, 'sync_committee_bits'], flipped),
  },
  {
    name: 'changed-signature',
    claim: 'a signature of this head',
    about: everything,
    tell: on([aggregate, 'sync_committee_signature'], flipped),
  },
  {
    name: 'infinite-signature',
    claim: 'the signature of no key',
    about: everything,
    tell: on([aggregate, 'sync_committee_signature'], () => `0xc0${'00'.repeat(95)}`),
  },
  {
    name: 'other-attested-block',
    claim: 'another block was signed',
    about: everything,
    tell: on(['attested_header', 'beacon', 'body_root'], flipped),
  },
  {
    name: 'other-finalized-block',
    claim: 'another block is final',
    about: finality,
    tell: on(['finalized_header', 'beacon', 'state_root'], flipped),
  },
  {
    name: 'other-execution-block',
    claim: 'the signed block holds another execution block',
    about: heads,
    tell: on(['attested_header', 'execution', 'block_hash'], flipped),
  },
  {
    name: 'other-finalized-execution',
    claim: 'the final block holds another state',
    about: finality,
    tell: on(['finalized_header', 'execution', 'state_root'], flipped),
  },
  {
    name: 'future-signature',
    claim: 'a signature of tomorrow',
    about: everything,
    tell: on(['signature_slot'], (slot) => String(Number(slot) + 100_000)),
  },
  {
    name: 'early-signature',
    claim: 'signed before it was there',
    about: everything,
    tell: on(['signature_slot'], () => '1'),
  },
  {
    name: 'other-committee',
    claim: 'other members sign next',
    about: ['light_client/updates'],
    tell: on(['next_sync_committee', 'aggregate_pubkey'], flipped),
  },
  {
    name: 'no-finality-proof',
    claim: 'final by word alone',
    about: finality,
    tell: on(['finality_branch'], (branch) => listOf(branch).map(() => `0x${'00'.repeat(32)}`)),
  },
  {
    name: 'short-branch',
    claim: 'a branch of another depth',
    about: finality,
    tell: on(['finality_branch'], (branch) => listOf(branch).slice(1)),
  },
  {
    name: 'huge-slot',
    claim: 'a slot beyond any number',
    about: heads,
    tell: on(['signature_slot'], () => '18446744073709551615'),
  },
  {
    name: 'not-an-update',
    claim: 'an answer of another shape',
    about: everything,
    tell: (result) => (Array.isArray(result) ? [{}] : 'none'),
  },
  {
    name: 'other-bootstrap',
    claim: 'the checkpoint is another block',
    about: ['light_client/bootstrap'],
    tell: on(['header', 'beacon', 'state_root'], flipped),
  },
  {
    name: 'other-first-committee',
    claim: 'others sign from the checkpoint on',
    about: ['light_client/bootstrap'],
    tell: on(['current_sync_committee', 'aggregate_pubkey'], flipped),
  },
  {
    name: 'other-chain',
    claim: 'the node follows this chain',
    about: ['genesis'],
    tell: on(['genesis_validators_root'], flipped),
  },
]
