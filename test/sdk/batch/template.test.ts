import { describe, expect, it } from 'vitest'
import {
  type Access,
  applyTemplate,
  createTemplateBook,
  learnTemplate,
  normalise,
  type Place,
  type Template,
  type TemplateCall,
  templateEntriesMax,
  templateObservationsMax,
  templateRunsMin,
  templatesMax,
} from '../../../sdk/batch/index.ts'
import { keccak256 } from '../../../sdk/crypto/engine.ts'
import { type Address, fromHex, type Hex, slot, toHex } from '../../../sdk/units.ts'
import { createMachine, type Transaction } from '../../../sdk/vm/index.ts'
import { readBlock } from '../../conformance/executedBlocks.ts'
import { templateFit } from '../../conformance/templateFit.ts'
import { describeVectors, vectorPath } from '../../vectors.ts'
import { marketBlock, openMarket } from '../vm/market.ts'
import { account, field, slotOf } from './arbitraries.ts'

const word = (value: bigint | number) => value.toString(16).padStart(64, '0')
const wordOf = (of: Address) => word(BigInt(of))
const mapped = (of: Address, ...keys: readonly string[]): Place => {
  const hash = keys.reduce((at, key) => toHex(keccak256(fromHex(`0x${key}${at}`))).slice(2), word(4))
  return { kind: 'slot', address: of, slot: slot(`0x${hash}`) }
}

const [sender, payee, token, other] = [account(0xa1), account(0xb2), account(0xc3), account(0xd4)]
const codeOf: Record<string, Hex> = { [token]: `0x${'11'.repeat(32)}`, [other]: `0x${'22'.repeat(32)}` }
const hashes = (of: Address) => codeOf[of]

function call(words: readonly string[], from = sender, to = token): TemplateCall {
  return { from, to, data: fromHex(`0x12345678${words.join('')}`) }
}

function learn(...runs: readonly (readonly [TemplateCall, Partial<Access>])[]): Template {
  return runs.reduce<Template | undefined>((known, [call, access]) => {
    return learnTemplate(known, { call, access: { ...nothing, ...access }, codeHashOf: hashes })
  }, undefined) as Template
}

const nothing: Access = { reads: [], writes: [], credits: [] }

function told(template: Template, call: TemplateCall): Access {
  const applied = applyTemplate(template, call, hashes)
  if (!applied.ok) throw new Error(applied.reason)
  return normalise(applied.value)
}

describe('a template', () => {
  it('[T2] foretells a token transfer and a swap of real contracts from two runs of each', () => {
    const market = openMarket(8)
    const machine = createMachine({ fork: 'osaka' })
    const run = (transaction: Transaction) => {
      const { from, to, data } = transaction
      const outcome = machine.execute(transaction, marketBlock, market.state)
      if (outcome.kind !== 'executed' || to === null) throw new Error('it does not run')
      market.state.apply(outcome.changes)
      const isFee = (place: Place) =>
        place.address === marketBlock.miner || (place.address === from && place.kind !== 'slot')
      const { reads, writes, credits } = outcome.access
      const lists = [reads, writes, credits].map((list) => list.filter((place) => !isFee(place)))
      const access = normalise({ reads: lists[0] ?? [], writes: lists[1] ?? [], credits: lists[2] ?? [] })
      return { call: { from, to, data }, access, codeHashOf: (of: Address) => market.state.account(of)?.codeHash }
    }
    for (const next of [market.transfer, market.swap]) {
      const book = createTemplateBook()
      for (let at = 0; at < 4; at++) book.learn(run(next()))
      const last = run(next())
      expect(normalise(book.forecast(last.call, last.codeHashOf) ?? nothing)).toEqual(last.access)
    }
  })

  it('[T1] expresses slots by sender, recipient and arguments, in a mapping and in one of a mapping, with the member of a struct', () => {
    const touch = ({ from, to }: TemplateCall, id: string): Partial<Access> => {
      const struct = mapped(to, wordOf(from), id)
      const member = BigInt(struct.kind === 'slot' ? struct.slot : 0) + 2n
      return {
        reads: [mapped(to, id), slotOf(0xc3, 7)],
        writes: [mapped(to, wordOf(from)), { kind: 'slot', address: to, slot: slot(`0x${word(member)}`) }],
      }
    }
    const [one, two] = [call([word(5)]), call([word(900)], payee)]
    const template = learn([one, touch(one, word(5))], [two, touch(two, word(900))])
    const third = call([word(77)], other)
    expect(told(template, third)).toEqual(normalise({ ...nothing, ...touch(third, word(77)) }))
  })

  it('[T2] takes what is equal by chance for what it is, once a run tells it apart', () => {
    const toSelf = call([wordOf(sender)])
    const once = learn([toSelf, { writes: [mapped(token, wordOf(sender))] }])
    const pay = call([wordOf(payee)])
    const writes = [mapped(token, wordOf(payee))]
    const twice = learn([toSelf, { writes: [mapped(token, wordOf(sender))] }], [pay, { writes }])
    expect(once.entries[0]?.rules.length).toBeGreaterThan(1)
    expect(twice.entries.map(({ rules }) => rules.length)).toEqual([1])
    expect(told(twice, call([wordOf(other)])).writes).toEqual([mapped(token, wordOf(other))])
  })

  it('[T1] speaks of the recipient, so that contracts of one code share it', () => {
    codeOf[payee] = codeOf[token] as Hex
    const template = learn([call([]), { writes: [slotOf(0xc3, 1)] }])
    expect(told(template, call([], sender, payee)).writes).toEqual([{ ...slotOf(0, 1), address: payee }])
    delete codeOf[payee]
  })

  it('[T3] foretells what most runs touch, and counts what one of them writes as written', () => {
    const at = (n: number) => slotOf(0xc3, n)
    const template = learn(
      [call([]), { reads: [at(1), at(2)] }],
      [call([]), { writes: [at(1)], reads: [at(3)] }],
      [call([]), { reads: [at(1), at(2)] }],
    )
    expect(told(template, call([]))).toEqual({ reads: [at(2)], writes: [at(1)], credits: [] })
  })

  it('[T4] is refused where other code runs than was learnt from, of the recipient or behind it, and for another function', () => {
    const template = learn([call([]), { reads: [field('code', 0xd4)] }])
    expect(template.codes).toEqual([{ account: other, hash: codeOf[other] }])
    const changed = (which: Address) => (of: Address) => (of === which ? (`0x${'33'.repeat(32)}` as Hex) : hashes(of))
    expect(applyTemplate(template, call([]), hashes).ok).toBe(true)
    expect(applyTemplate(template, call([]), changed(token))).toMatchObject({ ok: false })
    expect(applyTemplate(template, call([]), changed(other))).toMatchObject({ ok: false })
    expect(applyTemplate(template, { ...call([]), data: Uint8Array.of(1, 2, 3, 4) }, hashes).ok).toBe(false)
  })

  it('[T4] is started anew when the code behind the recipient has changed', () => {
    const template = learn([call([]), { reads: [field('code', 0xd4), slotOf(0xc3, 1)] }])
    const upgraded = (of: Address): Hex | undefined => (of === other ? `0x${'33'.repeat(32)}` : hashes(of))
    const access = { ...nothing, reads: [field('code', 0xd4), slotOf(0xc3, 2)] }
    const again = learnTemplate(template, { call: call([]), access, codeHashOf: upgraded })
    expect(again.observations).toBe(1)
    expect(applyTemplate(again, call([]), upgraded)).toMatchObject({ value: { reads: access.reads } })
  })

  it('leaves out a place whose words the call does not bring', () => {
    const template = learn([call([word(9)]), { reads: [mapped(token, word(9)), slotOf(0xc3, 1)] }])
    expect(told(template, call([])).reads).toEqual([slotOf(0xc3, 1)])
  })

  it('[T3] [T5] is bounded, and what is new in the end outweighs what is old', () => {
    const many = Array.from({ length: 2 * templateEntriesMax }, (_, at) => slotOf(0xc3, at))
    expect(learn([call([]), { reads: many }]).entries).toHaveLength(templateEntriesMax)
    const old = Array.from({ length: templateObservationsMax }, () => [call([]), { reads: [slotOf(0xc3, 1)] }] as const)
    const late = Array.from(
      { length: templateObservationsMax },
      () => [call([]), { reads: [slotOf(0xc3, 2)] }] as const,
    )
    const template = learn(...old, ...late)
    expect(template.observations).toBeLessThanOrEqual(templateObservationsMax)
    expect(told(template, call([])).reads).toEqual([slotOf(0xc3, 2)])
  })
})

describe('a book of templates', () => {
  const observation = (n: number) => ({
    call: { ...call([]), data: fromHex(`0x${n.toString(16).padStart(8, '0')}`) },
    access: { ...nothing, reads: [slotOf(0xc3, 1)] },
    codeHashOf: hashes,
  })

  it('[T2] forecasts after some runs, and never for data without a selector or an account whose code is not known', () => {
    const book = createTemplateBook()
    for (let run = 0; run < templateRunsMin; run++) {
      expect(book.forecast(observation(1).call, hashes)).toBeUndefined()
      book.learn(observation(1))
    }
    expect(book.forecast(observation(1).call, hashes)).toEqual(observation(1).access)
    expect(book.forecast(observation(1).call, () => undefined)).toBeUndefined()
    const short = { ...observation(1), call: { ...call([]), data: Uint8Array.of(1, 2, 3) } }
    book.learn(short)
    expect(book.forecast(short.call, hashes)).toBeUndefined()
    expect(book.size()).toBe(1)
  })

  it('[T5] keeps a bounded number, those that were of use last', () => {
    const book = createTemplateBook()
    for (let run = 0; run < templateRunsMin; run++) book.learn(observation(0))
    for (let n = 1; n <= templatesMax; n++) {
      book.learn(observation(n))
      if (n % 100 === 0) expect(book.forecast(observation(0).call, hashes)).toBeDefined()
    }
    expect(book.size()).toBe(templatesMax)
    expect(book.find(observation(0).call, codeOf[token] as Hex)).toBeDefined()
  })
})

describeVectors('templates and a block of mainnet', () => {
  it('name nearly all places of calls they have seen before, and nearly none too many', () => {
    const runnable = readBlock(vectorPath('blocks/mainnet-25323281/block.json.gz'))
    if (runnable === undefined || typeof runnable === 'string') throw new Error(`The block is not run: ${runnable}`)
    const fit = templateFit(runnable)
    expect(fit.forecasts).toBeGreaterThan(50)
    expect(fit.slots.both / fit.slots.foretold).toBeGreaterThan(0.99)
    expect(fit.slots.both / fit.slots.touched).toBeGreaterThan(0.97)
    expect(fit.places.both / fit.places.foretold).toBeGreaterThan(0.99)
    expect(fit.opsRight / fit.places.both).toBeGreaterThan(0.99)
  })
})
