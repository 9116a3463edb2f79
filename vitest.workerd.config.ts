import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-pool-workers'
import { build } from 'esbuild'
import { defineConfig } from 'vitest/config'

/**
 * One chain a test, since what a reset finds asleep keeps its rows: as many as a configuration may name. Their node is a fake
 * (test/edge/workerd/node.ts).
 */
const chains = Object.fromEntries(
  Array.from({ length: 64 }, (_, at) => [
    1000 + at,
    { fork: 'osaka', executors: [`http://node.test/${1000 + at}`], finality: 3, pollMs: 50, leaseMs: 3_000 },
  ]),
)

/** What an operator would configure. No such server exists: tests stand in for it. */
const bitcoin = {
  network: 'regtest',
  esplora: ['https://one.invalid/api', 'https://two.invalid/api/'],
  pollMs: 600_000,
}

const bindings = {
  CHAINS: JSON.stringify(chains),
  BITCOIN: JSON.stringify(bitcoin),
  TOWER_KEY: '08'.repeat(32),
}

/** The package's own modules, by the names that others know them by. */
const modules = { find: /^lanekit\/crypto\/(\w+\.wasm)$/, replacement: join(import.meta.dirname, 'dist/crypto/$1') }

/**
 * The tests and the worker in a few files: the isolate loads its modules one by one over a socket, and a thousand small ones took
 * longer than the tests.
 */
const bundled = '.lanekit/workerd-tests'
const tests = 'test/edge/workerd'
rmSync(bundled, { recursive: true, force: true })
await build({
  entryPoints: [
    'edge/worker.ts',
    `${tests}/setup.ts`,
    ...readdirSync(tests).flatMap((name) => (name.endsWith('.test.ts') ? join(tests, name) : [])),
  ],
  outdir: bundled,
  outbase: '.',
  ...{ bundle: true, splitting: true, format: 'esm', target: 'es2022', sourcemap: true },
  // As wrangler bundles for the platform.
  ...{ conditions: ['workerd', 'worker', 'browser'], mainFields: ['module', 'main'] },
  external: ['cloudflare:*', 'node:*', '*.wasm', 'vitest'],
})

/** Files that share one isolate and its chains, which are too few for all files. Their setup tidies after each. */
const isolate = (name: string, files: Partial<Record<'include' | 'exclude', string[]>>) => ({
  resolve: { alias: [modules] },
  plugins: [
    cloudflareTest({
      main: `./${bundled}/edge/worker.js`,
      wrangler: { configPath: './wrangler.toml' },
      miniflare: { bindings },
    }),
  ],
  test: {
    name,
    ...{ include: [`${bundled}/${tests}/*.test.js`], ...files },
    setupFiles: [`${bundled}/${tests}/setup.js`],
    isolate: false,
    // Bounds for what hangs, not for what is slow: other checks share the cores.
    ...{ testTimeout: 120_000, hookTimeout: 120_000 },
  },
})

const routes = [`${bundled}/${tests}/routes.test.js`]
export default defineConfig({
  test: {
    projects: [isolate('routes', { include: routes }), isolate('the rest', { exclude: routes })],
    maxWorkers: 1,
  },
})
