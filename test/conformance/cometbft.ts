import assert from 'node:assert/strict'
import { basename } from 'node:path'
import type { Decoded } from '../../sdk/errors.ts'
import { fromHex, type Hex, sameBytes } from '../../sdk/units.ts'
import {
  type CometTrust,
  type LightBlock,
  lightBlockFromJson,
  momentFromText,
  skip,
  startSkipping,
  trustCometBlock,
  validatorsHash,
  verifyCometBlock,
} from '../../sdk/verify/cometbft/index.ts'
import { asRecord, jsonFilesBelow, readJson } from './files.ts'
import type { Case, Suite } from './suite.ts'

type Json = Readonly<Record<string, unknown>>

/** Most blocks of one chain are looked at so often; a way that asks for more does not end. */
const stepsMax = 100

/** The light client's cases of tendermint-rs: single steps of a TLA+ model with their verdicts, and bisections. */
export const cometbft: Suite = {
  *cases(path) {
    for (const file of jsonFilesBelow(path)) {
      const json = asRecord(readJson(file)) ?? {}
      if (asRecord(json.initial) && Array.isArray(json.input)) yield* stepCases(basename(file), json)
      else if (asRecord(json.trust_options) && asRecord(json.primary)) yield bisectionCase(basename(file), json)
      else yield { name: basename(file), skip: 'it is neither a step nor a bisection' }
    }
  },
}

function* stepCases(name: string, json: Json): Iterable<Case> {
  const initial = asRecord(json.initial) ?? {}
  const trust: CometTrust = { periodNanos: BigInt(String(initial.trusting_period)), driftNanos: 1_000_000_000n }
  // The first block is trusted as it is: its own validators are not told, nor needed.
  let trusted = held(lightBlockFromJson({ ...initial, validator_set: initial.next_validator_set }))
  for (const [at, told] of (json.input as Json[]).entries())
    yield {
      name: `${name} step ${at} ${told.verdict}`,
      check() {
        const block = lightBlockFromJson(told.block)
        const now = held(momentFromText(told.now))
        const step = block.ok
          ? verifyCometBlock({ trusted, block: block.value, now, trust })
          : ({ kind: 'refused', reason: block.reason } as const)
        assert.equal(step.kind, kinds[String(told.verdict)], step.kind === 'refused' ? step.reason : step.kind)
        if (step.kind === 'committed') trusted = step.block
      },
    }
}

const kinds: Readonly<Record<string, string>> = {
  SUCCESS: 'committed',
  NOT_ENOUGH_TRUST: 'not-enough-trust',
  INVALID: 'refused',
}

function bisectionCase(name: string, json: Json): Case {
  const [begun] = (asRecord(json.primary) as { readonly lite_blocks: unknown[] }).lite_blocks.map(lightBlockFromJson)
  // Recorded before Tendermint 0.34, which left amino for Protocol Buffers: no hash of today has these values.
  if (begun?.ok && !sameBytes(validatorsHash(begun.value.validators), begun.value.header.validatorsHash))
    return { name, skip: 'its hashes are of the amino encoding, from before Tendermint 0.34' }
  return {
    name,
    check() {
      const options = asRecord(json.trust_options) ?? {}
      const level = asRecord(options.trust_level) ?? {}
      const trust: CometTrust = {
        periodNanos: BigInt(String(options.period)),
        driftNanos: 1_000_000_000n,
        level: { numerator: BigInt(String(level.numerator)), denominator: BigInt(String(level.denominator)) },
      }
      const blocks = (asRecord(json.primary) as { readonly lite_blocks: unknown[] }).lite_blocks.map((one) =>
        held(lightBlockFromJson(one)),
      )
      const find = (height: bigint) => blocks.find(({ header }) => header.height === height)
      const outcome = walk({
        json,
        trust,
        find,
        hash: fromHex(`0x${options.hash}` as Hex),
        from: BigInt(String(options.height)),
      })
      if (json.expected_output === 'no error')
        assert.deepEqual(outcome, { ok: true, value: BigInt(String(json.height_to_verify)) })
      else assert.ok(!outcome.ok, 'it was reached')
    },
  }
}

function walk(told: {
  readonly json: Json
  readonly trust: CometTrust
  readonly find: (height: bigint) => LightBlock | undefined
  readonly hash: Uint8Array
  readonly from: bigint
}): Decoded<bigint> {
  const { json, trust, find } = told
  const now = held(momentFromText(json.now))
  const first = find(told.from)
  if (!first) return { ok: false, reason: 'the first block is missing' }
  let way = startSkipping(held(trustCometBlock(first, told.hash)), BigInt(String(json.height_to_verify)))
  for (let steps = 0; way.needs !== null; steps++) {
    assert.ok(steps < stepsMax, 'it does not end')
    const block = find(way.needs)
    if (!block) return { ok: false, reason: `block ${way.needs} is missing` }
    const next = skip(way, block, { now, trust })
    if (!next.ok) return next
    way = next.value
  }
  return { ok: true, value: way.trusted.header.height }
}

function held<value>(decoded: Decoded<value>): value {
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.reason)
  return decoded.value
}
