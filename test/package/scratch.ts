import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** A project that has installed the package, and nothing else. */
export interface Scratch {
  readonly folder: string
  /** The modules of JavaScript that `exports` names, as they are imported: `lanekit`, `lanekit/adapters`, ... */
  readonly entries: readonly string[]
  /** What was packed, as paths within the package. */
  readonly files: readonly string[]
  readonly write: (name: string, text: string) => string
  /** Runs Node in the project. */
  readonly node: (args: readonly string[], options?: SpawnSyncOptions) => Run
}

/** How a program ended, and what it printed. */
export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Entries that need Node's file system; all others run everywhere. */
export const nodeOnly = ['lanekit/adapters/file']

let installed: Scratch | undefined

/**
 * Packs the package as `npm publish` would, and installs it outside the repository, where nothing but its declared
 * dependencies can be found. Those are links to the repository's own, so that no network is needed.
 *
 * Once for all files of tests that run in this process; it goes with the process. `LANEKIT_PACKED` names what has been packed before.
 */
export function installPackage(): Scratch {
  installed ??= install()
  return installed
}

function install(): Scratch {
  const folder = mkdtempSync(join(tmpdir(), 'lanekit-package-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const packed = process.env.LANEKIT_PACKED ?? pack(folder)
  const home = join(folder, 'node_modules/lanekit')
  mkdirSync(home, { recursive: true })
  must('tar', ['xzf', packed, '--strip-components=1', '-C', home], folder)
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
  writeFileSync(join(folder, 'package.json'), '{ "name": "scratch", "private": true, "type": "module" }\n')
  copyFileSync(join(import.meta.dirname, 'work.mjs'), join(folder, 'work.mjs'))
  return {
    folder,
    entries: Object.keys(manifest.exports)
      .filter((path) => !/\.(json|wasm)$/.test(path))
      .map((path) => `lanekit${path.slice(1)}`),
    files: filesBelow(home),
    write: (name, text) => {
      const path = join(folder, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
      return path
    },
    node: (args, options) => run(process.execPath, args, { cwd: folder, ...options }),
  }
}

function pack(folder: string): string {
  const told = must('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], root)
  const [{ filename }] = JSON.parse(told) as [{ filename: string }]
  return join(folder, filename)
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

function run(program: string, args: readonly string[], options: SpawnSyncOptions): Run {
  // A test runner's own variables would colour what Node prints and load its hooks.
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status, stdout, stderr, error } = spawnSync(program, args, { env, timeout: 60_000, ...options })
  if (error) throw error
  return { code: status, stdout: String(stdout), stderr: String(stderr) }
}

function must(program: string, args: readonly string[], cwd: string): string {
  const { code, stdout, stderr } = run(program, args, { cwd })
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`)
  return stdout
}
