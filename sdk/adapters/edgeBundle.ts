import { SdkError } from '../errors.ts'
import { blockHashOf, decodeHeader } from '../evm/block.ts'
import { headerFromJson } from '../evm/blockJson.ts'
import type { BeaconNode, ProofNode } from '../ports.ts'
import type { Address, BlockHash, Slot } from '../units.ts'
import { beaconApi } from './beaconApi.ts'
import { type Counterpart, exchange, type Fetch, fieldsOf, nonsense, parseJson, unreachable } from './http.ts'
import { proofNode, readProof } from './proofNode.ts'

export interface EdgeBundleOptions {
  /** Of the edge, without `/v1`. */
  readonly url: string
  readonly chainId: number
  /** What is proven along with each update: at most 8 accounts, of 16 slots each. */
  readonly watch?: readonly { readonly account: Address; readonly slots?: readonly Slot[] }[]
  /** Which block the proofs are of: `finalized` without a choice. */
  readonly at?: 'finalized' | 'optimistic'
  readonly fetch?: Fetch
  /** Per request, the body included. */
  readonly timeoutMs?: number
}

/** An edge as a light client's only source, or as one among others. */
export interface EdgeBundle {
  readonly beacon: BeaconNode
  readonly node: ProofNode
}

/** Largest answer that is read: two updates, a header, and 136 proofs at their largest. */
export const bundleAnswerBytesMax = 8 * 1024 * 1024
const timeoutMsDefault = 20_000

const edge: Counterpart = { name: 'edge', unreachable: 'node/unreachable', nonsense: 'node/nonsense' }

/** What came in one answer. Nothing of it was judged. */
interface Bundle {
  readonly finality: unknown
  readonly optimistic: unknown
  readonly header: Uint8Array
  readonly hash: BlockHash
  readonly number: number
  readonly proofs: readonly unknown[]
}

/**
 * A Lanekit edge that gives the newest updates, the header they name and the proofs of watched accounts in one answer: what is
 * watched costs one request for each head. All else it is asked for goes through the edge too (`/rpc`).
 *
 * Nothing it says is believed: it is one more source, and a client judges what it gives as it judges any other's. It can withhold;
 * give the client other beacon nodes beside it, so that a head it holds back is seen.
 *
 * Calls throw `node/unreachable`, `node/refused` or `node/nonsense`. No message holds the address of the edge.
 */
export function edgeBundle(options: EdgeBundleOptions): EdgeBundle {
  const { url, chainId, watch = [], at = 'finalized', fetch = globalThis.fetch, timeoutMs = timeoutMsDefault } = options
  const base = url.replace(/\/+$/, '')
  const light = `${base}/v1/chains/${chainId}/verified`
  const accounts = watch.map(({ account, slots = [] }) => [account, ...slots].join(':')).join(',')
  const beacon = beaconApi({ url: light, fetch, timeoutMs })
  const node = proofNode({ url: `${base}/rpc/${chainId}`, fetch, timeoutMs })
  let last: Bundle | null = null
  let running: Promise<Bundle> | null = null

  const ask = async (): Promise<Bundle> => {
    const { status, body } = await exchange(fetch, {
      counterpart: edge,
      url: `${light}/bundle?at=${at}&accounts=${accounts}`,
      init: { headers: { accept: 'application/json' } },
      timeoutMs,
      bodyBytesMax: bundleAnswerBytesMax,
    })
    if (status === 429 || status >= 500) throw unreachable(edge, status)
    if (status !== 200) throw new SdkError('node/refused', `The edge refused a bundle (HTTP status ${status}).`)
    return readBundle(parseJson(body), watch.length)
  }
  // Both updates are asked for at once, and come in one answer.
  const bundle = () => {
    running ??= ask()
      .then((told) => {
        last = told
        return told
      })
      .finally(() => {
        running = null
      })
    return running
  }
  return {
    beacon: {
      ...beacon,
      finalityUpdate: async () => (await bundle()).finality,
      optimisticUpdate: async () => (await bundle()).optimistic,
    },
    node: {
      ...node,
      header: async (which) =>
        last && (which === last.hash || which === last.number) ? last.header : node.header(which),
      proof: async (account, slots, block) => {
        const place = watch.findIndex(
          (one) => one.account === account && slots.every((slot) => one.slots?.includes(slot)),
        )
        const watched = watch[place]
        if (!last || !watched || block !== last.number) return node.proof(account, slots, block)
        const proof = readProof(last.proofs[place], watched.slots ?? [])
        const of = (slot: Slot) => proof.slots[watched.slots?.indexOf(slot) ?? -1] ?? []
        return { account: proof.account, slots: slots.map(of) }
      },
    },
  }
}

function readBundle(json: unknown, count: number): Bundle {
  const told = fieldsOf(json)
  const header = headerFromJson(told?.header)
  if (!header.ok) throw nonsense(edge, `the header of its bundle is malformed (${header.reason})`)
  const read = decodeHeader(header.value)
  const proofs = told?.proofs
  if (!read.ok || !Array.isArray(proofs) || proofs.length !== count)
    throw nonsense(edge, 'the bundle is not of its shape')
  const hash = blockHashOf(header.value)
  const { finality, optimistic } = told ?? {}
  return { finality, optimistic, header: header.value, hash, number: read.value.number, proofs }
}
