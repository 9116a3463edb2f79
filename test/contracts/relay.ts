import { batchIdOf, encodeBatch, undeclared } from '../../sdk/batch/index.ts'
import { type Prepared, seal, signingHash } from '../../sdk/evm/index.ts'
import type { Relay, RelayEvent } from '../../sdk/ports.ts'
import { type Address, address, type BatchId, type ChainId, type TxHash, txHash, wei } from '../../sdk/units.ts'
import { type Person, sign } from '../sdk/evm/samples.ts'
import { type Contract, type Rule, refuses, same } from './contract.ts'

/** A relay, and what stands behind it. */
export interface RelayPlace {
  readonly relay: Relay
  readonly chain: ChainId
  /** Holds ether enough, and has sent nothing. */
  readonly payer: Person
  /** Resolves when everything submitted is in a block, and the relay knows. */
  readonly included: () => Promise<void>
}

const payee = address(`0x${'00'.repeat(17)}0b0b0b`)
const unknownHash = txHash(`0x${'ab'.repeat(32)}`)
const never = new AbortController().signal

/** The rules of the `Relay` port. Each gets a place of its own. */
export function relayContract(name: string, open: () => Promise<RelayPlace>): Contract {
  const rule = (title: string, run: (place: RelayPlace) => Promise<void>): Rule => ({
    title,
    check: async () => run(await open()),
  })
  return { name, rules: [...submitRules(rule), ...eventRules(rule)] }
}

type Ruler = (title: string, run: (place: RelayPlace) => Promise<void>) => Rule

function submitRules(rule: Ruler): Rule[] {
  return [
    rule('[RL1] a submission is answered item by item, in order, under the id of its envelope', async (place) => {
      const { envelope, hashes } = batchOf(place, 3)
      const ack = await place.relay.submit(place.chain, envelope)
      if (!ack.ok) throw new Error(ack.problem.detail)
      same(ack.batch, batchIdOf(envelope), 'batch')
      same(
        ack.items.map((item) => item.ok && item.hash),
        hashes,
        'hashes',
      )
    }),
    rule('[RL2] equal bytes are one submission: sent again, they tell where each stands today', async (place) => {
      const { envelope, hashes } = batchOf(place, 2)
      await place.relay.submit(place.chain, envelope)
      await place.included()
      const again = await place.relay.submit(place.chain, envelope)
      if (!again.ok) throw new Error(again.problem.detail)
      same(again.batch, batchIdOf(envelope), 'batch')
      const told = again.items.map((item) => item.ok && [item.hash, isIncluded(item.status.state)])
      same(
        told,
        hashes.map((hash) => [hash, true]),
        'items',
      )
    }),
    rule('[RL3] the status of a transaction is told by sender and hash; an unknown one is nothing', async (place) => {
      const { relay, chain, payer } = place
      const { envelope, hashes } = batchOf(place, 1)
      same(await relay.status(chain, payer.account, unknownHash), undefined, 'unknown')
      await relay.submit(chain, envelope)
      await place.included()
      const status = await relay.status(chain, payer.account, hashes[0] as TxHash)
      same(isIncluded(status?.state ?? ''), true, 'status')
    }),
    rule('[RL4] an envelope that cannot be read is a problem with a code, not a failure', async ({ relay, chain }) => {
      const ack = await relay.submit(chain, Uint8Array.of(1, 2, 3))
      same(ack.ok || ack.problem.retryable, false, 'refused for good')
    }),
  ]
}

function eventRules(rule: Ruler): Rule[] {
  return [
    rule(
      '[RL5] events tell each transaction to its end, in a rising sequence, and then the stream ends',
      async (place) => {
        const { batch, hashes } = await submit(place, 2)
        const events = await heard(place, batch, 0)
        const last = new Map(events.map(({ hash, status }) => [hash, status.state]))
        same(
          hashes.map((hash) => isIncluded(last.get(hash) ?? '')),
          hashes.map(() => true),
          'ends',
        )
        same(
          events.every(({ sequence }, at) => sequence > (events[at - 1]?.sequence ?? 0)),
          true,
          'sequence',
        )
      },
    ),
    rule('[RL6] a stream goes on after any sequence with exactly what was missed', async (place) => {
      const { batch } = await submit(place, 2)
      const all = await heard(place, batch, 0)
      for (const [at, { sequence }] of all.entries())
        same(await heard(place, batch, sequence), all.slice(at + 1), `after ${sequence}`)
    }),
    rule('[RL7] an aborted stream ends, without a complaint', async (place) => {
      const { envelope } = batchOf(place, 1)
      const ack = await place.relay.submit(place.chain, envelope)
      if (!ack.ok) throw new Error(ack.problem.detail)
      const stop = new AbortController()
      for await (const _ of place.relay.events(place.chain, ack.batch, 0, stop.signal)) stop.abort()
      same(stop.signal.aborted, true, 'aborted')
    }),
    rule('[RL8] a batch that is not known has no events', async ({ relay, chain }) => {
      const events = relay.events(chain, unknownHash as string as BatchId, 0, never)
      await refuses(events[Symbol.asyncIterator]().next(), 'relay/refused', 'events')
    }),
  ]
}

async function submit(place: RelayPlace, size: number) {
  const { envelope, hashes } = batchOf(place, size)
  const ack = await place.relay.submit(place.chain, envelope)
  if (!ack.ok) throw new Error(ack.problem.detail)
  await place.included()
  return { batch: ack.batch, hashes }
}

async function heard({ relay, chain }: RelayPlace, batch: BatchId, sequence: number): Promise<readonly RelayEvent[]> {
  const events: RelayEvent[] = []
  for await (const event of relay.events(chain, batch, sequence, never)) events.push(event)
  return events
}

function isIncluded(state: string): boolean {
  return state === 'included' || state === 'finalized'
}

/** The payer's first transactions, each of one wei. */
function batchOf({ chain, payer }: RelayPlace, size: number) {
  const signed = Array.from({ length: size }, (_, nonce) => {
    const prepared = transfer(chain, payer.account, nonce)
    return seal(prepared, sign(signingHash(prepared), payer))
  })
  const transactions = signed.map(({ bytes }) => ({ raw: bytes, declaration: undeclared(21_000) }))
  return {
    envelope: encodeBatch({ chainId: chain, fork: 'osaka', transactions }),
    hashes: signed.map(({ hash }) => hash),
  }
}

function transfer(chain: ChainId, from: Address, nonce: number): Prepared {
  return {
    stage: 'prepared',
    chainId: chain,
    from,
    to: payee,
    value: wei(1n),
    data: new Uint8Array(0),
    nonce,
    gas: 21_000n,
    pricing: {
      type: 'eip1559',
      maxFeePerGas: wei(10n ** 10n),
      maxPriorityFeePerGas: wei(10n ** 9n),
      accessList: [],
    },
  }
}
