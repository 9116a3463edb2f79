import { toHex } from '../sdk/units.ts'
import type { Sighting } from './channelBox.ts'
import type { Outpoint } from './channelBoxRows.ts'
import { isRecord } from './executor/answer.ts'
import { bitcoinAnswerBytesMax, bitcoinTimeoutMs, burialBlocks } from './limits.ts'

/** The Bitcoin chain, as several Esplora servers tell it. None is believed alone where money could be lost. */
export interface BitcoinSources {
  /** Never throws: what nobody answers is unknown. */
  readonly look: (outpoint: Outpoint) => Promise<Sighting>
  /** Hands the transaction to every source. Never throws: what they answer proves nothing, the chain does. */
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
}

/** @param urls - From configuration only, never from a request. */
export function esploraSources(urls: readonly string[]): BitcoinSources {
  const bases = urls.map((url) => url.replace(/\/+$/, ''))
  return {
    look: async ({ txid, index }) => {
      const views = await Promise.all(
        bases.map(async (base) => {
          const height = readHeight(await ask(`${base}/blocks/tip/height`))
          return { height, spentAt: readSpend(await ask(`${base}/tx/${txid}/outspend/${index}`)) }
        }),
      )
      const heights = views.flatMap(({ height }) => (height === undefined ? [] : [height]))
      return {
        // CB13: a source that lags or lies about the height cannot hold back a closing.
        height: heights.length === 0 ? null : Math.max(...heights),
        // CB14: nor can one alone end it.
        isBuried: views.every(
          ({ height, spentAt }) =>
            height !== undefined && spentAt !== undefined && height - spentAt + 1 >= burialBlocks,
        ),
      }
    },
    broadcast: async (transaction) => {
      const body = toHex(transaction).slice(2)
      await Promise.all(bases.map((base) => ask(`${base}/tx`, { method: 'POST', body })))
    },
  }
}

/** The text of a good answer; nothing when there is none in time, or too long a one. */
async function ask(url: string, init: RequestInit = {}): Promise<string | undefined> {
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(bitcoinTimeoutMs) })
    const reader = response.body?.getReader()
    const decoder = new TextDecoder()
    let text = ''
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
      text += decoder.decode(read.value, { stream: true })
      if (text.length <= bitcoinAnswerBytesMax) continue
      await reader?.cancel()
      return undefined
    }
    return response.ok ? text : undefined
  } catch {
    return undefined
  }
}

function readHeight(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,9}$/.test(text.trim()) ? Number(text) : undefined
}

/** The height of the block that spends; nothing while none does, or when that is not told. */
function readSpend(text: string | undefined): number | undefined {
  let json: unknown
  try {
    json = JSON.parse(text ?? '')
  } catch {
    return undefined
  }
  if (!isRecord(json) || json.spent !== true || !isRecord(json.status) || json.status.confirmed !== true)
    return undefined
  const { block_height: height } = json.status
  return Number.isSafeInteger(height) && (height as number) >= 0 ? (height as number) : undefined
}
