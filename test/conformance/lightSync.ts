import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { parse } from 'yaml'
import { verifyAggregates } from '../../sdk/crypto/aggregates.ts'
import type { Decoded } from '../../sdk/errors.ts'
import { fromHex, type Hex, toHex } from '../../sdk/units.ts'
import { isBetterUpdate } from '../../sdk/verify/ethereum/choice.ts'
import {
  decodeBootstrap,
  decodeUpdate,
  type LightHeader,
  type LightUpdate,
} from '../../sdk/verify/ethereum/lightData.ts'
import { type BeaconNetwork, mainnetPreset, minimalPreset } from '../../sdk/verify/ethereum/network.ts'
import {
  apply,
  finalizedSlotOf,
  judge,
  type LightChain,
  startLightChain,
  take,
} from '../../sdk/verify/ethereum/sync.ts'
import { asRecord, filesBelow } from './files.ts'
import { mainnetCases } from './lightMainnet.ts'
import { unpackSnappy } from './snappy.ts'
import type { Case, Suite } from './suite.ts'

/**
 * The light client's part of ethereum/consensus-spec-tests: `sync` (steps with the heads that must follow) and
 * `update_ranking`; and sets of messages as nodes answered them, in JSON, SSZ or the envelopes of Portal.
 */
export const lightSync: Suite = {
  *cases(path) {
    const folders = new Map<string, string[]>()
    for (const file of filesBelow(path)) folders.set(dirname(file), [...(folders.get(dirname(file)) ?? []), file])
    for (const [folder, files] of folders) {
      const names = files.map((file) => basename(file))
      if (names.includes('steps.yaml')) yield* scriptCases(folder)
      else if (names.includes('updates_0.ssz_snappy')) yield* rankingCases(folder)
      else yield* mainnetCases(folder, names)
    }
  },
}

/** The chain of a script, with what only forced updates need: the best one that did not make anything final. */
interface Scripted {
  readonly chain: LightChain
  readonly best: LightUpdate | null
}

function* scriptCases(folder: string): Iterable<Case> {
  const name = folder.split('/').slice(-3).join('/')
  const meta = readYaml(folder, 'meta.yaml')
  const network = networkOf(readYaml(folder, 'config.yaml'), bytesOf(meta.genesis_validators_root))
  const begun = held(decodeBootstrap(network, readSnappy(folder, 'bootstrap')))
  let script: Scripted = { chain: held(startLightChain(network, bytesOf(meta.trusted_block_root), begun)), best: null }
  for (const [at, step] of (readYaml(folder, 'steps.yaml') as unknown as Record<string, unknown>[]).entries()) {
    const [kind = '', told] = Object.entries(step)[0] ?? []
    const fields = asRecord(told) ?? {}
    const title = `${name} step ${at} ${kind}`
    yield {
      name: title,
      check() {
        if (kind === 'process_update') script = processed(network, folder, script, fields)
        else if (kind === 'force_update') script = forced(script, Number(fields.current_slot))
        else assert.equal(kind, 'upgrade_store', 'no such step')
        checkHeads(script.chain, asRecord(fields.checks) ?? {})
      },
    }
  }
}

function processed(
  network: BeaconNetwork,
  folder: string,
  script: Scripted,
  fields: Readonly<Record<string, unknown>>,
) {
  const update = held(decodeUpdate(network, 'update', readSnappy(folder, String(fields.update))))
  const claim = held(judge(script.chain, update, Number(fields.current_slot)))
  assert.ok(verifyAggregates([claim]), 'the signature does not hold')
  const { chain, applied } = take(script.chain, update)
  const better = !script.best || isBetterUpdate(network, update, script.best)
  return { chain, best: applied ? null : better ? update : script.best }
}

/** `process_light_client_store_force_update`, which the SDK leaves out: here to reach the states that scripts go on from. */
function forced({ chain, best }: Scripted, slot: number): Scripted {
  const { slotsPerEpoch, epochsPerPeriod } = chain.network.preset
  if (slot <= chain.finalized.slot + slotsPerEpoch * epochsPerPeriod || !best) return { chain, best }
  const told = best.finality === 'genesis' ? null : best.finality
  const final = finalizedSlotOf(best) <= chain.finalized.slot ? best.attested : told
  return { chain: apply(chain, best, final), best: null }
}

function checkHeads(chain: LightChain, checks: Readonly<Record<string, unknown>>): void {
  const heads = [
    ['finalized_header', chain.finalized],
    ['optimistic_header', chain.optimistic],
  ] as const
  for (const [name, head] of heads) assert.deepEqual(headOf(head), asRecord(checks[name]), name)
}

function headOf(head: LightHeader) {
  return {
    slot: head.slot,
    beacon_root: toHex(head.root),
    execution_root: toHex(head.execution?.root ?? new Uint8Array(32)),
  }
}

/** Updates from the best to the worst. */
function* rankingCases(folder: string): Iterable<Case> {
  const count = Number(readYaml(folder, 'meta.yaml').updates_count)
  const config = readYaml(folder, 'config.yaml')
  const network = networkOf(config, new Uint8Array(32))
  const read = (at: number) => held(decodeUpdate(network, 'update', readSnappy(folder, `updates_${at}`)))
  for (let at = 1; at < count; at++)
    yield {
      name: `${basename(folder)} update ${at - 1} before ${at}`,
      check() {
        assert.ok(!isBetterUpdate(network, read(at), read(at - 1)))
      },
    }
}

/** The chain that a `config.yaml` describes. */
function networkOf(config: Readonly<Record<string, unknown>>, genesisValidatorsRoot: Uint8Array): BeaconNetwork {
  const forks = (['altair', 'bellatrix', 'capella', 'deneb', 'electra', 'fulu'] as const).flatMap((fork) => {
    const [epoch, version] = ['EPOCH', 'VERSION'].map((part) => config[`${fork.toUpperCase()}_FORK_${part}`])
    return epoch === undefined ? [] : [{ fork, epoch: Number(epoch), version: Number(version) }]
  })
  return {
    name: 'scripted',
    chainId: 1,
    preset: config.PRESET_BASE === 'minimal' ? minimalPreset : mainnetPreset,
    genesisValidatorsRoot,
    genesisTime: 0,
    secondsPerSlot: Number(config.SECONDS_PER_SLOT),
    forks: [{ fork: 'phase0', epoch: 0, version: Number(config.GENESIS_FORK_VERSION) }, ...forks],
    blobSteps: [],
  }
}

function readYaml(folder: string, name: string): Readonly<Record<string, unknown>> {
  return parse(readFileSync(join(folder, name), 'utf8'), { intAsBigInt: false })
}

function readSnappy(folder: string, name: string): Uint8Array {
  return unpackSnappy(readFileSync(join(folder, `${name}.ssz_snappy`)))
}

function bytesOf(text: unknown): Uint8Array {
  return fromHex(text as Hex)
}

function held<value>(decoded: Decoded<value>): value {
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.reason)
  return decoded.value
}
