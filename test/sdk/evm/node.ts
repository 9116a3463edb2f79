import { seal, signingHash } from '../../../sdk/evm/codec.ts'
import { type Draft, type Facts, prepare } from '../../../sdk/evm/draft.ts'
import { type Address, chainId, type Hex, toHex, wei } from '../../../sdk/units.ts'
import { type Person, sign } from './samples.ts'

/** Asks a node over JSON-RPC; throws its error. */
export async function request<answer>(url: string, method: string, ...params: readonly unknown[]): Promise<answer> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { result, error } = (await response.json()) as { result: answer; error?: { message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
  return result
}

export interface Receipt {
  readonly status: Hex
  readonly gasUsed: Hex
  readonly contractAddress: Address | null
  readonly transactionHash: Hex
}

/** Prepares, seals and sends a draft by `by` to a node that mines at once, and waits for its receipt. */
export async function execute(
  url: string,
  { by, draft, ...changes }: { readonly by: Person; readonly draft: Draft } & Partial<Facts>,
): Promise<Receipt> {
  const nonce = Number(await request<Hex>(url, 'eth_getTransactionCount', by.account, 'latest'))
  const prepared = prepare(draft, {
    chainId: chainId(31_337),
    fork: 'osaka',
    from: by.account,
    nonce,
    gas: 3_000_000n,
    fees: { maxFeePerGas: wei(10n ** 10n), maxPriorityFeePerGas: wei(1n) },
    accessList: [],
    ...changes,
  })
  const signed = seal(prepared, sign(signingHash(prepared), by))
  const receipt = await request<Receipt>(url, 'eth_sendRawTransactionSync', toHex(signed.bytes))
  if (receipt.transactionHash !== signed.hash) throw new Error('the node knows the transaction by another hash')
  return receipt
}
