import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Code to deploy, by name of the contract, without 0x. */
export type Compiled = Readonly<Record<string, string>>

const require = createRequire(import.meta.url)
const root = rootOf(dirname(fileURLToPath(import.meta.url)))
const sources = join(root, 'test/sdk/vm/defi/contracts')
const store = join(root, 'test/sdk/vm/defi/contracts.json')
const compiler = 'solc 0.8.30, optimized'

/** A program that was built stands elsewhere than this file. */
function rootOf(folder: string): string {
  return existsSync(join(folder, 'package-lock.json')) ? folder : rootOf(dirname(folder))
}

let compiled: Compiled | undefined

/**
 * Our contracts around those that npm ships as source alone: as they stand compiled beside their sources, or compiled anew,
 * and put there, when these have changed. The compiler takes many seconds.
 */
export function compileContracts(): Compiled {
  compiled ??= readOrCompile()
  return compiled
}

interface Stored {
  /** Of the sources and the compiler. */
  readonly digest: string
  readonly contracts: Compiled
}

function readOrCompile(): Compiled {
  const files = readdirSync(sources).sort()
  const texts = Object.fromEntries(files.map((file) => [file, { content: readFileSync(join(sources, file), 'utf8') }]))
  const { version } = require('@openzeppelin/contracts/package.json') as { readonly version: string }
  const digest = createHash('sha256')
    .update(JSON.stringify([compiler, version, texts]))
    .digest('hex')
  const stored: Stored | undefined = existsSync(store) ? JSON.parse(readFileSync(store, 'utf8')) : undefined
  if (stored?.digest === digest) return stored.contracts
  const contracts = compile(texts)
  writeFileSync(store, `${JSON.stringify({ digest, contracts } satisfies Stored, null, 2)}\n`)
  return contracts
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Readonly<Record<string, Readonly<Record<string, { evm: { bytecode: { object: string } } }>>>>
}

function compile(texts: Readonly<Record<string, { readonly content: string }>>): Compiled {
  const solc = require('solc') as { compile: (input: string, callbacks: { import: typeof load }) => string }
  const settings = {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: 'cancun',
    outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
  }
  const input = JSON.stringify({ language: 'Solidity', sources: texts, settings })
  const { errors = [], contracts } = JSON.parse(solc.compile(input, { import: load })) as Output
  const failure = errors.find(({ severity }) => severity === 'error')
  if (failure) throw new Error(failure.formattedMessage)
  return Object.fromEntries(
    Object.keys(texts).flatMap((file) =>
      Object.entries(contracts[file] ?? {}).map(([name, { evm }]) => [name, evm.bytecode.object]),
    ),
  )
}

function load(path: string): { readonly contents: string } | { readonly error: string } {
  try {
    return { contents: readFileSync(require.resolve(path), 'utf8') }
  } catch (error) {
    return { error: String(error) }
  }
}
