import { accepted, type Decoded, refused } from '../../errors.ts'
import { emptyTrieRoot } from '../../trie/index.ts'
import { type Address, fromHex, type Slot, sameBytes, toHex } from '../../units.ts'
import {
  type Account,
  blobPrices,
  callOnPart,
  emptyCodeHash,
  type Machine,
  type Message,
  pieceKey,
  type StatePart,
  type StatePiece,
} from '../../vm/index.ts'
import { type BeaconNetwork, evmRulesAt } from './network.ts'
import { type ProvenAccount, verifyAccount, verifyCode, verifySlot } from './state.ts'
import { historyContract, historySlot, type TrustedBlock } from './trusted.ts'

/** Most accounts, and most slots of all of them, that one call may be shown. */
export const callPlacesMax = 4_096

/** What is shown of an account. */
export interface AccountEvidence {
  readonly address: Address
  readonly proof: readonly Uint8Array[]
  /** Its code, empty until it is needed. */
  readonly code: Uint8Array
  readonly slots: readonly SlotEvidence[]
}

export interface SlotEvidence {
  readonly slot: Slot
  readonly proof: readonly Uint8Array[]
}

/** A call, and the places of the state that it looks at. */
export interface CallEvidence {
  readonly message: Message
  readonly accounts: readonly AccountEvidence[]
}

/** What a call came to on the state of a block. */
export interface ProvenCall {
  readonly status: 'succeeded' | 'failed'
  /** What the code returned, or reverted with. */
  readonly output: Uint8Array
  readonly gasUsed: bigint
}

/** A place that the call looks at and nobody has shown. */
export type MissingPlace =
  | { readonly kind: 'account'; readonly address: Address }
  | { readonly kind: 'code'; readonly address: Address }
  | { readonly kind: 'slot'; readonly address: Address; readonly slot: Slot }

/**
 * What came of a run: an answer, or what is missing for one. `places` are as many as could be foretold; some may turn out
 * not to matter. Show them, and run again.
 */
export type CallRun =
  | { readonly kind: 'done'; readonly value: ProvenCall }
  | { readonly kind: 'needs-places'; readonly places: readonly MissingPlace[] }
  | { readonly kind: 'needs-precompile'; readonly precompile: number }

/**
 * Runs a call on the proven state after a block, as `eth_call` does: nobody signs or pays for it. Never throws for
 * evidence that does not hold.
 *
 * Every place that it looks at is proven under the block's state root; those that are not shown are answered by their names.
 * Refuses a machine of other rules than the block's, and blocks from before Cancun.
 */
export function runCall(told: {
  readonly network: BeaconNetwork
  readonly block: TrustedBlock
  readonly evidence: CallEvidence
  readonly machine: Machine
}): Decoded<CallRun> {
  const { network, block, evidence, machine } = told
  const { header } = block
  const rules = evmRulesAt(network, Number(header.timestamp))
  if (!rules || !('excessBlobGas' in header)) return refused('the block is older than the rules that are known')
  if (rules.fork !== machine.fork) return refused(`the block runs by the rules of ${rules.fork}, not ${machine.fork}`)
  const part = provenPart(block, evidence.accounts)
  if (!part.ok) return part
  const environment = {
    chainId: network.chainId,
    number: BigInt(header.number),
    timestamp: header.timestamp,
    miner: header.miner,
    gasLimit: header.gasLimit,
    baseFeePerGas: header.baseFeePerGas,
    prevRandao: header.mixHash,
    excessBlobGas: header.excessBlobGas,
    blobPrices: blobPrices[rules.blobs],
    hashOf: () => undefined,
  }
  const run = callOnPart(machine, evidence.message, environment, part.value)
  if (run.kind === 'missing') {
    const places = run.pieces.flatMap((piece) => placesOf(piece, part.value))
    if (places.length === 0) return refused('the call asks for the hash of a block that the state does not keep')
    return accepted({ kind: 'needs-places', places })
  }
  const { outcome } = run
  if (outcome.kind === 'needs') return accepted({ kind: 'needs-precompile', precompile: outcome.precompile })
  if (outcome.kind === 'refused') return refused(`the call cannot run: ${outcome.code}`)
  const { status, output, gasUsed } = outcome
  return accepted({ kind: 'done', value: { status, output, gasUsed } })
}

/**
 * Where a piece of the state is proven. The hash of a block stands in a slot of the history contract (EIP-2935), if that
 * was there at its time: a slot that was shown already holds nothing.
 */
function placesOf(piece: StatePiece, { accounts, slots }: StatePart): readonly MissingPlace[] {
  switch (piece.kind) {
    case 'account':
      return [accounts.get(piece.address) ? { ...piece, kind: 'code' } : piece]
    case 'slot':
      return [piece]
    case 'block-hash': {
      const place = { kind: 'slot', address: historyContract, slot: historySlot(Number(piece.number)) } as const
      return accounts.get(historyContract) === null || slots.has(pieceKey(place)) ? [] : [place]
    }
  }
}

/** Proves all that is shown before anything runs. */
function provenPart(block: TrustedBlock, shown: readonly AccountEvidence[]): Decoded<StatePart> {
  const places = shown.reduce((sum, { slots }) => sum + 1 + slots.length, 0)
  if (places > callPlacesMax) return refused(`more than ${callPlacesMax} places are shown`)
  const accounts = new Map<string, KnownAccount | null>()
  const slots = new Map<string, Uint8Array>()
  for (const evidence of shown) {
    const { address } = evidence
    const proven = verifyAccount({ stateRoot: block.header.stateRoot, address, proof: evidence.proof })
    if (!proven.ok) return proven
    const read = readSlots(proven.value, evidence.slots)
    if (!read.ok) return read
    for (const [slot, word] of read.value) slots.set(pieceKey({ kind: 'slot', address, slot }), word)
    const account = proven.value && knownAccount(proven.value, evidence.code)
    if (account && !account.ok) return account
    if (!account && evidence.code.length > 0) return refused('code is shown of an account that does not exist')
    accounts.set(address, account ? account.value : null)
  }
  return accepted({ accounts, slots, blockHashes: hashesBefore(block, slots) })
}

type KnownAccount = Account & { readonly code: Uint8Array | null }

/** An account as the machine takes it. Code that is not shown is known only where there is none. */
function knownAccount(account: ProvenAccount, shown: Uint8Array): Decoded<KnownAccount> {
  const { nonce, balance, storageRoot } = account
  const codeHash = toHex(account.codeHash)
  const isShown = shown.length > 0 || codeHash === emptyCodeHash
  const code = isShown ? verifyCode(account, shown) : accepted(null)
  if (!code.ok) return code
  const hasStorage = !sameBytes(storageRoot, emptyTrieRoot())
  return accepted({ nonce, balance, codeHash, hasStorage, code: code.value })
}

/** Most blocks back that the machine's instruction tells the hash of. */
const hashesBackMax = 256

/** The hashes that are shown: the last one stands in the header, the others in slots of the history contract. */
function hashesBefore(
  { header }: TrustedBlock,
  slots: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  const hashes = new Map<string, Uint8Array>()
  for (let number = header.number - 1; number >= 0 && number >= header.number - hashesBackMax; number--) {
    const key = pieceKey({ kind: 'slot', address: historyContract, slot: historySlot(number) })
    const hash = number === header.number - 1 ? fromHex(header.parentHash) : slots.get(key)
    if (hash?.some((byte) => byte > 0)) hashes.set(pieceKey({ kind: 'block-hash', number: BigInt(number) }), hash)
  }
  return hashes
}

function readSlots(account: ProvenAccount | null, slots: readonly SlotEvidence[]): Decoded<Map<Slot, Uint8Array>> {
  const words = new Map<Slot, Uint8Array>()
  for (const { slot, proof } of slots) {
    if (!account) return refused('slots are shown of an account that does not exist')
    const word = verifySlot({ storageRoot: account.storageRoot, slot, proof })
    if (!word.ok) return word
    words.set(slot, word.value)
  }
  return accepted(words)
}
