import { defineConfig, type Options } from 'tsup'

/** The public entries, as `exports` in package.json names them. */
const entries = [
  'index',
  'adapters/index',
  'adapters/file',
  'batch/index',
  'bitcoin/index',
  'connect/index',
  'crypto/index',
  'crypto/precompiles',
  'evm/index',
  'keys/index',
  'trie/index',
  'verify/index',
  'vm/index',
  'wallet/index',
]

/** What is published: ECMAScript modules for every runtime, one file an entry, shared parts split off. */
const library: Options = {
  entry: Object.fromEntries(entries.map((name) => [name, `sdk/${name}.ts`])),
  outDir: 'dist',
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
  sourcemap: true,
}

/** What the npm scripts run; never published. */
const programs: Options = {
  entry: {
    start: 'edge/local/start.ts',
    edge: 'edge/local/edgeProcess.ts',
    conformance: 'test/conformance/run.ts',
    bench: 'test/bench/run.ts',
    sim: 'test/sim/run.ts',
  },
  outDir: '.lanekit/programs',
  skipNodeModulesBundle: true,
  format: 'esm',
  target: 'node20',
  platform: 'node',
  clean: true,
}

// Types take ten times as long as code, so `npm start` does without: `--dts-only` adds them.
export default defineConfig(({ dts }) => (dts ? [library] : [{ ...library, clean: true }, programs]))
