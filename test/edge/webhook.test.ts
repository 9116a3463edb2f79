import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  webhookDeadMs,
  webhookLookMsMax,
  webhookLookMsMin,
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
  webhookStep,
  webhookWakeAt,
} from '../../edge/webhook.ts'
import { doForWebhook, webhookHeaders } from '../../edge/webhookDeeds.ts'
import { decodeWebhookUrl } from '../../edge/webhookUrl.ts'
import type { TxStatus } from '../../sdk/ports.ts'
import { address, batchId, chainId, txHash } from '../../sdk/units.ts'
import { memoryWebhook } from './memoryWebhook.ts'

const t0 = 1_700_000_000_000
const batch = batchId(`0x${'ab'.repeat(32)}`)
const id = `batch_${'ab'.repeat(32)}`
const url = 'https://shop.example/hook'
const [first, second] = [btoa('a'.repeat(32)), btoa('b'.repeat(32))]
const tries = webhookPausesMs.length + 1

function member(status: TxStatus | null, isOpen = false): MemberStatus {
  return { hash: txHash(`0x${'01'.repeat(32)}`), sender: address(`0x${'02'.repeat(20)}`), status, isOpen }
}
const rejected = member({ state: 'rejected', code: 'fee-too-low', detail: 'It is.' } as TxStatus)

/** A webhook: its rows, and a hand to feed it events. Taking `rows` along is what a crash leaves. */
function open(rows = memoryWebhook(), from = t0) {
  let now = from
  type Wish = WebhookEvent extends infer one ? (one extends unknown ? Omit<one, 'now'> : never) : never
  const feed = (event: Wish) => {
    const step = webhookStep(rows, { ...event, now } as WebhookEvent)
    rows.apply(step.changes)
    return step
  }
  const hook = {
    rows,
    feed,
    register: (secret = first) => feed({ type: 'register', chain: chainId(1), url, secret }),
    watch: () => feed({ type: 'watch', batch }).isTaken,
    seen: (...members: readonly MemberStatus[]) => feed({ type: 'seen', batch, members }),
    /** What is done then. */
    later: (ms: number): readonly WebhookEffect[] => {
      now += ms
      return feed({ type: 'tick' }).effects
    },
    /** Sleeps until the rows want something. */
    next: () => hook.later(Math.max(0, (webhookWakeAt(rows) ?? now) - now)),
    called: (outcome: CallOutcome, attempts = rows.call(id)?.attempts ?? 0) =>
      feed({ type: 'called', id, attempts, outcome }),
    now: () => now,
  }
  return hook
}

/** One whose batch has ended, with the message to be sent. */
function ended() {
  const hook = open()
  hook.register()
  hook.watch()
  hook.later(webhookLookMsMin)
  hook.seen(rejected)
  return hook
}

describe('a webhook waits', () => {
  it('for the end of every transaction, ever more rarely', () => {
    const hook = open()
    hook.register()
    expect(hook.watch()).toBe(true)
    expect(hook.later(webhookLookMsMin - 1)).toEqual([])
    expect(hook.later(1)).toEqual([{ type: 'look', chain: 1, batches: [batch] }])
    hook.seen(rejected, member({ state: 'queued' }))
    expect(hook.rows.calls()).toEqual([])
    hook.seen(rejected, member(null))
    expect(hook.rows.calls()).toEqual([])
    const replaced: TxStatus = { state: 'replaced', by: txHash(`0x${'03'.repeat(32)}`) }
    hook.seen(rejected, member(replaced, true))
    expect(hook.rows.calls(), 'what took its nonce may fall').toEqual([])
    hook.seen(rejected, rejected)
    expect(JSON.parse(hook.rows.call(id)?.body ?? '')).toEqual({
      type: 'batch.final',
      timestamp: new Date(hook.now()).toISOString(),
      data: { chain: 1, batch, transactions: [rejected, rejected].map(({ hash, status }) => ({ hash, status })) },
    })
    expect(hook.rows.watch(batch)).toBeUndefined()
  })

  it('for a day, and says then that it does not know the end', () => {
    const hook = open()
    hook.register()
    hook.watch()
    hook.later(webhookWatchMsMax + 1)
    hook.seen(member({ state: 'queued' }))
    const lapsed = id.replace('batch', 'lapsed')
    expect(JSON.parse(hook.rows.call(lapsed)?.body ?? '')).toMatchObject({ type: 'batch.lapsed' })
    expect(hook.rows.call(id)).toBeUndefined()
  })

  it('again for a batch that lapsed, whose end has an id of its own', () => {
    const hook = open()
    hook.register()
    hook.watch()
    hook.later(webhookWatchMsMax + 1)
    hook.seen(member({ state: 'queued' }))
    const [lapsed] = hook.rows.calls()
    expect(hook.watch()).toBe(true)
    hook.later(webhookWatchMsMax + 1)
    hook.seen(member({ state: 'queued' }))
    expect(hook.rows.calls()).toMatchObject([{ id: lapsed?.id, body: lapsed?.body }])
    hook.watch()
    hook.seen(rejected)
    expect(JSON.parse(hook.rows.call(id)?.body ?? '')).toMatchObject({ type: 'batch.final' })
  })

  it('for no batch of a key that has registered nothing', () => {
    const hook = open()
    expect(hook.watch()).toBe(true)
    expect(webhookWakeAt(hook.rows)).toBeNull()
  })

  it('[CR21] dies before it has looked: the batch is looked at again, and told of once', () => {
    const hook = open()
    hook.register()
    hook.watch()
    expect(hook.later(webhookLookMsMin)).toHaveLength(1)
    const again = open(hook.rows, hook.now())
    expect(again.later(webhookLookMsMax)).toHaveLength(1)
    again.seen(rejected)
    again.watch()
    again.seen(rejected)
    expect(again.rows.calls()).toHaveLength(1)
  })
})

describe('a webhook calls', () => {
  it('until the other side takes it', () => {
    const hook = ended()
    expect(hook.next()).toMatchObject([{ type: 'call', url, secrets: [first], call: { id, attempts: 1 } }])
    hook.called({ fault: '503' })
    expect(hook.later(webhookPausesMs[0] ?? 0)).toEqual([])
    expect(hook.later(webhookTimeoutMs)).toMatchObject([{ call: { id, attempts: 2, fault: '503' } }])
    hook.called('done')
    expect(hook.rows.calls()).toEqual([])
    expect(webhookWakeAt(hook.rows)).toBeNull()
  })

  it('[CR22] dies in the middle of a try: it is made again under the same id, and counted', () => {
    const hook = ended()
    hook.next()
    const again = open(hook.rows, hook.now())
    expect(again.later(webhookTimeoutMs - 1)).toEqual([])
    expect(again.next()).toMatchObject([{ type: 'call', call: { id, attempts: 2 } }])
    // The answer to the first try was only late.
    again.called('done', 1)
    expect(again.rows.calls()).toEqual([])
  })

  it('[CR22] dies in every try: the tries are used up all the same', () => {
    const hook = ended()
    for (let at = 1; at <= tries; at++) expect(hook.next()).toMatchObject([{ call: { attempts: at } }])
    expect(hook.next()).toEqual([])
    expect(hook.rows.dead(9)).toMatchObject([{ id, attempts: tries }])
  })

  it('so many times, then keeps a dead letter for a week, which may be tried again', () => {
    const hook = ended()
    for (let at = 1; at <= tries; at++) {
      hook.next()
      hook.called({ fault: 'unreachable' })
    }
    expect(hook.rows.counts()).toEqual({ watched: 0, waiting: 0, dead: 1 })
    expect(hook.feed({ type: 'replay', id }).isTaken).toBe(true)
    expect(hook.next()).toMatchObject([{ call: { attempts: 1 } }])
    for (let at = 1; at < tries; at++) hook.next()
    hook.called({ fault: '500' })
    expect(hook.later(webhookDeadMs - 1)).toEqual([])
    expect(hook.rows.counts().dead).toBe(1)
    hook.later(1)
    expect(hook.rows.calls()).toEqual([])
  })

  it('nobody who is gone, until there is a new registration', () => {
    const hook = ended()
    hook.next()
    hook.called('gone')
    expect(hook.rows.head()?.isGone).toBe(true)
    expect(hook.rows.dead(9)).toMatchObject([{ id, fault: '410' }])
    hook.feed({ type: 'watch', batch: batchId(`0x${'cd'.repeat(32)}`) })
    expect(hook.rows.counts().watched).toBe(0)
    hook.register(second)
    expect(hook.rows.head()).toMatchObject({ isGone: false, secret: first })
  })

  it('with both secrets for a day after a rotation', () => {
    const hook = ended()
    hook.feed({ type: 'rotate', secret: second })
    expect(hook.next()).toMatchObject([{ secrets: [second, first] }])
    hook.called({ fault: '500' })
    expect(hook.later(webhookOldSecretMs)).toMatchObject([{ secrets: [second] }])
  })

  it('forgets everything when asked', () => {
    const hook = ended()
    hook.feed({ type: 'forget' })
    expect(hook.rows.head()).toBeUndefined()
    expect(webhookWakeAt(hook.rows)).toBeNull()
    expect(hook.feed({ type: 'forget' }).isTaken).toBe(false)
  })
})

describe('a call', () => {
  it('is signed as the Standard Webhooks specification says', () => {
    const headers = webhookHeaders({ id, body: '{"a":1}' }, [second, first], 1_700_000_000)
    const sign = (secret: string) =>
      createHmac('sha256', Buffer.from(secret, 'base64')).update(`${id}.1700000000.{"a":1}`).digest('base64')
    expect(headers).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1700000000',
      'webhook-signature': `v1,${sign(second)} v1,${sign(first)}`,
    })
  })

  it.each<[string, () => Promise<Response>, CallOutcome]>([
    ['taken', async () => new Response('much', { status: 204 - 4 }), 'done'],
    ['gone', async () => new Response(null, { status: 410 }), 'gone'],
    [
      'sent elsewhere',
      async () => new Response(null, { status: 302, headers: { location: 'http://10.0.0.1' } }),
      { fault: '302' },
    ],
    ['broken', async () => Promise.reject(new TypeError('no')), { fault: 'unreachable' }],
  ])('is %s', async (_name, answer, outcome) => {
    const heard: WebhookEvent[] = []
    const asked: RequestInit[] = []
    const call = { id, body: '{}', attempts: 3, dueAt: 0, isDead: false, fault: '' }
    const world = {
      look: async () => null,
      fetch: async (_url: string, init: RequestInit) => {
        asked.push(init)
        return answer()
      },
      feed: (event: WebhookEvent) => heard.push(event),
      now: () => t0,
    }
    await doForWebhook({ type: 'call', url, secrets: [first], call }, world)
    expect(heard).toEqual([{ type: 'called', id, attempts: 3, outcome, now: t0 }])
    expect(asked).toMatchObject([{ redirect: 'manual', method: 'POST' }])
  })
})

describe('the guard of URLs', () => {
  const good = (text: string, mayBeLocal = false) => decodeWebhookUrl(text, mayBeLocal).ok
  it.each([
    'https://shop.example.com/hook?a=1',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://a.b.co:8443/',
  ])('lets %s through', (text) => expect(good(text)).toBe(true))
  it.each([
    ...['http://shop.example.com/', 'ftp://shop.example.com/', 'shop', '', 'https://u:p@shop.com/', 'https://a.com/#x'],
    ...['https://localhost/', 'https://localhost./', 'https://a.localhost/', 'https://shop/', 'https://a.internal/'],
    ...['https://printer.local/', 'https://10.1.2.3/', 'https://127.0.0.1/', 'https://0x7f.1/', 'https://2130706433/'],
    ...[
      'https://0177.0.0.1/',
      'https://169.254.169.254/',
      'https://172.31.0.1/',
      'https://192.168.1.1/',
      'https://0.0.0.0/',
    ],
    ...[
      'https://100.64.0.1/',
      'https://198.18.0.1/',
      'https://224.0.0.1/',
      'https://255.255.255.255/',
      'https://192.0.2.1/',
    ],
    ...['https://[::1]/', 'https://[::]/', 'https://[fe80::1]/', 'https://[fd00::1]/', 'https://[::ffff:10.0.0.1]/'],
    ...['https://[::ffff:8.8.8.8]/', 'https://[64:ff9b::a00:1]/', 'https://[2002:a00:1::]/', 'https://[2001::1]/'],
    ...['https://[2001:db8::1]/', 'https://[ff02::1]/', 'https://[::10.0.0.1]/', `https://a.com/${'x'.repeat(600)}`],
  ])('refuses %s', (text) => expect(good(text)).toBe(false))
  it('lets this machine through where the operator says so, and nothing else', () => {
    for (const text of ['http://127.0.0.1:9/', 'http://localhost/', 'http://[::1]/', 'https://localhost/'])
      expect([good(text, true), good(text)]).toEqual([true, false])
    for (const text of ['http://10.0.0.1/', 'http://shop.com/', 'ftp://localhost/'])
      expect(good(text, true)).toBe(false)
  })
})
