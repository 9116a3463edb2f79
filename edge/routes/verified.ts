import { type Context, Hono } from 'hono'
import { SdkError } from '../../sdk/errors.ts'
import { isHex } from '../../sdk/units.ts'
import { askBeacon, openShelf } from '../beaconSource.ts'
import type { ChainConfig } from '../config.ts'
import { isRecord } from '../executor/answer.ts'
import { passThrough, type Read } from '../executor/passage.ts'
import {
  bundleAccountsMax,
  bundleSlotsMax,
  bundleUpdatesMax,
  headKeptMs,
  historyKeptMs,
  proofsKeptMs,
} from '../limits.ts'
import type { Env } from '../objects.ts'
import { allowOnly, chainOf, Refusal } from './answer.ts'
import { admit } from './gate.ts'

type Bindings = { Bindings: Env }
type Json = Readonly<Record<string, unknown>>

/** Shared by all requests of this instance. Nothing in it was judged here. */
const shelf = openShelf()

/**
 * What a light client needs, from the configured beacon nodes and executors, unjudged: the client verifies, and is told nothing that
 * it has to believe. The light client's part of the Beacon API under the chain's own address, and one answer that holds the newest
 * updates and the proofs of accounts together.
 */
export function verified() {
  return new Hono<Bindings>()
    .get('/verified/bundle', async (context) => {
      const chain = bundledChain(context)
      const { accounts, level } = readWish(context.req.query())
      return context.json(await bundleOf(chain, accounts, level))
    })
    .get('/verified/eth/v1/beacon/genesis', (context) => pass(context, 'genesis', historyKeptMs))
    .get('/verified/eth/v1/beacon/headers/finalized', (context) => pass(context, 'headers/finalized', headKeptMs))
    .get('/verified/eth/v1/beacon/light_client/bootstrap/:root', (context) => {
      const root = context.req.param('root').toLowerCase()
      if (!isHex(root, 32)) throw new Refusal('unknown-update', 'A block is named by 0x and 32 bytes.')
      return pass(context, `light_client/bootstrap/${root}`, historyKeptMs)
    })
    .get('/verified/eth/v1/beacon/light_client/updates', (context) => {
      const period = countOf(context.req.query('start_period'), Number.MAX_SAFE_INTEGER)
      const count = countOf(context.req.query('count'), bundleUpdatesMax)
      return pass(context, `light_client/updates?start_period=${period}&count=${count}`, headKeptMs)
    })
    .get('/verified/eth/v1/beacon/light_client/finality_update', (context) => pass(context, finalityPath, headKeptMs))
    .get('/verified/eth/v1/beacon/light_client/optimistic_update', (context) => pass(context, newestPath, headKeptMs))
    .all('/verified/*', allowOnly('GET'))
}

const finalityPath = 'light_client/finality_update'
const newestPath = 'light_client/optimistic_update'

function bundledChain(context: Context<Bindings>): ChainConfig {
  const chain = chainOf(context.env, context.req.param('chain') ?? '')
  admit(context, 'rpc')
  if (chain.beacons.length === 0) throw new Refusal('unbundled-chain', 'No beacon node of the chain is configured.')
  return chain
}

async function pass(context: Context<Bindings>, path: string, keptMs: number): Promise<Response> {
  return context.json((await fromBeacon(bundledChain(context), path, keptMs)) as object)
}

async function fromBeacon(chain: ChainConfig, path: string, keptMs: number): Promise<unknown> {
  const told = await kept(`${chain.id} ${path}`, keptMs, async () => {
    const answer = await asked(() => askBeacon(chain.beacons, path))
    return answer?.json
  })
  if (told === undefined) throw new Refusal('unknown-update', 'The beacon node does not have it.')
  return told
}

/** What is on the shelf, or what is asked for now. Two requests may ask at once: a promise of one is no other's to wait for. */
async function kept<value>(key: string, keptMs: number, ask: () => Promise<value | undefined>) {
  const known = shelf.get(key, Date.now())
  if (known !== undefined) return known as value
  const value = await ask()
  if (value !== undefined) shelf.put(key, value, { until: Date.now() + keptMs, size: 2 * JSON.stringify(value).length })
  return value
}

async function asked<value>(call: () => Promise<value>): Promise<value> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    throw new Refusal('source-unavailable', 'What the chain’s nodes know could not be asked for.')
  }
}

interface Wanted {
  readonly account: string
  readonly slots: readonly string[]
}

type Level = 'finalized' | 'optimistic'

/** The newest updates, the header of the block they name, and the proofs under it. Whether they fit is the client's to judge. */
async function bundleOf(chain: ChainConfig, accounts: readonly Wanted[], level: Level) {
  const [finality, optimistic] = await Promise.all([
    fromBeacon(chain, finalityPath, headKeptMs),
    fromBeacon(chain, newestPath, headKeptMs),
  ])
  const update = level === 'finalized' ? finality : optimistic
  const { hash, number } = executionOf(update, level === 'finalized' ? 'finalized_header' : 'attested_header')
  const wanted = [
    { key: hash, read: { method: 'eth_getBlockByHash', params: [hash, false] } },
    ...accounts.map(({ account, slots }) => ({
      key: `${hash} ${account} ${slots.join()}`,
      read: { method: 'eth_getProof', params: [account, slots, `0x${number.toString(16)}`] },
    })),
  ]
  const [header, ...proofs] = await fromNode(chain, wanted)
  return { finality: dataOf(finality), optimistic: dataOf(optimistic), header, proofs }
}

/** Results in the order asked: those of a block that was named by its hash never change. */
async function fromNode(
  chain: ChainConfig,
  wanted: readonly { readonly key: string; readonly read: Read }[],
): Promise<readonly unknown[]> {
  const now = Date.now()
  const keyOf = (key: string) => `${chain.id} ${key}`
  const known = wanted.map(({ key }) => shelf.get(keyOf(key), now))
  const missing = wanted.filter((_, at) => known[at] === undefined)
  const answers =
    missing.length > 0
      ? await asked(() =>
          passThrough(
            chain.executors,
            missing.map(({ read }) => read),
          ),
        )
      : []
  let next = 0
  return wanted.map(({ key }, at) => {
    if (known[at] !== undefined) return known[at]
    const answer = answers[next++]
    const result = answer && 'result' in answer ? answer.result : null
    if (result === null) throw new Refusal('source-unavailable', 'The executor does not have what was asked for yet.')
    shelf.put(keyOf(key), result, { until: now + proofsKeptMs, size: 2 * JSON.stringify(result).length })
    return result
  })
}

function executionOf(update: unknown, header: 'finalized_header' | 'attested_header') {
  const { block_hash: hash, block_number: text } = fieldsOf(fieldsOf(fieldsOf(dataOf(update))[header]).execution)
  const isNumber = typeof text === 'string' && /^(?:0|[1-9][0-9]{0,15})$/.test(text)
  if (!isHex(hash, 32) || !isNumber)
    throw new Refusal('source-unavailable', 'The beacon node names no execution block.')
  return { hash: hash.toLowerCase(), number: Number(text) }
}

function dataOf(json: unknown): unknown {
  return fieldsOf(json).data
}

function fieldsOf(json: unknown): Json {
  return isRecord(json) ? json : {}
}

/** `accounts`: account after account, each followed by its slots, all of them with a colon between, accounts with a comma. */
function readWish({ accounts = '', at = 'finalized' }: Readonly<Record<string, string>>) {
  if (at !== 'finalized' && at !== 'optimistic')
    throw new Refusal('malformed-accounts', 'A bundle is of the finalized or the optimistic block.')
  const list = accounts === '' ? [] : accounts.toLowerCase().split(',', bundleAccountsMax + 1)
  if (list.length > bundleAccountsMax)
    throw new Refusal('malformed-accounts', `A bundle has at most ${bundleAccountsMax} accounts.`)
  const wanted = list.map((text): Wanted => {
    const [account = '', ...slots] = text.split(':', bundleSlotsMax + 2)
    if (!isHex(account, 20) || slots.length > bundleSlotsMax || !slots.every((slot) => isHex(slot, 32)))
      throw new Refusal(
        'malformed-accounts',
        `An account is 20 bytes, each of its slots 32, at most ${bundleSlotsMax}.`,
      )
    return { account, slots }
  })
  return { accounts: wanted, level: at as Level }
}

function countOf(text: string | undefined, max: number): number {
  const value = /^[0-9]{1,15}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (!(value <= max)) throw new Refusal('malformed-accounts', `Periods are counted by whole numbers, up to ${max}.`)
  return value
}
