import { type Context, Hono } from 'hono'
import { sha256 } from '../../sdk/crypto/index.ts'
import { fromHex, isHex, toHex } from '../../sdk/units.ts'
import type { Access, BoxRefusal } from '../channelBox.ts'
import type { Deposit, Side } from '../channelBoxRows.ts'
import { type BitcoinConfig, decodeBitcoin } from '../config.ts'
import { isRecord } from '../executor/answer.ts'
import { backupBytesMax, depositBytesMax, messageBytesMax } from '../limits.ts'
import type { BoxApi, Env } from '../objects.ts'
import { readOutpoint } from '../outpoint.ts'
import { allowOnly, ask, cursorOf, demandUpgrade, Refusal } from './answer.ts'
import { mediaTypeOf, readBody } from './body.ts'

type Bindings = { Bindings: Env }

/** Hexadecimal digits, and room for the other fields. */
const depositBodyBytesMax = 2 * depositBytesMax + 256
/** From here on Bitcoin reads a locktime as seconds. */
const heightEnd = 500_000_000

/** The box between the payer and the payee of a channel. */
export function channels() {
  return new Hono<Bindings>()
    .put('/:side/outbox/:sequence', async (context) => {
      const { box, access } = placeOf(context)
      const sequence = positiveOf(context.req.param('sequence'), 'A sequence')
      const epoch = positiveOf(context.req.query('epoch'), 'An epoch')
      const bytes = await readBytes(context.req.raw, { bytesMax: messageBytesMax, what: 'A message' })
      demand(await ask(() => box.post(access, { sequence, epoch, bytes })))
      return context.json({ sequence }, 202)
    })
    .all('/:side/outbox/:sequence', allowOnly('PUT'))
    .get('/:side/outbox', async (context) => {
      const { box, access } = placeOf(context)
      return context.json(demand(await ask(() => box.standing(access))).standing)
    })
    .all('/:side/outbox', allowOnly('GET'))
    .get('/:side/inbox', async (context) => {
      const { box, access } = placeOf(context)
      const after = cursorOf(context.req.query('after'))
      const { messages } = demand(await ask(() => box.read(access, after)))
      return context.json({ messages: messages.map(({ sequence, bytes }) => ({ sequence, bytes: toHex(bytes) })) })
    })
    .delete('/:side/inbox', async (context) => {
      const { box, access } = placeOf(context)
      const through = cursorOf(context.req.query('through'))
      const epoch = positiveOf(context.req.query('epoch'), 'An epoch')
      demand(await ask(() => box.acknowledge(access, through, epoch)))
      return context.json({ acknowledged: through })
    })
    .all('/:side/inbox', allowOnly('GET, DELETE'))
    .get('/:side/socket', async (context) => {
      const { box } = sideOf(context)
      demandUpgrade(context)
      return ask(() => box.fetch(context.req.raw))
    })
    .all('/:side/socket', allowOnly('GET'))
    .put('/:side/backup/:number', async (context) => {
      const { box, access } = placeOf(context)
      const number = positiveOf(context.req.param('number'), 'A number')
      const bytes = await readBytes(context.req.raw, { bytesMax: backupBytesMax, what: 'A backup' })
      demand(await ask(() => box.keep(access, { number, bytes })))
      return context.json({ number }, 202)
    })
    .all('/:side/backup/:number', allowOnly('PUT'))
    .get('/:side/backup', async (context) => {
      const { box, access } = placeOf(context)
      const { backup } = demand(await ask(() => box.kept(access)))
      if (!backup) throw new Refusal('unknown-backup', 'This side has left no backup here.')
      return context.json({ number: backup.number, bytes: toHex(backup.bytes) })
    })
    .all('/:side/backup', allowOnly('GET'))
    .put('/payee/deposit', async (context) => {
      const { box, access } = placeOf(context, 'payee')
      networkOf(context.env)
      const deposit = await readDeposit(context.req.raw)
      demand(await ask(() => box.leave(access, deposit)))
      return context.json({ number: deposit.number }, 202)
    })
    .get('/payee/deposit', async (context) => {
      const { box, access } = placeOf(context, 'payee')
      const { network } = networkOf(context.env)
      const { deposit } = demand(await ask(() => box.left(access)))
      if (!deposit) throw new Refusal('unknown-deposit', 'The payee has left nothing here.')
      const { number, closeAtHeight, transaction, state } = deposit
      return context.json({ number, closeAtHeight, transaction: toHex(transaction), network, state })
    })
    .all('/payee/deposit', allowOnly('GET, PUT'))
}

/** The box and the side that the path names. */
function sideOf(context: Context<Bindings>, fixed?: Side): { readonly box: BoxApi; readonly side: Side } {
  const channel = context.req.param('channel')
  if (!isHex(channel, 32)) throw new Refusal('unknown-channel', 'A channel is named by 0x and 32 bytes.')
  const side = fixed ?? context.req.param('side')
  if (side !== 'payer' && side !== 'payee') throw new Refusal('unknown-route', 'A side is payer or payee.')
  return { box: context.env.BOX.getByName(channel.toLowerCase()), side }
}

/** The box that the path names, and who asks. */
function placeOf(context: Context<Bindings>, fixed?: Side): { readonly box: BoxApi; readonly access: Access } {
  const { box, side } = sideOf(context, fixed)
  const [, token] = /^Bearer ([0-9a-fA-F]{64})$/i.exec(context.req.header('authorization') ?? '') ?? []
  if (token === undefined) throw new Refusal('unauthorized', 'A side shows a bearer token of 32 bytes in hexadecimal.')
  return { box, access: { side, claim: toHex(sha256(fromHex(`0x${token}`))) } }
}

/** The good answer of an object; its refusal becomes the request's. */
function demand<good extends { readonly ok: true }>(answer: good | BoxRefusal): good {
  if (!answer.ok) throw new Refusal(answer.code, answer.detail)
  return answer
}

function positiveOf(text: string | undefined, what: string): number {
  const value = text !== undefined && /^[1-9][0-9]{0,15}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new Refusal('malformed-message', `${what} is a whole number from 1.`)
  return value
}

async function readBytes(
  request: Request,
  { bytesMax, what }: { readonly bytesMax: number; readonly what: string },
): Promise<Uint8Array> {
  if (mediaTypeOf(request) !== 'application/octet-stream')
    throw new Refusal('unsupported-media-type', 'Send application/octet-stream.')
  const bytes = await readBody(request, bytesMax, { code: 'message-too-large', what })
  if (bytes.length === 0) throw new Refusal('malformed-message', `${what} has at least one byte.`)
  return bytes
}

function networkOf({ BITCOIN }: Env): BitcoinConfig {
  const decoded = decodeBitcoin(BITCOIN)
  if (!decoded.ok) throw new Refusal('misconfigured', 'The Bitcoin network cannot be read.')
  if (!decoded.value) throw new Refusal('unknown-network', 'No closing can be left here.')
  return decoded.value
}

async function readDeposit(request: Request): Promise<Deposit> {
  if (mediaTypeOf(request) !== 'application/json') throw new Refusal('unsupported-media-type', 'Send application/json.')
  const body = await readBody(request, depositBodyBytesMax, { code: 'message-too-large', what: 'A deposit' })
  const { number, closeAtHeight, transaction, ...rest } = fieldsOf(body)
  const isWhole = Object.keys(rest).length === 0
  if (!isWhole || !isCount(number) || number < 1 || !isCount(closeAtHeight) || closeAtHeight >= heightEnd)
    throw malformed('It has a number, a closeAtHeight and a transaction')
  if (!isHex(transaction) || transaction.length > 2 + 2 * depositBytesMax)
    throw malformed(`The transaction is 0x and at most ${depositBytesMax} bytes`)
  const bytes = fromHex(transaction)
  const input = readOutpoint(bytes)
  if (!input.ok) throw malformed(`The transaction cannot be read: ${input.reason}`)
  return { number, closeAtHeight, transaction: bytes, input: input.value }
}

function fieldsOf(body: Uint8Array): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body))
    if (isRecord(json)) return json
  } catch {
    // Neither UTF-8 nor JSON.
  }
  throw malformed('The body is not a JSON object')
}

function malformed(why: string): Refusal {
  return new Refusal('malformed-deposit', `${why}.`)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
