import { memory } from '../../../../sdk/adapters/memory.ts'
import { send } from '../../../../sdk/evm/index.ts'
import type { Signer, Store } from '../../../../sdk/ports.ts'
import { type Address, address, chainId, wei } from '../../../../sdk/units.ts'
import type { WalletParts } from '../../../../sdk/wallet/createWallet.ts'
import type { Order } from '../../../../sdk/wallet/order.ts'
import { alice, bob, type Person, sign } from '../../evm/samples.ts'
import { type ModelChain, modelChain } from './chain.ts'
import { type ModelClock, modelClock } from './clock.ts'
import { type ModelRelay, modelRelay } from './relay.ts'

/** Everything a wallet asks of, in memory and in the test's hands. */
export interface ModelWorld {
  readonly clock: ModelClock
  readonly chain: ModelChain
  readonly relay: ModelRelay
  readonly store: Store
  readonly keys: Signer
  readonly parts: WalletParts
}

export const blockMs = 2_000
export const ether = 10n ** 18n

/** A world in which relay and chain go on by themselves as time passes. */
export function modelWorld(options: { readonly blocks?: 'mined' | 'by hand' } = {}): ModelWorld {
  const clock = modelClock()
  const chain = modelChain(chainId(1337))
  const relay = modelRelay(chain)
  const store = memory()
  const keys = signerOf([alice, bob])
  chain.fund(alice.account, 10n * ether)
  chain.fund(bob.account, 10n * ether)
  clock.every(100, relay.step)
  if (options.blocks !== 'by hand') clock.every(blockMs, chain.mine)
  const random = (size: number) => new Uint8Array(size).fill(0x80)
  const parts = {
    keys,
    store,
    relay: relay.port,
    evm: chain.node,
    chain: { id: chain.id, fork: 'osaka' },
    clock,
    random,
  } as const
  return { clock, chain, relay, store, keys, parts }
}

export function signerOf(people: readonly Person[]): Signer {
  return {
    accounts: async () => people.map(({ account }) => account),
    sign: async ({ account, digest }) => {
      const person = people.find((one) => one.account === account)
      if (!person) throw new Error('nobody')
      return sign(digest, person)
    },
  }
}

/** An account that nobody else pays: what it holds tells how often its payment was executed. */
export function payee(number: number): Address {
  return address(`0x${number.toString(16).padStart(40, '0')}`)
}

export const paid = wei(1_000n)

/** One payment of {@link paid} to its own {@link payee}. */
export function payment(number: number, from: Person = alice): Order {
  return { ...send(payee(0x1000 + number), paid), from: from.account }
}

/** How often the payment was executed. */
export function executions({ chain }: ModelWorld, number: number): number {
  return Number(chain.balanceOf(payee(0x1000 + number)) / paid)
}

export { alice, bob }
