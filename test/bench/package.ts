import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { pageFigures } from './checkout.ts'
import type { Figure } from './run.ts'

const root = process.cwd()
const importRounds = 5

/** What does about the same as an entry, whole as the entry is. */
const peers: Readonly<Record<string, { readonly name: string; readonly imports: readonly string[] }>> = {
  lanekit: { name: 'viem, viem/accounts', imports: ['viem', 'viem/accounts'] },
  'lanekit/bitcoin': { name: 'bitcoinjs-lib, @scure/bip32', imports: ['bitcoinjs-lib', '@scure/bip32'] },
  'lanekit/connect': { name: 'viem', imports: ['viem'] },
  'lanekit/crypto': { name: '@noble/curves secp256k1', imports: ['@noble/curves/secp256k1.js'] },
  'lanekit/evm': { name: 'viem/utils', imports: ['viem/utils'] },
  'lanekit/keys': { name: 'viem/accounts', imports: ['viem/accounts'] },
  'lanekit/wallet/bitcoin': { name: 'bitcoinjs-lib, @scure/bip32', imports: ['bitcoinjs-lib', '@scure/bip32'] },
  'lanekit/wallet': { name: 'viem, viem/accounts', imports: ['viem', 'viem/accounts'] },
}

/** A few functions instead of a whole entry: what a bundler leaves of it. */
const parts: readonly { readonly name: string; readonly entry: string; readonly names: readonly string[] }[] = [
  { name: 'plan a batch', entry: 'lanekit/batch', names: ['decodeBatch', 'plan'] },
  { name: 'follow Bitcoin headers', entry: 'lanekit/verify', names: ['startChain', 'extendChain', 'verifyOutput'] },
  { name: 'verify a receipt', entry: 'lanekit/verify', names: ['verifyReceiptProof'] },
  { name: 'open a vault', entry: 'lanekit', names: ['openVault'] },
]

/**
 * How much each entry costs a page, its dependencies counted, and how long Node takes to import it. Bundled and
 * minified by esbuild, compressed by gzip at its best; peers by the same tool in the same run. A ratio above 1 is
 * smaller, or sooner.
 */
export async function* run(): AsyncIterable<Figure> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }
  const entries = Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => `lanekit${path.slice(1)}`)
  for (const entry of entries) {
    const peer = peers[entry]
    yield figure(`${entry}, whole`, 'kB gzip', await sizeOf([entry]), peer && [peer.name, await sizeOf(peer.imports)])
  }
  for (const { name, entry, names } of parts) {
    const source = `import { ${names} } from '${entry}'; globalThis.kept = [${names}]`
    yield figure(`${entry}, only to ${name}`, 'kB gzip', await bundledSize(source), undefined)
  }
  for (const entry of entries) {
    const peer = peers[entry]
    const [ours, theirs] = importTimes([[entry], peer?.imports ?? []])
    yield figure(`${entry}, imported by Node`, 'ms', ours ?? 0, peer && [peer.name, theirs ?? 0])
  }
  yield* pageFigures()
}

function figure(name: string, unit: string, value: number, peer: readonly [string, number] | undefined): Figure {
  const [peerName, peerValue] = peer ?? [null, null]
  return { name, value, unit, peer: peerName, peerValue, ratio: peerValue === null ? null : peerValue / value }
}

function sizeOf(modules: readonly string[]): Promise<number> {
  const imports = modules.map((module, at) => `import * as part${at} from '${module}'`)
  const names = modules.map((_, at) => `part${at}`)
  return bundledSize(`${imports.join('\n')}\nglobalThis.kept = [${names}]`)
}

async function bundledSize(source: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: ['node:*'],
    logLevel: 'silent',
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length / 1_000
}

/** Each set of modules in processes of its own, in turn; the best of each. */
function importTimes(sets: readonly (readonly string[])[]): readonly number[] {
  const best = sets.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < importRounds; round++) {
    for (const [at, modules] of sets.entries()) {
      if (modules.length === 0) continue
      const script = `
        const start = performance.now()
        for (const module of ${JSON.stringify(modules)}) await import(module)
        console.log(performance.now() - start)`
      const told = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root })
      best[at] = Math.min(best[at] as number, Number(told))
    }
  }
  return best
}
