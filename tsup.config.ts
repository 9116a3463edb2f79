import { defineConfig, type Options } from 'tsup'

/** The public entries, as `exports` in package.json names them. */
const entries = [
  'index',
  'adapters/file',
  'adapters/index',
  'batch/index',
  'bitcoin/bolt11/index',
  'bitcoin/bolt3/index',
  'bitcoin/index',
  'channel/index',
  'channel/hub/index',
  'channel/penalty/index',
  'channel/swap/index',
  'channel/tower/index',
  'client/ethereum/index',
  'client/index',
  'client/layer2/index',
  'client/remote/index',
  'connect/index',
  'crypto/index',
  'crypto/musig2',
  'crypto/precompiles',
  'crypto/wasm',
  'evm/index',
  'keys/index',
  'liar/index',
  'till/index',
  'trie/index',
  'verify/cometbft/index',
  'verify/ethereum/index',
  'verify/index',
  'verify/opstack/index',
  'verify/sequenced/index',
  'wallet/bitcoin/index',
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
  // A bare `fs` could be a package; `node:fs` is what its name says, to bundlers and to readers.
  removeNodeProtocol: false,
  external: [/^node:/],
}

/** The command line imports the package by its public names, as its users do, and is published without types. */
const commandLine: Options = {
  ...library,
  entry: { ...(library.entry as Record<string, string>), 'cli/main': 'sdk/cli/main.ts' },
  external: [/^node:/, /^lanekit(?:\/|$)/],
}

/** What the npm scripts run; never published. */
const programs: Options = {
  entry: {
    start: 'edge/local/start.ts',
    edge: 'edge/local/edgeProcess.ts',
    executor: 'edge/local/executorProcess.ts',
    executorWorker: 'edge/executor/parallel/workerProgram.ts',
    conformance: 'test/conformance/run.ts',
    bench: 'test/bench/run.ts',
    sim: 'test/sim/run.ts',
    chaos: 'test/chaos/run.ts',
    chaosWallet: 'test/chaos/walletProcess.ts',
  },
  outDir: '.lanekit/programs',
  skipNodeModulesBundle: true,
  format: 'esm',
  target: 'node20',
  platform: 'node',
  clean: true,
}

// Types are written by .ci/declarations.mjs: a bundle of them takes minutes, and tells a reader no more.
export default defineConfig([{ ...commandLine, clean: true }, programs])
