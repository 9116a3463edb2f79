import { basename, join } from 'node:path'
import ts from '@typescript/typescript6'
import { beforeAll, describe, expect, it } from 'vitest'
import { installPackage, type Scratch } from './scratch.ts'

let scratch: Scratch
beforeAll(() => {
  scratch = installPackage()
  const imports = scratch.entries.map((entry, at) => `import * as entry${at} from '${entry}'`)
  const names = scratch.entries.map((_, at) => `entry${at}`)
  const use = `
    import { createVault, sendable, type Wallet } from './use.js'
    export const entries = [${names}]
    export const vault: Promise<{ accounts: () => Promise<readonly string[]> }> = createVault
    export async function balance(wallet: Wallet): Promise<bigint | undefined> {
      return (await sendable(wallet)).at(0)
    }`
  scratch.write('main.ts', [...imports, use].join('\n'))
  scratch.write(
    'old.cts',
    `import lanekit = require('lanekit')
     import batch = require('lanekit/batch')
     export const plan: number = batch.plan([]).count
     export const vault: typeof lanekit.createVault = lanekit.createVault`,
  )
  scratch.write(
    'use.ts',
    `import { createVault as create, transfer, wei, type Wallet } from 'lanekit'
     import { memory, systemRandom, webCipher } from 'lanekit/adapters'
     export type { Wallet } from 'lanekit'
     export const createVault = create({ store: memory(), cipher: webCipher(), random: systemRandom, password: 'x' })
     export async function sendable(wallet: Wallet): Promise<bigint[]> {
       const [to] = await wallet.accounts()
       if (!to) return []
       const token = { address: to, decimals: 18, symbol: 'TKN' }
       // @ts-expect-error A draft's value is wei, not any number.
       transfer(token, to, 1)
       return [wei(1n), transfer(token, to, 1n).value]
     }`,
  )
})

/** The ways in which TypeScript finds types today: as Node resolves, as bundlers do, and for `require` of a module. */
const ways = [
  { name: 'node16', root: 'main.ts', moduleResolution: ts.ModuleResolutionKind.Node16, module: ts.ModuleKind.Node16 },
  { name: 'bundler', root: 'main.ts', moduleResolution: ts.ModuleResolutionKind.Bundler, module: ts.ModuleKind.ESNext },
  {
    name: 'nodenext',
    root: 'old.cts',
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    module: ts.ModuleKind.NodeNext,
  },
]

describe('types, with skipLibCheck off', () => {
  it.each(ways)('[types] fit under moduleResolution $name', { timeout: 120_000 }, ({ name: _, root, ...way }) => {
    const program = ts.createProgram([join(scratch.folder, root)], {
      ...way,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    })
    // The declarations of dependencies are read, but whether they are sound in themselves is their own affair.
    const ours = program.getSourceFiles().filter(({ fileName }) => fileName.includes(basename(scratch.folder)))
    expect(ours.length).toBeGreaterThan(2)
    const faults = [
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
    ]
    expect(faults.map(({ messageText, file }) => `${file?.fileName}: ${JSON.stringify(messageText)}`)).toEqual([])
  })
})
