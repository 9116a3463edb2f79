// Writes the type declarations of the package beside its code in dist/, a file for each source. The compiler leaves the
// sources' names in their imports; whoever installs the package has the built files alone, so they are named instead.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, '.ci/declarations.json')], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

for (const entry of readdirSync(join(root, 'dist'), { withFileTypes: true, recursive: true })) {
  if (!entry.isFile() || !entry.name.endsWith('.d.ts')) continue
  const path = join(entry.parentPath, entry.name)
  const text = readFileSync(path, 'utf8')
  const named = text.replace(/(from\s+|import\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2')
  if (named !== text) writeFileSync(path, named)
}
