import { merkleBlock } from '../../../edge/local/ledger/block.ts'
import { txidBytes } from '../../../sdk/bitcoin/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import type { BitcoinCoinbase, BitcoinNode, BitcoinPlace } from '../../../sdk/ports.ts'
import { height, joinBytes, type Txid, txid } from '../../../sdk/units.ts'
import { hash256 } from '../../../sdk/verify/bitcoin/hash.ts'
import { merkleRoot } from '../../../sdk/verify/bitcoin/merkle.ts'
import { genesisCheckpoint } from '../../../sdk/verify/index.ts'
import { held } from '../../conformance/bitcoin.ts'
import { hashAt, mine, mineOn } from '../verify/bitcoin/regtest.ts'

/** A node that says what another one says, but for what it is told to say instead. */
export interface Turncoat {
  readonly node: BitcoinNode
  /** From now on. `null`: the truth. */
  readonly say: (lie: Partial<BitcoinNode> | null) => void
  /** How often each question was asked. */
  readonly asked: Map<keyof BitcoinNode, number>
}

export function turncoat(honest: BitcoinNode): Turncoat {
  let lie: Partial<BitcoinNode> = {}
  const asked = new Map<keyof BitcoinNode, number>()
  const via =
    (name: keyof BitcoinNode) =>
    // biome-ignore lint/suspicious/noExplicitAny: one wrapper for every method of the port.
    (...args: any[]) => {
      asked.set(name, (asked.get(name) ?? 0) + 1)
      // biome-ignore lint/suspicious/noExplicitAny: the same.
      return ((lie[name] ?? honest[name]) as any)(...args)
    }
  const names = Object.keys(honest) as (keyof BitcoinNode)[]
  const node = Object.fromEntries(names.map((name) => [name, via(name)])) as unknown as BitcoinNode
  return {
    node,
    asked,
    say: (next) => {
      lie = next ?? {}
    },
  }
}

/** A node that is not there. */
export const down: Partial<BitcoinNode> = Object.fromEntries(
  ['tip', 'headers', 'inclusion', 'transaction', 'spend', 'broadcast', 'feeEstimates', 'minFeerate'].map((name) => [
    name,
    async () => {
      throw new SdkError('node/unreachable', 'The node did not answer.', { retryable: true })
    },
  ]),
)

/** The same bytes, with one bit of one of them turned over. */
export function spoilt(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

/** What a lie is about. */
export interface Facts {
  readonly honest: BitcoinNode
  readonly tip: BitcoinPlace
  /** A mined transaction that pays for a channel. */
  readonly funding: Txid
  /** A mined transaction that has nothing to do with it. */
  readonly other: Txid
}

/** A way to lie, and what the client says of it. */
export interface Lie {
  readonly name: string
  readonly refusal: RegExp
  readonly tell: (facts: Facts) => Promise<Partial<BitcoinNode>>
}

const nowhere = new Uint8Array(32).fill(0x5a)

/** A node with more headers than there are: those that `make` gives come after the tip. */
function longer(make: (facts: Facts, time: number) => Uint8Array): Lie['tell'] {
  return async (facts) => {
    const { honest, tip } = facts
    const last = await honest.headers(tip.height, 1)
    const time = new DataView(last.buffer, last.byteOffset).getUint32(68, true) + 1
    return {
      tip: async () => ({ height: height(tip.height + 1), hash: nowhere }),
      headers: async (first, count) => joinBytes(await honest.headers(first, count), make(facts, time)),
    }
  }
}

const headerLies: readonly Lie[] = [
  { name: 'a block without its header', refusal: /has no header of it/, tell: longer(() => new Uint8Array(0)) },
  {
    name: 'a header without work',
    refusal: /has not the work/,
    tell: longer(({ tip }, time) => mine({ previous: tip.hash, time }, 'missing')),
  },
  {
    name: 'a header with a target of its own',
    refusal: /target/,
    tell: longer(({ tip }, time) => mine({ previous: tip.hash, time, bits: 0x1d00_ffff })),
  },
  {
    name: 'a header that follows another',
    refusal: /names another header before it/,
    tell: longer((_, time) => mine({ previous: nowhere, time })),
  },
  { name: 'half a header', refusal: /headers of 80 bytes/, tell: longer(() => new Uint8Array(40)) },
  { name: 'too many headers', refusal: /headers of 80 bytes/, tell: longer(() => new Uint8Array(80 * 100_000)) },
]

/** Says that a block holds the funding, whatever block that is. */
function proving(proof: (facts: Facts, honest: Uint8Array) => Uint8Array | Promise<Uint8Array>): Lie['tell'] {
  return async (facts) => {
    const told = await facts.honest.inclusion(facts.funding)
    if (!told) throw new Error('The funding is not mined.')
    const merkleBlock = await proof(facts, told.merkleBlock)
    return { inclusion: async () => ({ ...told, merkleBlock }) }
  }
}

/** A block nobody else has seen, with the funding in it and work to show. */
function forgedBlock({ funding }: Facts, previous: Uint8Array, at: number) {
  const leaves = [nowhere, txidBytes(funding)]
  const time = 1_296_688_602 + 600 * at
  return { leaves, header: mine({ previous, time, merkleRoot: held(merkleRoot(leaves)) }) }
}

const proofLies: readonly Lie[] = [
  {
    name: 'a proof with another root',
    refusal: /does not lead to the root/,
    tell: proving((_, proof) => spoilt(proof, 40)),
  },
  { name: 'a proof cut short', refusal: /cannot be read/, tell: proving((_, proof) => proof.slice(0, -1)) },
  { name: 'no proof at all', refusal: /cannot be read/, tell: proving(() => new Uint8Array(0)) },
  { name: 'a huge proof', refusal: /larger than any/, tell: proving(() => new Uint8Array(5_000_000)) },
  {
    name: 'the proof of another transaction',
    refusal: /of another transaction/,
    tell: proving(async ({ honest, other }) => (await honest.inclusion(other))?.merkleBlock ?? new Uint8Array(0)),
  },
  {
    name: 'a block that is not in the chain',
    refusal: /chain of most work does not hold/,
    tell: proving((facts) => {
      const { header, leaves } = forgedBlock(facts, facts.tip.hash, facts.tip.height + 1)
      return merkleBlock(header, leaves, 1)
    }),
  },
  {
    name: 'a chain of less work, with a block that holds it',
    refusal: /chain of most work does not hold/,
    tell: async (facts) => {
      const genesis = hash256(genesisCheckpoint('regtest').header)
      const branch = mineOn(genesis, 0, 20)
      const { header, leaves } = forgedBlock(facts, hashAt(branch), 21)
      const all = joinBytes(branch, header)
      const place = { height: height(21), hash: hashAt(all) }
      return {
        tip: async () => place,
        headers: async (first, count) => all.slice(80 * (first - 1), 80 * (first - 1 + count)),
        inclusion: async () => ({ ...place, merkleBlock: merkleBlock(header, leaves, 1) }),
      }
    },
  },
  {
    name: 'another transaction under the txid',
    refusal: /does not lead to the root/,
    tell: async ({ honest, other }) => ({ transaction: () => honest.transaction(other) }),
  },
  { name: 'no transaction', refusal: /does not have/, tell: async () => ({ transaction: async () => undefined }) },
  {
    name: 'a transaction cut short',
    refusal: /ends|short|missing|beyond/,
    tell: async ({ honest }) => ({ transaction: async (id) => (await honest.transaction(id))?.slice(0, -1) }),
  },
  {
    name: 'a huge transaction',
    refusal: /larger than a block/,
    tell: async () => ({ transaction: async () => new Uint8Array(5_000_000) }),
  },
]

/** Says that the first transaction of the block is another, or is shown otherwise. */
function beginning(
  coinbase: (facts: Facts, honest: BitcoinCoinbase) => BitcoinCoinbase | undefined | Promise<BitcoinCoinbase>,
): Lie['tell'] {
  return async (facts) => ({
    coinbase: async (block) => {
      const told = await facts.honest.coinbase(block)
      return told && coinbase(facts, told)
    },
  })
}

const coinbaseLies: readonly Lie[] = [
  { name: 'no coinbase', refusal: /first one it does not have/, tell: beginning(() => undefined) },
  {
    name: 'a payment in the place of the coinbase',
    refusal: /proof of the coinbase is of another|coinbase is not proven/,
    tell: beginning(async ({ honest, funding }) => ({
      transaction: (await honest.transaction(funding)) ?? nowhere,
      merkleBlock: (await honest.inclusion(funding))?.merkleBlock ?? nowhere,
    })),
  },
  {
    name: 'a coinbase at another depth',
    refusal: /coinbase is not proven|another depth/,
    tell: beginning((_, told) => {
      // One leaf where the block has more: its tree has no level at all.
      const single = merkleBlock(told.merkleBlock.slice(0, 80), [hash256(told.transaction)], 0)
      return { ...told, merkleBlock: single }
    }),
  },
  {
    name: 'a huge coinbase',
    refusal: /coinbase is larger than a block/,
    tell: beginning((_, told) => ({ ...told, transaction: new Uint8Array(5_000_000) })),
  },
]

const spendLies: readonly Lie[] = [
  {
    name: 'a spend that does not spend',
    refusal: /does not spend the output/,
    tell: async ({ other, tip }) => ({ spend: async () => ({ txid: other, height: tip.height }) }),
  },
  {
    name: 'the funding as its own spend',
    refusal: /does not spend the output/,
    tell: async ({ funding, tip }) => ({ spend: async () => ({ txid: funding, height: tip.height }) }),
  },
]

/** Lies that are found out by themselves. */
export const lies: readonly Lie[] = [...headerLies, ...proofLies, ...coinbaseLies, ...spendLies]

/** Claims that no proof comes with, and that are worth nothing. */
export const claims: readonly Omit<Lie, 'refusal'>[] = [
  {
    name: 'a spend that is in no block',
    tell: async ({ other }) => ({ spend: async () => ({ txid: other, height: null }) }),
  },
  {
    name: 'a spend that nobody has',
    tell: async ({ tip }) => ({ spend: async () => ({ txid: txid('ab'.repeat(32)), height: tip.height }) }),
  },
]

/** A node that stopped at a height, some time ago. */
export function stuckAt(honest: BitcoinNode, place: BitcoinPlace): Partial<BitcoinNode> {
  const isOld = (at: number | null) => at !== null && at <= place.height
  return {
    tip: async () => place,
    headers: async (first, count) => honest.headers(first, Math.max(0, Math.min(count, place.height - first + 1))),
    inclusion: async (id) => {
      const told = await honest.inclusion(id)
      return told && isOld(told.height) ? told : undefined
    },
    spend: async (outpoint, script) => {
      const told = await honest.spend(outpoint, script)
      return told && isOld(told.height) ? told : undefined
    },
  }
}
