import {
  channelIdOf,
  closingHeight,
  type Fault,
  type Opening,
  type Payee,
  type PayeeEvent,
  type PayeeStep,
  type Payer,
  type PayerEvent,
  type PayerStep,
} from '../../sdk/channel/index.ts'
import { currentEngine, useEngine } from '../../sdk/crypto/index.ts'
import type { Store } from '../../sdk/ports.ts'
import { encodeDeposited } from '../../sdk/till/records.ts'
import { feerate, type Height, height, sats } from '../../sdk/units.ts'
import type { Mutant } from './setting.ts'

/** Defects that the simulation must notice, each within a few worlds. */
export const mutants: readonly Mutant[] = [
  payee('acknowledges before it stores', (right) => persistLast(right)),
  payee('does not answer a resend', (right, channel, event) =>
    event.type === 'update' && right.channel === channel && !isRefused(right) ? { channel, effects: [] } : right,
  ),
  payeeSees('charges nothing', (event) =>
    event.type === 'update' ? { ...event, price: event.price && sats(0n) } : event,
  ),
  payeeSees('charges twice for one payment', (event) =>
    event.type === 'update' && event.price === 0n ? { ...event, price: sats(1n) } : event,
  ),
  payeeSees('sells what is not for sale', (event) =>
    event.type === 'update' ? { ...event, price: event.price ?? sats(1n) } : event,
  ),
  payeeTakes('counts its credit twice', 'underpaid'),
  payeeTakes('takes stale updates', 'stale-update'),
  payeeTakes('takes lowered updates', 'lowered'),
  payeeTakes('ignores dust', 'below-dust'),
  payeeTakes('takes more than the capacity', 'overpaid'),
  payeeTakes('takes updates while it closes', 'not-open'),
  payeeBlind('does not check the signature of an update', ['update']),
  payeeBlind('does not check the signatures of a close', ['close', 'signed']),
  payeeSees('takes updates without a proven funding', (event, { opening }) => {
    if (event.type !== 'update') return event
    return {
      ...event,
      view: { ...event.view, fundedAt: height(event.view.height - opening.terms.confirmationsMin + 1) },
    }
  }),
  payeeSees('takes updates when it should close', (event, { opening }) => {
    if (event.type !== 'update' && event.type !== 'chain') return event
    return { ...event, view: { ...event.view, height: inTime(event.view.height, opening) } }
  }),
  payeeSees('closes after its margin', (event, { opening }) => {
    if (event.type !== 'chain' || event.view.height >= opening.expiry) return event
    return { ...event, view: { ...event.view, height: inTime(event.view.height, opening) } }
  }),
  payeeSees('closes at any fee', (event) => (event.type === 'close' ? { ...event, feeMin: sats(0n) } : event)),
  payee('answers without saying what it holds', (right) => ({ ...right, effects: right.effects.map(withoutBest) })),
  payeeSees('believes an ending without a depth', (event) => {
    const spend = event.type === 'chain' ? event.view.spend : null
    if (event.type !== 'chain' || !spend) return event
    return { ...event, view: { ...event.view, spend: { ...spend, height: height(spend.height - 9) } } }
  }),
  payee('does not notice that its closing was taken back', (right, channel, event) =>
    channel.phase === 'closed' && event.type === 'chain' ? { channel, effects: [] } : right,
  ),
  {
    name: "the till's store answers before it has written",
    tillWorld: (world) => ({ ...world, store: lazy(world.store) }),
  },
  {
    name: 'the till leaves nothing with the box',
    tillWorld: (world) => ({ ...world, link: { ...world.link, deposit: async () => undefined } }),
  },
  {
    name: 'the till opens two channels on one output',
    tillWorld: (world) => ({ ...world, store: forgettingFundings(world.store) }),
  },
  {
    name: 'the till does not store its payments',
    tillWorld: (world) => ({ ...world, store: forgettingPayments(world.store) }),
  },
  { name: 'the till gives goods by an event', till: (till) => ({ ...till, isPaid: async () => true }) },
  {
    name: 'the till believes that all is deposited',
    tillWorld: (world) => ({ ...world, store: full(world.store) }),
  },
  {
    name: 'the till takes messages without the right tag',
    till: (till, sealed) => ({ ...till, take: (message) => till.take(sealed(message)) }),
  },
  {
    name: 'the box takes a deposit of a lower number',
    keep: (_, left) => left,
  },
  payer('sends before it stores', (right) => persistLast(right)),
  payer('makes a resend anew', (right, _, event) =>
    event.type === 'reconnected' ? { ...right, effects: right.effects.map(rebuilt) } : right,
  ),
  payer('does not send again', (right, channel, event) =>
    event.type === 'reconnected' && channel.phase !== 'offered' ? { channel, effects: [] } : right,
  ),
  payerSees('takes any ack as its own', (event, { signed }) => {
    if (event.type !== 'message' || event.message.type !== 'ack' || signed.number === 0) return event
    return { ...event, message: { ...event.message, ...signed } }
  }),
  payerBlind('believes a correction without its own signature'),
  payerSees('refunds before the expiry', (event, { opening }) => {
    if (event.type === 'refund') return { ...event, height: opening.expiry }
    return event.type === 'chain'
      ? { ...event, view: { ...event.view, height: height(event.view.height + 10) } }
      : event
  }),
  payer('never refunds', (right) => without(right, 'sign-refund')),
  { name: 'the payer burns its refund', payerWorld: (world) => ({ ...world, refundFeerate: feerate(20_000) }) },
  payer('does not learn what was charged', (right, { spent }) =>
    right.channel.spent === spent ? right : persisted(right, { ...right.channel, spent }),
  ),
  payer('does not learn from a correction', (right, channel, event) =>
    event.type === 'message' && event.message.type !== 'ack' && right.channel.best !== channel.best
      ? { channel, effects: [] }
      : right,
  ),
  { name: 'the payer takes messages without the right tag', isAuthentic: () => true },
  payer('pays on while one is in flight', (right) =>
    right.channel.pending ? persisted(right, { ...right.channel, pending: null }) : right,
  ),
  payer('funds before the payee takes the channel', (right, { phase, fundingTransaction }, event) => {
    if (phase !== 'offered' || event.type !== 'reconnected') return right
    return { ...right, effects: [...right.effects, { type: 'broadcast', transaction: fundingTransaction }] }
  }),
  payer('does not broadcast its funding again', (right, _, event) =>
    event.type === 'chain' && right.channel.phase !== 'refunding' ? without(right, 'broadcast') : right,
  ),
]

/** The last height at which a channel takes updates, or an earlier one; from the expiry on there is no helping it. */
function inTime(now: Height, opening: Opening): Height {
  return now >= opening.expiry ? now : height(Math.min(now, closingHeight(opening) - 1))
}

/** A payee whose right step is made wrong. */
function payee(name: string, spoil: (right: PayeeStep, channel: Payee, event: PayeeEvent) => PayeeStep): Mutant {
  return {
    name: `the payee ${name}`,
    payee: (step) => (channel, event) => spoil(step(channel, event), channel, event),
  }
}

/** A payee that is told something wrong. */
function payeeSees(name: string, change: (event: PayeeEvent, channel: Payee) => PayeeEvent): Mutant {
  return { name: `the payee ${name}`, payee: (step) => (channel, event) => step(channel, change(event, channel)) }
}

/** A payee that takes updates which the right one refuses for one reason. */
function payeeTakes(name: string, fault: Fault): Mutant {
  return payee(name, (right, channel, event) => {
    const isTaken =
      event.type === 'update' && right.effects.some((effect) => effect.type === 'refused' && effect.fault === fault)
    if (!isTaken) return right
    const spent = sats(channel.spent + (event.price ?? 0n))
    const next: Payee = { ...channel, best: event.update, spent }
    const { number, paid } = event.update
    const ack = { type: 'ack', channelId: channelIdOf(channel.opening), number, paid, spent } as const
    return {
      channel: next,
      effects: [
        { type: 'persist', channel: next },
        { type: 'send', message: ack },
      ],
    }
  })
}

/** A payee to which every signature is right. */
function payeeBlind(name: string, types: readonly PayeeEvent['type'][]): Mutant {
  return {
    name: `the payee ${name}`,
    payee: (step) => (channel, event) =>
      types.includes(event.type) ? blindly(() => step(channel, event)) : step(channel, event),
  }
}

function payer(name: string, spoil: (right: PayerStep, channel: Payer, event: PayerEvent) => PayerStep): Mutant {
  return {
    name: `the payer ${name}`,
    payer: (step) => (channel, event) => spoil(step(channel, event), channel, event),
  }
}

function payerSees(name: string, change: (event: PayerEvent, channel: Payer) => PayerEvent): Mutant {
  return { name: `the payer ${name}`, payer: (step) => (channel, event) => step(channel, change(event, channel)) }
}

function payerBlind(name: string): Mutant {
  return { name: `the payer ${name}`, payer: (step) => (channel, event) => blindly(() => step(channel, event)) }
}

function blindly<value>(run: () => value): value {
  const engine = currentEngine()
  useEngine({ ...engine, verify: () => true })
  try {
    return run()
  } finally {
    useEngine(engine)
  }
}

/** Does last what must be done first. */
function persistLast<step extends PayeeStep | PayerStep>(right: step): step {
  const [first, ...rest] = right.effects
  return first?.type === 'persist' ? { ...right, effects: [...rest, first] } : right
}

function without(right: PayerStep, type: PayerStep['effects'][number]['type']): PayerStep {
  return { ...right, effects: right.effects.filter((effect) => effect.type !== type) }
}

function rebuilt(effect: PayerStep['effects'][number]): PayerStep['effects'][number] {
  if (effect.type !== 'send' || effect.message.type !== 'update') return effect
  const { update } = effect.message
  return {
    ...effect,
    message: { type: 'update', update: { ...update, paymentId: update.paymentId.map((byte) => byte ^ 1) } },
  }
}

function withoutBest(effect: PayeeStep['effects'][number]): PayeeStep['effects'][number] {
  if (effect.type !== 'send' || !('best' in effect.message)) return effect
  return { ...effect, message: { ...effect.message, best: null, spent: sats(0n) } }
}

/** The same step to another channel. */
function persisted({ effects }: PayerStep, channel: Payer): PayerStep {
  return { channel, effects: effects.map((effect) => (effect.type === 'persist' ? { ...effect, channel } : effect)) }
}

function isRefused({ effects }: PayeeStep): boolean {
  return effects.some(({ type }) => type === 'refused')
}

/** A store that says yes before it has written. */
function lazy(store: Store): Store {
  return {
    ...store,
    commit: async (writes) => {
      store.commit(writes).catch(() => undefined)
    },
  }
}

/** A store in which more is deposited than any channel can pay. */
function full(store: Store): Store {
  const bytes = encodeDeposited({ number: 1, paid: sats(1_000_000n) })
  return {
    ...store,
    get: async (key) => {
      const record = await store.get(key)
      return key.startsWith('till/deposits/') ? { version: record?.version ?? 0, bytes } : record
    },
  }
}

/** A store in which nobody finds out that a payment was made. */
function forgettingPayments(store: Store): Store {
  const isPayment = (key: string) => key.startsWith('till/payments/')
  return {
    ...store,
    get: async (key) => (isPayment(key) ? undefined : store.get(key)),
    commit: (writes) => store.commit(writes.filter(({ key }) => !isPayment(key))),
  }
}

/** A store in which nobody finds out whose an output is. */
function forgettingFundings(store: Store): Store {
  const isFunding = (key: string) => key.startsWith('till/fundings/')
  return {
    ...store,
    get: async (key) => (isFunding(key) ? undefined : store.get(key)),
    commit: (writes) => store.commit(writes.filter(({ key }) => !isFunding(key))),
  }
}
