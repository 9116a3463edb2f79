import { type Fork, gasTables } from '../evm/fork.ts'
import { type StartGasOf, startGasOf } from './startGas.ts'

/** Gas and limits that instructions go by under one fork. What a transaction pays before them is `startGas`. */
export interface Rules {
  readonly fork: Fork
  /** Touching an account or slot (EIP-2929). `coldSlot` is SLOAD's whole price, and what SSTORE pays on top. */
  readonly warm: number
  readonly coldAccount: number
  readonly coldSlot: number
  readonly coldStore: number
  readonly coldHeir: number
  /** SSTORE to a slot that was zero, and to another one, without `warm` (EIP-2200). */
  readonly storeNew: number
  readonly storeChange: number
  /** What clearing a slot gives back (EIP-3529). */
  readonly clearRefund: number
  readonly create: number
  readonly initcodeWord: number
  readonly initcodeBytesMax: number
  /** Each byte of a new contract, and how many it may have (EIP-170). */
  readonly codeByte: number
  readonly codeBytesMax: number
  readonly callValue: number
  readonly callNewAccount: number
  readonly hasDelegations: boolean
  readonly hasClz: boolean
  /** Prices and sizes of modexp (EIP-7883, EIP-7823). */
  readonly modexp: 'berlin' | 'osaka'
  /** What an authorization of an account that exists gives back (EIP-7702). */
  readonly authorizationRefund: number
  /** Blobs a transaction, whatever the block may hold (EIP-7594). */
  readonly blobsPerTransactionMax: number
  readonly startGas: StartGasOf
}

function rulesOf(fork: Fork, changes: Partial<Rules> = {}): Rules {
  const { cold, creation, initcodeWord, initcodeBytesMax } = gasTables[fork]
  const warm = 100
  return {
    fork,
    warm,
    coldAccount: warm + Number(cold.access),
    coldSlot: warm + Number(cold.read),
    coldStore: Number(cold.write),
    coldHeir: Number(cold.selfdestruct),
    storeNew: 20_000,
    storeChange: 2_900,
    clearRefund: 4_800,
    create: Number(creation),
    initcodeWord: Number(initcodeWord),
    initcodeBytesMax,
    codeByte: 200,
    codeBytesMax: 24_576,
    callValue: 9_000,
    callNewAccount: 25_000,
    hasDelegations: true,
    hasClz: false,
    modexp: 'berlin',
    authorizationRefund: 12_500,
    blobsPerTransactionMax: Number.POSITIVE_INFINITY,
    startGas: startGasOf(fork),
    ...changes,
  }
}

const osaka: Partial<Rules> = { hasClz: true, modexp: 'osaka', blobsPerTransactionMax: 6 }

/**
 * The rules of a fork. `amsterdam` is scheduled, not active: it has the prices of `gasTables` for what is cold, and
 * otherwise osaka's rules. State gas (EIP-8037), its instructions and its logs are not in it.
 */
export function rules(fork: Fork): Rules {
  switch (fork) {
    case 'cancun':
      return rulesOf(fork, { hasDelegations: false })
    case 'prague':
      return rulesOf(fork)
    case 'osaka':
    case 'amsterdam':
      return rulesOf(fork, osaka)
  }
}
