import { type Decoded, SdkError } from '../../errors.ts'
import type { BeaconNode, Clock, Store } from '../../ports.ts'
import { fromHex, type Hex, sameBytes, toHex } from '../../units.ts'
import {
  advance,
  anchorAt,
  type BeaconNetwork,
  decodeBootstrap,
  decodeUpdate,
  hasTwoThirds,
  headAgeSecondsMaxDefault,
  isSigned,
  isStale,
  type LightChain,
  type LightMessage,
  type LightUpdate,
  lightMessageFromJson,
  periodAt,
  type Standing,
  slotAt,
  startLightChain,
  timeOf,
  updatesMax,
} from '../../verify/ethereum/index.ts'
import { held, liedNode, type Panel, type Told } from '../panel.ts'
import { agreedCheckpoint, type CheckpointQuorum } from './checkpoint.ts'
import { type Conflict, conflictOf, type Step } from './conflict.ts'
import { openLightStore } from './lightStore.ts'

/** Most rounds of updates in one sync: 128 periods each, so a chain of many years. */
const roundsMax = 8
/** A head that is older than this, in seconds, is what all sources withhold, or the clock is wrong. */
export const headLagSecondsMax = 4 * 60 * 60

/** An update that a committee signed on its own, as it was sent: what a receipt carries. */
export interface HeadUpdate {
  readonly kind: 'finality-update' | 'optimistic-update'
  readonly ssz: Uint8Array
  readonly update: LightUpdate
  readonly sources: readonly string[]
}

/** What is known after a sync. */
export interface Followed {
  readonly chain: LightChain
  /** Where trust began. */
  readonly anchor: Standing['anchor']
  readonly finalized: HeadUpdate
  readonly optimistic: HeadUpdate
}

export interface LightBookParts {
  readonly network: BeaconNetwork
  readonly panel: Panel<BeaconNode>
  /** A root that the user pins, or those to ask for one. */
  readonly checkpoint: Hex | CheckpointQuorum | null
  readonly store: Store | null
  readonly clock: Pick<Clock, 'now'>
  readonly ageSecondsMax?: number
}

/** The chain that committees sign, as several beacon nodes tell it. */
export interface LightBook {
  /** Brings it up to date, a slot at most behind; calls that come together share one round. */
  readonly sync: () => Promise<Followed>
  readonly conflicts: () => readonly Conflict[]
}

export function createLightBook(parts: LightBookParts): LightBook {
  const { network, panel, clock, ageSecondsMax = headAgeSecondsMaxDefault } = parts
  const store = openLightStore(parts.store, network)
  const conflicts: Conflict[] = []
  const nowSeconds = () => Math.floor(clock.now() / 1_000)
  let known: { chain: LightChain; anchor: Standing['anchor'] } | null = null
  let running: Promise<Followed> | null = null
  let last: { readonly at: number; readonly followed: Followed } | null = null

  /** Takes the furthest of what sources proved; two that contradict each other stop the client. */
  const agree = (from: LightChain, told: readonly Told<Step>[]): LightChain => {
    for (const [at, one] of told.entries())
      for (const other of told.slice(at + 1)) {
        const conflict = conflictOf(one, other)
        if (!conflict) continue
        conflicts.push(conflict)
        throw conflictError()
      }
    return told.reduce((best, { value }) => (isFurther(value.chain, best) ? value.chain : best), from)
  }

  const begin = async (): Promise<NonNullable<typeof known>> => {
    await checkNetwork(panel, network)
    const stored = await store.load()
    if (stored && !isStale(stored, { nowSeconds: nowSeconds(), ageSecondsMax }))
      return { chain: stored, anchor: anchorAt(stored) }
    const chain = await bootstrap(parts)
    // Never below what was final already: an older checkpoint could be of another history.
    if (stored && stored.finalized.slot > chain.finalized.slot) throw staleError(stored, nowSeconds())
    return { chain, anchor: anchorAt(chain) }
  }

  const catchUp = async (from: LightChain): Promise<LightChain> => {
    let chain = from
    for (let round = 0; round < roundsMax; round++) {
      const wanted = periodAt(network, slotAt(network, nowSeconds())) - periodAt(network, chain.finalized.slot) + 1
      if (wanted <= 1 && chain.next) return chain
      const judge = judgeOnce(nowSeconds())
      const told = await panel.ask((node) => updatesFrom(node, chain, Math.min(wanted, updatesMax), judge))
      const reached = agree(chain, told)
      if (!isFurther(reached, chain)) return chain
      chain = reached
    }
    return chain
  }

  const follow = async (): Promise<Followed> => {
    known ??= await begin()
    if (isStale(known.chain, { nowSeconds: nowSeconds(), ageSecondsMax })) throw staleError(known.chain, nowSeconds())
    const base = await catchUp(known.chain)
    const judge = judgeOnce(nowSeconds())
    const told = await panel.ask((node) => headsFrom(node, base, judge))
    const chain = agree(
      base,
      told.map(({ node, value }) => ({ node, value: value.step })),
    )
    await store.save(chain)
    known = { ...known, chain }
    checkLag(chain, nowSeconds())
    const [finalized, optimistic] = [headOf(chain, 'finalized', told), headOf(chain, 'optimistic', told)]
    return { chain, anchor: known.anchor, finalized, optimistic }
  }

  return {
    conflicts: () => conflicts,
    sync: () => {
      if (conflicts.length > 0) return Promise.reject(conflictError())
      // Within a slot nothing new is signed.
      const age = last ? clock.now() - last.at : Number.POSITIVE_INFINITY
      if (last && age >= 0 && age < 1_000 * network.secondsPerSlot) return Promise.resolve(last.followed)
      running ??= follow()
        .then((followed) => {
          last = { at: clock.now(), followed }
          return followed
        })
        .finally(() => {
          running = null
        })
      return running
    },
  }
}

function isFurther(one: LightChain, other: LightChain): boolean {
  if (one.finalized.slot !== other.finalized.slot) return one.finalized.slot > other.finalized.slot
  if ((one.next !== null) !== (other.next !== null)) return one.next !== null
  return one.optimistic.slot > other.optimistic.slot
}

/** All that answer must be of this chain; one of another is held against it. */
async function checkNetwork(panel: Panel<BeaconNode>, network: BeaconNetwork): Promise<void> {
  const told = await panel.askAll((node) => node.genesis())
  const own = toHex(network.genesisValidatorsRoot)
  for (const { node, value } of told)
    if (value !== own) panel.accuse(node, liedNode(`it follows another chain than ${network.name}`))
  if (told.some(({ value }) => value === own)) return
  throw new SdkError('client/wrong-network', `The beacon nodes follow another chain than ${network.name}.`, {
    notes: ['Give the addresses of nodes of this network, or choose the network that they follow.'],
  })
}

async function bootstrap(parts: LightBookParts): Promise<LightChain> {
  const { network, panel, checkpoint, clock, ageSecondsMax = headAgeSecondsMaxDefault } = parts
  if (checkpoint === null)
    throw new SdkError('client/stale-checkpoint', 'There is no checkpoint to begin at, and nothing usable is stored.', {
      notes: [
        'Pin the root of a finalized beacon block that you have from a source you trust, or name several sources.',
      ],
    })
  const root = typeof checkpoint === 'string' ? checkpoint : await agreedCheckpoint(checkpoint)
  const told = await panel.ask(async (node) => {
    const decoded = decodeBootstrap(network, ssz(network, 'bootstrap', await node.bootstrap(root)))
    if (!decoded.ok) throw liedNode(`its bootstrap does not hold: ${decoded.reason}`)
    return held(startLightChain(network, fromHex(root), decoded.value))
  })
  const chain = (told[0] as Told<LightChain>).value
  const nowSeconds = Math.floor(clock.now() / 1_000)
  if (isStale(chain, { nowSeconds, ageSecondsMax })) throw staleError(chain, nowSeconds)
  return chain
}

async function updatesFrom(node: BeaconNode, from: LightChain, count: number, judge: Judge): Promise<Step> {
  const { network } = from
  const list = await node.updates(periodAt(network, from.finalized.slot), count)
  const read = list.slice(0, updatesMax).map((json) => decoded(network, 'update', json))
  // The first may be of the period that is under way here: then it tells nothing new.
  const told = read.filter(
    ({ update: { attested, next } }) => attested.slot > from.finalized.slot || (!from.next && next),
  )
  const chain = judge(from, told)
  if (!chain.ok) throw liedNode(`its updates do not hold: ${chain.reason}`)
  return { chain: chain.value, updates: told.map(({ update }) => update) }
}

/** Judges updates on top of a chain, in one step. */
type Judge = (chain: LightChain, told: readonly Pick<ToldHead, 'ssz' | 'update'>[]) => Decoded<LightChain>

/** Honest nodes tell the same bytes: what was judged once on one chain is not judged again. */
function judgeOnce(nowSeconds: number): Judge {
  const known: {
    readonly chain: LightChain
    readonly all: readonly Uint8Array[]
    readonly answer: Decoded<LightChain>
  }[] = []
  return (chain, told) => {
    const same = known.find(
      ({ all, ...one }) =>
        one.chain === chain &&
        all.length === told.length &&
        told.every(({ ssz }, at) => sameBytes(ssz, all[at] as Uint8Array)),
    )
    if (same) return same.answer
    const updates = told.map(({ update }) => update)
    const answer = advance(chain, updates, nowSeconds)
    known.push({ chain, all: told.map(({ ssz }) => ssz), answer })
    return answer
  }
}

interface Heads {
  readonly step: Step
  readonly heads: readonly ToldHead[]
}

interface ToldHead extends Omit<HeadUpdate, 'sources'> {
  /** Whether its signature was judged: not where it told nothing new. */
  readonly isJudged: boolean
}

/** What one node tells of the two heads; both must hold. */
async function headsFrom(node: BeaconNode, from: LightChain, judge: Judge): Promise<Heads> {
  const { network } = from
  const [final, optimistic] = await Promise.all([node.finalityUpdate(), node.optimisticUpdate()])
  const messages = [
    { kind: 'finality-update', ...decoded(network, 'finality-update', final) },
    { kind: 'optimistic-update', ...decoded(network, 'optimistic-update', optimistic) },
  ] as const
  const step = { chain: from, updates: messages.map(({ update }) => update) }
  // Nearly always both tell of one signature. A step of both judges it once, and shows each of them by itself.
  const both = isOneSignature(messages[0].update, messages[1].update) ? judge(from, messages) : null
  if (both?.ok) {
    const heads = messages.map((message) => ({ ...message, isJudged: true }))
    return { step: { ...step, chain: both.value }, heads }
  }
  let chain = from
  const heads: ToldHead[] = []
  for (const message of messages) {
    const { attested } = message.update
    // What is not younger than the final block is of use only as evidence of it, and judged when it is used.
    const next = attested.slot > chain.finalized.slot ? judge(chain, [message]) : null
    if (next && !next.ok) throw liedNode(`its ${message.kind} does not hold: ${next.reason}`)
    chain = next?.value ?? chain
    heads.push({ ...message, isJudged: next !== null })
  }
  return { step: { ...step, chain }, heads }
}

function isOneSignature(one: LightUpdate, other: LightUpdate): boolean {
  const areSame = sameBytes(one.signature, other.signature) && sameBytes(one.bits, other.bits)
  return areSame && one.signatureSlot === other.signatureSlot && sameBytes(one.attested.root, other.attested.root)
}

function decoded(network: BeaconNetwork, kind: Exclude<LightMessage, 'bootstrap'>, json: unknown) {
  const bytes = ssz(network, kind, json)
  const update = decodeUpdate(network, kind, bytes)
  if (!update.ok) throw liedNode(`its ${kind} does not hold: ${update.reason}`)
  return { ssz: bytes, update: update.value }
}

function ssz(network: BeaconNetwork, kind: LightMessage, json: unknown): Uint8Array {
  const bytes = lightMessageFromJson(network, kind, json)
  if (!bytes.ok) throw liedNode(`its ${kind} cannot be read: ${bytes.reason}`)
  return bytes.value
}

/** The updates that prove a head of the chain, and who told one. */
function headOf(chain: LightChain, level: 'finalized' | 'optimistic', told: readonly Told<Heads>[]): HeadUpdate {
  const { root } = chain[level]
  const fits = ({ update }: ToldHead) => {
    const header = level === 'finalized' ? update.finality : update.attested
    return header !== null && header !== 'genesis' && sameBytes(header.root, root)
  }
  const found = told.flatMap(({ node, value }) => value.heads.filter(fits).map((head) => ({ node, head })))
  const best =
    found.find(({ head }) => head.isJudged && hasTwoThirds(head.update)) ??
    found.find(({ head }) => isSigned(chain, head.update))
  if (best) return { ...best.head, sources: [...new Set(found.map(({ node }) => `beacon ${node}`))] }
  throw new SdkError('node/nonsense', `No beacon node shows the ${level} head that is known already: all are behind.`, {
    retryable: true,
    notes: ['Add a beacon node that is in sync, or wait until these are.'],
  })
}

function checkLag(chain: LightChain, nowSeconds: number): void {
  const lag = nowSeconds - timeOf(chain.network, chain.optimistic.slot)
  if (lag <= headLagSecondsMax) return
  throw new SdkError('client/wrong-clock', `The youngest signed block is ${Math.floor(lag / 60)} minutes old.`, {
    retryable: true,
    notes: [
      'The clock of this device may be wrong: compare it.',
      'Or all beacon nodes withhold what is younger: add another.',
    ],
  })
}

function staleError({ network, finalized }: LightChain, nowSeconds: number): SdkError {
  const age = nowSeconds - timeOf(network, finalized.slot)
  if (age < 0)
    return new SdkError(
      'client/wrong-clock',
      'The checkpoint lies in the future: the clock of this device is behind.',
      {
        notes: ['Set the clock, and try again.'],
      },
    )
  return new SdkError(
    'client/stale-checkpoint',
    `What is known of the chain is ${Math.floor(age / 86_400)} days old.`,
    {
      notes: [
        'Members that signed then may have left: a history that they sign today would look as true as the real one.',
        'Pin the root of a younger finalized block from a source you trust.',
      ],
    },
  )
}

function conflictError(): SdkError {
  return new SdkError('client/conflict', 'Two beacon nodes show histories that exclude each other, both signed.', {
    notes: [
      'The client has stopped, and keeps both as evidence.',
      'A committee has signed twice, or the checkpoint is not of the chain: compare it with other sources.',
    ],
  })
}
