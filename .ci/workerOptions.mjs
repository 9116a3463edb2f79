// Writes what wrangler.toml says of the worker as Miniflare takes it: whoever starts one need not load wrangler, which takes seconds.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

const root = dirname(import.meta.dirname)
const { workerOptions } = unstable_getMiniflareWorkerOptions(join(root, 'wrangler.toml'))
writeFileSync(join(root, '.lanekit/worker-options.json'), `${JSON.stringify(workerOptions, null, 2)}\n`)
