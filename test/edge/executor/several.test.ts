import { describe, expect, it } from 'vitest'
import { openHealth } from '../../../edge/executor/health.ts'
import type { Executor, Outcome, Sending } from '../../../edge/executor/port.ts'
import { severalExecutors } from '../../../edge/executor/several.ts'
import { breakerFailures, breakerMsMin } from '../../../edge/limits.ts'
import { undeclared } from '../../../sdk/batch/index.ts'
import { SdkError } from '../../../sdk/errors.ts'
import { type Address, address, type TxHash, toHex, txHash } from '../../../sdk/units.ts'

const sender: Address = address(`0x${'01'.repeat(20)}`)
const hashOf = (n: number): TxHash => txHash(toHex(new Uint8Array(32).fill(n)))
const sending = (n: number): Sending => ({
  hash: hashOf(n),
  sender,
  raw: Uint8Array.of(n),
  position: n,
  declaration: undeclared(21_000),
})

/** An executor that says of each hash what it is told to, and remembers what it was sent. */
function scripted(outcomes: Readonly<Record<number, Outcome['kind']>>, answers: 'well' | 'down' = 'well') {
  const got: number[] = []
  const down = () => Promise.reject(new SdkError('node/unreachable', 'Down.', { retryable: true }))
  const executor: Executor = {
    nonces: () => (answers === 'down' ? down() : Promise.resolve(new Map([[sender, 7]]))),
    find: down,
    head: down,
    block: down,
    inclusions: down,
    forward: async (lanes, { report }) => {
      let isInDoubt = false
      for (const { hash, raw } of lanes.flat()) {
        const kind = isInDoubt ? 'unsent' : (outcomes[raw[0] as number] ?? 'accepted')
        if (kind !== 'unsent') got.push(raw[0] as number)
        if (kind === 'unknown') isInDoubt = true
        const outcome = kind === 'rejected' ? { kind, code: 'fee-too-low' as const, detail: 'Cheap.' } : { kind }
        report([[hash, outcome as Outcome]])
      }
    },
  }
  return { executor, got }
}

async function forwardAll(members: readonly Executor[], until = 10_000) {
  const told: [number, Outcome['kind']][] = []
  const health = openHealth(members.length, () => 0)
  await severalExecutors(members, health, () => 0).forward([[sending(1), sending(2)], [sending(3)]], {
    until,
    report: (outcomes) => {
      for (const [hash, { kind }] of outcomes) told.push([Number(`0x${hash.slice(2, 4)}`), kind])
    },
  })
  return told.sort()
}

describe('several executors as one', () => {
  it('ask the first, and the next when it does not answer', async () => {
    const [first, second] = [scripted({}, 'down'), scripted({})]
    const health = openHealth(2, () => 0)
    const both = severalExecutors([first.executor, second.executor], health, () => 0)
    for (let at = 0; at < breakerFailures; at++)
      expect(await both.nonces([sender], 'latest')).toEqual(new Map([[sender, 7]]))
    expect(health.order()).toEqual([1, 0])
  })

  it('send what is in doubt again, as the same bytes, and report every sending once', async () => {
    const [first, second] = [scripted({ 1: 'unknown' }), scripted({})]
    expect(await forwardAll([first.executor, second.executor])).toEqual([
      [1, 'accepted'],
      [2, 'accepted'],
      [3, 'accepted'],
    ])
    expect([first.got, second.got]).toEqual([[1], [1, 2, 3]])
  })

  it('take a no to bytes that may have arrived before for no answer', async () => {
    const [first, second] = [scripted({ 1: 'unknown' }), scripted({ 1: 'rejected', 3: 'rejected' })]
    expect(await forwardAll([first.executor, second.executor])).toEqual([
      [1, 'unknown'],
      [2, 'accepted'],
      [3, 'rejected'],
    ])
  })

  it('start nothing that the lease would not outlive', async () => {
    const [first, second] = [scripted({ 1: 'unknown' }), scripted({})]
    expect(await forwardAll([first.executor, second.executor], -1)).toEqual([
      [1, 'unknown'],
      [2, 'unsent'],
      [3, 'unsent'],
    ])
    expect(second.got).toEqual([])
  })

  it('throw as one does when none answers', async () => {
    const health = openHealth(2, () => 0)
    const both = severalExecutors([scripted({}, 'down').executor, scripted({}, 'down').executor], health, () => 0)
    await expect(both.nonces([sender], 'latest')).rejects.toMatchObject({ code: 'node/unreachable' })
  })
})

describe('the health of executors', () => {
  it('leaves one alone after failures in a row, each time for longer, until it answers', () => {
    let now = 0
    const health = openHealth(2, () => now)
    for (let at = 1; at < breakerFailures; at++) health.failed(0)
    expect(health.order()).toEqual([0, 1])
    health.failed(0)
    expect([health.order(), health.isOpen(0)]).toEqual([[1, 0], true])
    now = breakerMsMin
    expect(health.order()).toEqual([0, 1])
    health.failed(0)
    now += breakerMsMin
    expect(health.isOpen(0)).toBe(true)
    now += breakerMsMin
    health.took(0)
    health.failed(0)
    expect(health.order()).toEqual([0, 1])
  })
})
