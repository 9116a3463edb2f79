import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../../..')

/** The program of worker threads, built from the sources as they are. */
export async function buildWorkerScript(): Promise<{ readonly url: URL; readonly clear: () => void }> {
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
  return { url: pathToFileURL(outfile), clear: () => rmSync(outfile, { force: true }) }
}
