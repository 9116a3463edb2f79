// Brings a fresh or stale checkout to where a command can run: installs the exact lock file, then builds.
// Node's built-ins only, since it runs before anything is installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const programs = ['test/bench', 'test/chaos', 'test/conformance', 'test/sim']
const settings = ['.ci/declarations.json', 'package.json', 'tsconfig.json', 'tsup.config.ts', 'wrangler.toml']
const builtFrom = ['sdk', 'edge', 'examples', ...programs, ...settings]
const typesToo = process.argv.includes('--types')
// Real parts, fetched while the packages are installed. A test that finds one missing says so by name.
const parts = process.argv.includes('--parts') ? fetchParts(['test/bitcoind.sh', 'test/chromium.sh']) : null

const lock = digest(['package-lock.json'])
await bring('Installing the locked packages', 'node_modules/.lanekit-lock', lock, [[['node', '.ci/install.mjs']]])

await bring('Describing the paths of the edge', '.lanekit/described', digest(['edge/openapi.ts', '.ci/openapi.mjs']), [
  [['node', '.ci/openapi.mjs']],
])
const sources = digest([...builtFrom, 'package-lock.json'])
const typesStamp = '.lanekit/built-types'
// A build begins with an empty folder: declarations that were there are gone with it.
if (!isFresh('.lanekit/built', sources)) rmSync(join(root, typesStamp), { force: true })
await bring('Building the worker, the pages and the programs', '.lanekit/built', sources, [
  [
    ['node', 'node_modules/tsup/dist/cli-default.js', '--silent'],
    ['node', '.ci/workerOptions.mjs'],
  ],
  [['node', '.ci/wasm.mjs']],
  [
    ['node', 'examples/checkout/build.mjs'],
    ['node', 'node_modules/wrangler/bin/wrangler.js', 'deploy', '--dry-run', '--outdir', '.lanekit/worker'],
  ],
])
if (parts) await shown('Fetching bitcoind and Chromium', parts)
if (typesToo) await bring('Building the type declarations', typesStamp, sources, [[['node', '.ci/declarations.mjs']]])

/** Takes steps, one after the other, each of commands that run side by side. */
async function bring(what, stamp, wanted, steps) {
  if (isFresh(stamp, wanted)) return
  const path = join(root, stamp)
  const failed = await shown(what, firstFailed(steps))
  if (failed) {
    process.stderr.write(`failed: ${failed.command.join(' ')}\n${failed.output}\n`)
    process.exit(1)
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, wanted)
}

async function firstFailed(steps) {
  for (const commands of steps) {
    const results = await Promise.all(commands.map(async (command) => ({ command, ...(await run(command)) })))
    const failed = results.find(({ code }) => code !== 0)
    if (failed) return failed
  }
  return null
}

async function shown(what, work) {
  const start = Date.now()
  process.stderr.write(`${what} `)
  const dots = setInterval(() => process.stderr.write('.'), 1000)
  const result = await work
  clearInterval(dots)
  process.stderr.write(` ${((Date.now() - start) / 1000).toFixed(1)} s\n`)
  return result
}

async function fetchParts(scripts) {
  for (const script of scripts) await run([join(root, script)])
}

function isFresh(stamp, wanted) {
  const path = join(root, stamp)
  return existsSync(path) && readFileSync(path, 'utf8') === wanted
}

function run([program, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => resolve({ code: 1, output: String(error) }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

function digest(paths) {
  const hash = createHash('sha256')
  for (const path of paths.flatMap(filesBelow)) hash.update(`${path}\0`).update(readFileSync(join(root, path)))
  return hash.digest('hex')
}

function filesBelow(path) {
  if (!existsSync(join(root, path))) return []
  if (/\.\w+$/.test(path)) return [path]
  const entries = readdirSync(join(root, path), { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}
