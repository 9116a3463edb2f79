import type { Address, Wallet } from 'lanekit'
import { lanekit, toViemAccount } from 'lanekit/connect'
import { createWalletClient, parseEther, publicActions } from 'viem'
import { foundry } from 'viem/chains'

/** Sends ether with viem's own calls: only `account` and `transport` differ from before. */
export async function payWithViem(wallet: Wallet, from: Address, to: Address) {
  const account = toViemAccount(wallet, from)
  const client = createWalletClient({ account, chain: foundry, transport: lanekit(wallet) })
  const hash = await client.sendTransaction({ to, value: parseEther('0.01') })
  return client.extend(publicActions).waitForTransactionReceipt({ hash })
}
