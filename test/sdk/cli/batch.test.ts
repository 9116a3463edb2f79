import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../../sdk/cli/run.ts'
import { envelopes, lanekit, shell } from './lanekit.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lanekit-cli-'))
  for (const [name, content] of Object.entries(envelopes)) writeFileSync(join(folder, name), content)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('lanekit batch', { timeout: 120_000 }, () => {
  it('plans an envelope in a file, for people', async () => {
    const { code, stdout, stderr } = await lanekit(['batch', 'plan', join(folder, 'short')])
    expect(stderr).toBe('')
    expect(stdout).toMatchInlineSnapshot(`
      "batch 0x7796f7fc066bb9d3b5985e42cbdf953ad96a7ee20eda6931a3a0f80933ebc68d
      chain 1, fork osaka: 3 transactions, 2 lanes, 1 wait
      150,000 gas in all, 100,000 on the critical path
      1 worker: 150,000 gas, 1.00 times as fast as one
      2 workers: 100,000 gas, 1.50 times as fast as one
      lane 0: 2 transactions, 100,000 gas: 0 1
      lane 1: 1 transaction, 50,000 gas: 2
      "
    `)
    expect(code).toBe(0)
  })

  it('plans an envelope on the standard input alike in both encodings, and checks its own plan', async () => {
    const [one, other] = await Promise.all([
      lanekit(['batch', 'plan', '--json'], { input: envelopes.json }),
      lanekit(['batch', 'plan', '-', '--json'], { input: envelopes.binary }),
    ])
    expect(one).toEqual(other)
    const facts = JSON.parse(one.stdout)
    expect(facts).toMatchObject({ ok: true, chainId: 1, lanes: [[0, 1, 2, 3]], totalGas: 180_000 })
    expect(facts.transactions.map(({ waitsFor }: { waitsFor: number[] }) => waitsFor)).toEqual([[], [0], [], [0, 1, 2]])

    const plan = join(folder, 'plan')
    writeFileSync(plan, one.stdout)
    const forged = join(folder, 'forged')
    facts.transactions[3].waitsFor = [0, 2]
    writeFileSync(forged, JSON.stringify(facts))
    const [held, wrong, others] = await Promise.all([
      lanekit(['batch', 'check', join(folder, 'json'), '--plan', plan]),
      lanekit(['batch', 'check', join(folder, 'binary'), '--plan', forged]),
      lanekit(['batch', 'check', join(folder, 'short'), '--plan', plan, '--json']),
    ])
    expect(held).toEqual({ code: 0, stdout: 'holds: 4 transactions in 1 lane\n', stderr: '' })
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toBe('refused: 3 conflicts with everything and does not wait for 1 (plan/wrong)\n')
    expect(others.code).toBe(1)
    expect(JSON.parse(others.stdout)).toMatchObject({ ok: false, code: 'plan/other-batch' })
  })

  it('explains each wait', async () => {
    const { stdout, code } = await lanekit(['batch', 'explain', join(folder, 'json'), '1', '3'])
    expect(stdout).toMatchInlineSnapshot(`
      "lane 0: 1 waits for 0 because of the nonce of 0xc171033d5cbff7175f29dfd3a63dda3d6f8f385e and 2 more
      lane 0: 3 waits for 0 because the access of 3 is unknown
      lane 0: 3 waits for 1 because the access of 3 is unknown
      lane 0: 3 waits for 2 because the access of 3 is unknown
      "
    `)
    expect(code).toBe(0)
  })

  it.each([
    ['a word too much', ['batch', 'plan', 'a', 'b'], 2, "lanekit: 'batch plan' does not know what to do with 'b'"],
    ['an option that is none', ['batch', 'plan', '--nope'], 2, "lanekit: Unknown option '--nope'"],
    ['a file that is not there', ['batch', 'plan', '/nowhere/x'], 2, "lanekit: '/nowhere/x' cannot be read (ENOENT)"],
    ['a folder', ['batch', 'plan', '/'], 2, "lanekit: '/' is a folder"],
    [
      'a number of workers that is none',
      ['batch', 'plan', '--workers', '0'],
      2,
      "lanekit: '0' is not a number of workers",
    ],
    ['no plan', ['batch', 'check', 'x'], 2, "lanekit: 'batch check' wants --plan FILE"],
    ['no such command', ['batch', 'fly'], 2, "lanekit: there is no command 'batch fly'"],
  ])('takes %s for a wrong call', async (_, args, code, said) => {
    const ended = await run(args)
    expect(ended.stderr.startsWith(said), ended.stderr).toBe(true)
    expect(ended).toMatchObject({ code, stdout: '' })
  })

  it('refuses what is no envelope, and says so in JSON when asked to', async () => {
    writeFileSync(join(folder, 'cut'), '{"version":1')
    const { code, stdout } = await run(['batch', 'plan', join(folder, 'cut'), '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: 'batch/malformed-envelope' })
  })

  it('lives without a standard input, and ends quietly when its reader leaves', async () => {
    const [closed, left] = await Promise.all([
      shell('$LANEKIT batch plan <&-'),
      shell(`{ $LANEKIT batch plan ${join(folder, 'json')} --json; echo $? >&2; } | head -c 1`),
    ])
    expect(closed).toMatchObject({ code: 2, stdout: '' })
    expect(closed.stderr).toContain('there is no envelope: nothing was read')
    expect(left).toEqual({ code: 0, stdout: '{', stderr: '0\n' })
  })

  it('gives help for everything, for a group and for a command', async () => {
    const [all, group, one] = await Promise.all([
      lanekit([]),
      lanekit(['batch']),
      lanekit(['batch', 'check', '--help']),
    ])
    expect(all).toMatchObject({ code: 0, stderr: '' })
    expect(all.stdout).toContain('lanekit verify receipt HASH')
    expect(group.stdout).not.toContain('lanekit verify')
    expect(one.stdout).toContain('--plan FILE')
  })
})
