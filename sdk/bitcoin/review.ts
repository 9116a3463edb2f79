import { hardened } from '../crypto/hdKey.ts'
import { accepted, type Decoded } from '../errors.ts'
import { sats } from '../units.ts'
import { type Account, type Chain, isOurs, type KeyPath } from './account.ts'
import type { KeyOrigin } from './accountKey.ts'
import { openPsbt, type Psbt } from './psbt.ts'
import { describePsbt, keyOf } from './signing.ts'
import { type Outpoint, type Output, txidOf } from './transaction.ts'

/** What a PSBT does to an account, for a person to judge before a key signs. */
export interface PsbtReview {
  readonly inputs: readonly (Output & { readonly outpoint: Outpoint; readonly ours: KeyPath | null })[]
  readonly outputs: readonly (Output & { readonly ours: KeyPath | null })[]
  readonly fee: bigint
  /** Once signed, with signatures at their longest, in weight units. */
  readonly weight: number
  /** What leaves the account: our inputs less our outputs. Negative where the account gains. */
  readonly spent: bigint
}

/**
 * Finds what a PSBT moves, with every amount proven, and what of it is the account's own.
 *
 * An input or output is ours when the script derives from the account at the path that the PSBT names; its word
 * alone makes nothing ours, so change to a stranger shows as a payment. Refuses what {@link describePsbt} refuses.
 */
export function reviewPsbt(psbt: Psbt, account: Account): Decoded<PsbtReview> {
  const described = describePsbt(psbt)
  if (!described.ok) return described
  const { unsigned, fee, weight } = described.value
  const { data } = openPsbt(psbt)
  const inputs = described.value.inputs.map(({ fields, prevout }, at) => {
    const { hash, index } = unsigned.ins[at] as (typeof unsigned.ins)[number]
    return { ...prevout, outpoint: { txid: txidOf(hash), index }, ours: ownPath(account, fields, prevout.script) }
  })
  const outputs = unsigned.outs.map(({ script, value }, at) => ({
    script,
    value: sats(value),
    ours: ownPath(account, data.outputs[at] ?? {}, script),
  }))
  return accepted({ inputs, outputs, fee, weight, spent: ownSum(inputs) - ownSum(outputs) })
}

type NamedKey = Parameters<typeof keyOf>[0]

function ownPath(
  account: Account,
  fields: { readonly bip32Derivation?: readonly NamedKey[]; readonly tapBip32Derivation?: readonly NamedKey[] },
  script: Uint8Array,
): KeyPath | null {
  const named = [...(fields.bip32Derivation ?? []), ...(fields.tapBip32Derivation ?? [])]
  for (const key of named) {
    const path = pathIn(account, keyOf(key))
    if (path && isOurs(account, path, script)) return path
  }
  return null
}

/** Where in the account a path from a master key leads, if it goes through one of the account's keys. */
function pathIn(account: Account, named: KeyOrigin): KeyPath | undefined {
  const index = named.path.at(-1)
  if (index === undefined || index >= hardened) return undefined
  const parent = named.path.slice(0, -1).join('/')
  const chains: readonly Chain[] = ['receive', 'change']
  const chain = chains.find((chain) =>
    keysOf(account[chain]).some(
      ({ origin, steps }) =>
        origin.fingerprint === named.fingerprint && [...origin.path, ...steps].join('/') === parent,
    ),
  )
  return chain && { chain, index }
}

function keysOf(descriptor: Account[Chain]) {
  return descriptor.kind === 'multisig' ? descriptor.keys : [descriptor.key]
}

function ownSum(parts: readonly { readonly value: bigint; readonly ours: KeyPath | null }[]): bigint {
  return parts.reduce((sum, { value, ours }) => (ours ? sum + value : sum), 0n)
}
