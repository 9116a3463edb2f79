import { accepted, type Decoded, refused } from '../errors.ts'
import { type AccountKey, stepInto } from './accountKey.ts'
import { type DescribedOutput, type Descriptor, multisigDescriptor, outputAt } from './descriptor.ts'
import type { Network } from './network.ts'
import { equalBytes } from './script.ts'

/** The outside chain, for others to pay to, and the inside chain, for change (BIP-44). */
export type Chain = 'receive' | 'change'

/** Names one output of an account. */
export interface KeyPath {
  readonly chain: Chain
  readonly index: number
}

/** What a wallet watches and spends from: two descriptors of one kind. */
export type Account = Readonly<Record<Chain, Descriptor>>

/** An account of one key: BIP-84 by `wpkh`, BIP-86 by `tr`. The key is that of the account, `m/84h/0h/0h` say. */
export function singleKeyAccount(kind: 'wpkh' | 'tr', network: Network, key: AccountKey): Account {
  return {
    receive: { kind, network, key: stepInto(key, 0) },
    change: { kind, network, key: stepInto(key, 1) },
  }
}

/**
 * An account that `required` of the keys spend together, 2 of 3 say. Refuses what no multisig can be.
 *
 * Funds at risk: the coins are found and spent again only with the extended public keys of all: store the
 * descriptors with each seed.
 */
export function multisigAccount(network: Network, required: number, keys: readonly AccountKey[]): Decoded<Account> {
  const receive = multisigDescriptor({ network, required, keys: keys.map((key) => stepInto(key, 0)) })
  const change = multisigDescriptor({ network, required, keys: keys.map((key) => stepInto(key, 1)) })
  if (!receive.ok) return receive
  if (!change.ok) return change
  return accepted({ receive: receive.value, change: change.value })
}

/**
 * An account of imported descriptors: a `<0;1>` pair, or one for each chain. Refuses a mix of kinds or networks,
 * and two that give the same scripts.
 */
export function accountOf(descriptors: readonly Descriptor[]): Decoded<Account> {
  const [receive, change, ...rest] = descriptors
  if (!receive || !change || rest.length > 0) return refused('an account has two descriptors')
  if (receive.kind !== change.kind || receive.network !== change.network)
    return refused('the descriptors of an account are of one kind and one network')
  if (equalBytes(outputAt(receive, 0).script, outputAt(change, 0).script))
    return refused('the descriptors give the same scripts')
  return accepted({ receive, change })
}

/** The output that a key path names. */
export function accountOutput(account: Account, { chain, index }: KeyPath): DescribedOutput {
  return outputAt(account[chain], index)
}

/** True when `script` is the account's at this path. Derives it: a path that somebody claims proves nothing. */
export function isOurs(account: Account, path: KeyPath, script: Uint8Array): boolean {
  return equalBytes(accountOutput(account, path).script, script)
}
