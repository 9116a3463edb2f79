import { SdkError } from '../sdk/errors.ts'
import { toHex } from '../sdk/units.ts'
import type { Sighting } from './channelBox.ts'
import type { Outpoint } from './channelBoxRows.ts'
import type { BitcoinConfig } from './config.ts'
import { isRecord } from './executor/answer.ts'
import { bitcoinAnswerBytesMax, bitcoinTimeoutMs, burialBlocks, towerSourcesMin } from './limits.ts'
import type { SpendSighting, TowerSighting } from './tower.ts'

/** The Bitcoin chain, as several Esplora servers tell it. None is believed alone where money could be lost. */
export interface BitcoinSources {
  /** Never throws: what nobody answers is unknown. */
  readonly look: (outpoint: Outpoint) => Promise<Sighting>
  /** What spends some outputs. Never throws: what nobody answers is unknown. */
  readonly watch: (outpoints: readonly Outpoint[]) => Promise<TowerSighting>
  /** Hands the transaction to every source. Never throws: what they answer proves nothing, the chain does. */
  readonly broadcast: (transaction: Uint8Array) => Promise<void>
}

/** The sources of a network. Throws `node/unreachable` (retryable) where none is configured: it may be by the next try. */
export function configuredSources(config: BitcoinConfig | null): BitcoinSources {
  if (!config) throw new SdkError('node/unreachable', 'No Bitcoin network is configured.', { retryable: true })
  return esploraSources(config.esplora)
}

/** @param urls - From configuration only, never from a request. */
export function esploraSources(urls: readonly string[]): BitcoinSources {
  const bases = urls.map((url) => url.replace(/\/+$/, ''))
  return {
    look: async ({ txid, index }) => {
      const views = await Promise.all(
        bases.map(async (base) => {
          const height = readHeight(await ask(`${base}/blocks/tip/height`))
          return { height, spentAt: readSpend(await ask(`${base}/tx/${txid}/outspend/${index}`))?.height }
        }),
      )
      const heights = views.flatMap(({ height }) => (height === undefined ? [] : [height]))
      return {
        // CB13: a source that lags or lies about the height cannot hold back a closing.
        height: heights.length === 0 ? null : Math.max(...heights),
        // CB14: nor can one alone end it.
        isBuried: views.every(({ height, spentAt }) => height !== undefined && isBuriedAt(spentAt, height)),
      }
    },
    watch: async (outpoints) => {
      const views = await Promise.all(bases.map((base) => viewOf(base, outpoints)))
      const heights = views.flatMap(({ height }) => (height === undefined ? [] : [height]))
      const answered = views.filter(
        ({ height, spends }) => height !== undefined && spends.every((one) => one !== undefined),
      )
      return {
        height: heights.length === 0 ? null : Math.max(...heights),
        isSeen: answered.length >= towerSourcesMin,
        spends: outpoints.map((outpoint, at) =>
          agreed(
            outpoint,
            views.map((view) => ({ ...view, spend: view.spends[at] })),
          ),
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

interface Spend {
  /** Nothing while it is unspent, or only said to be spent. */
  readonly txid: string | undefined
  /** Of the block that spends; nothing while none does. */
  readonly height: number | undefined
}

interface View {
  readonly height: number | undefined
  /** In the order asked; nothing where there was no answer. */
  readonly spends: readonly (Spend | undefined)[]
}

/** What one source tells: one call after the other, since a Worker has six connections for all of them. */
async function viewOf(base: string, outpoints: readonly Outpoint[]): Promise<View> {
  const height = readHeight(await ask(`${base}/blocks/tip/height`))
  const spends: (Spend | undefined)[] = []
  for (const { txid, index } of outpoints) spends.push(readSpend(await ask(`${base}/tx/${txid}/outspend/${index}`)))
  return { height, spends }
}

/** WT5, WT7: any source can tell of a spender, only all of them together that one is buried. */
function agreed(
  outpoint: Outpoint,
  views: readonly { readonly height: number | undefined; readonly spend: Spend | undefined }[],
): SpendSighting {
  const told = views.flatMap(({ spend }) => (spend?.txid === undefined ? [] : [spend.txid]))
  const [first = null] = told
  const isBuried = views.every(
    ({ height, spend }) => height !== undefined && spend?.txid === first && isBuriedAt(spend?.height, height),
  )
  return { outpoint, spenders: [...new Set(told)], buriedBy: isBuried ? first : null }
}

function isBuriedAt(spentAt: number | undefined, height: number): boolean {
  return spentAt !== undefined && height - spentAt + 1 >= burialBlocks
}

/** What spends an output; nothing when that is not told. */
function readSpend(text: string | undefined): Spend | undefined {
  let json: unknown
  try {
    json = JSON.parse(text ?? '')
  } catch {
    return undefined
  }
  if (!isRecord(json)) return undefined
  if (json.spent !== true) return json.spent === false ? { txid: undefined, height: undefined } : undefined
  const txid = typeof json.txid === 'string' && /^[0-9a-f]{64}$/.test(json.txid) ? json.txid : undefined
  const status = isRecord(json.status) && json.status.confirmed === true ? json.status.block_height : undefined
  const isHeight = Number.isSafeInteger(status) && (status as number) >= 0
  return { txid, height: isHeight ? (status as number) : undefined }
}
