import { SdkError } from '../errors.ts'
import type { NodeRefusal } from '../ports.ts'
import type { OrderRefusal, RefusalCode } from '../wallet/index.ts'

/** Codes of EIP-1193, EIP-1474, EIP-3085 and JSON-RPC that the provider answers with. */
export const rpcCodes = {
  userRejected: 4001,
  unauthorized: 4100,
  unsupported: 4200,
  disconnected: 4900,
  unknownChain: 4902,
  reverted: 3,
  invalidInput: -32000,
  transactionRejected: -32003,
  invalidParams: -32602,
  internal: -32603,
} as const

/** An error as EIP-1193 wants it: a message, a code, and what more there is to know. */
export interface RpcError extends Error {
  readonly code: number
  readonly data?: unknown
}

/** An error for the program on the other side. */
export function rpcError(code: number, message: string, data?: unknown): RpcError {
  return Object.assign(new Error(message), { code, ...(data === undefined ? {} : { data }) })
}

/** Says in the provider's codes what failed. Bugs of ours pass through as they are. */
export function toRpcError(error: unknown): unknown {
  if (!(error instanceof SdkError)) return error
  switch (error.code) {
    case 'node/refused': {
      const { code, message, data } = error.cause as NodeRefusal
      return rpcError(code, message, data ?? undefined)
    }
    case 'signer/refused':
      return rpcError(rpcCodes.userRejected, error.message)
    case 'keys/locked':
    case 'keys/unknown-account':
      return rpcError(rpcCodes.unauthorized, error.message)
    case 'node/unreachable':
    case 'relay/unreachable':
    case 'wallet/closed':
    case 'wallet/wrong-chain':
      return rpcError(rpcCodes.disconnected, error.message)
    default:
      return rpcError(rpcCodes.internal, error.message, { code: error.code })
  }
}

const refusalCodes: Partial<Record<RefusalCode, number>> = {
  'keys/unknown-account': rpcCodes.unauthorized,
  'evm/malformed-transaction': rpcCodes.invalidParams,
  'wallet/wrong-chain': rpcCodes.invalidParams,
  'wallet/would-revert': rpcCodes.reverted,
}

/** A refusal in the words that programs look for. */
export function refusalError({ code, detail }: OrderRefusal): RpcError {
  const message = code === 'wallet/insufficient-funds' ? `insufficient funds: ${detail}` : detail
  return rpcError(refusalCodes[code] ?? rpcCodes.transactionRejected, message, { code })
}
