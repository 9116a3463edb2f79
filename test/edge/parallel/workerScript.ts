import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

let built: Promise<URL> | undefined

/** The program of worker threads: the one that was built beside this program, or one built from the sources as they are. */
export function workerScript(): Promise<URL> {
  built ??= findOrBuild()
  return built
}

async function findOrBuild(): Promise<URL> {
  const beside = new URL('./executorWorker.js', import.meta.url)
  if (existsSync(fileURLToPath(beside))) return beside
  const root = join(import.meta.dirname, '../../..')
  // Beside the sources' packages, which it loads when it runs.
  const outfile = join(root, '.lanekit/test', `executor-${process.pid}.mjs`)
  await build({
    entryPoints: [join(root, 'edge/executor/parallel/workerProgram.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  })
  return pathToFileURL(outfile)
}
