import { type Context, Hono } from 'hono'
import { type ChainId, isHex } from '../../sdk/units.ts'
import { sentence } from '../intake.ts'
import { rowsPerReadMax, webhookOldSecretMs, webhookUrlCharsMax } from '../limits.ts'
import type { Env, WebhookApi } from '../objects.ts'
import { webhookName } from '../placement.ts'
import { decodeWebhookUrl } from '../webhookUrl.ts'
import { allowOnly, ask, chainOf, Refusal } from './answer.ts'
import { readRegistrationFields } from './body.ts'
import { admitAdmin, demandKey } from './gate.ts'

type Bindings = { Bindings: Env }

const registrationBytesMax = webhookUrlCharsMax + 64

/** A merchant's webhook: one for each name of a key and each chain. */
export function webhooks() {
  return new Hono<Bindings>()
    .put('/', async (context) => {
      const { chain, webhook } = placeOf(context)
      const url = await readUrl(context)
      const secret = await ask(() => webhook.register(chain, url))
      return context.json({ url, ...(secret === null ? {} : { secret: `whsec_${secret}` }) })
    })
    .get('/', async (context) => {
      const { webhook } = placeOf(context)
      const standing = await ask(() => webhook.standing())
      if (!standing) throw unknownWebhook()
      return context.json(standing)
    })
    .delete('/', async (context) => {
      const { webhook } = placeOf(context)
      if (!(await ask(() => webhook.forget()))) throw unknownWebhook()
      return context.json({ forgotten: true })
    })
    .all('/', allowOnly('GET, PUT, DELETE'))
    .post('/secret', async (context) => {
      const { webhook } = placeOf(context)
      const secret = await ask(() => webhook.rotate())
      if (secret === null) throw unknownWebhook()
      return context.json({ secret: `whsec_${secret}`, oldUntil: Date.now() + webhookOldSecretMs })
    })
    .all('/secret', allowOnly('POST'))
}

/** What merchants could not be told, for the administrator. */
export function deadLetters() {
  return new Hono<Bindings>()
    .get('/:key/dead', async (context) => {
      const webhook = namedIn(context)
      const dead = await ask(() => webhook.dead(rowsPerReadMax))
      return context.json({ dead: dead.map(({ id, attempts, fault, body }) => ({ id, attempts, fault, body })) })
    })
    .all('/:key/dead', allowOnly('GET'))
    .post('/:key/dead/:id', async (context) => {
      const webhook = namedIn(context)
      const id = context.req.param('id')
      if (!isHex(id.replace(/^(batch|lapsed)_/, '0x'), 32) || !(await ask(() => webhook.replay(id))))
        throw new Refusal('unknown-message', 'There is no such dead letter.')
      return context.json({ replayed: id })
    })
    .all('/:key/dead/:id', allowOnly('POST'))
}

function namedIn(context: Context<Bindings>): WebhookApi {
  admitAdmin(context)
  const chain = chainOf(context.env, context.req.param('chain') ?? '')
  const key = context.req.param('key') ?? ''
  if (!/^[\w-]{1,64}$/.test(key)) throw unknownWebhook()
  return context.env.WEBHOOK.getByName(webhookName(chain.id, key))
}

function placeOf(context: Context<Bindings>): { readonly chain: ChainId; readonly webhook: WebhookApi } {
  const { id } = chainOf(context.env, context.req.param('chain') ?? '')
  const { name } = demandKey(context, 'webhooks')
  return { chain: id, webhook: context.env.WEBHOOK.getByName(webhookName(id, name)) }
}

function unknownWebhook(): Refusal {
  return new Refusal('unknown-webhook', 'No webhook is registered under this key.')
}

async function readUrl(context: Context<Bindings>): Promise<string> {
  const request = context.req.raw
  const { url, ...rest } = await readRegistrationFields(request, registrationBytesMax, malformed())
  if (Object.keys(rest).length > 0) throw malformed()
  const decoded = decodeWebhookUrl(url, context.env.WEBHOOKS === 'loopback')
  if (!decoded.ok) throw new Refusal('malformed-webhook', sentence(decoded.reason))
  return decoded.value
}

function malformed(): Refusal {
  return new Refusal('malformed-webhook', 'It is { "url" }.')
}
