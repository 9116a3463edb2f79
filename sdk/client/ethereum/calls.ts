import { SdkError } from '../../errors.ts'
import type { Fork } from '../../evm/index.ts'
import type { ProofNode } from '../../ports.ts'
import type { Address, Slot } from '../../units.ts'
import {
  type AccountEvidence,
  type BeaconNetwork,
  type CallEvidence,
  callPlacesMax,
  evmRulesAt,
  type MissingPlace,
  type ProvenCall,
  runCall,
  type TrustedBlock,
} from '../../verify/ethereum/index.ts'
import type { Machine, Message } from '../../vm/index.ts'
import { held, liedNode } from '../panel.ts'
import { type Answer, type BlockChoice, notProvable, type Reader } from './reader.ts'

/**
 * Hands out the machine of a fork. `precompiles` are the contracts that a run turned out to need: load them, and hand
 * out a machine that has them.
 */
export type Machines = (fork: Fork, precompiles: readonly number[]) => Promise<Machine>

/** Most rounds of fetching for one call. A call through a router to a pair of tokens needs about eight without a hint. */
const roundsMax = 48

interface CallParts {
  readonly reader: Reader
  readonly network: BeaconNetwork
  readonly machines: Machines
  readonly message: Message
  readonly at: BlockChoice | undefined
}

/** Runs a call on proven state: all that a run is found to look at is fetched with proofs, in one round, until one lacks nothing. */
export async function callOn({ reader, network, machines, message, at }: CallParts): Promise<Answer<ProvenCall>> {
  const place = await reader.place(at)
  const rules = evmRulesAt(network, Number(place.block.header.timestamp))
  if (!rules) throw notProvable('The block runs by rules from before Cancun, which this machine does not know.')
  let machine = await machines(rules.fork, [])
  const precompiles: number[] = []
  const gather = async (node: ProofNode, block: TrustedBlock): Promise<CallEvidence & { readonly kind: 'call' }> => {
    let accounts = await hinted(node, block, message)
    for (let round = 0; round < roundsMax; round++) {
      const evidence = { message, accounts }
      const run = held(runCall({ network, block, evidence, machine }))
      if (run.kind === 'done') return { kind: 'call', ...evidence }
      if (run.kind === 'needs-precompile') {
        // A loader that does not have it would be asked for ever.
        if (precompiles.includes(run.precompile))
          throw tooMuch(`precompiled contract ${run.precompile} cannot be loaded`)
        precompiles.push(run.precompile)
        machine = await machines(rules.fork, precompiles)
      } else accounts = await withPlaces(node, block, accounts, run.places)
    }
    throw tooMuch(`it looked at new places for more than ${roundsMax} rounds`)
  }
  return reader.readAt(place, 'call', gather, () => machine)
}

function tooMuch(why: string): SdkError {
  return new SdkError('client/not-provable', `The call cannot be run on proven state: ${why}.`)
}

/** What the node says that the call looks at: a hint that saves rounds, and proves nothing. */
async function hinted(node: ProofNode, block: TrustedBlock, message: Message): Promise<readonly AccountEvidence[]> {
  const { number, miner } = block.header
  const { from, to, value, data } = message
  const named = new Map<Address, Set<Slot>>([
    [from, new Set()],
    [miner, new Set()],
  ])
  if (to) named.set(to, new Set())
  for (const { address, slots } of await node.places({ from, to, value, data }, number))
    named.set(address, new Set([...(named.get(address) ?? []), ...slots]))
  return withPlaces(
    node,
    block,
    [],
    [...named].flatMap(([address, slots]): readonly MissingPlace[] => [
      { kind: 'account', address },
      ...[...slots].map((slot) => ({ kind: 'slot', address, slot }) as const),
    ]),
  )
}

/** What is shown already, and all the places beside it, fetched at once. */
async function withPlaces(
  node: ProofNode,
  block: TrustedBlock,
  known: readonly AccountEvidence[],
  places: readonly MissingPlace[],
): Promise<readonly AccountEvidence[]> {
  const { number } = block.header
  const accounts = new Map(known.map((one) => [one.address, one]))
  const wanted = [...new Set(places.map(({ address }) => address))]
  const size = known.reduce((sum, { slots }) => sum + 1 + slots.length, places.length)
  if (size > callPlacesMax) throw tooMuch(`it looks at more than ${callPlacesMax} places`)
  const fetched = await Promise.all(
    wanted.map((address) => {
      const ofOne = places.filter((place) => place.address === address)
      return fetchedPlaces(node, number, { address, known: accounts.get(address), ofOne })
    }),
  )
  for (const one of fetched) accounts.set(one.address, one)
  return [...accounts.values()]
}

async function fetchedPlaces(
  node: ProofNode,
  number: number,
  told: {
    readonly address: Address
    readonly known: AccountEvidence | undefined
    readonly ofOne: readonly MissingPlace[]
  },
): Promise<AccountEvidence> {
  const { address, known, ofOne } = told
  const slots = [...new Set(ofOne.flatMap((place) => (place.kind === 'slot' ? [place.slot] : [])))]
  const [proof, code] = await Promise.all([
    known && slots.length === 0 ? known : shown(node, number, { address, slots }),
    known && ofOne.every(({ kind }) => kind !== 'code') ? known.code : node.code(address, number),
  ])
  // It would be asked for again and again.
  if (known && code.length === 0 && ofOne.some(({ kind }) => kind === 'code'))
    throw liedNode('it shows no code of an account that has some')
  if (!known || proof === known) return { ...proof, code }
  return { ...known, code, slots: [...known.slots, ...proof.slots] }
}

async function shown(
  node: ProofNode,
  block: number,
  { address, slots }: { readonly address: Address; readonly slots: readonly Slot[] },
): Promise<AccountEvidence> {
  const proof = await node.proof(address, slots, block)
  const named = slots.map((slot, at) => ({ slot, proof: proof.slots[at] ?? [] }))
  return { address, proof: proof.account, code: new Uint8Array(0), slots: named }
}
