import {
  webhookDeadMs,
  webhookOldSecretMs,
  webhookPausesMs,
  webhookTimeoutMs,
  webhookWatchMsMax,
} from '../../edge/limits.ts'
import type { MemberStatus } from '../../edge/objects.ts'
import {
  type CallOutcome,
  type WebhookEffect,
  type WebhookEvent,
  type WebhookStep,
  webhookStep,
  webhookWakeAt,
} from '../../edge/webhook.ts'
import type { WebhookChange, WebhookRows } from '../../edge/webhookRows.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { address, type BatchId, batchId, chainId, txHash } from '../../sdk/units.ts'
import { createRandom, type Random } from '../sim/random.ts'
import { type MemoryWebhook, memoryWebhook } from './memoryWebhook.ts'

/** A defect that the laws must notice. */
export interface WebhookMutant {
  readonly name: string
  /** What the step reads instead of the rows. */
  readonly reads?: (rows: MemoryWebhook, event: WebhookEvent) => WebhookRows
  /** What it decides instead. */
  readonly does?: (right: WebhookStep, rows: MemoryWebhook, event: WebhookEvent) => WebhookStep
  readonly wakes?: (rows: MemoryWebhook) => number | null
}

export interface WebhookOutcome {
  readonly seed: number
  /** The law that broke. */
  readonly failure: string | null
  readonly events: number
  readonly faults: Readonly<Record<string, number>>
  readonly log: readonly string[]
}

/** What the world knows of one message, whatever the rows say. */
interface Letter {
  body: string
  /** Since it was made, or tried anew. */
  tries: number
  triedAt: number
  isDone: boolean
  isReceived: boolean
}

/** A batch as the chain has it: when each of its transactions is final, `null` for one that never is. */
interface Fate {
  finalAt: readonly (number | null)[]
  readonly isKnown: boolean
  watchedSince: number | null
}

const acts = 250
const stepsMax = 4_000
const tries = webhookPausesMs.length + 1
const start = 1_700_000_000_000

/** Everything there is in one world. */
interface Scene {
  readonly random: Random
  readonly mutant: WebhookMutant | null
  readonly rows: MemoryWebhook
  readonly fates: Map<BatchId, Fate>
  readonly letters: Map<string, Letter>
  readonly log: string[]
  readonly faults: { crash: number; lostAnswer: number; refused: number; gone: number; late: number }
  now: number
  /** Counts the object's lives: what one of them has begun, the next one does not hear of. */
  life: number
  alarmAt: number | null
  secrets: { readonly current: string; readonly before: string | null; readonly until: number } | null
  isGone: boolean
  mood: 'well' | 'broken' | 'deaf' | 'gone'
  deeds: readonly Deed[]
}

interface Deed {
  readonly at: number
  /** The life it belongs to; `null`: it happens whatever becomes of the object. */
  readonly life: number | null
  readonly run: () => void
}

/**
 * One merchant's webhook, its chain and the merchant's server, from one seed: batches that end or never do, a server that
 * fails, takes a call and loses the answer, or is gone; power cuts between the commit and the deeds, and in their middle.
 * Laws are checked at each event; in the end, with all well, nobody is owed anything.
 */
export function runWebhookWorld(seed: number, mutant: WebhookMutant | null = null): WebhookOutcome {
  const scene: Scene = {
    ...{ random: createRandom(seed), mutant, rows: memoryWebhook(), fates: new Map(), letters: new Map(), log: [] },
    ...{ faults: { crash: 0, lostAnswer: 0, refused: 0, gone: 0, late: 0 }, now: start, life: 0, alarmAt: null },
    ...{ secrets: null, isGone: false, mood: 'well', deeds: [] },
  }
  let failure: string | null = null
  try {
    for (let at = 0; at < acts; at++) act(scene)
    settle(scene)
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  const { log, faults } = scene
  return { seed, failure, events: log.length, faults, log: log.slice(-20) }
}

function act(scene: Scene): void {
  const { random, rows } = scene
  if (!rows.head()) register(scene)
  const dice = random.below(100)
  if (dice < 12) submit(scene)
  else if (dice < 16) crash(scene)
  else if (dice < 20) scene.mood = random.pick(['well', 'broken', 'deaf', 'deaf', 'gone'])
  else if (dice < 22) rotate(scene)
  else if (dice < 25) replay(scene)
  else if (dice < 27) register(scene)
  else if (dice === 27 && random.chance(0.2)) forget(scene)
  else if (dice < 32) scene.now += random.from(0, webhookOldSecretMs / 3)
  else step(scene)
}

/** A power cut, and all is well from then on: everything comes to its end by itself. */
function settle(scene: Scene): void {
  const { rows, fates, letters } = scene
  crash(scene)
  scene.mood = 'well'
  if (scene.isGone) register(scene)
  for (const fate of fates.values()) fate.finalAt = fate.finalAt.map((at) => at ?? scene.now)
  const isQuiet = () => rows.counts().watched + rows.counts().waiting === 0
  for (let at = 0; at < stepsMax && !(isQuiet() && scene.deeds.length === 0); at++) if (!step(scene)) break
  demand(scene, isQuiet(), 'after healing, nothing hangs')
  for (const [batch, { watchedSince }] of fates) {
    if (watchedSince === null) continue
    const ids = ['batch', 'lapsed'].map((kind) => `${kind}_${batch.slice(2)}`)
    const told = ids.flatMap((id) => letters.get(id) ?? [])
    demand(scene, told.length > 0, 'what is watched is told of')
    const isForgotten = told.some(({ triedAt }) => scene.now - triedAt >= webhookDeadMs)
    const isKept = isForgotten || ids.some((id) => rows.call(id)?.isDead)
    demand(scene, isKept || told.some(({ isReceived }) => isReceived), 'a message is received, or is a dead letter')
  }
}

/** The next thing that happens by itself; false when nothing will. */
function step(scene: Scene): boolean {
  const [next] = [...scene.deeds].sort((one, other) => one.at - other.at)
  if (next && (scene.alarmAt === null || next.at <= scene.alarmAt)) {
    scene.deeds = scene.deeds.filter((deed) => deed !== next)
    scene.now = Math.max(scene.now, next.at)
    next.run()
    return true
  }
  if (scene.alarmAt === null) return false
  scene.now = Math.max(scene.now, scene.alarmAt)
  scene.alarmAt = null
  feed(scene, { type: 'tick', now: scene.now })
  return true
}

function feed(scene: Scene, event: WebhookEvent): WebhookStep {
  const { rows, mutant } = scene
  scene.log.push(`${scene.now - start} ${event.type}`)
  const right = webhookStep(mutant?.reads?.(rows, event) ?? rows, event)
  const decided = mutant?.does?.(right, rows, event) ?? right
  for (const change of decided.changes) checkChange(scene, change)
  rows.apply(decided.changes)
  for (const effect of decided.effects) perform(scene, effect)
  arm(scene)
  return decided
}

/** An object arms its alarm from the rows, after each event and when it starts. */
function arm(scene: Scene): void {
  scene.alarmAt = scene.mutant?.wakes ? scene.mutant.wakes(scene.rows) : webhookWakeAt(scene.rows)
}

function demand(scene: Scene, holds: boolean, law: string): void {
  if (!holds) throw new Error(`[${law}] at ${scene.now - start} ms`)
}

function checkChange(scene: Scene, change: WebhookChange): void {
  const { rows, letters, fates } = scene
  if ('remove' in change && change.remove === 'everything') {
    letters.clear()
    for (const fate of fates.values()) fate.watchedSince = null
  }
  if (!('put' in change) || change.put !== 'call') return
  const { id, body, isDead } = change.row
  const [known, stored] = [letters.get(id), rows.call(id)]
  demand(scene, known === undefined || contentOf(known.body) === contentOf(body), 'one id says one thing')
  demand(scene, stored === undefined || stored.body === body, 'every try has the same bytes')
  if (isDead && !stored?.isDead) demand(scene, scene.isGone || known?.tries === tries, 'dead only after every try')
  if (stored) return
  checkBody(scene, id, body)
  letters.set(id, { body, tries: 0, triedAt: 0, isDone: false, isReceived: known?.isReceived ?? false })
}

/** What a message says, without when it was written. */
function contentOf(body: string): string {
  return JSON.stringify({ ...JSON.parse(body), timestamp: '' })
}

function checkBody(scene: Scene, id: string, body: string): void {
  const { fates, now } = scene
  const fate = fates.get(batchId(`0x${id.slice(id.indexOf('_') + 1)}`))
  const isFinal = fate?.isKnown === true && fate.finalAt.every((at) => at !== null && at <= now)
  const isLate = !fate?.isKnown || now - (fate.watchedSince ?? now) > webhookWatchMsMax
  const saysFinal = (JSON.parse(body) as { type: string }).type === 'batch.final'
  demand(scene, saysFinal ? isFinal : isLate, 'what is told is true')
}

function perform(scene: Scene, effect: WebhookEffect): void {
  if (effect.type === 'call') {
    checkCall(scene, effect)
    ring(scene, effect.call.id, effect.call.attempts)
    return
  }
  later(scene, scene.random.from(1, 500), scene.life, () => {
    for (const batch of effect.batches)
      feed(scene, { type: 'seen', batch, members: membersOf(scene, batch), now: scene.now })
  })
}

function later(scene: Scene, ms: number, life: number | null, run: () => void): void {
  scene.deeds = [...scene.deeds, { at: scene.now + ms, life, run }]
}

function checkCall(scene: Scene, { call, secrets: shown }: Extract<WebhookEffect, { type: 'call' }>): void {
  const { letters, rows, now, secrets } = scene
  const [letter, stored] = [letters.get(call.id), rows.call(call.id)]
  demand(scene, letter !== undefined && stored !== undefined, 'a message is stored before it leaves')
  if (!letter || !secrets) return
  demand(scene, stored?.attempts === letter.tries + 1, 'a try is counted before it leaves')
  demand(scene, letter.tries < tries, 'the tries are used up at last')
  demand(scene, !scene.isGone, 'nobody who is gone is called')
  demand(scene, !letter.isDone, 'what was taken is not sent again')
  const pause = letter.tries === 0 ? 0 : (webhookPausesMs[letter.tries - 1] ?? 0)
  demand(scene, now - letter.triedAt >= pause, 'tries keep their pauses')
  const isRotated = secrets.before !== null && now < secrets.until
  const signing = isRotated ? [secrets.current, secrets.before] : [secrets.current]
  demand(scene, shown.join() === signing.join(), 'signed by the secrets of the day')
  letter.tries += 1
  letter.triedAt = now
}

/** The call travels whatever becomes of the object; only its answer needs somebody to come to. */
function ring(scene: Scene, id: string, attempts: number): void {
  const { random, letters, rows, faults, mood, life } = scene
  const isLost = mood === 'deaf' && random.chance(0.5)
  const outcomes = { well: 'done', gone: 'gone', deaf: { fault: 'unreachable' }, broken: { fault: '503' } } as const
  const outcome: CallOutcome = outcomes[mood]
  if (mood === 'well' || isLost)
    later(scene, 5, null, () => {
      const letter = letters.get(id)
      if (letter) letter.isReceived = true
    })
  faults.lostAnswer += Number(isLost)
  faults.refused += Number(mood === 'broken')
  const isLate = random.chance(0.1)
  faults.late += Number(isLate)
  const ms = isLate ? random.from(webhookTimeoutMs, 20 * webhookTimeoutMs) : random.from(10, 900)
  later(scene, ms, life, () => {
    const letter = letters.get(id)
    if (letter && outcome === 'done') letter.isDone = true
    const stored = rows.call(id)
    if (outcome === 'gone' && stored?.attempts === attempts && !stored.isDead) {
      scene.isGone = rows.head() !== undefined
      faults.gone += 1
    }
    feed(scene, { type: 'called', id, attempts, outcome, now: scene.now })
  })
}

function membersOf({ fates, now }: Scene, batch: BatchId): readonly MemberStatus[] | null {
  const fate = fates.get(batch)
  if (!fate?.isKnown) return null
  return fate.finalAt.map((at, index): MemberStatus => {
    const isFinal = at !== null && at <= now
    const hash = txHash(`0x${String(index).padStart(64, '0')}`)
    const open: TxStatus = index % 2 === 0 ? { state: 'queued' } : { state: 'replaced', by: hash }
    const status: TxStatus = isFinal ? { state: 'rejected', code: 'fee-too-low', detail: '' } : open
    return { hash, sender: address(`0x${'02'.repeat(20)}`), status, isOpen: !isFinal }
  })
}

function register(scene: Scene): void {
  const secret = btoa(`secret ${scene.log.length}`)
  feed(scene, { type: 'register', chain: chainId(1), url: 'https://shop.example/hook', secret, now: scene.now })
  scene.secrets ??= { current: secret, before: null, until: 0 }
  scene.isGone = false
}

function submit(scene: Scene): void {
  const { fates, random, now } = scene
  const known = [...fates.keys()]
  if (known.length > 0 && random.chance(0.2)) {
    watch(scene, random.pick(known)) // The same bytes, submitted once more.
    return
  }
  const batch = batchId(`0x${fates.size.toString(16).padStart(64, '0')}`)
  const finalAt = [0, 1].map(() => (random.chance(0.03) ? null : now + random.from(0, 300_000)))
  fates.set(batch, { finalAt, isKnown: !random.chance(0.03), watchedSince: null })
  watch(scene, batch)
}

function watch(scene: Scene, batch: BatchId): void {
  const isOpen = scene.rows.head() !== undefined && !scene.isGone
  const { isTaken } = feed(scene, { type: 'watch', batch, now: scene.now })
  const fate = scene.fates.get(batch)
  if (fate && isTaken && isOpen) fate.watchedSince ??= scene.now
}

function rotate(scene: Scene): void {
  const { secrets, now } = scene
  const secret = btoa(`secret ${scene.log.length}`)
  if (!secrets || !feed(scene, { type: 'rotate', secret, now }).isTaken) return
  scene.secrets = { current: secret, before: secrets.current, until: now + webhookOldSecretMs }
}

/** A dead letter is tried anew, from its first try on. */
function replay(scene: Scene): void {
  const [dead] = scene.rows.dead(1)
  const letter = dead && scene.letters.get(dead.id)
  if (!dead || !letter) return
  letter.tries = 0
  letter.triedAt = 0
  feed(scene, { type: 'replay', id: dead.id, now: scene.now })
}

function forget(scene: Scene): void {
  if (!feed(scene, { type: 'forget', now: scene.now }).isTaken) return
  scene.secrets = null
  scene.isGone = false
}

function crash(scene: Scene): void {
  scene.faults.crash += 1
  scene.life += 1
  scene.deeds = scene.deeds.filter(({ life }) => life === null)
  arm(scene)
}
