import { type CustomTransport, custom } from 'viem'
import type { Wallet } from '../wallet/index.ts'
import { type ProviderOptions, provider } from './provider.ts'

/**
 * A viem transport: clients that use it send through the wallet's outbox and read from its node.
 *
 * It retries nothing: what was stored is sent until it is decided, and asking again would be another payment.
 */
export function lanekit(wallet: Wallet, options: ProviderOptions = {}): CustomTransport {
  return custom(provider(wallet, options), { key: 'lanekit', name: 'Lanekit', retryCount: 0 })
}
