import { createBlock } from '@ethereumjs/block'
import { Common, Mainnet } from '@ethereumjs/common'
import { SimpleStateManager } from '@ethereumjs/statemanager'
import { createTx, type TypedTransaction } from '@ethereumjs/tx'
import { Account, Address as PeerAddress } from '@ethereumjs/util'
import { createVM, runTx, type VM } from '@ethereumjs/vm'
import type { Fork } from '../../../sdk/evm/fork.ts'
import { type Address, fromHex, type Hex, toHex } from '../../../sdk/units.ts'
import { type Block, emptyCodeHash, type Transaction } from '../../../sdk/vm/index.ts'
import type { MemoryState } from './memoryState.ts'

/** EthereumJS, running what our machine runs, on a copy of its state. */
export interface Peer {
  /** Nothing when it refuses the transaction. */
  readonly execute: (transaction: Transaction) => Promise<PeerOutcome | undefined>
  /** A transaction made ready, so that making it is not measured. */
  readonly prepare: (transaction: Transaction) => TypedTransaction
  readonly run: (prepared: TypedTransaction) => Promise<unknown>
  /** All its state, account by account, in one order. */
  readonly dump: () => Promise<readonly string[]>
}

export interface PeerOutcome {
  readonly succeeded: boolean
  readonly gasUsed: bigint
  readonly logs: readonly string[]
}

export async function openPeer(state: MemoryState, block: Block, fork: Fork): Promise<Peer> {
  const common = new Common({ chain: Mainnet, hardfork: fork })
  const stateManager = new SimpleStateManager({ common })
  for (const [address, account] of state.entries()) {
    const at = peerAddress(address)
    await stateManager.putAccount(at, new Account(account.nonce, account.balance))
    if (account.codeHash !== emptyCodeHash) await stateManager.putCode(at, state.code(account.codeHash))
    for (const [slot, value] of account.storage) await stateManager.putStorage(at, fromHex(slot), value)
  }
  const vm = await createVM({ common, stateManager })
  const header = {
    number: block.number,
    timestamp: block.timestamp,
    coinbase: peerAddress(block.miner),
    gasLimit: block.gasLimit,
    baseFeePerGas: block.baseFeePerGas,
    mixHash: block.prevRandao,
    excessBlobGas: block.excessBlobGas,
  }
  const peerBlock = createBlock({ header }, { common, skipConsensusFormatValidation: true })
  const prepare = (transaction: Transaction) => peerTransaction(transaction, common)
  const run = (tx: TypedTransaction) => runTx(vm, { tx, block: peerBlock, skipHardForkValidation: true })
  return {
    prepare,
    run,
    execute: async (transaction) => {
      let result: Awaited<ReturnType<typeof run>>
      try {
        result = await run(prepare(transaction))
      } catch {
        return undefined
      }
      const { execResult, totalGasSpent } = result
      const logs = execResult.exceptionError ? [] : (execResult.logs ?? [])
      return {
        succeeded: execResult.exceptionError === undefined,
        gasUsed: totalGasSpent,
        logs: logs.map(([address, topics, data]) => [address, ...topics, data].map((part) => toHex(part)).join()),
      }
    },
    dump: () => dumpPeer(vm),
  }
}

function peerAddress(address: Address): PeerAddress {
  return new PeerAddress(fromHex(address))
}

/** Signed by nobody: it says of itself who sent it. */
function peerTransaction({ pricing, from, to, ...rest }: Transaction, common: Common): TypedTransaction {
  const type = { legacy: 0, eip2930: 1, eip1559: 2, eip4844: 3, eip7702: 4 }[pricing.type]
  const accessList =
    pricing.type === 'legacy'
      ? undefined
      : pricing.accessList.map(({ address, slots }) => ({ address, storageKeys: slots }))
  const fees =
    'gasPrice' in pricing
      ? { gasPrice: pricing.gasPrice }
      : { maxFeePerGas: pricing.maxFeePerGas, maxPriorityFeePerGas: pricing.maxPriorityFeePerGas }
  const authorizationList =
    pricing.type === 'eip7702'
      ? pricing.authorizations.map(({ chainId, delegate, nonce, signature }) => ({
          chainId: numberHex(chainId),
          address: delegate,
          nonce: numberHex(nonce),
          yParity: numberHex(signature[64] ?? 0),
          r: numberHex(BigInt(toHex(signature.subarray(0, 32)))),
          s: numberHex(BigInt(toHex(signature.subarray(32, 64)))),
        }))
      : undefined
  const fields = {
    type,
    chainId: rest.chainId ?? 1,
    nonce: rest.nonce,
    gasLimit: rest.gas,
    value: rest.value,
    data: rest.data,
    ...(to === null ? {} : { to }),
    ...fees,
    ...(accessList ? { accessList } : {}),
    ...(authorizationList ? { authorizationList } : {}),
    v: type === 0 ? 27n : 0n,
    r: 1n,
    s: 1n,
  }
  const tx = createTx(fields as never, { common, freeze: false })
  const sender = peerAddress(from)
  tx.getSenderAddress = () => sender
  tx.isSigned = () => true
  return tx
}

function numberHex(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

async function dumpPeer({ stateManager }: VM): Promise<readonly string[]> {
  const manager = stateManager as unknown as {
    accountStack: Map<Hex, Account | undefined>[]
    storageStack: Map<string, Uint8Array>[]
  }
  const [accounts] = manager.accountStack
  const [slots] = manager.storageStack
  const lines: string[] = []
  const living = new Set<string>()
  for (const [address, account] of accounts ?? []) {
    if (!account || account.isEmpty()) continue
    living.add(address)
    const code = await stateManager.getCode(new PeerAddress(fromHex(address)))
    lines.push([address, account.nonce, account.balance, toHex(code)].join())
  }
  // Slots of an account that is gone are left lying in its map, where nobody can see them.
  for (const [key, value] of slots ?? [])
    if (living.has(key.slice(0, 42)) && value.some((byte) => byte !== 0)) lines.push(slotLine(key, value))
  return lines.sort()
}

function slotLine(key: string, value: Uint8Array): string {
  return `${key} ${BigInt(toHex(value)).toString(16)}`
}

/** Ours, as {@link Peer.dump} tells its own. */
export function dumpState(state: MemoryState): readonly string[] {
  const lines: string[] = []
  for (const [address, { nonce, balance, codeHash, storage }] of state.entries()) {
    if (nonce === 0n && balance === 0n && codeHash === emptyCodeHash) continue
    const code = codeHash === emptyCodeHash ? new Uint8Array(0) : state.code(codeHash)
    lines.push([address, nonce, balance, toHex(code)].join())
    for (const [slot, value] of storage) lines.push(slotLine(`${address}_${slot}`, value))
  }
  return lines.sort()
}
