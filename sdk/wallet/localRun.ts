import type { Access, CodeHashes, TemplateBook } from '../batch/index.ts'
import type { Machines } from '../client/ethereum/index.ts'
import { keccak256 } from '../crypto/engine.ts'
import { invariant } from '../errors.ts'
import { type AccessList, type Fork, gasTables, type Header } from '../evm/index.ts'
import type { EvmNode, NodeCall } from '../ports.ts'
import { type Address, type ChainId, fromHex, type Hex, isHex, toHex } from '../units.ts'
import {
  type Block,
  callOnPart,
  type Executed,
  type Outcome,
  pieceKey,
  type StatePart,
  type StatePiece,
} from '../vm/index.ts'
import { inParallel } from './pool.ts'

/** Most rounds of fetching for one run. A call through a router to a pair of tokens needs about eight. */
export const localRoundsMax = 48
/** Most pieces of state that one run may look at, wrong guesses included. */
export const localPiecesMax = 4_096
/** Pieces that are open at the node at once; an account is three questions. */
const piecesInFlightMax = 8

/** The state after one block, asked of a node piece by piece, each piece once. */
export interface BlockState {
  readonly header: Header
  readonly piece: (piece: StatePiece) => Promise<Piece>
  /** Of an account that was fetched. */
  readonly codeHashOf: CodeHashes
}

type Piece = Account | Uint8Array
type Account = NonNullable<ReturnType<StatePart['accounts']['get']>>

/** A reader of the state after a block. It keeps what it is told as long as it lives, so it should not outlive a question. */
export function blockState(evm: EvmNode, header: Header): BlockState {
  const asked = new Map<string, Promise<Piece>>()
  const codeHashes = new Map<Address, Hex>()
  const fetched = async (piece: StatePiece) => {
    const told = await fetchPiece(evm, header, piece)
    if (piece.kind === 'account' && 'codeHash' in told) codeHashes.set(piece.address, told.codeHash)
    return told
  }
  return {
    header,
    codeHashOf: (account) => codeHashes.get(account),
    piece: (piece) => {
      const key = `${piece.kind} ${pieceKey(piece)}`
      const known = asked.get(key)
      if (known) return known
      const answer = fetched(piece)
      asked.set(key, answer)
      return answer
    },
  }
}

async function fetchPiece(evm: EvmNode, { number, parentHash }: Header, piece: StatePiece): Promise<Piece> {
  switch (piece.kind) {
    case 'account': {
      const { nonce, balance, code } = await evm.account(piece.address, number)
      // Hashed here: the machine keeps code by its hash, and nobody else's word may decide which it runs.
      return { nonce: BigInt(nonce), balance, codeHash: toHex(keccak256(code)), code }
    }
    case 'slot':
      return evm.slot(piece.address, piece.slot, number)
    case 'block-hash': {
      if (piece.number === BigInt(number) - 1n) return fromHex(parentHash)
      const told = await evm.request('eth_getBlockByNumber', [`0x${piece.number.toString(16)}`, false])
      const hash = (told as { readonly hash?: unknown } | null)?.hash
      return isHex(hash, 32) ? fromHex(hash) : new Uint8Array(32)
    }
  }
}

/**
 * What a call is foretold to look at, by what earlier runs of the same code have taught. The code is looked up first, as it
 * is in this state; the run that starts from the forecast is what checks the rest of it.
 */
export async function foretold(
  book: TemplateBook,
  state: BlockState,
  { from, to, data }: NodeCall,
): Promise<Access | undefined> {
  if (to === null || data.length === 0) return undefined
  await state.piece({ kind: 'account', address: to })
  const codeHash = state.codeHashOf(to)
  const template = codeHash === undefined ? undefined : book.find({ from, to, data }, codeHash)
  if (!template) return undefined
  await inParallel(template.codes, piecesInFlightMax, ({ account }) =>
    state.piece({ kind: 'account', address: account }),
  )
  return book.forecast({ from, to, data }, state.codeHashOf)
}

/** Lets a book learn from a run. A creation teaches nothing. */
export function learnFrom(book: TemplateBook, state: BlockState, { from, to, data }: NodeCall, run: Executed): void {
  if (to !== null) book.learn({ call: { from, to, data }, access: run.access, codeHashOf: state.codeHashOf })
}

export interface LocalRun {
  readonly machines: Machines
  readonly chain: { readonly id: ChainId; readonly fork: Fork }
  readonly state: BlockState
  readonly call: NodeCall
  /** `undefined`: as much as a transaction may have. */
  readonly gas: bigint | undefined
  /** Places that it is expected to look at, fetched in the first round. Wrong ones cost a question each. */
  readonly expected: AccessList
}

/**
 * Runs a call on the user's machine, on state that is fetched as far as the run looks at it: run, learn what is missing, fetch
 * all of it in one round, run again.
 *
 * Nothing when that is no way: the call carries what a machine's call does not (authorizations, an access list), is
 * refused there, needs a contract that cannot be loaded, or looks at more than {@link localPiecesMax} pieces or for more than
 * {@link localRoundsMax} rounds. Throws what the node throws.
 */
export async function runLocally(run: LocalRun): Promise<Executed | null> {
  const { machines, chain, state, call } = run
  const block = blockOf(chain.id, state.header)
  if (!block || call.authorizations || call.accessList) return null
  const message = { ...call, gas: run.gas ?? gasOf(chain.fork, block.gasLimit) }
  const part = { accounts: new Map(), slots: new Map(), blockHashes: new Map() }
  const precompiles: number[] = []
  let machine = await machines(chain.fork, [])
  let wanted = startOf(run)
  for (let round = 0; round < localRoundsMax; round++) {
    const size = part.accounts.size + part.slots.size + part.blockHashes.size
    if (size + wanted.length > localPiecesMax) return null
    const fetched = await inParallel(wanted, piecesInFlightMax, (piece) => state.piece(piece))
    wanted.forEach((piece, at) => {
      learn(part, piece, fetched[at])
    })
    const ran = callOnPart(machine, message, block, part)
    if (ran.kind === 'missing') {
      wanted = ran.pieces
      continue
    }
    const needed = neededBy(ran.outcome)
    if (needed === undefined) return ran.outcome.kind === 'executed' ? ran.outcome : null
    if (precompiles.includes(needed)) return null // It was asked for, and is not there.
    precompiles.push(needed)
    machine = await machines(chain.fork, precompiles)
    wanted = []
  }
  return null
}

function neededBy(outcome: Outcome): number | undefined {
  return outcome.kind === 'needs' ? outcome.precompile : undefined
}

/** What every run looks at, and what is expected of this one. */
function startOf({ call, expected, state }: LocalRun): readonly StatePiece[] {
  const pieces = new Map<string, StatePiece>()
  const add = (piece: StatePiece) => pieces.set(pieceKey(piece), piece)
  for (const address of [call.from, state.header.miner, ...(call.to === null ? [] : [call.to])])
    add({ kind: 'account', address })
  for (const { address, slots } of expected) {
    add({ kind: 'account', address })
    for (const slot of slots) add({ kind: 'slot', address, slot })
  }
  return [...pieces.values()]
}

function learn(
  part: {
    readonly accounts: Map<string, Account | null>
    readonly slots: Map<string, Uint8Array>
    readonly blockHashes: Map<string, Uint8Array>
  },
  piece: StatePiece,
  told: Piece | undefined,
): void {
  invariant(told !== undefined, 'every piece asked for is fetched')
  const key = pieceKey(piece)
  if ('nonce' in told) part.accounts.set(key, told)
  else (piece.kind === 'slot' ? part.slots : part.blockHashes).set(key, told)
}

/** The block that a call at the head of the chain sees; nothing for rules from before Cancun. */
function blockOf(chainId: ChainId, header: Header): Block | undefined {
  if (!('excessBlobGas' in header)) return undefined
  const { miner, gasLimit, timestamp, baseFeePerGas, mixHash, excessBlobGas } = header
  return {
    chainId,
    number: BigInt(header.number),
    timestamp,
    miner,
    gasLimit,
    baseFeePerGas,
    prevRandao: mixHash,
    excessBlobGas,
    hashOf: () => undefined,
  }
}

function gasOf(fork: Fork, blockGasLimit: bigint): bigint {
  const { gasLimitMax } = gasTables[fork]
  return gasLimitMax !== null && gasLimitMax < blockGasLimit ? gasLimitMax : blockGasLimit
}
