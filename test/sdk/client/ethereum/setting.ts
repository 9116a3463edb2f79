import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { SdkError } from '../../../../sdk/errors.ts'
import type { BeaconNode, ProofNode } from '../../../../sdk/ports.ts'
import { chainId, type Hex, toHex } from '../../../../sdk/units.ts'
import { periodAt, timeOf } from '../../../../sdk/verify/ethereum/network.ts'
import {
  bootstrapJson,
  finalityUpdateJson,
  type Signing,
  type TestBlock,
  testBlock,
  testNetwork,
  updateJson,
} from '../../verify/ethereum/beacon.ts'
import { accountProof, codeOf, createWorld, slotProof, type WorldBlock } from '../../verify/ethereum/world.ts'

/** The first slot of Electra, whose period the client begins a period before. */
export const first = 3 * 64
export const world = createWorld(14, (number) => timeOf(testNetwork, first + number))
export const finalBlock = world[11] as WorldBlock
export const youngest = world[13] as WorldBlock
export const olderBlock = world[4] as WorldBlock

function beaconBlock(slot: number, block: WorldBlock, finalized: TestBlock | null = null): TestBlock {
  return testBlock({ slot, finalized, execution: { header: block.header, hash: block.hash } })
}

export const checkpoint = testBlock({ slot: 2 * 64 })
/** A minute or so after the youngest block. */
export const now = (timeOf(testNetwork, first + 34) + 1) * 1_000
export const clock = { now: () => now }

interface Telling {
  readonly branch?: number
  readonly signing?: Signing
}

const honest = /* @__PURE__ */ messagesOf({})
const passed = testBlock({ slot: 150, finalized: testBlock({ slot: 136 }) })
const passedUpdate = updateJson(passed)

/** Signing takes longer than judging: each message is made once. */
function messagesOf({ branch = 0, signing = {} }: Telling) {
  const final = beaconBlock(first + 12, branch ? olderBlock : finalBlock)
  const attested = beaconBlock(first + 30, youngest, final)
  const [update, finality] = [updateJson(attested, signing), finalityUpdateJson(attested, signing)]
  const { finalized_header: _, finality_branch: __, ...optimistic } = finality
  return { update, finality, optimistic }
}

/** What one beacon node tells, honest unless it is told otherwise. */
export function beaconNode(told?: Telling): BeaconNode {
  const { update, finality, optimistic } = told ? messagesOf(told) : honest
  return {
    genesis: async () => toHex(testNetwork.genesisValidatorsRoot),
    finalizedRoot: async () => toHex(checkpoint.root),
    bootstrap: async (root) => {
      if (root !== toHex(checkpoint.root)) throw new SdkError('node/refused', 'The beacon node knows no such block.')
      return bootstrapJson(checkpoint)
    },
    updates: async (period, count) =>
      [passedUpdate, update]
        .filter((_, at) => 2 + at >= period && 2 + at <= periodAt(testNetwork, first))
        .slice(0, count),
    finalityUpdate: async () => finality,
    optimisticUpdate: async () => optimistic,
  }
}

/** A node of the world that answers as an honest one does. */
export function proofNodeOf(blocks: readonly WorldBlock[] = world): ProofNode {
  const find = (which: Hex | number) =>
    blocks.find(({ hash, header }) => (typeof which === 'number' ? header.number === which : hash === which))
  const at = (number: number): WorldBlock => {
    const block = find(number)
    if (!block) throw new SdkError('node/refused', 'The node has no such block.')
    return block
  }
  return {
    chainId: async () => chainId(1),
    header: async (which) => find(which)?.bytes,
    block: async (which) => {
      const block = find(which)
      if (!block) return undefined
      const { hash, header, bytes, transactions, receipts, withdrawals } = block
      return { number: header.number, hash, header: bytes, transactions, receipts, withdrawals }
    },
    receipts: async (which) => find(which)?.receipts ?? [],
    proof: async (account, slots, number) => ({
      account: accountProof(at(number), account),
      slots: slots.map((name) => slotProof(at(number), account, name)),
    }),
    code: async (account, number) => codeOf(at(number), account),
    blockOf: async (hash) => blocks.find(({ transactions }) => transactions.some((raw) => hashOf(raw) === hash))?.hash,
    places: async () => [],
  }
}

export function hashOf(raw: Uint8Array): Hex {
  return toHex(keccak256(raw))
}
