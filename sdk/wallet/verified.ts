import type { EthereumClient } from '../client/ethereum/index.ts'
import { SdkError } from '../errors.ts'
import type { Token } from '../evm/index.ts'
import { toBigInt } from '../rlp.ts'
import { type Address, fromHex, type TxHash } from '../units.ts'
import type { BeaconVerdict, Verified } from '../verify/index.ts'
import type { Included } from './blocks.ts'

/** What a wallet asks of a light client: every answer under a block that a committee signed. */
export type Verifier = Pick<EthereumClient, 'network' | 'balance' | 'call' | 'payment'>

/** An answer under a signed block, with the receipt that anybody with the checkpoint judges again. */
export type LightAnswer<value> = Verified<value, BeaconVerdict & { readonly receipt: Uint8Array }>

/** Selector of `balanceOf(address)` (ERC-20). */
const balanceOfSelector = '70a08231'

/**
 * What an account holds, in wei or in the token's units, in the final block.
 *
 * Funds at risk: a token's answer is what its code says on proven state; whether the token is worth anything, nothing proves.
 */
export async function provenBalance(
  verifier: Verifier,
  account: Address,
  token: Token | null,
): Promise<LightAnswer<bigint>> {
  if (!token) return verifier.balance(account)
  const data = fromHex(`0x${balanceOfSelector}${account.slice(2).padStart(64, '0')}`)
  const { value, verdict } = await verifier.call({ to: token.address, data })
  if (value.status === 'succeeded' && value.output.length === 32) return { value: toBigInt(value.output), verdict }
  throw new SdkError('client/not-provable', 'The contract answers no balance: it may not be a token of ERC-20.')
}

/** What became of a transaction, in a signed block: `finalized` where that is final. Nothing while no node shows it. */
export async function lightReceipt(verifier: Verifier, hash: TxHash): Promise<LightAnswer<Included> | undefined> {
  const found = await verifier.payment(hash, 'optimistic')
  if (!found) return undefined
  const { value, verdict } = found
  const { number, hash: blockHash } = verdict.block
  const { index, receipt } = value
  return { value: { hash, blockNumber: number, blockHash, index, receipt }, verdict }
}

/** Refuses a client of another chain: what it proves would be of other money. */
export function checkVerifier(verifier: Verifier, chain: number): void {
  if (verifier.network.chainId === chain) return
  throw new SdkError(
    'client/wrong-network',
    `The light client follows chain ${verifier.network.chainId}, not ${chain}.`,
  )
}

export function withoutVerifier(): SdkError {
  return new SdkError('client/not-provable', 'The wallet has no light client to prove a balance with.', {
    notes: ['Open it with `verify`, a client of `lanekit/client/ethereum`.'],
  })
}
