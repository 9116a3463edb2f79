import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '../..')

/** The worker and the process around it, built from the sources as they are. */
export interface Built {
  readonly outdir: string
  readonly program: string
  readonly config: string
  /** An empty folder, for rows. */
  readonly folder: () => string
  /** Deletes all of it. */
  readonly clear: () => void
}

/** Builds into a temporary folder, the way a deployment would. */
export async function buildEdge(): Promise<Built> {
  const place = mkdtempSync(join(tmpdir(), 'lanekit-edge-'))
  const outdir = join(place, 'worker')
  // Beside the sources' packages, which it loads when it runs.
  const program = join(root, '.lanekit/test', `edge-${process.pid}.mjs`)
  const config = join(root, 'wrangler.toml')
  await Promise.all([
    promisify(execFile)(
      process.execPath,
      [
        join(root, 'node_modules/wrangler/bin/wrangler.js'),
        'deploy',
        '--dry-run',
        '--outdir',
        outdir,
        '--config',
        config,
      ],
      { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    ),
    build({
      entryPoints: [join(root, 'edge/local/edgeProcess.ts')],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    }),
  ])
  return {
    outdir,
    program,
    config,
    folder: () => mkdtempSync(join(place, 'rows-')),
    clear: () => {
      rmSync(place, { recursive: true, force: true })
      rmSync(program, { force: true })
    },
  }
}
