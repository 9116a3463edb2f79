import { accepted, type Decoded, refused } from '../../errors.ts'
import { emptyTrieRoot } from '../../trie/index.ts'
import { type Address, fromHex, type Hex, type Slot, sameBytes, toHex } from '../../units.ts'
import { type Account, blobPrices, type Machine, type Message } from '../../vm/index.ts'
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

/** A place that the call looks at and nobody has shown. Show it, and run again. */
export type MissingPlace =
  | { readonly kind: 'account'; readonly address: Address }
  | { readonly kind: 'code'; readonly address: Address }
  | { readonly kind: 'slot'; readonly address: Address; readonly slot: Slot }

/** What came of a run: an answer, or what is missing for one. */
export type CallRun =
  | { readonly kind: 'done'; readonly value: ProvenCall }
  | { readonly kind: 'needs-place'; readonly place: MissingPlace }
  | { readonly kind: 'needs-precompile'; readonly precompile: number }

/**
 * Runs a call on the proven state after a block, as `eth_call` does: nobody signs or pays for it. Never throws for
 * evidence that does not hold.
 *
 * Every place that it looks at is proven under the block's state root; one that is not shown ends the run with its name.
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
  const state = provenState(block, evidence.accounts)
  if (!state.ok) return state
  const { account, code, storage, hashOf } = state.value
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
    hashOf,
  }
  try {
    const outcome = machine.call(evidence.message, environment, { account, code, storage })
    if (outcome.kind === 'needs') return accepted({ kind: 'needs-precompile', precompile: outcome.precompile })
    if (outcome.kind === 'refused') return refused(`the call cannot run: ${outcome.code}`)
    const { status, output, gasUsed } = outcome
    return accepted({ kind: 'done', value: { status, output, gasUsed } })
  } catch (error) {
    if (error instanceof Missing) return accepted({ kind: 'needs-place', place: error.place })
    throw error
  }
}

/** Ends a run at a place that nobody has shown: the machine lets it through. */
class Missing extends Error {
  readonly place: MissingPlace

  constructor(place: MissingPlace) {
    super('a place of the state is not shown')
    this.place = place
  }
}

interface Shown {
  readonly account: ProvenAccount | null
  readonly slots: ReadonlyMap<Slot, Uint8Array>
}

/** Proves all that is shown before anything runs. */
function provenState(block: TrustedBlock, accounts: readonly AccountEvidence[]) {
  const places = accounts.reduce((sum, { slots }) => sum + 1 + slots.length, 0)
  if (places > callPlacesMax) return refused(`more than ${callPlacesMax} places are shown`)
  const shown = new Map<Address, Shown>()
  const codes = new Map<Hex, Uint8Array>()
  for (const { address, proof, code, slots } of accounts) {
    const account = verifyAccount({ stateRoot: block.header.stateRoot, address, proof })
    if (!account.ok) return account
    const read = readSlots(account.value, slots)
    if (!read.ok) return read
    if (code.length > 0) {
      if (!account.value) return refused('code is shown of an account that does not exist')
      const held = verifyCode(account.value, code)
      if (!held.ok) return held
      codes.set(toHex(account.value.codeHash), code)
    }
    shown.set(address, { account: account.value, slots: read.value })
  }
  return accepted(stateOf(block, shown, codes))
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

function stateOf(block: TrustedBlock, shown: ReadonlyMap<Address, Shown>, codes: ReadonlyMap<Hex, Uint8Array>) {
  const find = (address: Address): Shown => {
    const found = shown.get(address)
    if (!found) throw new Missing({ kind: 'account', address })
    return found
  }
  const storage = (address: Address, slot: Slot): Uint8Array => {
    const { account, slots } = find(address)
    const word = slots.get(slot) ?? (account ? undefined : new Uint8Array(32))
    if (!word) throw new Missing({ kind: 'slot', address, slot })
    return word
  }
  const owners = new Map(
    [...shown].map(([address, { account }]) => [account ? toHex(account.codeHash) : null, address]),
  )
  return {
    storage,
    account: (address: Address): Account | undefined => {
      const { account } = find(address)
      return account
        ? { ...accountOf(account), hasStorage: !sameBytes(account.storageRoot, emptyTrieRoot()) }
        : undefined
    },
    code: (hash: Hex): Uint8Array => {
      const code = codes.get(hash)
      const address = owners.get(hash)
      if (code) return code
      if (!address) throw new Missing({ kind: 'account', address: historyContract })
      throw new Missing({ kind: 'code', address })
    },
    hashOf: (number: bigint): Uint8Array | undefined => {
      if (number === BigInt(block.header.number) - 1n) return fromHex(block.header.parentHash)
      // From Prague on, the history contract holds more hashes than the instruction tells.
      return storage(historyContract, historySlot(Number(number)))
    },
  }
}

function accountOf({ nonce, balance, codeHash }: ProvenAccount) {
  return { nonce, balance, codeHash: toHex(codeHash) }
}
