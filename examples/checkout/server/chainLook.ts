import type { Sats } from 'lanekit'
import { type BitcoinTransaction, decodeTransaction } from 'lanekit/bitcoin'

/** How a lane ended on the chain. */
export interface Closing {
  readonly txid: string
  /** What its outputs hold, in satoshi. */
  readonly values: readonly number[]
  /** What miners got of the lane's capacity. */
  readonly fee: number
}

/** What an Esplora API tells of transactions, for pages: not proven. The wallets prove what they act upon. */
export interface ChainLook {
  readonly transaction: (txid: string) => Promise<BitcoinTransaction | null>
  readonly spender: (txid: string, index: number) => Promise<string | null>
  /** The transaction that spends the funding output of this capacity; nothing while there is none. */
  readonly closing: (fundingTxid: string, capacity: Sats) => Promise<Closing | null>
}

const timeoutMs = 5_000

export function lookAt(bitcoin: string, fetch: (url: string, init: RequestInit) => Promise<Response>): ChainLook {
  const ask = async (path: string) => {
    const response = await fetch(`${bitcoin}/tx/${path}`, { signal: AbortSignal.timeout(timeoutMs) })
    return response.ok ? response : null
  }
  const transaction = async (txid: string) => {
    const response = await ask(`${txid}/raw`)
    const decoded = response && decodeTransaction(new Uint8Array(await response.arrayBuffer()))
    return decoded?.ok ? decoded.value : null
  }
  const spender = async (txid: string, index: number) => {
    const told = (await (await ask(`${txid}/outspend/${index}`))?.json()) as { readonly txid?: unknown } | undefined
    return typeof told?.txid === 'string' ? told.txid : null
  }
  return {
    transaction,
    spender,
    closing: async (fundingTxid, capacity) => {
      const funding = await transaction(fundingTxid)
      const index = funding?.outputs.findIndex(({ value }) => value === capacity) ?? -1
      const txid = index < 0 ? null : await spender(fundingTxid, index)
      const found = txid && (await transaction(txid))
      if (!txid || !found) return null
      const values = found.outputs.map(({ value }) => Number(value))
      return { txid, values, fee: Number(capacity) - values.reduce((sum, value) => sum + value, 0) }
    },
  }
}
