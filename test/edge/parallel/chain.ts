import type { AccountContent, Environment, Genesis } from '../../../edge/executor/parallel/engine.ts'
import { createStore, type Store } from '../../../edge/executor/parallel/store.ts'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import type { Prepared, Signed } from '../../../sdk/evm/index.ts'
import { encodeRlp, quantity } from '../../../sdk/rlp.ts'
import { chainId, fromHex, toHex, txHash, wei } from '../../../sdk/units.ts'
import type { Transaction } from '../../../sdk/vm/index.ts'
import { marketBlock } from '../../sdk/vm/market.ts'
import type { MemoryState } from '../../sdk/vm/memoryState.ts'

export const chain = chainId(1)

export const environment: Environment = {
  timestamp: marketBlock.timestamp,
  feeRecipient: marketBlock.miner,
  gasLimit: 2_000_000_000n,
  baseFeePerGas: marketBlock.baseFeePerGas,
}

export function laterBy(seconds: number): Environment {
  return { ...environment, timestamp: environment.timestamp + BigInt(seconds) }
}

/** The chain that begins with this state. */
export function genesisOf(state: MemoryState): Genesis {
  return { kind: 'genesis', accounts: contentsOf(state), environment }
}

function contentsOf(state: MemoryState): readonly AccountContent[] {
  return [...state.entries()].map(([address, { nonce, balance, codeHash, storage }]) => ({
    address,
    nonce,
    balance,
    code: state.code(codeHash),
    slots: [...storage].map(([slot, value]) => ({ slot, value })),
  }))
}

/** This state, as an engine has it before the first block. */
export function storeOf(state: MemoryState): Store {
  const store = createStore()
  const changes = contentsOf(state).map(({ address, nonce, balance, code, slots }) => ({
    ...{ address, nonce, balance, slots },
    ...{ isDeleted: false, credit: 0n },
    code: code.length === 0 ? null : { hash: state.account(address)?.codeHash ?? '0x', bytes: code },
  }))
  store.take(changes, 0)
  store.endBlock()
  return store
}

/** A transaction as if it had been signed: who runs one has had its sender found by somebody else. */
export function asSigned(transaction: Transaction): Signed {
  const prepared: Prepared = {
    stage: 'prepared',
    chainId: chain,
    from: transaction.from,
    to: transaction.to,
    value: wei(transaction.value),
    data: transaction.data,
    nonce: Number(transaction.nonce),
    gas: transaction.gas,
    pricing: transaction.pricing as Prepared['pricing'],
  }
  const { from, to, nonce, data } = prepared
  const bytes = encodeRlp([fromHex(from), quantity(nonce), to === null ? new Uint8Array(0) : fromHex(to), data])
  return { stage: 'signed', hash: txHash(toHex(keccak256(bytes))), bytes, prepared }
}
