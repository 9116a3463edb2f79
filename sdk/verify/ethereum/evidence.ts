import { accepted, type Decoded, refused } from '../../errors.ts'
import type { Receipt } from '../../evm/receipt.ts'
import type { RlpItem } from '../../rlp.ts'
import { isBytes } from '../../rlp.ts'
import type { Address, Slot, TxHash } from '../../units.ts'
import type { Machine } from '../../vm/index.ts'
import type { Claim } from '../verdict.ts'
import { type VerifiedBlock, verifyBlock, verifyReceiptProof, verifyTransactionProof } from './block.ts'
import { type CallEvidence, callPlacesMax, type ProvenCall, runCall } from './call.ts'
import {
  type LogBlock,
  type LogFilter,
  logBlocksMax,
  logChoicesMax,
  type ProvenLog,
  verifyLogs,
  verifyReceipts,
} from './logs.ts'
import type { BeaconNetwork } from './network.ts'
import { account, bytes, count, list, optional, record, type Shape, scalar, slotName } from './shapes.ts'
import { type ProvenAccount, proofNodesMax, verifyAccount, verifyCode, verifySlot } from './state.ts'
import type { TrustedBlock } from './trusted.ts'

type Nodes = readonly Uint8Array[]

/** What shows an answer about one block. Everything in it may come from a liar. */
export type Evidence =
  | { readonly kind: 'account'; readonly address: Address; readonly proof: Nodes }
  | {
      readonly kind: 'storage'
      readonly address: Address
      readonly proof: Nodes
      readonly slots: readonly { readonly slot: Slot; readonly proof: Nodes }[]
    }
  | { readonly kind: 'code'; readonly address: Address; readonly proof: Nodes; readonly code: Uint8Array }
  | { readonly kind: 'transaction'; readonly index: number; readonly transaction: Uint8Array; readonly proof: Nodes }
  | {
      readonly kind: 'payment'
      readonly index: number
      readonly transaction: Uint8Array
      readonly transactionProof: Nodes
      readonly receipt: Uint8Array
      readonly receiptProof: Nodes
    }
  | { readonly kind: 'receipts'; readonly receipts: Nodes }
  | { readonly kind: 'logs'; readonly filter: LogFilter; readonly blocks: readonly LogBlock[] }
  | ({ readonly kind: 'call' } & CallEvidence)
  | {
      readonly kind: 'block'
      readonly transactions: Nodes
      readonly receipts: Nodes
      /** `null` where nobody told them. */
      readonly withdrawals: Nodes | null
    }

/** What evidence shows. */
export type Shown =
  | { readonly kind: 'account'; readonly value: ProvenAccount | null }
  | { readonly kind: 'storage'; readonly value: readonly { readonly slot: Slot; readonly word: Uint8Array }[] }
  | { readonly kind: 'code'; readonly value: Uint8Array }
  | {
      readonly kind: 'transaction'
      readonly value: { readonly index: number; readonly hash: TxHash; readonly transaction: Uint8Array }
    }
  | {
      readonly kind: 'payment'
      readonly value: {
        readonly index: number
        readonly hash: TxHash
        readonly transaction: Uint8Array
        readonly receipt: Receipt
      }
    }
  | { readonly kind: 'receipts'; readonly value: readonly Receipt[] }
  | { readonly kind: 'logs'; readonly value: readonly ProvenLog[] }
  | { readonly kind: 'call'; readonly value: ProvenCall }
  | { readonly kind: 'block'; readonly value: VerifiedBlock }

/**
 * Judges evidence about a trusted block. Never throws.
 *
 * Funds at risk: `payment` shows that a transaction is in the block and what it came to; whom it paid is for the reader
 * of the transaction and its logs to judge, and a block that is not final can go.
 *
 * @param machine - Of the block's rules; without one, calls are refused.
 */
export function verifyEvidence(told: {
  readonly network: BeaconNetwork
  readonly block: TrustedBlock
  readonly evidence: Evidence
  readonly machine?: Machine
}): Decoded<Shown & { readonly proven: readonly Claim[] }> {
  const { block, evidence } = told
  switch (evidence.kind) {
    case 'account': {
      const held = verifyAccount({ ...evidence, stateRoot: block.header.stateRoot })
      return shown('account', held, [held.ok && held.value === null ? 'account-absence' : 'account'])
    }
    case 'storage':
      return verifyStorage(block, evidence)
    case 'code':
      return verifyCodeOf(block, evidence)
    case 'transaction': {
      const held = verifyTransactionProof({ ...evidence, header: block.bytes })
      if (!held.ok) return held
      const { index, hash, transaction } = held.value.value
      return shown('transaction', accepted({ index, hash, transaction }), ['transaction-inclusion'])
    }
    case 'payment':
      return verifyPayment(block, evidence)
    case 'receipts':
      return shown('receipts', verifyReceipts(block.header, evidence.receipts), ['block-receipts'])
    case 'logs':
      return shown('logs', verifyLogs(block, evidence), ['logs-complete'])
    case 'call': {
      if (!told.machine) return refused('a call is judged by a machine, and none is handed in')
      const run = runCall({ ...told, evidence, machine: told.machine })
      if (!run.ok) return run
      if (run.value.kind !== 'done') return refused('the call looks at places that are not shown')
      return shown('call', accepted(run.value.value), ['call'])
    }
    case 'block': {
      const { transactions, receipts, withdrawals } = evidence
      const told = { header: block.bytes, transactions, receipts, expectedHash: block.hash }
      const held = verifyBlock(withdrawals ? { ...told, withdrawals } : told)
      const more = held.ok && held.value.withdrawals ? (['block-withdrawals'] as const) : []
      return shown('block', held, ['block-transactions', 'block-receipts', ...more])
    }
  }
}

function shown<kind extends Shown['kind'], value>(
  kind: kind,
  held: Decoded<value>,
  proven: readonly Claim[],
): Decoded<{ readonly kind: kind; readonly value: value; readonly proven: readonly Claim[] }> {
  return held.ok ? accepted({ kind, value: held.value, proven }) : held
}

type Of<kind extends Evidence['kind']> = Extract<Evidence, { readonly kind: kind }>

function verifyStorage(block: TrustedBlock, { address, proof, slots }: Of<'storage'>) {
  const held = verifyAccount({ stateRoot: block.header.stateRoot, address, proof })
  if (!held.ok) return held
  const words: { slot: Slot; word: Uint8Array }[] = []
  for (const { slot, proof } of slots) {
    // An account that is not there holds nothing: no slot needs a proof of its own.
    const word = held.value
      ? verifySlot({ storageRoot: held.value.storageRoot, slot, proof })
      : accepted(new Uint8Array(32))
    if (!word.ok) return word
    words.push({ slot, word: word.value })
  }
  return shown('storage', accepted(words), held.value ? ['storage'] : ['account-absence', 'storage'])
}

function verifyCodeOf(block: TrustedBlock, { address, proof, code }: Of<'code'>) {
  const held = verifyAccount({ stateRoot: block.header.stateRoot, address, proof })
  if (!held.ok) return held
  if (!held.value)
    return code.length === 0
      ? shown('code', accepted(code), ['account-absence', 'code'])
      : refused('code is shown of an account that does not exist')
  return shown('code', verifyCode(held.value, code), ['code'])
}

function verifyPayment(block: TrustedBlock, told: Of<'payment'>) {
  const header = block.bytes
  const { index, transaction, transactionProof, receipt, receiptProof } = told
  const sent = verifyTransactionProof({ header, index, transaction, proof: transactionProof })
  if (!sent.ok) return sent
  const done = verifyReceiptProof({ header, index, receipt, proof: receiptProof })
  if (!done.ok) return done
  const value = { index, hash: sent.value.value.hash, transaction, receipt: done.value.value.receipt }
  return shown('payment', accepted(value), ['transaction-inclusion', 'receipt-inclusion'])
}

/** Most receipts of a block, and most slots of one account, that evidence holds. */
const receiptsMax = 65_536

const nodes = list(bytes, proofNodesMax)
const slots = list(record({ slot: slotName, proof: nodes }), callPlacesMax)
const message = record({ from: account, to: optional(account), value: scalar, data: bytes, gas: scalar })
const shapes: { readonly [kind in Evidence['kind']]: Shape<Omit<Of<kind>, 'kind'>> } = {
  account: record({ address: account, proof: nodes }),
  storage: record({ address: account, proof: nodes, slots }),
  code: record({ address: account, proof: nodes, code: bytes }),
  transaction: record({ index: count, transaction: bytes, proof: nodes }),
  payment: record({
    index: count,
    transaction: bytes,
    transactionProof: nodes,
    receipt: bytes,
    receiptProof: nodes,
  }),
  receipts: record({ receipts: list(bytes, receiptsMax) }),
  logs: record({
    filter: record({ addresses: list(account, logChoicesMax), topics: list(list(bytes, logChoicesMax), 4) }),
    blocks: list(
      record({ header: bytes, receipts: list(bytes, receiptsMax), transactions: list(bytes, receiptsMax) }),
      logBlocksMax,
    ),
  }),
  call: record({
    message,
    accounts: list(record({ address: account, proof: nodes, code: bytes, slots }), callPlacesMax),
  }),
  block: record({
    transactions: list(bytes, receiptsMax),
    receipts: list(bytes, receiptsMax),
    withdrawals: optional(list(bytes, receiptsMax)),
  }),
}

/** The number of each kind in a receipt: kinds are added at the end. */
const kinds = ['account', 'storage', 'code', 'transaction', 'payment', 'receipts', 'logs', 'call', 'block'] as const

export const evidenceShape: Shape<Evidence> = {
  read: (item) => {
    const [kindItem, bodyItem] = isBytes(item) ? [] : item
    const kind = kindItem && kinds[count.read(kindItem) ?? kinds.length]
    if (!kind || !bodyItem || item.length !== 2) return undefined
    const body = shapes[kind].read(bodyItem)
    return body && ({ kind, ...body } as Evidence)
  },
  write: (evidence) => {
    const shape = shapes[evidence.kind] as Shape<unknown>
    return [count.write(kinds.indexOf(evidence.kind)), shape.write(evidence)] as RlpItem
  },
}
