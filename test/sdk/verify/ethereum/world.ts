import { keccak256 } from '../../../../sdk/crypto/engine.ts'
import { nobleEngine } from '../../../../sdk/crypto/index.ts'
import { blockHashOf, encodeHeader, type Header } from '../../../../sdk/evm/block.ts'
import { deploy, draft, prepare, seal, signingHash } from '../../../../sdk/evm/index.ts'
import { bloomOf, encodeReceipt, type Log, type Receipt } from '../../../../sdk/evm/receipt.ts'
import { accountOf } from '../../../../sdk/evm/sender.ts'
import { encodeRlp, quantity } from '../../../../sdk/rlp.ts'
import { buildTrie, orderedKey, orderedTrie, secureKey, type Trie } from '../../../../sdk/trie/index.ts'
import {
  type Address,
  address,
  type BlockHash,
  blockHash,
  chainId,
  fromHex,
  type Hex,
  type Slot,
  slot,
  toHex,
  wei,
} from '../../../../sdk/units.ts'
import { tokenBalanceSlot } from '../../../../sdk/verify/ethereum/state.ts'
import { historyContract, historySlot, type TrustedBlock, trustBlock } from '../../../../sdk/verify/ethereum/trusted.ts'
import { rollupOnL1 } from './rollup.ts'

export const alice = address(`0x${'a1'.repeat(20)}`)
export const bob = address(`0x${'b0'.repeat(20)}`)
export const nobody = address(`0x${'ee'.repeat(20)}`)
export const token = address(`0x${'70'.repeat(20)}`)
export const holding = 5_000_000n

/** Answers a call with the slot that its data names. */
export const slotReader = fromHex('0x5f355460005260206000f3')
/** Answers a call with the hash of the block whose number its data names. */
export const hashReader = fromHex('0x5f354060005260206000f3')
/** Answers `balanceOf` by its mapping at position 3. */
export const coin = address(`0x${'c0'.repeat(20)}`)
const coinCode = fromHex('0x6004355f52600360205260405f20545f5260205ff3')
export const hashes = address(`0x${'4a'.repeat(20)}`)
export const transferTopic = keccak256(new TextEncoder().encode('Transfer(address,address,uint256)'))

const none = new Uint8Array(0)

interface WorldAccount {
  readonly nonce: bigint
  readonly balance: bigint
  readonly code: Uint8Array
  readonly storage: ReadonlyMap<Slot, bigint>
}

/** A block of the world: its header, and what it holds. */
export interface WorldBlock {
  readonly header: Header
  readonly bytes: Uint8Array
  readonly hash: BlockHash
  readonly transactions: readonly Uint8Array[]
  readonly receipts: readonly Uint8Array[]
  /** Two in every even block. */
  readonly withdrawals: readonly Uint8Array[]
  readonly state: Trie
  readonly accounts: ReadonlyMap<Address, WorldAccount>
}

/** The blocks from 1 on. Every third has a transfer of the token; all keep the hashes of those before (EIP-2935). */
export function createWorld(count: number, timestampOf: (number: number) => number = (number) => number): WorldBlock[] {
  const blocks: WorldBlock[] = []
  for (let number = 1; number <= count; number++) {
    const accounts = accountsAt(number, blocks)
    const state = buildTrie([...accounts].map(([name, account]) => [secureKey(fromHex(name)), encodeAccount(account)]))
    const receipts = receiptsAt(number)
    const encoded = receipts.map(encodeReceipt)
    const transactions = receipts.map((_, at) => signedCall(2 * number + at))
    const withdrawals = withdrawalsAt(number)
    const header: Header = {
      era: 'prague',
      parentHash: blocks.at(-1)?.hash ?? blockHash(toHex(new Uint8Array(32))),
      ommersHash: new Uint8Array(32),
      miner: bob,
      stateRoot: state.root,
      transactionsRoot: orderedTrie(transactions).root,
      receiptsRoot: orderedTrie(encoded).root,
      logsBloom: bloomOf(receipts.flatMap(({ logs }) => logs)),
      difficulty: 0n,
      number,
      gasLimit: 30_000_000n,
      gasUsed: receipts.at(-1)?.cumulativeGasUsed ?? 0n,
      timestamp: BigInt(timestampOf(number)),
      extraData: none,
      mixHash: new Uint8Array(32),
      nonce: new Uint8Array(8),
      baseFeePerGas: wei(7n),
      withdrawalsRoot: orderedTrie(withdrawals).root,
      blobGasUsed: 0n,
      excessBlobGas: 0n,
      parentBeaconBlockRoot: new Uint8Array(32),
      requestsHash: new Uint8Array(32),
    }
    const bytes = encodeHeader(header)
    blocks.push({
      header,
      bytes,
      hash: blockHashOf(bytes),
      transactions,
      receipts: encoded,
      withdrawals,
      state,
      accounts,
    })
  }
  return blocks
}

function withdrawalsAt(number: number): readonly Uint8Array[] {
  if (number % 2) return []
  return [alice, bob].map((account, at) =>
    encodeRlp([quantity(2 * number + at), quantity(at), fromHex(account), quantity(7n * 10n ** 9n)]),
  )
}

/** Sends all transactions of the world. */
export const sender = accountOf(nobleEngine.uncompressed(nobleEngine.publicKey(secret())))

function secret(): Uint8Array {
  return new Uint8Array(32).fill(7)
}

/** The first of a block calls the token, the second makes a contract. */
function signedCall(nonce: number): Uint8Array {
  const wish = nonce % 2 ? deploy(slotReader) : draft({ to: token, data: Uint8Array.of(nonce) })
  const fees = { maxFeePerGas: wei(30n), maxPriorityFeePerGas: wei(2n) }
  const prepared = prepare(wish, {
    chainId: chainId(1),
    fork: 'prague',
    from: sender,
    nonce,
    gas: 90_000n,
    fees,
    accessList: [],
  })
  return seal(prepared, nobleEngine.sign(signingHash(prepared), secret())).bytes
}

/** What `eth_getProof` answers of an account. */
export function accountProof({ state }: WorldBlock, account: Address): readonly Uint8Array[] {
  return state.prove(secureKey(fromHex(account)))
}

export function slotProof({ accounts }: WorldBlock, account: Address, name: Slot): readonly Uint8Array[] {
  const held = accounts.get(account)
  return held ? storageTrie(held).prove(secureKey(fromHex(name))) : []
}

export function inclusionProof(items: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  return orderedTrie(items).prove(orderedKey(index))
}

export function codeOf({ accounts }: WorldBlock, account: Address): Uint8Array {
  return accounts.get(account)?.code ?? none
}

export function paddedSlot(number: bigint): Slot {
  return slot(`0x${number.toString(16).padStart(64, '0')}`)
}

function accountsAt(number: number, before: readonly WorldBlock[]): ReadonlyMap<Address, WorldAccount> {
  const holder = tokenBalanceSlot({ owner: alice, position: 3n })
  const history = before.map(({ header, hash }) => [historySlot(header.number), BigInt(hash)] as const)
  return new Map<Address, WorldAccount>([
    [alice, { nonce: 7n, balance: 10n ** 18n + BigInt(number), code: none, storage: new Map() }],
    [bob, { nonce: 0n, balance: 1n, code: none, storage: new Map() }],
    [
      token,
      {
        nonce: 1n,
        balance: 0n,
        code: slotReader,
        storage: new Map([
          [holder, holding],
          [paddedSlot(1n), 9n],
        ]),
      },
    ],
    [coin, { nonce: 1n, balance: 0n, code: coinCode, storage: new Map([[holder, holding]]) }],
    [hashes, { nonce: 1n, balance: 0n, code: hashReader, storage: new Map() }],
    ...rollupOnL1,
    [historyContract, { nonce: 1n, balance: 0n, code: Uint8Array.of(0), storage: new Map(history) }],
  ])
}

function receiptsAt(number: number): readonly Receipt[] {
  const topics = [transferTopic, padded(alice), padded(bob)]
  const transfer: Log = { address: token, topics, data: Uint8Array.of(number) }
  const other: Log = { address: bob, topics: [], data: none }
  const logs = [[other], number % 3 === 0 ? [other, transfer] : []]
  return logs.map((logs, at) => ({
    type: 'eip1559',
    outcome: 'succeeded',
    cumulativeGasUsed: BigInt(21_000 * (at + 1)),
    logs,
  }))
}

function padded(account: Address): Uint8Array {
  return fromHex(`0x${'00'.repeat(12)}${account.slice(2)}` as Hex)
}

function encodeAccount(account: WorldAccount): Uint8Array {
  const { nonce, balance, code } = account
  return encodeRlp([quantity(nonce), quantity(balance), storageTrie(account).root, keccak256(code)])
}

function storageTrie({ storage }: WorldAccount): Trie {
  return buildTrie([...storage].map(([name, value]) => [secureKey(fromHex(name)), encodeRlp(quantity(value))] as const))
}

/** What a final header of a test network stands for. */
export const finalStanding = {
  level: 'finalized',
  anchor: { kind: 'checkpoint', network: 'test', slot: 1, root: '0x' },
  participation: { signed: 32, of: 32 },
} as const

/** A block of the world, under a final header. */
export function trusted({ bytes, hash }: WorldBlock): TrustedBlock {
  const held = trustBlock({ bytes, expected: hash, standing: finalStanding })
  if (!held.ok) throw new Error(held.reason)
  return held.value
}
