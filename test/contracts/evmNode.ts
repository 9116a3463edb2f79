import { keccak256 } from '../../sdk/crypto/engine.ts'
import { SdkError } from '../../sdk/errors.ts'
import { type Prepared, seal, signingHash } from '../../sdk/evm/index.ts'
import type { EvmNode, NodeCall, NodeRefusal } from '../../sdk/ports.ts'
import { address, blockHash, type ChainId, slot, toHex, txHash, wei } from '../../sdk/units.ts'
import { verifyBlock } from '../../sdk/verify/index.ts'
import { type Person, sign } from '../sdk/evm/samples.ts'
import { type Contract, type Rule, refuses, same } from './contract.ts'

/** A node, and what the rules may do with it. */
export interface NodePlace {
  readonly node: EvmNode
  readonly chain: ChainId
  /** Holds ether enough. */
  readonly payer: Person
  /** Resolves when everything sent before is in a block. */
  readonly mined: () => Promise<void>
  /** Whether contracts run, or ether is all that moves. */
  readonly runs: 'contracts' | 'transfers'
}

const nobody = address(`0x${'00'.repeat(17)}0b0b0b`)
/** Initcode of a contract that reverts with 32 bytes of 0x2a. */
const reverting = Uint8Array.from([0x60, 0x2a, 0x60, 0x00, 0x53, 0x60, 0x20, 0x60, 0x00, 0xfd])

/** The rules of the `EvmNode` port. Each gets a place of its own. */
export function evmNodeContract(name: string, open: () => Promise<NodePlace>): Contract {
  const rule = (title: string, run: (place: NodePlace) => Promise<void>): Rule => ({
    title,
    check: async () => run(await open()),
  })
  return { name, rules: [...accountRules(rule), ...blockRules(rule), ...runRules(rule)] }
}

type Ruler = (title: string, run: (place: NodePlace) => Promise<void>) => Rule

function accountRules(rule: Ruler): Rule[] {
  return [
    rule('[EN1] it says which chain it is of', async ({ node, chain }) => {
      same(await node.chainId(), chain, 'chain')
    }),
    rule('[EN2] sent bytes are known by their hash, and use the nonce in every view in turn', async (place) => {
      const { node, payer, mined } = place
      const nonce = await node.nonce(payer.account, 'latest')
      const raw = await transfer(place, 5n)
      same(await node.send(raw), txHash(toHex(keccak256(raw))), 'hash')
      await mined()
      same(await node.nonce(payer.account, 'latest'), nonce + 1, 'latest nonce')
      same(await node.nonce(payer.account, 'pending'), nonce + 1, 'pending nonce')
      same((await node.nonce(payer.account, 'finalized')) <= nonce + 1, true, 'finalized nonce')
    }),
    rule('[EN3] balances follow what is executed', async (place) => {
      const { node, mined } = place
      const before = await node.balance(nobody)
      await node.send(await transfer(place, 5n))
      await mined()
      same((await node.balance(nobody)) - before, 5n, 'received')
    }),
    rule('[EN4] an account without code has none', async ({ node, payer }) => {
      same(await node.code(payer.account), new Uint8Array(0), 'code')
    }),
    rule('[EN13] accounts and slots are told as each block left them', async (place) => {
      const { node, payer, mined } = place
      const before = await node.block('latest')
      await node.send(await transfer(place, 5n))
      await mined()
      const after = await node.block('latest')
      if (!before || !after) throw new Error('there is no latest block')
      const [old, now] = [await node.account(nobody, before.number), await node.account(nobody, after.number)]
      same(now, { ...old, balance: old.balance + 5n }, 'received')
      const [spent, unspent] = [before, after].map(({ number }) => node.account(payer.account, number))
      same((await unspent)?.nonce, ((await spent)?.nonce ?? 0) + 1, 'nonce')
      const word = await node.slot(nobody, slot(`0x${'00'.repeat(32)}`), after.number)
      same(word, new Uint8Array(32), 'a slot that nobody has set')
    }),
    rule('[EN5] bytes that no chain takes are refused, with a code', async (place) => {
      const { node, mined } = place
      const raw = await transfer(place, 1n)
      await node.send(raw)
      await mined()
      const again = await transferAt(place, 2n, (await place.node.nonce(place.payer.account, 'latest')) - 1)
      await refuses(node.send(again), 'node/refused', 'a used nonce')
    }),
  ]
}

function blockRules(rule: Ruler): Rule[] {
  return [
    rule('[EN6] a block holds together, by number, by hash and as the latest', async (place) => {
      const { node, mined } = place
      const raw = await transfer(place, 7n)
      await node.send(raw)
      await mined()
      const block = await node.block('latest')
      if (!block) throw new Error('there is no latest block')
      const holder = await blockWith(node, raw, block.number)
      const { header, transactions, receipts, hash } = holder
      const verified = verifyBlock({ header, transactions, receipts, expectedHash: hash })
      same(verified.ok || verified.reason, true, 'block')
      same(await node.block(holder.number), holder, 'by number')
      same(await node.block(hash), holder, 'by hash')
    }),
    rule('[EN7] a block that is not there is nothing', async ({ node }) => {
      same(await node.block(1_000_000_000), undefined, 'beyond the head')
      same(await node.block(blockHash(`0x${'ab'.repeat(32)}`)), undefined, 'an unknown hash')
    }),
    rule('[EN8] the finalized block is none, or not beyond the latest', async ({ node }) => {
      const [latest, finalized] = await Promise.all([node.block('latest'), node.block('finalized')])
      same(finalized === undefined || finalized.number <= (latest?.number ?? 0), true, 'finalized')
    }),
  ]
}

function runRules(rule: Ruler): Rule[] {
  const plain = ({ payer }: NodePlace): NodeCall => ({
    from: payer.account,
    to: nobody,
    value: 3n,
    data: new Uint8Array(0),
  })
  return [
    rule('[EN9] fees are what a transaction needs now', async ({ node }) => {
      const { baseFeePerGas, maxPriorityFeePerGas } = await node.fees()
      same(baseFeePerGas >= 0n && maxPriorityFeePerGas >= 0n, true, 'fees')
    }),
    rule('[EN10] a transfer is estimated at its price, and traced', async (place) => {
      const { node, payer } = place
      const call = plain(place)
      same(await node.estimateGas(call), 21_000n, 'estimate')
      const { before, after, gasUsed } = await node.trace(call)
      same(gasUsed, 21_000n, 'gas')
      same((after.get(nobody)?.balance ?? 0n) - (before.get(nobody)?.balance ?? 0n), 3n, 'credit')
      same(before.has(payer.account), true, 'the sender is touched')
      same((await node.createAccessList(call)).entries, [], 'nothing beyond the two accounts')
    }),
    rule('[EN11] a call that fails is refused, with code and data', async (place) => {
      const { node, payer, runs } = place
      if (runs === 'transfers') return
      const call = { from: payer.account, to: null, value: 0n, data: reverting }
      const cause = await node.call(call).catch((error) => (error as SdkError).cause as NodeRefusal)
      if (cause instanceof Uint8Array) throw new Error('the call did not revert')
      same(cause.data, `0x2a${'00'.repeat(31)}`, 'revert data')
      await refuses(node.estimateGas(call), 'node/refused', 'estimate')
    }),
    rule('[EN12] an unknown method is refused as JSON-RPC says', async ({ node }) => {
      const error = await node.request('lanekit_noSuchMethod', []).catch((thrown) => thrown)
      same(error instanceof SdkError && error.code, 'node/refused', 'code')
      same(((error as SdkError).cause as NodeRefusal).code, -32601, 'JSON-RPC code')
    }),
  ]
}

async function transfer(place: NodePlace, value: bigint): Promise<Uint8Array> {
  return transferAt(place, value, await place.node.nonce(place.payer.account, 'pending'))
}

async function transferAt({ node, chain, payer }: NodePlace, value: bigint, nonce: number): Promise<Uint8Array> {
  const { baseFeePerGas, maxPriorityFeePerGas } = await node.fees()
  const prepared: Prepared = {
    stage: 'prepared',
    chainId: chain,
    from: payer.account,
    to: nobody,
    value: wei(value),
    data: new Uint8Array(0),
    nonce,
    gas: 21_000n,
    pricing: {
      type: 'eip1559',
      maxFeePerGas: wei(2n * baseFeePerGas + maxPriorityFeePerGas),
      maxPriorityFeePerGas: wei(maxPriorityFeePerGas),
      accessList: [],
    },
  }
  return seal(prepared, sign(signingHash(prepared), payer)).bytes
}

async function blockWith(node: EvmNode, raw: Uint8Array, from: number) {
  for (let number = from; number >= 0; number--) {
    const block = await node.block(number)
    if (block?.transactions.some((one) => toHex(one) === toHex(raw))) return block
  }
  throw new Error('no block holds the transaction')
}
