import type { Block, Executor, Inclusion, Outcome, Sending } from '../../edge/executor/port.ts'
import { undeclared } from '../../sdk/batch/index.ts'
import { transactionHash } from '../../sdk/evm/index.ts'
import { address, type TxHash, txHash } from '../../sdk/units.ts'
import { account, type Transfer, type TransferWish, transfer } from '../edge/transfers.ts'
import { type Contract, type Rule, same } from './contract.ts'

/** An executor on the development chain, whose first accounts hold ether. */
export interface ExecutorPlace {
  readonly executor: Executor
  /** A funded account that no other rule uses, by its index. */
  readonly payer: number
}

const patienceMs = 10_000
const lookEveryMs = 20

/** The rules of the `Executor` port, as the edge relies on them. Each gets a payer of its own. */
export function executorContract(name: string, open: () => Promise<ExecutorPlace>): Contract {
  const rule = (title: string, run: (place: ExecutorPlace) => Promise<void>): Rule => ({
    title,
    check: async () => run(await open()),
  })
  return { name, rules: [...forwardRules(rule), ...refusalRules(rule), ...chainRules(rule)] }
}

type Ruler = (title: string, run: (place: ExecutorPlace) => Promise<void>) => Rule

function forwardRules(rule: Ruler): Rule[] {
  return [
    rule('[EX1] a lane is taken in its order, and comes into blocks', async ({ executor, payer }) => {
      const lane = await transfers(payer, 3)
      const told = await outcomes(executor, [lane])
      same(
        told.map((outcome) => outcome?.kind === 'accepted' || outcome?.kind === 'included'),
        [true, true, true],
        'outcomes',
      )
      const inclusions = await includedAll(executor, lane)
      for (const [at, outcome] of told.entries())
        if (outcome?.kind === 'included') same(outcome.inclusion, inclusions[at], 'an inclusion that was told')
      same(
        inclusions.map(({ succeeded, gasUsed }) => [succeeded, gasUsed]),
        lane.map(() => [true, 21_000]),
        'inclusions',
      )
      const places = inclusions.map(({ blockNumber, index }) => blockNumber * 100_000 + index)
      same(
        places,
        [...places].sort((one, other) => one - other),
        'order',
      )
    }),
    rule(
      '[EX2] the same bytes again are no failure, before and after they are in a block',
      async ({ executor, payer }) => {
        const lane = await transfers(payer, 1)
        const first = await forward(executor, [lane])
        const second = await forward(executor, [lane])
        await includedAll(executor, lane)
        const third = await forward(executor, [lane])
        const isFine = (kind = '') => ['accepted', 'included', 'stale'].includes(kind)
        same([first, second, third].flat().map(isFine), [true, true, true], 'outcomes')
        same((await executor.nonces([sender(payer)], 'latest')).get(sender(payer)), 1, 'nonce')
      },
    ),
    rule('[EX16] one alone is told of, or found, in the same block', async ({ executor, payer }) => {
      const [one] = await transfers(payer, 1)
      const [outcome] = await outcomes(executor, [[one as Sending]])
      const [found] = await includedAll(executor, [one as Sending])
      if (outcome?.kind === 'included') same(outcome.inclusion, found, 'inclusion')
      else same(outcome?.kind, 'accepted', 'outcome')
    }),
    rule('[EX3] a hash that nobody sent is missing', async ({ executor }) => {
      const hash = txHash(`0x${'ab'.repeat(32)}`)
      same((await executor.find([hash])).get(hash), { kind: 'missing' }, 'found')
    }),
    rule('[EX4] every sending is reported once, also when nothing may start any more', async ({ executor, payer }) => {
      const lane = await transfers(payer, 2)
      same(await forward(executor, [lane], 0), ['unsent', 'unsent'], 'outcomes')
    }),
  ]
}

function refusalRules(rule: Ruler): Rule[] {
  const refused = (title: string, wish: (payer: number) => Partial<TransferWish>, code: string) =>
    rule(title, async ({ executor, payer }) => {
      const one = await transfer({ from: payer, nonce: 0, ...wish(payer) })
      const [outcome] = await outcomes(executor, [[sendingOf(one, 0)]])
      same(outcome?.kind === 'rejected' ? outcome.code : outcome?.kind, code, 'outcome')
    })
  return [
    refused('[EX5] who cannot pay is refused', () => ({ value: 10n ** 30n }), 'insufficient-funds'),
    refused('[EX6] too little gas is refused', () => ({ gas: 20_999n }), 'gas-too-low'),
    refused('[EX7] more gas than any block has is refused', () => ({ gas: 2n ** 33n }), 'gas-too-high'),
    refused('[EX8] another chain’s transaction is refused', () => ({ chain: 5 }), 'wrong-chain'),
    refused(
      '[EX9] a fee below the base fee is refused',
      () => ({ maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }),
      'fee-too-low',
    ),
    rule('[EX10] other bytes under a used nonce are stale', async ({ executor, payer }) => {
      const lane = await transfers(payer, 1)
      await forward(executor, [lane])
      await includedAll(executor, lane)
      const rival = await transfer({ from: payer, nonce: 0, value: 2n })
      const [outcome] = await outcomes(executor, [[sendingOf(rival, 0)]])
      same(outcome?.kind, 'stale', 'outcome')
    }),
    rule('[EX11] bytes that are no transaction are refused', async ({ executor, payer }) => {
      const one = sendingOf(await transfer({ from: payer, nonce: 0 }), 0)
      const raw = one.raw.slice(0, -1)
      const [outcome] = await outcomes(executor, [[{ ...one, raw, hash: transactionHash(raw) }]])
      same(outcome?.kind === 'rejected' ? outcome.code : outcome?.kind, 'invalid-transaction', 'outcome')
    }),
  ]
}

function chainRules(rule: Ruler): Rule[] {
  return [
    rule('[EX12] blocks hang on one another up to the head', async ({ executor, payer }) => {
      const lane = await transfers(payer, 2)
      await forward(executor, [lane])
      const [inclusion] = await includedAll(executor, lane)
      const head = await executor.head()
      const block = await executor.block(inclusion?.blockNumber ?? -1)
      const parent = await executor.block((inclusion?.blockNumber ?? 0) - 1)
      same(block?.parentHash, parent?.hash, 'parent')
      same(block?.hash, inclusion?.blockHash, 'block')
      same(head.finalized <= head.number && head.number >= (inclusion?.blockNumber ?? 0), true, 'head')
      const told = await executor.inclusions(block as Block, [lane[0]?.hash as TxHash])
      same(told, [inclusion], 'receipts of the block')
      same(await executor.block(head.number + 1_000), undefined, 'beyond the head')
    }),
    rule('[EX13] nonces are told of the newest block, and of one before', async ({ executor, payer }) => {
      const { number } = await executor.head()
      const lane = await transfers(payer, 2)
      await forward(executor, [lane])
      await includedAll(executor, lane)
      same([...(await executor.nonces([sender(payer)], 'latest'))], [[sender(payer), 2]], 'now')
      same([...(await executor.nonces([sender(payer)], number))], [[sender(payer), 0]], 'before')
    }),
  ]
}

function sender(payer: number) {
  return address(account(payer).address)
}

async function transfers(payer: number, count: number): Promise<readonly Sending[]> {
  const wishes = Array.from({ length: count }, (_, nonce) => transfer({ from: payer, nonce }))
  return (await Promise.all(wishes)).map(sendingOf)
}

function sendingOf({ hash, sender, raw }: Transfer, position: number): Sending {
  return { hash, sender, raw, position, declaration: undeclared(21_000) }
}

/** Forwards, and tells the outcomes in the order of the sendings. */
async function outcomes(
  executor: Executor,
  lanes: readonly (readonly Sending[])[],
  until = Date.now() + patienceMs,
): Promise<readonly (Outcome | undefined)[]> {
  const told = new Map<TxHash, Outcome>()
  await executor.forward(lanes, {
    until,
    report: (all) => {
      for (const [hash, outcome] of all) {
        same(told.has(hash), false, 'reported before')
        told.set(hash, outcome)
      }
    },
  })
  return lanes.flat().map(({ hash }) => told.get(hash))
}

async function forward(executor: Executor, lanes: readonly (readonly Sending[])[], until?: number) {
  return (await outcomes(executor, lanes, until)).map((outcome) => outcome?.kind)
}

async function includedAll(executor: Executor, lane: readonly Sending[]): Promise<readonly Inclusion[]> {
  for (const ends = Date.now() + patienceMs; Date.now() < ends; ) {
    const found = await executor.find(lane.map(({ hash }) => hash))
    const inclusions = lane.flatMap(({ hash }) => {
      const one = found.get(hash)
      return one?.kind === 'included' ? [one.inclusion] : []
    })
    if (inclusions.length === lane.length) return inclusions
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  throw new Error('The transactions did not come into a block.')
}
