import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { declare, undeclared } from '../../../sdk/batch/footprint.ts'
import { encodeBatch, encodeBatchJson } from '../../../sdk/batch/index.ts'
import { seal, signingHash } from '../../../sdk/evm/codec.ts'
import { slot, toHex } from '../../../sdk/units.ts'
import { alice, bob, person, preparedWith, sign } from '../evm/samples.ts'

const program = join(import.meta.dirname, '../../../dist/cli/main.js')

/** How a run of the built program ended, and what it printed. */
export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Surroundings {
  /** The standard input, ended at once when left out. */
  readonly input?: string | Uint8Array
  readonly env?: NodeJS.ProcessEnv
}

/** Runs `lanekit` as a shell would, without a terminal. */
export function lanekit(args: readonly string[], surroundings: Surroundings = {}): Promise<Run> {
  return running(process.execPath, [program, ...args], surroundings)
}

/** Runs a line of shell, in which `$LANEKIT` is the program. */
export function shell(line: string): Promise<Run> {
  return running('sh', ['-c', line], { env: { LANEKIT: `${process.execPath} ${program}` } })
}

function running(name: string, args: readonly string[], { input, env = {} }: Surroundings): Promise<Run> {
  return new Promise((resolve, reject) => {
    const { PATH } = process.env
    const child = spawn(name, args, { env: { PATH, ...env }, timeout: 60_000 })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.on('error', () => undefined) // It may end before it has read all.
    child.stdin.end(input)
  })
}

const carol = person(0x0c)
const token = carol.account
const slotAt = (n: number) => ({ kind: 'slot' as const, address: token, slot: slot(toHex(new Uint8Array(32).fill(n))) })

function transaction(by: typeof alice, nonce: number, slots: readonly number[] | null) {
  const prepared = preparedWith({ from: by.account, to: token, nonce, gas: 100_000n })
  const { bytes } = seal(prepared, sign(signingHash(prepared), by))
  const declaration =
    slots === null ? undeclared(30_000) : declare({ reads: [], writes: slots.map(slotAt), credits: [] }, 50_000)
  return { raw: bytes, declaration }
}

/** Four transactions: two of alice, one of bob beside them, and one of carol that waits for all. */
const batch = {
  chainId: preparedWith().chainId,
  fork: 'osaka',
  transactions: [
    transaction(alice, 0, [1]),
    transaction(alice, 1, [1, 2]),
    transaction(bob, 0, [3]),
    transaction(carol, 0, null),
  ],
}

/** The envelope of {@link batch}, in both encodings, and of its first three transactions. */
export const envelopes = {
  json: encodeBatchJson(batch),
  binary: encodeBatch(batch),
  short: encodeBatch({ ...batch, transactions: batch.transactions.slice(0, 3) }),
}
