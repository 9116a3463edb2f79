import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')

/** The worker, built from the sources as they are. */
export interface Built {
  readonly outdir: string
  /** An empty folder, for rows. */
  readonly folder: () => string
  /** Deletes the folders; what was built stays for the next file of tests. */
  readonly clear: () => void
}

let built: Promise<string> | undefined

/**
 * The worker, built the way a deployment would, once for all files that run in this process. `LANEKIT_WORKER` names the folder of one that
 * was built of these sources before.
 */
export async function buildEdge(): Promise<Built> {
  built ??= process.env.LANEKIT_WORKER ? Promise.resolve(process.env.LANEKIT_WORKER) : deploy()
  const outdir = await built
  const rows = mkdtempSync(join(tmpdir(), 'lanekit-rows-'))
  return {
    outdir,
    folder: () => mkdtempSync(join(rows, 'rows-')),
    clear: () => rmSync(rows, { recursive: true, force: true }),
  }
}

async function deploy(): Promise<string> {
  const outdir = mkdtempSync(join(tmpdir(), 'lanekit-edge-'))
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }))
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
  const config = join(root, 'wrangler.toml')
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false' }
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--outdir', outdir, '--config', config],
    { cwd: root, env },
  )
  return outdir
}
