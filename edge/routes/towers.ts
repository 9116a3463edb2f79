import { type Context, Hono } from 'hono'
import { encodeReceipt, signReceipt, type TowerReceipt } from '../../sdk/channel/tower/receipt.ts'
import { decodeSealed } from '../../sdk/channel/tower/wire.ts'
import { currentEngine, sha256 } from '../../sdk/crypto/index.ts'
import { fromHex, type Hex, isHex, toHex } from '../../sdk/units.ts'
import type { Outpoint } from '../channelBoxRows.ts'
import { decodeBitcoin } from '../config.ts'
import { isRecord } from '../executor/answer.ts'
import { towerBytesMax, towerOpenBytesMax, towerSourcesMin, towerStateBytesMax } from '../limits.ts'
import type { Env, TowerApi, TowerReply } from '../objects.ts'
import { grantsName } from '../towerGrant.ts'
import { allowOnly, ask, Refusal } from './answer.ts'
import { mediaTypeOf, readBody, readRegistrationFields } from './body.ts'
import { admitOwner, demandFewTowers } from './gate.ts'

type Bindings = { Bindings: Env }

const registrationBytesMax = 512
/** Commitments have 48 bits for their number. */
const stateNumberMax = 2 ** 48 - 1

/** Watchtowers: one a channel, under a name that its owner made up. */
export function towers() {
  return new Hono<Bindings>()
    .get('/', (context) => {
      const { network, secretKey } = keeperOf(context.env)
      return context.json({ network, key: toHex(currentEngine().publicKey(secretKey)) })
    })
    .all('/', allowOnly('GET'))
    .put('/:tower', async (context) => {
      const { place, tower, claim } = placeOf(context)
      const { funding, first } = await readRegistration(context.req.raw)
      const bytesMax = await grantOf(context, await ask(() => tower.standing(claim)))
      return receipted(context, place, await ask(() => tower.register(claim, funding, first, bytesMax)), 202)
    })
    .get('/:tower', async (context) => {
      const { place, tower, claim } = placeOf(context)
      return receipted(context, place, await ask(() => tower.standing(claim)), 200)
    })
    .all('/:tower', allowOnly('GET, PUT'))
    .put('/:tower/states/:number', async (context) => {
      const { place, tower, claim } = placeOf(context)
      const number = numberOf(context.req.param('number'))
      const sealed = await readState(context.req.raw)
      return receipted(context, place, await ask(() => tower.keep(claim, { number, ...sealed })), 202)
    })
    .all('/:tower/states/:number', allowOnly('PUT'))
}

/** Who keeps towers here: nobody, unless the operator gave a key and at least two sources. */
function keeperOf({ BITCOIN, TOWER_KEY }: Env) {
  const decoded = decodeBitcoin(BITCOIN)
  if (!decoded.ok) throw new Refusal('misconfigured', 'The Bitcoin network cannot be read.')
  if (!decoded.value || decoded.value.esplora.length < towerSourcesMin || !TOWER_KEY)
    throw new Refusal('unknown-network', 'No tower is kept here.')
  const secretKey: Hex = `0x${TOWER_KEY}`
  if (!isHex(secretKey, 32) || !currentEngine().isSecretKey(fromHex(secretKey)))
    throw new Refusal('misconfigured', "The tower's key cannot be read.")
  return { network: decoded.value.network, secretKey: fromHex(secretKey) }
}

/** WT11: lets a new tower in, as far as there is room for it; most bytes that it may keep. One that is there already is let be. */
async function grantOf(context: Context<Bindings>, standing: TowerReply): Promise<number> {
  if (standing.ok || standing.code !== 'unknown-tower') return towerBytesMax
  const key = admitOwner(context)
  if (key === null) demandFewTowers(context)
  const grants = context.env.TOWER.getByName(grantsName(key))
  if (!(await ask(() => grants.grant())))
    throw new Refusal('tower-quota', 'So many towers were registered of late: try again tomorrow.')
  return key === null ? towerOpenBytesMax : towerBytesMax
}

interface Place {
  readonly name: Hex
  readonly secretKey: Uint8Array
}

function placeOf(context: Context<Bindings>): { readonly place: Place; readonly tower: TowerApi; readonly claim: Hex } {
  const name = context.req.param('tower')?.toLowerCase()
  if (!isHex(name, 32)) throw new Refusal('unknown-tower', 'A tower is named by 0x and 32 bytes.')
  const { secretKey } = keeperOf(context.env)
  const [, token] = /^Bearer ([0-9a-fA-F]{64})$/i.exec(context.req.header('authorization') ?? '') ?? []
  if (token === undefined)
    throw new Refusal('unauthorized', 'An owner shows a bearer token of 32 bytes in hexadecimal.')
  return {
    place: { name, secretKey },
    tower: context.env.TOWER.getByName(name),
    claim: toHex(sha256(fromHex(`0x${token}`))),
  }
}

/** WT10: what is stored, signed. */
function receipted(context: Context<Bindings>, { name, secretKey }: Place, reply: TowerReply, status: 200 | 202) {
  if (!reply.ok) throw new Refusal(reply.code, reply.detail)
  const { funding, first, next, height, lookedAt, phase, justice } = reply.standing
  const receipt: TowerReceipt = {
    ...{ tower: name, funding, first, next },
    height: height ?? 0,
    lookedAtSeconds: Math.floor(lookedAt / 1_000),
    atSeconds: Math.floor(Date.now() / 1_000),
  }
  const signature = toHex(signReceipt(receipt, secretKey))
  return context.json({ next, phase, justice, receipt: toHex(encodeReceipt(receipt)), signature }, status)
}

function numberOf(text: string): number {
  const value = /^(?:0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= stateNumberMax)) throw new Refusal('malformed-state', 'A state has a number below 2^48.')
  return value
}

async function readState(request: Request): Promise<{ readonly hint: Hex; readonly sealed: Uint8Array }> {
  if (mediaTypeOf(request) !== 'application/octet-stream')
    throw new Refusal('unsupported-media-type', 'Send application/octet-stream.')
  const sealed = await readBody(request, towerStateBytesMax, { code: 'state-too-large', what: 'A state' })
  const decoded = decodeSealed(sealed)
  if (!decoded.ok) throw new Refusal('malformed-state', `The state cannot be read: ${decoded.reason}.`)
  return { hint: toHex(decoded.value.hint), sealed }
}

async function readRegistration(request: Request): Promise<{ readonly funding: Outpoint; readonly first: number }> {
  const { funding, first, ...rest } = await readRegistrationFields(request, registrationBytesMax, malformed())
  if (!isRecord(funding) || Object.keys(rest).length > 0) throw malformed()
  const { txid, index, ...others } = funding
  const isOutpoint = typeof txid === 'string' && /^[0-9a-f]{64}$/.test(txid) && isCount(index, 2 ** 32 - 1)
  if (!isOutpoint || Object.keys(others).length > 0 || !isCount(first, stateNumberMax)) throw malformed()
  return { funding: { txid, index }, first }
}

function malformed(): Refusal {
  return new Refusal('malformed-tower', 'It is { "funding": { "txid", "index" }, "first" }.')
}

function isCount(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}
