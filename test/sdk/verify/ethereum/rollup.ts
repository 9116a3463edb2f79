import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { nobleEngine } from '../../../../sdk/crypto/index.ts'
import { blockHashOf, encodeHeader, type Header } from '../../../../sdk/evm/block.ts'
import { accountOf } from '../../../../sdk/evm/sender.ts'
import { encodeRlp, quantity } from '../../../../sdk/rlp.ts'
import { buildTrie, orderedTrie, secureKey, type Trie } from '../../../../sdk/trie/index.ts'
import { type Address, address, blockHash, fromHex, type Slot, toHex, wei } from '../../../../sdk/units.ts'
import {
  base,
  gameSlot,
  messagePasser,
  type OpChain,
  slotAt,
  unsafeSignerSlot,
} from '../../../../sdk/verify/opstack/index.ts'

/** A rollup of the OP stack and what it posts, made here: no recorded game of a real chain is at hand. */
export const rollup: OpChain = {
  ...base,
  name: 'test rollup',
  systemConfig: address(`0x${'5c'.repeat(20)}`),
  factory: address(`0x${'fa'.repeat(20)}`),
  genesis: { number: 0, timestamp: 1_700_000_000 - 2_000 },
}
/** The same, with games of all types that can be read. */
export const superRollup: OpChain = { ...rollup, name: 'test rollup of super roots', gameTypes: [0, 4, 5, 7, 8, 9, 10] }
export const rollupSecret = new Uint8Array(32).fill(9)
/** Signs the rollup's blocks before they are on the L1. */
export const rollupSigner = accountOf(nobleEngine.uncompressed(nobleEngine.publicKey(rollupSecret)))
export const games = [
  address(`0x${'9a'.repeat(20)}`),
  address(`0x${'9b'.repeat(20)}`),
  address(`0x${'9c'.repeat(20)}`),
  address(`0x${'9d'.repeat(20)}`),
  address(`0x${'9e'.repeat(20)}`),
  address(`0x${'9f'.repeat(20)}`),
] as const
export const rollupAlice = address(`0x${'a2'.repeat(20)}`)

interface RollupAccount {
  readonly balance: bigint
  readonly code: Uint8Array
  readonly storage: ReadonlyMap<Slot, bigint>
}

const none = new Uint8Array(0)
const accounts: ReadonlyMap<Address, RollupAccount> = new Map([
  [messagePasser, { balance: 0n, code: Uint8Array.of(0), storage: new Map([[slotAt(7n), 1n]]) }],
  [rollupAlice, { balance: 77n, code: none, storage: new Map() }],
])

export function storageTrieOf(storage: ReadonlyMap<Slot, bigint>): Trie {
  return buildTrie([...storage].map(([name, value]) => [secureKey(fromHex(name)), encodeRlp(quantity(value))] as const))
}

export const rollupState: Trie = buildTrie(
  [...accounts].map(([name, { balance, code, storage }]) => {
    const account = encodeRlp([quantity(0), quantity(balance), storageTrieOf(storage).root, keccak256(code)])
    return [secureKey(fromHex(name)), account] as const
  }),
)

const header: Header = {
  era: 'prague',
  parentHash: blockHash(toHex(new Uint8Array(32))),
  ommersHash: new Uint8Array(32),
  miner: rollupAlice,
  stateRoot: rollupState.root,
  transactionsRoot: orderedTrie([]).root,
  receiptsRoot: orderedTrie([]).root,
  logsBloom: new Uint8Array(256),
  difficulty: 0n,
  number: 1_000,
  gasLimit: 30_000_000n,
  gasUsed: 0n,
  timestamp: 1_700_000_000n,
  extraData: none,
  mixHash: new Uint8Array(32),
  nonce: new Uint8Array(8),
  baseFeePerGas: wei(7n),
  withdrawalsRoot: new Uint8Array(32),
  blobGasUsed: 0n,
  excessBlobGas: 0n,
  parentBeaconBlockRoot: new Uint8Array(32),
  requestsHash: new Uint8Array(32),
}
export const rollupHeader: Uint8Array = encodeHeader(header)
const root = keccak256(
  Uint8Array.from([
    ...new Uint8Array(32),
    ...rollupState.root,
    ...storageTrieOf(accounts.get(messagePasser)?.storage ?? new Map()).root,
    ...fromHex(blockHashOf(rollupHeader)),
  ]),
)

/** A stand-in for the clone, its arguments, and how many bytes they and the count take. */
function cloneOf(...given: readonly Uint8Array[]): Uint8Array {
  const size = given.reduce((sum, { length }) => sum + length, 2)
  return Uint8Array.from([
    ...new Uint8Array(45).fill(0x5b),
    ...given.flatMap((one) => [...one]),
    size >> 8,
    size & 0xff,
  ])
}

const word = (value: bigint) => fromHex(slotAt(value))
const bytesOf = (value: bigint, size: number) => word(value).subarray(32 - size)
/** Who made the game, its claim, and the L1's block before it. */
const opening = (claim: Uint8Array) => [new Uint8Array(20).fill(0xc7), claim, new Uint8Array(32)]

/** The code of a game whose factory keeps no arguments for it. */
function gameCode(number: number): Uint8Array {
  return cloneOf(...opening(root), word(BigInt(number)))
}

/** The code of a game whose factory keeps arguments for it. */
function typedGameCode(type: number, number: bigint): Uint8Array {
  return cloneOf(...opening(root), bytesOf(BigInt(type), 4), word(number), new Uint8Array(124).fill(0xa5))
}

/** The code of a game that tells the roots on the way to the one that it claims. */
export function checkpointGameCode(...way: readonly Uint8Array[]): Uint8Array {
  return cloneOf(...opening(root), word(1_000n), new Uint8Array(20).fill(0x9a), ...way)
}

export { root as outputRoot }

/** The encoding of a super root, in the order given. */
export function superRootOf(
  outputs: readonly (readonly [chainId: number, root: Uint8Array])[],
  timestamp = 1_700_000_001n,
): Uint8Array {
  const all = outputs.flatMap(([chainId, output]) => [...word(BigInt(chainId)), ...output])
  return Uint8Array.from([1, ...bytesOf(timestamp, 8), ...all])
}

/** The rollup's output root, and those of two other chains; a second after the rollup's block. */
export const outputsTold = [
  [10, new Uint8Array(32).fill(0x10)],
  [rollup.chainId, root],
  [57_073, new Uint8Array(32).fill(0x57)],
] as const

/** The code of a game about a super root: after it come arguments whose number hangs on the version of the game. */
export function superGameCode(
  type: number,
  told: { readonly preimage?: Uint8Array; readonly claim?: Uint8Array; readonly rest?: number } = {},
): Uint8Array {
  const { preimage = superRootOf(outputsTold), claim = keccak256(preimage), rest = 124 } = told
  const parent = type === 10 ? bytesOf(0xffff_ffffn, 4) : none
  return cloneOf(...opening(claim), bytesOf(BigInt(type), 4), parent, preimage, new Uint8Array(rest).fill(0xa5))
}

const created = 1_700_001_000n
const listed = (type: bigint, game: Address) => (type << 224n) | (created << 160n) | BigInt(game)
const status = (value: bigint) => new Map([[slotAt(0n), (value << 128n) | created]])

/**
 * On the L1: the account that signs the rollup's blocks, the factory, and six games, from the oldest on: defended, open, and one of a
 * super root that was lost; then one whose factory keeps its arguments, one of a super root that is open, and one by a named account.
 */
export const rollupOnL1 = [
  [
    rollup.systemConfig,
    {
      nonce: 1n,
      balance: 0n,
      code: Uint8Array.of(0),
      storage: new Map([[unsafeSignerSlot, BigInt(rollupSigner)]]),
    },
  ],
  [
    rollup.factory,
    {
      nonce: 1n,
      balance: 0n,
      code: Uint8Array.of(0),
      storage: new Map([
        [slotAt(rollup.gameListPosition), 6n],
        [gameSlot(rollup, 0), listed(0n, games[0])],
        [gameSlot(rollup, 1), listed(0n, games[1])],
        [gameSlot(rollup, 2), listed(9n, games[2])],
        [gameSlot(rollup, 3), listed(8n, games[3])],
        [gameSlot(rollup, 4), listed(9n, games[4])],
        [gameSlot(rollup, 5), listed(5n, games[5])],
      ]),
    },
  ],
  [games[0], { nonce: 1n, balance: 0n, code: gameCode(1_000), storage: status(2n) }],
  [games[1], { nonce: 1n, balance: 0n, code: gameCode(1_000), storage: status(0n) }],
  [games[2], { nonce: 1n, balance: 0n, code: superGameCode(9), storage: status(1n) }],
  [games[3], { nonce: 1n, balance: 0n, code: typedGameCode(8, 1_000n), storage: status(2n) }],
  [games[4], { nonce: 1n, balance: 0n, code: superGameCode(9), storage: status(0n) }],
  [games[5], { nonce: 1n, balance: 0n, code: superGameCode(5, { rest: 40 }), storage: status(2n) }],
] as const
