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
  /** Deletes the folders; what was built stays for the next file of tests. */
  readonly clear: () => void
}

type Program = Pick<Built, 'outdir' | 'program' | 'config'>
let built: Promise<Program> | undefined

/**
 * The worker, built the way a deployment would, once for all files that run in this process. `LANEKIT_WORKER` names the folder of one that
 * was built of these sources before.
 */
export async function buildEdge(): Promise<Built> {
  built ??= buildOnce()
  const { outdir, program, config } = await built
  const rows = mkdtempSync(join(tmpdir(), 'lanekit-rows-'))
  return {
    outdir,
    program,
    config,
    folder: () => mkdtempSync(join(rows, 'rows-')),
    clear: () => rmSync(rows, { recursive: true, force: true }),
  }
}

async function buildOnce(): Promise<Program> {
  const place = mkdtempSync(join(tmpdir(), 'lanekit-edge-'))
  const before = process.env.LANEKIT_WORKER
  const outdir = before ?? join(place, 'worker')
  // Beside the sources' packages, which it loads when it runs.
  const program = join(root, '.lanekit/test', `edge-${process.pid}.mjs`)
  process.once('exit', () => {
    rmSync(place, { recursive: true, force: true })
    rmSync(program, { force: true })
  })
  await Promise.all([
    before ? null : deployTo(outdir),
    build({
      entryPoints: [join(root, 'edge/local/edgeProcess.ts')],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    }),
  ])
  return { outdir, program, config: join(root, '.lanekit/worker-options.json') }
}

async function deployTo(outdir: string): Promise<void> {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
  const config = join(root, 'wrangler.toml')
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--outdir', outdir, '--config', config],
    { cwd: root, env },
  )
}
