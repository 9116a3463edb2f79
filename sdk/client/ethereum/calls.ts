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
import { liedNode } from '../panel.ts'
import { type Answer, type BlockChoice, held, notProvable, type Reader } from './reader.ts'

/**
 * Hands out the machine of a fork. `precompiles` are the contracts that a run turned out to need: load them, and hand
 * out a machine that has them.
 */
export type Machines = (fork: Fork, precompiles: readonly number[]) => Promise<Machine>

/** Most times that a call is run again because it looked at one more place. */
const roundsMax = 256

interface CallParts {
  readonly reader: Reader
  readonly network: BeaconNetwork
  readonly machines: Machines
  readonly message: Message
  readonly at: BlockChoice | undefined
}

/** Runs a call on proven state: what it looks at is fetched with proofs, and it runs again until it lacks nothing. */
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
      } else accounts = await withPlace(node, block, accounts, run.place)
    }
    throw tooMuch(`it looked at more than ${roundsMax} places that nobody had named`)
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
  const places = [...named].reduce((sum, [, slots]) => sum + 1 + slots.size, 0)
  if (places > callPlacesMax) throw tooMuch(`it looks at more than ${callPlacesMax} places`)
  return Promise.all([...named].map(([address, slots]) => shown(node, number, { address, slots: [...slots] })))
}

async function withPlace(
  node: ProofNode,
  block: TrustedBlock,
  accounts: readonly AccountEvidence[],
  place: MissingPlace,
): Promise<readonly AccountEvidence[]> {
  const { number } = block.header
  const { address } = place
  const known = accounts.find((one) => one.address === address)
  if (place.kind === 'code' && known) {
    const code = await node.code(address, number)
    // It would be asked for again and again.
    if (code.length === 0) throw liedNode('it shows no code of an account that has some')
    return accounts.map((one) => (one === known ? { ...one, code } : one))
  }
  const slots = [...(known?.slots.map(({ slot }) => slot) ?? []), ...(place.kind === 'slot' ? [place.slot] : [])]
  const fresh = await shown(node, number, { address, slots })
  return [...accounts.filter((one) => one !== known), { ...fresh, code: known?.code ?? fresh.code }]
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
