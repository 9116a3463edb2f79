// Everything a change must pass, and one line that says how it went. `npm test -- <word>` runs the checks whose name has the word.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const reports = join(root, '.lanekit/reports')
const wanted = process.argv[2] ?? ''
rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })

const inherited = {
  ...process.env,
  ...{ NO_COLOR: '1', FORCE_COLOR: '0' },
  // No step asks anybody outside, and each Node would read the certificates for that as it starts.
  NODE_EXTRA_CA_CERTS: undefined,
  // The compiler and the bundler are Go's, which by default spends a fifth of their time on collecting garbage.
  GOGC: '400',
}

const bin = (name) => join(root, 'node_modules/.bin', name)
/** A program of Node's. Most of its code runs a few times: V8 is told to optimise only what does ten times as much work as by default. */
const node = (...args) => [process.execPath, '--interrupt-budget=600000', ...args]
const suite = (name, args) => ({
  name,
  report: join(reports, `${name}.json`),
  command: node(bin('vitest'), 'run', ...args),
})
/** By its path: the package that lends the older compiler's interface brings a `tsc` of its own. */
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const check = (name, command) => ({ name, command })

/** Real Chromium. Where there is none and none can be had, the whole step is skipped by name, with the reason. */
const browser = () => {
  const { status, stdout, stderr } = spawnSync(join(root, 'test/chromium.sh'), { encoding: 'utf8' })
  if (status !== 0) return { name: 'browser', skip: stderr.trim().split('\n').at(-1) ?? 'no Chromium here' }
  return { ...suite('browser', ['-c', 'vitest.browser.config.ts']), env: { CHROMIUM: stdout.trim() } }
}

/** What several steps wait for, made once. */
const once = (make) => {
  let made
  return () => {
    made ??= make()
    return made
  }
}
const declare = once(() => run(['node', '.ci/prepare.mjs', '--types']))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** What `npm publish` would send. */
const packed = join(root, '.lanekit/package', `lanekit-${version}.tgz`)
const pack = once(async () => {
  const declared = await declare()
  if (declared.code !== 0) return declared
  mkdirSync(dirname(packed), { recursive: true })
  return run(['npm', 'pack', '--ignore-scripts', '--pack-destination', dirname(packed)])
})

/**
 * Side by side, and about as long as one another on two cores: what computes, and what mostly waits, for alarms, blocks and pages. More at
 * once takes longer in all: what waits goes on polling and mining meanwhile.
 */
const tracks = [
  [
    check('lock file', ['node', '.ci/lock.mjs', '--check']),
    check('format and lint', [bin('biome'), 'ci', '.', '--colors=off']),
    { name: 'types declared', before: declare },
    { ...suite('node', ['--exclude', 'test/package/**']), env: { LANEKIT_WORKER: join(root, '.lanekit/worker') } },
    // In one process, which installs the package once.
    { ...suite('package', ['test/package', '--maxWorkers=1']), env: { LANEKIT_PACKED: packed }, before: pack },
  ],
  [suite('workerd', ['-c', 'vitest.workerd.config.ts']), { name: 'browser', late: browser }],
]
/** For the track that is done first, which is not the same one on every machine. */
const rest = [
  // Each checker of its own reads what they share once more, and the other core has work.
  { ...check('types', [compiler, '-p', '.', '--checkers', '1']), before: declare },
  { ...check('types in workerd', [compiler, '-p', 'edge']), before: declare },
  {
    ...check(
      'package types',
      node(
        ...[bin('attw'), packed, '--profile', 'esm-only', '--no-color'],
        // Modules of WebAssembly are bytes, and have no types.
        ...['--exclude-entrypoints', 'crypto/hashes.wasm', 'crypto/secp256k1.wasm'],
      ),
    ),
    before: pack,
  },
  check('unused code', node(bin('knip'), '--no-progress')),
  check('size budgets', node(bin('size-limit'))),
  check('public API report', node('.ci/api.mjs', '--check')),
  { ...check('package contents', node(bin('publint'), packed, '--strict')), before: pack },
]

const total = { passed: 0, failed: 0, skipped: 0 }
const skips = []
await Promise.all(tracks.map(runTrack))
for (const name of skips) console.log(`skipped: ${name}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)

async function runTrack(track) {
  for (const step of track) await runStep(step)
  for (let step = rest.shift(); step; step = rest.shift()) await runStep(step)
}

async function runStep(step) {
  if (!step.name.includes(wanted)) return
  if (step.late) return runStep(step.late())
  const { name, command, report, skip, env, before } = step
  const start = Date.now()
  if (skip) {
    total.skipped += 1
    skips.push(`${name} (${skip})`)
    console.log(`skipped ${name}`)
    return
  }
  const begun = await before?.()
  const { code, output } =
    begun?.code || !command
      ? begun
      : await run(
          report ? [...command, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : command,
          env,
        )
  const seconds = ((Date.now() - start) / 1000).toFixed(1)
  const counts = report
    ? countsOf(report, code)
    : { passed: Number(code === 0), failed: Number(code !== 0), skipped: 0 }
  for (const key of Object.keys(total)) total[key] += counts[key]
  const figures = report ? `, ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : ''
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s${figures})`)
  if (code !== 0) console.log(output)
}

/** A run that ends badly without naming a failed test still counts as one. */
function countsOf(report, code) {
  let results
  try {
    results = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
  const tests = results.testResults.flatMap((file) => file.assertionResults)
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed')
  skips.push(...skipped.map(({ fullName }) => fullName))
  const failed = tests.filter(({ status }) => status === 'failed').length
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: code === 0 ? failed : Math.max(1, failed),
    skipped: skipped.length,
  }
}

function run([program, ...args], env = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env: { ...inherited, ...env } })
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
