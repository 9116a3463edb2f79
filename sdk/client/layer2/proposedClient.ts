import { SdkError } from '../../errors.ts'
import type { ProofNode } from '../../ports.ts'
import { type Address, type Slot, toHex } from '../../units.ts'
import type { ProvenAccount } from '../../verify/ethereum/index.ts'
import type { Verified } from '../../verify/index.ts'
import {
  claimedBlock,
  claimOf,
  type GameClaim,
  gameSlot,
  listedGame,
  messagePasser,
  type OpChain,
  type ProposedBlock,
  type ProposedVerdict,
  proposedVerdict,
  slotAt,
  statusSlot,
} from '../../verify/opstack/index.ts'
import type { EthereumClient } from '../ethereum/index.ts'
import { held, liedNode } from '../panel.ts'
import { accountUnder, storageUnder } from './under.ts'

/** Most games, from the newest back, that one look goes through for one that can be read. */
export const gamesMax = 32

export interface ProposedClientParts {
  readonly chain: OpChain
  /** Of the L1 that the rollup posts to. */
  readonly l1: Pick<EthereumClient, 'network' | 'storage' | 'code'>
  /** Of the rollup. Not believed. */
  readonly node: ProofNode
}

/**
 * A rollup of the OP stack by what was proposed on its L1: every answer is proven under a block whose output root stands in a
 * dispute game, read by proof from the final block of the L1 (`proposed`).
 *
 * Funds at risk: anybody can open a game with any claim. `verdict.game.status` says whether it can still be lost; wait for
 * `defended` before money hangs on it, by `head('defended')`.
 *
 * Calls throw what the L1 client throws; `client/not-provable` where no game can be read, `node/nonsense` for a block or a proof that
 * does not fit the claim.
 */
export interface ProposedClient {
  /** The newest block of a game that can be read. An open game whose block the node does not have is passed over for an older one. */
  readonly head: (status?: GameClaim['status']) => Promise<Verified<ProposedBlock, ProposedVerdict>>
  /** The account, or `null` when it provably does not exist. */
  readonly account: (
    address: Address,
    under?: Verified<ProposedBlock, ProposedVerdict>,
  ) => Promise<Verified<ProvenAccount | null, ProposedVerdict>>
  /** 32 bytes a slot. */
  readonly storage: (
    told: { readonly address: Address; readonly slots: readonly Slot[] },
    under?: Verified<ProposedBlock, ProposedVerdict>,
  ) => Promise<Verified<readonly Uint8Array[], ProposedVerdict>>
}

export function createProposedClient({ chain, l1, node }: ProposedClientParts): ProposedClient {
  if (l1.network.chainId !== chain.l1ChainId)
    throw new SdkError(
      'client/wrong-network',
      `${chain.name} posts to chain ${chain.l1ChainId}, not ${l1.network.chainId}.`,
    )

  const head: ProposedClient['head'] = async (status) => {
    const list = await l1.storage(chain.factory, [slotAt(chain.gameListPosition)], 'finalized')
    const count = Number(BigInt(toHex(list.value[0] as Uint8Array)))
    // Everything of one block: a game that is looked at in another may have another status.
    const at = { under: 'finalized', block: list.verdict.block.number } as const
    const indices = Array.from({ length: Math.min(count, gamesMax) }, (_, back) => count - 1 - back)
    const slots = indices.map((index) => gameSlot(chain, index))
    const words = indices.length > 0 ? (await l1.storage(chain.factory, slots, at)).value : []
    const unread: string[] = []
    let unfit: SdkError | null = null
    for (const word of words) {
      const game = listedGame(chain, word)
      if (!game.ok) {
        unread.push(game.reason)
        continue
      }
      const { address } = game.value
      const { value: code } = await l1.code(address, at)
      const read = await l1.storage(address, [statusSlot], at)
      const claim = claimOf({ chain, game: game.value, code, status: read.value[0] as Uint8Array })
      if (!claim.ok || (status && claim.value.status !== status)) {
        unread.push(claim.ok ? `it is ${claim.value.status}` : claim.reason)
        continue
      }
      const block = await blockOf(claim.value).catch((error: unknown) => {
        // Nobody knows yet who lies, the node or whoever opened the game: one that fits both may stand before it.
        if (claim.value.status !== 'open' || !(error instanceof SdkError) || error.code !== 'node/nonsense') throw error
        unfit ??= error
        return null
      })
      if (!block) continue
      const sources = [...read.verdict.sources, `${chain.name} node`]
      return { value: block, verdict: proposedVerdict({ l1: read.verdict, claim: claim.value, block, sources }) }
    }
    if (unfit) throw unfit
    throw new SdkError('client/not-provable', `Of the last ${gamesMax} games of ${chain.name}, none can be read.`, {
      notes: [
        `Of the newest: ${unread[0] ?? 'there is none'}.`,
        'Where all are of a type that is not read, the chain has changed its proofs: name the type in its `gameTypes`, or renew this package.',
        'Where they are open, wait until one is defended, or read under an open one and say so.',
      ],
    })
  }
  const blockOf = async (claim: GameClaim): Promise<ProposedBlock> => {
    const { number } = claim
    const [header, passer] = await Promise.all([node.header(number), node.proof(messagePasser, [], number)])
    if (!header) throw liedNode('it does not have the block that was proposed', { retryable: true })
    return held(claimedBlock(claim, { header, passerProof: passer.account }))
  }
  return {
    head,
    account: async (address, under) => {
      const { value: block, verdict } = under ?? (await head())
      const { value, proven } = await accountUnder(node, block.header, address)
      return { value, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
    },
    storage: async (told, under) => {
      const { value: block, verdict } = under ?? (await head())
      const { value, proven } = await storageUnder(node, block.header, told)
      return { value, verdict: { ...verdict, proven: [...proven, ...verdict.proven] } }
    },
  }
}
