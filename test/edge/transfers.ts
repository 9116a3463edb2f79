import { type HDAccount, mnemonicToAccount } from 'viem/accounts'
import { type Batch, declare, encodeBatch } from '../../sdk/batch/index.ts'
import { decodeTransaction } from '../../sdk/evm/index.ts'
import { type Address, address, chainId, fromHex, type Hex, type TxHash, toHex } from '../../sdk/units.ts'

/** Anvil's well-known chain and mnemonic. */
export const anvilChain = chainId(31337)
const mnemonic = 'test test test test test test test test test test test junk'

/** A signed transfer of one wei. */
export interface Transfer {
  readonly sender: Address
  readonly nonce: number
  readonly hash: TxHash
  readonly raw: Uint8Array
}

export interface TransferWish {
  readonly from: number
  readonly nonce: number
  readonly to?: Address
  readonly value?: bigint
  readonly gas?: bigint
  readonly maxFeePerGas?: bigint
  readonly maxPriorityFeePerGas?: bigint
  readonly chain?: number
}

const accounts = new Map<number, HDAccount>()

/** One of anvil's funded accounts. */
export function account(index: number): HDAccount {
  const known = accounts.get(index) ?? mnemonicToAccount(mnemonic, { addressIndex: index })
  accounts.set(index, known)
  return known
}

/** Signs a transfer. */
export async function transfer(wish: TransferWish): Promise<Transfer> {
  const { from, nonce, to = `0x${'11'.repeat(20)}` as Address, value = 1n, gas = 21_000n } = wish
  const { maxFeePerGas = 10_000_000_000n, maxPriorityFeePerGas = 1_000_000_000n, chain = anvilChain } = wish
  const raw = await account(from).signTransaction({
    type: 'eip1559',
    chainId: chain,
    nonce,
    to,
    value,
    gas,
    maxFeePerGas,
    maxPriorityFeePerGas,
  })
  return read(fromHex(raw as Hex))
}

/** What signed bytes say of themselves. */
export function read(raw: Uint8Array): Transfer {
  const decoded = decodeTransaction(raw)
  if (!decoded.ok) throw new Error(decoded.reason)
  const { hash, prepared } = decoded.value
  return { hash, sender: prepared.from, nonce: prepared.nonce, raw }
}

/** An envelope of transfers that declare what they touch. */
export function envelope(transfers: readonly Transfer[], chain = anvilChain): Uint8Array {
  const batch: Batch = {
    chainId: chain,
    fork: 'osaka',
    transactions: transfers.map(({ raw }) => ({
      raw,
      declaration: declare({ reads: [], writes: [], credits: [] }, 21_000),
    })),
  }
  return encodeBatch(batch)
}

/** An account nobody has used. */
export function freshAddress(seed: number): Address {
  return address(
    toHex(new Uint8Array(20).fill(0xa0).map((byte, at) => (at > 15 ? (seed >> (8 * (19 - at))) & 0xff : byte))),
  )
}
