import {
  type Channel,
  decodeChannel,
  type Effect,
  type Input,
  isLive,
  type LiveChannel,
  ownTransaction,
  type Step,
} from '../../../sdk/channel/penalty/index.ts'
import { height, msats } from '../../../sdk/units.ts'
import type { Mutant } from './setting.ts'

/** Faults that come once in a life. */
const cheated = { hostile: 1, restore: 0 }
const restored = { hostile: 0, restore: 1 }

/** Defects that the simulation must notice, each within a few worlds. */
export const mutants: readonly Mutant[] = [
  stepped('sends before it stores', ({ channel, effects }) => ({ channel, effects: [...effects].sort(storedLast) })),
  stepped('does not propose again', (step, _, input) => (isGreeted(input) ? without(step, isSent('commit')) : step)),
  stepped('does not answer again', (step, _, input) => (isGreeted(input) ? without(step, isSent('answer')) : step)),
  {
    ...stepped('does not revoke again', (step, _, input) =>
      isGreeted(input) ? without(step, isSent('revoke')) : step,
    ),
    faults: { drop: 0.3 },
  },
  stepped('does not tell where it stands', (step) => without(step, isSent('position'))),
  stepped('keeps the turn', (step, before, input) => (isAsked(input) ? { channel: before, effects: [] } : step)),
  stepped('does not store what it proposes', (step, before) => forgetful(step, before, 'proposed')),
  stepped('does not store what it answers', (step, before) => forgetful(step, before, 'answered')),
  stepped('proposes something else when it is asked again', rebuilt),
  stepped('broadcasts its commitment once', (step, _, input) =>
    input.type === 'chain' ? without(step, (effect) => effect.type === 'broadcast') : step,
  ),
  {
    ...stepped('broadcasts its funding once', (step, _, input) =>
      input.type === 'chain' ? without(step, (effect) => effect.type === 'broadcast-funding') : step,
    ),
    faults: { reorg: 0.4 },
  },
  {
    ...stepped('forgets which HTLCs there were', ({ channel, effects }) => ({
      channel,
      effects: effects.map((effect) => (effect.type === 'persist' ? { ...effect, notes: kept(effect) } : effect)),
    })),
    faults: cheated,
  },
  {
    name: 'goes to the chain with the commitment before the last',
    step: (right) => (channel, input, secrets) => {
      const step = right(channel, input, secrets)
      const old = isLive(channel) ? olderOf(channel) : null
      const effects = step.effects.map((effect): Effect => {
        const isOwn = effect.type === 'broadcast' && isLive(step.channel) && step.channel.phase === 'ending'
        return isOwn && old ? { ...effect, transaction: ownTransaction(old, secrets) } : effect
      })
      return { ...step, effects }
    },
  },
  {
    name: 'lets the expiry of its HTLCs pass',
    step: (right) => (channel, input, secrets) => {
      const isMeant = input.type === 'chain' && isLive(channel) && channel.own === 'accepter'
      if (!isMeant || input.view.fundedAt === null) return right(channel, input, secrets)
      const { view } = input
      // Deep enough for its funding, and far from every expiry.
      const early = height(Math.min(view.height, (view.fundedAt as number) + 2))
      return right(channel, { ...input, view: { ...view, height: early } }, secrets)
    },
    faults: { drop: 0.3 },
  },
  { name: 'takes a backup for its newest state', decode: (bytes) => decodeChannel(bytes, 'own'), faults: restored },
  { name: 'takes what the other side gives back for its newest state', peerCopy: 'newest', faults: restored },
  { name: 'takes a record that is not its own', peerCopy: 'any', faults: restored },
  { name: 'does not lift its commitment', lift: () => () => [], faults: { feeSpike: 1 } },
  { ...claiming('does not punish', ({ kind }) => kind !== 'justice'), faults: cheated },
  { ...claiming('punishes the balance alone', (claim) => claim.kind !== 'justice' || !claim.htlc), faults: cheated },
  claiming('does not take its own after the delay', ({ kind }) => kind !== 'own'),
  claiming('does not take HTLCs back', ({ kind }) => kind !== 'timeout' && kind !== 'expired'),
  claiming('does not use its preimages', ({ kind }) => kind !== 'success' && kind !== 'preimage'),
]

type Wrong = (step: Step, before: Channel, input: Input) => Step

function stepped(name: string, wrong: Wrong): Mutant {
  return {
    name,
    step: (right) => (channel, input, secrets) => wrong(right(channel, input, secrets), channel, input),
  }
}

/** Claims only some of what it could, and believes that to be all. */
function claiming(
  name: string,
  keeps: (
    claim: ReturnType<NonNullable<Mutant['resolve']>> extends (...all: never) => infer made
      ? made extends { claims: readonly (infer claim)[] }
        ? claim
        : never
      : never,
  ) => boolean,
): Mutant {
  return {
    name,
    resolve: (right) => (channel, secrets, classified, facts) => {
      const resolution = right(channel, secrets, classified, facts)
      const claims = resolution.claims.filter(keeps)
      return { ...resolution, claims, isResolved: resolution.isResolved || claims.length === 0 }
    },
  }
}

function without({ channel, effects }: Step, unwanted: (effect: Effect) => boolean): Step {
  return { channel, effects: effects.filter((effect) => !unwanted(effect)) }
}

function isSent(type: string) {
  return (effect: Effect) => effect.type === 'send' && effect.message.type === type
}

function isGreeted(input: Input): boolean {
  return input.type === 'message' && input.message.type === 'position'
}

function isAsked(input: Input): boolean {
  return input.type === 'message' && input.message.type === 'ask'
}

function storedLast(a: Effect, b: Effect): number {
  return Number(a.type === 'persist') - Number(b.type === 'persist')
}

function kept({ notes }: Extract<Effect, { type: 'persist' }>) {
  return notes.filter(({ type }) => type !== 'added')
}

/** Stores the state before, as if nothing had been proposed or answered. */
function forgetful({ channel, effects }: Step, before: Channel, state: string): Step {
  if (!isLive(channel) || channel.exchange.state !== state || channel === before) return { channel, effects }
  return {
    channel,
    effects: effects.map((effect) => (effect.type === 'persist' ? { ...effect, channel: before } : effect)),
  }
}

/** Takes its proposal back when the other side tells its position, and so makes another one later. */
function rebuilt(step: Step, before: Channel, input: Input): Step {
  if (!isGreeted(input) || !isLive(before) || before.phase !== 'open' || before.exchange.state !== 'proposed')
    return step
  const channel: Channel = { ...before, exchange: { state: 'idle' } }
  return { channel, effects: [{ type: 'persist', channel, notes: [] }] }
}

/** The state that a side had before the last one it told the secret of; nothing at the beginning. */
function olderOf(channel: LiveChannel): LiveChannel | null {
  const { base } = channel
  if (base.number === 0 || channel.exchange.state !== 'idle') return null
  return {
    ...channel,
    base: { ...base, number: base.number - 1, balance: { ...base.balance, opener: msats(base.balance.opener) } },
  }
}
