import { file } from '../../sdk/adapters/file.ts'
import { httpRelay, rpcNode } from '../../sdk/adapters/index.ts'
import { webCipher } from '../../sdk/adapters/webCipher.ts'
import { send } from '../../sdk/evm/index.ts'
import type { Relay } from '../../sdk/ports.ts'
import { type Address, chainId, type TxHash, wei } from '../../sdk/units.ts'
import { createWallet, mnemonicSigner, type Wallet } from '../../sdk/wallet/index.ts'

/** What one wallet's process is told. */
export interface WalletOrder {
  readonly edge: string
  readonly node: string
  readonly chain: number
  readonly mnemonic: string
  /** Which of the mnemonic's accounts are this wallet's: from the first, so many. */
  readonly first: number
  readonly count: number
  readonly folder: string
  /** Everybody's transfers of one wei go there. */
  readonly sink: Address
  readonly pauseMs: number
  readonly perBatch: number
}

/** What it tells: hashes that the edge said it has stored; and, told to stop, how many intents each account stored. */
export type WalletWord =
  | { readonly acked: readonly TxHash[] }
  | { readonly stored: readonly (readonly [Address, number])[] }

/** A wallet that sends without end, each intent one wei under the account's next nonce, until it is told to stop. */
process.once('message', (order: WalletOrder) => {
  run(order).catch((error: unknown) => {
    process.stderr.write(`The wallet stopped: ${error instanceof Error ? error.stack : error}\n`)
    process.exit(1)
  })
})

async function run(order: WalletOrder): Promise<void> {
  const { edge, node, chain, mnemonic, first, count, folder, sink, pauseMs, perBatch } = order
  let isStopping = false
  process.on('message', (word) => {
    if (word === 'stop') isStopping = true
  })
  process.once('disconnect', () => process.exit(0))
  const keys = await mnemonicSigner({ mnemonic, cipher: webCipher(), accounts: first + count })
  const accounts = (await keys.accounts()).slice(first)
  const relay = telling(httpRelay(edge, { timeoutMs: 5_000 }))
  const evm = rpcNode({ url: node })
  const wallet = await createWallet({
    keys,
    store: file(folder),
    relay,
    evm,
    chain: { id: chainId(chain), fork: 'osaka' },
  })
  for (let turn = 0; !isStopping; turn++) {
    const from = accounts[turn % accounts.length] as Address
    await wallet.send(Array.from({ length: perBatch }, () => ({ ...send(sink, wei(1n)), from })))
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  await drain(wallet)
  tell({
    stored: await Promise.all(accounts.map(async (account) => [account, await wallet.nextNonce(account)] as const)),
  })
}

async function drain(wallet: Wallet): Promise<void> {
  const left = await wallet.outstanding()
  await left.settled()
}

/** Tells which hashes the relay has acknowledged. */
function telling(relay: Relay): Relay {
  return {
    ...relay,
    submit: async (chain, envelope) => {
      const ack = await relay.submit(chain, envelope)
      if (ack.ok) tell({ acked: ack.items.flatMap((item) => (item.ok ? [item.hash] : [])) })
      return ack
    },
  }
}

function tell(word: WalletWord): void {
  process.send?.(word)
}
