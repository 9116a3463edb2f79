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
}
export const rollupSecret = new Uint8Array(32).fill(9)
/** Signs the rollup's blocks before they are on the L1. */
export const rollupSigner = accountOf(nobleEngine.uncompressed(nobleEngine.publicKey(rollupSecret)))
export const games = [
  address(`0x${'9a'.repeat(20)}`),
  address(`0x${'9b'.repeat(20)}`),
  address(`0x${'9c'.repeat(20)}`),
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

/** The code of a game: a stand-in for the clone, its arguments, and how many bytes they and the count take. */
function gameCode(number: number): Uint8Array {
  const words = [root, new Uint8Array(32), fromHex(slotAt(BigInt(number)))]
  return Uint8Array.from([
    ...new Uint8Array(45).fill(0x5b),
    ...new Uint8Array(20),
    ...words.flatMap((one) => [...one]),
    0,
    0x76,
  ])
}

const created = 1_700_001_000n
const listed = (type: bigint, game: Address) => (type << 224n) | (created << 160n) | BigInt(game)
const status = (value: bigint) => new Map([[slotAt(0n), (value << 128n) | created]])

/**
 * On the L1: the account that signs the rollup's blocks, the factory, and three games. The newest is of a type that is not read, the one before is open, the oldest was
 * defended.
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
        [slotAt(rollup.gameListPosition), 3n],
        [gameSlot(rollup, 0), listed(0n, games[0])],
        [gameSlot(rollup, 1), listed(0n, games[1])],
        [gameSlot(rollup, 2), listed(9n, games[2])],
      ]),
    },
  ],
  [games[0], { nonce: 1n, balance: 0n, code: gameCode(1_000), storage: status(2n) }],
  [games[1], { nonce: 1n, balance: 0n, code: gameCode(1_000), storage: status(0n) }],
  [games[2], { nonce: 1n, balance: 0n, code: gameCode(1_000), storage: status(1n) }],
] as const
