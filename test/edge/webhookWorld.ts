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
import type { WebhookRows } from '../../edge/webhookRows.ts'
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

/**
 * One merchant's webhook, its chain and the merchant's server, from one seed: batches that end or never do, a server that
 * fails, takes a call and loses the answer, or is gone; power cuts between the commit and the deeds, and in their middle.
 * Laws are checked at each event; in the end, with all well, nobody is owed anything.
 */
export function runWebhookWorld(seed: number, mutant: WebhookMutant | null = null): WebhookOutcome {
  const world = createWorld(createRandom(seed), mutant)
  let failure: string | null = null
  try {
    for (let at = 0; at < acts; at++) world.act()
    world.settle()
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  return { seed, failure, events: world.log.length, faults: world.faults, log: world.log.slice(-20) }
}

/** What a message says, without when it was written. */
function contentOf(body: string): string {
  return JSON.stringify({ ...JSON.parse(body), timestamp: '' })
}

function createWorld(random: Random, mutant: WebhookMutant | null) {
  const rows = memoryWebhook()
  const fates = new Map<BatchId, Fate>()
  const letters = new Map<string, Letter>()
  const log: string[] = []
  const faults = { crash: 0, lostAnswer: 0, refused: 0, gone: 0, late: 0 }
  let now = start
  let life = 0
  let alarmAt: number | null = null
  let secrets: { current: string; before: string | null; until: number } | null = null
  let isGone = false
  let mood: 'well' | 'broken' | 'deaf' | 'gone' = 'well'
  let deeds: { readonly at: number; readonly life: number | null; readonly run: () => void }[] = []

  const breach = (law: string, is: boolean) => {
    if (!is) throw new Error(`[${law}] at ${now - start} ms`)
  }
  const later = (ms: number, of: number | null, run: () => void) => deeds.push({ at: now + ms, life: of, run })
  const wakeAt = () => mutant?.wakes?.(rows) ?? (mutant?.wakes ? null : webhookWakeAt(rows))

  const feed = (event: WebhookEvent): WebhookStep => {
    log.push(`${now - start} ${event.type}`)
    const right = webhookStep(mutant?.reads?.(rows, event) ?? rows, event)
    const step = mutant?.does?.(right, rows, event) ?? right
    for (const change of step.changes) checkChange(change)
    rows.apply(step.changes)
    for (const effect of step.effects) perform(effect)
    alarmAt = wakeAt()
    return step
  }

  const checkChange = (change: WebhookStep['changes'][number]) => {
    if ('remove' in change && change.remove === 'everything') {
      letters.clear()
      for (const fate of fates.values()) fate.watchedSince = null
    }
    if (!('put' in change) || change.put !== 'call') return
    const { id, body, isDead } = change.row
    const known = letters.get(id)
    const stored = rows.call(id)
    breach('one id says one thing', known === undefined || contentOf(known.body) === contentOf(body))
    breach('every try has the same bytes', stored === undefined || stored.body === body)
    if (isDead && !stored?.isDead) breach('dead only after every try', isGone || known?.tries === tries)
    if (stored) return
    checkBody(id, body)
    letters.set(id, { body, tries: 0, triedAt: 0, isDone: false, isReceived: known?.isReceived ?? false })
  }
  const checkBody = (id: string, body: string) => {
    const fate = fates.get(batchId(`0x${id.slice(id.indexOf('_') + 1)}`))
    const isFinal = fate?.isKnown && fate.finalAt.every((at) => at !== null && at <= now)
    const isLate = !fate?.isKnown || now - (fate.watchedSince ?? now) > webhookWatchMsMax
    breach(
      'what is told is true',
      (JSON.parse(body) as { type: string }).type === 'batch.final' ? isFinal === true : isLate,
    )
  }

  const perform = (effect: WebhookEffect) => {
    if (effect.type === 'look') {
      const mine = life
      later(random.from(1, 500), mine, () => {
        for (const batch of effect.batches) feed({ type: 'seen', batch, members: membersOf(batch), now })
      })
      return
    }
    const { call } = effect
    const letter = letters.get(call.id)
    breach('a message is stored before it leaves', letter !== undefined && rows.call(call.id) !== undefined)
    if (!letter) return
    breach('a try is counted before it leaves', rows.call(call.id)?.attempts === letter.tries + 1)
    breach('nobody who is gone is called', !isGone)
    breach('what was taken is not sent again', !letter.isDone)
    const pause = letter.tries === 0 ? 0 : (webhookPausesMs[letter.tries - 1] ?? 0)
    breach('tries keep their pauses', now - letter.triedAt >= pause)
    const both = secrets && secrets.before !== null && now < secrets.until
    breach(
      'signed by the secrets of the day',
      effect.secrets.join() === (both ? [secrets?.current, secrets?.before] : [secrets?.current]).join(),
    )
    letter.tries += 1
    letter.triedAt = now
    ring(call.id, call.attempts)
  }

  /** The call travels whatever becomes of the object; only its answer needs somebody to come to. */
  const ring = (id: string, attempts: number) => {
    const mine = life
    const heard = mood === 'deaf' ? random.pick(['nothing', 'all'] as const) : 'all'
    const outcome: CallOutcome =
      mood === 'well' ? 'done' : mood === 'gone' ? 'gone' : { fault: mood === 'deaf' ? 'unreachable' : '503' }
    if (mood === 'well' || (mood === 'deaf' && heard === 'all'))
      later(5, null, () => {
        const letter = letters.get(id)
        if (letter) letter.isReceived = true
      })
    if (mood === 'deaf' && heard === 'all') faults.lostAnswer += 1
    if (mood === 'broken') faults.refused += 1
    const isLate = random.chance(0.1)
    if (isLate) faults.late += 1
    later(isLate ? random.from(webhookTimeoutMs, 20 * webhookTimeoutMs) : random.from(10, 900), mine, () => {
      const letter = letters.get(id)
      if (letter && outcome === 'done') letter.isDone = true
      if (outcome === 'gone' && rows.call(id)?.attempts === attempts && !rows.call(id)?.isDead) {
        isGone = rows.head() !== undefined
        faults.gone += 1
      }
      feed({ type: 'called', id, attempts, outcome, now })
    })
  }

  const membersOf = (batch: BatchId): readonly MemberStatus[] | null => {
    const fate = fates.get(batch)
    if (!fate?.isKnown) return null
    return fate.finalAt.map((at, index): MemberStatus => {
      const state =
        at !== null && at <= now ? { state: 'rejected', code: 'fee-too-low', detail: '' } : { state: 'queued' }
      const hash = txHash(`0x${String(index).padStart(64, '0')}`)
      return { hash, sender: address(`0x${'02'.repeat(20)}`), status: state as TxStatus }
    })
  }

  const register = () => {
    const secret = btoa(`secret ${log.length}`)
    feed({ type: 'register', chain: chainId(1), url: 'https://shop.example/hook', secret, now })
    secrets ??= { current: secret, before: null, until: 0 }
    isGone = false
  }
  const watch = (batch: BatchId) => {
    const isOpen = rows.head() !== undefined && !isGone
    const { isTaken } = feed({ type: 'watch', batch, now })
    const fate = fates.get(batch)
    if (fate && isTaken && isOpen) fate.watchedSince ??= now
  }
  const submit = () => {
    const known = [...fates.keys()]
    if (known.length > 0 && random.chance(0.2)) return watch(random.pick(known))
    const batch = batchId(`0x${fates.size.toString(16).padStart(64, '0')}`)
    const finalAt = [0, 1].map(() => (random.chance(0.03) ? null : now + random.from(0, 300_000)))
    fates.set(batch, { finalAt, isKnown: !random.chance(0.03), watchedSince: null })
    watch(batch)
  }
  const rotate = () => {
    const secret = btoa(`secret ${log.length}`)
    if (!secrets || !feed({ type: 'rotate', secret, now }).isTaken) return
    secrets = { current: secret, before: secrets.current, until: now + webhookOldSecretMs }
  }
  const replay = () => {
    const [dead] = rows.dead(1)
    const letter = dead && letters.get(dead.id)
    if (!dead || !letter) return
    letter.tries = 0
    letter.triedAt = 0
    feed({ type: 'replay', id: dead.id, now })
  }
  const forget = () => {
    if (!feed({ type: 'forget', now }).isTaken) return
    secrets = null
    isGone = false
  }
  const crash = () => {
    faults.crash += 1
    life += 1
    deeds = deeds.filter((deed) => deed.life === null)
    alarmAt = wakeAt() // An object that starts arms its alarm from the rows.
  }
  /** The next thing that happens by itself; false when nothing will. */
  const step = (): boolean => {
    const next = deeds.reduce<(typeof deeds)[number] | null>(
      (first, deed) => (first && first.at <= deed.at ? first : deed),
      null,
    )
    if (next && (alarmAt === null || next.at <= alarmAt)) {
      deeds.splice(deeds.indexOf(next), 1)
      now = Math.max(now, next.at)
      next.run()
      return true
    }
    if (alarmAt === null) return false
    now = Math.max(now, alarmAt)
    alarmAt = null
    feed({ type: 'tick', now })
    return true
  }

  return {
    log,
    faults,
    act: () => {
      if (!rows.head()) register()
      const dice = random.below(100)
      if (dice < 12) submit()
      else if (dice < 16) crash()
      else if (dice < 20) mood = random.pick(['well', 'broken', 'deaf', 'deaf', 'gone'])
      else if (dice < 22) rotate()
      else if (dice < 25) replay()
      else if (dice < 27) register()
      else if (dice === 27 && random.chance(0.2)) forget()
      else if (dice < 32) now += random.from(0, webhookOldSecretMs / 3)
      else step()
    },
    settle: () => {
      crash()
      mood = 'well'
      if (isGone) register()
      for (const fate of fates.values()) fate.finalAt = fate.finalAt.map((at) => at ?? now)
      const isQuiet = () => rows.counts().watched + rows.counts().waiting === 0
      for (let at = 0; at < stepsMax && !(isQuiet() && deeds.length === 0); at++) if (!step()) break
      breach('after healing, nothing hangs', isQuiet())
      for (const [batch, fate] of fates) {
        if (fate.watchedSince === null) continue
        const ids = ['batch', 'lapsed'].map((kind) => `${kind}_${batch.slice(2)}`)
        const told = ids.flatMap((id) => letters.get(id) ?? [])
        breach('what is watched is told of', told.length > 0)
        const isKept =
          ids.some((id) => rows.call(id)?.isDead) || told.some(({ triedAt }) => now - triedAt >= webhookDeadMs)
        breach('a message is received, or is a dead letter', isKept || told.some(({ isReceived }) => isReceived))
      }
    },
  }
}
