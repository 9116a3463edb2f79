import { type Dirent, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import type { MiniflareOptions } from 'miniflare'
import type { EdgeOrder } from './workerd.ts'

// Imported, its four megabytes are searched for names first, which takes more than all else of a start.
const { Miniflare } = createRequire(import.meta.url)('miniflare') as typeof import('miniflare')

/**
 * The process around one workerd: started by {@link startEdge}, told what to run by its first message, ended by its
 * second one or by the end of whoever started it.
 */
process.once('message', (order: EdgeOrder) => {
  serve(order).then(
    (url) => process.send?.({ url }),
    (error: unknown) => process.send?.({ error: error instanceof Error ? error.message : String(error) }),
  )
})

async function serve({ outdir, persist, port, bindings, worker }: EdgeOrder): Promise<string> {
  const options = {
    ...worker,
    bindings: { ...worker.bindings, ...bindings },
    modules: modulesOf(outdir),
    durableObjectsPersist: persist,
    host: '127.0.0.1',
    port,
    cf: false,
  } as MiniflareOptions
  const miniflare = new Miniflare(options)
  const end = () => miniflare.dispose().finally(() => process.exit(0))
  process.once('message', end)
  process.once('disconnect', end)
  return (await miniflare.ready).origin
}

/** What `wrangler deploy --dry-run --outdir` wrote, the entry first. */
function modulesOf(outdir: string): { type: 'ESModule' | 'CompiledWasm'; path: string; contents: Uint8Array }[] {
  const isModule = (entry: Dirent) => entry.isFile() && /\.(js|wasm)$/.test(entry.name)
  return readdirSync(outdir, { withFileTypes: true, recursive: true })
    .filter(isModule)
    .map((entry) => relative(outdir, join(entry.parentPath, entry.name)))
    .sort((one, other) => Number(other === 'worker.js') - Number(one === 'worker.js'))
    .map((path) => ({
      type: path.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
      path,
      contents: new Uint8Array(readFileSync(join(outdir, path))),
    }))
}
