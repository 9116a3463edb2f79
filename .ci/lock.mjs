// A lock file made on one system lacks the optional packages of the others, and `npm ci` stops there with EUSAGE.
// Adds the missing entries; with --check only says whether there are any, or download addresses.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const path = join(dirname(import.meta.dirname), 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const { packages } = lock

const missing = Object.entries(packages).flatMap(([parent, entry]) =>
  Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !resolves(parent, name))
    .map(([name, range]) => ({ parent, name, version: range.replace(/^[~^]/, ''), dev: entry.dev })),
)
const addressed = Object.keys(packages).filter((name) => /^https?:/.test(packages[name].resolved ?? ''))

if (process.argv.includes('--check')) {
  for (const { parent, name } of missing) console.log(`${parent} wants ${name}, which the lock lacks.`)
  for (const name of addressed) console.log(`${name} names a download address.`)
  if (missing.length + addressed.length > 0) console.log('Run: node .ci/lock.mjs')
  process.exit(missing.length + addressed.length > 0 ? 1 : 0)
}

for (const { parent, name, version, dev } of missing) {
  // Two parents may want two versions: the first takes the top, others stay below their parent.
  const top = `node_modules/${name}`
  const place = packages[top] && packages[top].version !== version ? `${parent}/${top}` : top
  packages[place] = { version, ...(dev ? { dev } : {}), optional: true }
}
for (const name of addressed) delete packages[name].resolved
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`Added ${missing.length} entries.`)

/** Node's own lookup: from the parent's folder upwards. */
function resolves(parent, name) {
  for (let base = parent; ; base = base.slice(0, Math.max(0, base.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${base ? `${base}/` : ''}node_modules/${name}`]
    if (entry) return true
    if (base === '') return false
  }
}
