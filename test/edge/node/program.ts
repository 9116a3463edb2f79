import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../../..')

/** The process around the embedded executor, built from the sources as they are. */
export async function buildExecutor(): Promise<{ readonly program: string; readonly clear: () => void }> {
  // Beside the sources' packages, which it loads when it runs.
  const program = join(root, '.lanekit/test', `executor-process-${process.pid}.mjs`)
  await build({
    entryPoints: [join(root, 'edge/local/executorProcess.ts')],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  })
  return { program, clear: () => rmSync(program, { force: true }) }
}
