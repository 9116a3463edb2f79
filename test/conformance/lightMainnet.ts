import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import type { Decoded } from '../../sdk/errors.ts'
import { fromHex, type Hex } from '../../sdk/units.ts'
import {
  decodeBootstrap,
  decodeUpdate,
  type LightMessage,
  type LightUpdate,
  lightMessageFromJson,
} from '../../sdk/verify/ethereum/lightData.ts'
import { decodeUpdateList } from '../../sdk/verify/ethereum/messages.ts'
import { mainnet, timeOf } from '../../sdk/verify/ethereum/network.ts'
import { advance, type LightChain, startLightChain } from '../../sdk/verify/ethereum/sync.ts'
import { asRecord, readJson } from './files.ts'
import type { Case } from './suite.ts'

const kinds: readonly (readonly [RegExp, LightMessage])[] = [
  [/^bootstrap\b/, 'bootstrap'],
  [/^updates\b/, 'update'],
  [/^fin/, 'finality-update'],
  [/^opt/, 'optimistic-update'],
]

/** Later than all vectors: they are of the past, and the age of each is not what they show. */
const late = timeOf(mainnet, 2 ** 32)

/**
 * Messages of mainnet in one folder: each is read, and the chain follows them from its bootstrap on, which is trusted
 * by its own root. A file of another kind is named as skipped.
 */
export function* mainnetCases(folder: string, names: readonly string[]): Iterable<Case> {
  const told = names.flatMap((name) => {
    const [, kind] = kinds.find(([pattern]) => pattern.test(name)) ?? []
    return kind ? [{ name, kind }] : []
  })
  const title = (name: string) => `${basename(folder)} ${name}`
  for (const name of names)
    if (!told.some((one) => one.name === name)) yield { name: title(name), skip: 'it is no message of a light client' }
  const bootstrap = told.find(({ kind }) => kind === 'bootstrap')
  if (!bootstrap) {
    for (const { name } of told) yield { name: title(name), skip: 'no bootstrap is in this folder' }
    return
  }
  let chain: LightChain | undefined
  yield {
    name: title(bootstrap.name),
    check() {
      const [bytes] = messagesOf(folder, bootstrap.name, 'bootstrap')
      const begun = held(decodeBootstrap(mainnet, bytes as Uint8Array))
      chain = held(startLightChain(mainnet, begun.header.root, begun))
    },
  }
  // Heads are signed by committees that the updates tell of.
  const byNeed = [...told].sort((one, other) => Number(other.kind === 'update') - Number(one.kind === 'update'))
  for (const { name, kind } of byNeed) {
    if (kind === 'bootstrap') continue
    yield {
      name: title(name),
      check() {
        assert.ok(chain, 'the bootstrap was refused')
        const updates = messagesOf(folder, name, kind).map((bytes) => held(decodeUpdate(mainnet, kind, bytes)))
        assert.ok(updates.length > 0, 'it holds no update')
        if (kind === 'update') chain = follow(chain, updates)
        else for (const update of updates) checkSignature(chain, update)
      },
    }
  }
}

/** Sets begin a period before their bootstrap or end beside it: what lies before it tells nothing new. */
function follow(chain: LightChain, updates: readonly LightUpdate[]): LightChain {
  const first = updates.findIndex((update) => advance(chain, [update], late).ok)
  assert.ok(first >= 0, 'no update follows the bootstrap')
  return held(advance(chain, updates.slice(first), late))
}

/** A head that is not younger than what is final tells nothing new; its signature is judged all the same. */
function checkSignature(chain: LightChain, update: LightUpdate): void {
  const before = {
    ...chain,
    finalized: { ...chain.finalized, slot: Math.min(chain.finalized.slot, update.attested.slot - 1) },
  }
  held(advance(before, [update], late))
}

function messagesOf(folder: string, name: string, kind: LightMessage): readonly Uint8Array[] {
  const path = join(folder, name)
  if (name.endsWith('.yaml')) return portalMessages(path, kind)
  if (name.endsWith('.ssz')) {
    const bytes = readFileSync(path)
    return kind === 'update' ? held(decodeUpdateList(bytes)) : [bytes]
  }
  const json = readJson(path)
  const list = Array.isArray(json) ? json : [json]
  return list.map((one) => held(lightMessageFromJson(mainnet, kind, asRecord(one)?.data ?? one)))
}

/** Portal's envelopes: the digest of a fork before each message, and updates as a list with offsets. */
function portalMessages(path: string, kind: LightMessage): readonly Uint8Array[] {
  const { content_value: value } = parse(readFileSync(path, 'utf8')) as { readonly content_value: string }
  const bytes = fromHex(value as Hex)
  if (kind !== 'update') return [bytes.subarray(4)]
  const view = new DataView(bytes.buffer)
  const starts = Array.from({ length: view.getUint32(0, true) / 4 }, (_, at) => view.getUint32(4 * at, true))
  return starts.map((start, at) => bytes.subarray(start + 4, starts[at + 1] ?? bytes.length))
}

function held<value>(decoded: Decoded<value>): value {
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.reason)
  return decoded.value
}
