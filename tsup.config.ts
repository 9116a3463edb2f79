import { defineConfig } from 'tsup'

/** The public entries: one a room, as `exports` in package.json names them. */
const entries = [
  'index',
  'adapters/index',
  'adapters/file',
  'batch/index',
  'connect/index',
  'crypto/index',
  'evm/index',
  'keys/index',
  'trie/index',
  'verify/index',
  'wallet/index',
]

export default defineConfig((options) => [
  {
    entry: Object.fromEntries(entries.map((name) => [name, `sdk/${name}.ts`])),
    outDir: 'dist',
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    splitting: true,
    sourcemap: true,
    clean: !options.dts,
    dts: false,
    ...(options.dts ? { dts: { only: true } } : {}),
  },
  {
    entry: {
      start: 'edge/local/start.ts',
      'conformance/run': 'test/conformance/run.ts',
      'bench/run': 'test/bench/run.ts',
    },
    outDir: '.lanekit/programs',
    format: 'esm',
    target: 'node20',
    platform: 'node',
    clean: true,
    silent: true,
    external: [/^[^./]/],
  },
])
