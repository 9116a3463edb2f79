export { type Approval, type Provider, type ProviderEvent, type ProviderOptions, provider } from './provider.ts'
export { type RpcError, rpcCodes } from './rpcError.ts'
export { toViemAccount } from './viemAccount.ts'
export { lanekit } from './viemTransport.ts'
