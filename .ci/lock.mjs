// A lock file made on one system lacks the optional packages of the others, and `npm ci` stops there with EUSAGE.
// Adds the missing entries as the registry describes them: by its systems npm knows which ones to leave out, by its
// digest it refuses other bytes. With --check only says what is missing, or whether there are download addresses.
import { execFileSync } from 'node:child_process'
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
const undescribed = Object.keys(packages).filter((name) => name !== '' && !packages[name].integrity)
const addressed = Object.keys(packages).filter((name) => /^https?:/.test(packages[name].resolved ?? ''))

if (process.argv.includes('--check')) {
  for (const { parent, name } of missing) console.log(`${parent} wants ${name}, which the lock lacks.`)
  for (const name of undescribed) console.log(`${name} has no digest: npm would take any bytes for it.`)
  for (const name of addressed) console.log(`${name} names a download address.`)
  const faults = missing.length + undescribed.length + addressed.length
  if (faults > 0) console.log('Run: node .ci/lock.mjs')
  process.exit(faults > 0 ? 1 : 0)
}

const added = missing.map(({ parent, name, version, dev }) => {
  // Two parents may want two versions: the first takes the top, others stay below their parent.
  const top = `node_modules/${name}`
  const place = packages[top] && packages[top].version !== version ? `${parent}/${top}` : top
  packages[place] = { version, ...(dev ? { dev } : {}), optional: true }
  return place
})
for (const place of new Set([...undescribed, ...added])) packages[place] = described(place, packages[place])
for (const name of addressed) delete packages[name].resolved
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`Added ${missing.length} entries, and described ${undescribed.length} others.`)

/** Node's own lookup: from the parent's folder upwards. */
function resolves(parent, name) {
  for (let base = parent; ; base = base.slice(0, Math.max(0, base.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${base ? `${base}/` : ''}node_modules/${name}`]
    if (entry) return true
    if (base === '') return false
  }
}

/** An entry with what the registry says of it, in the order in which npm writes it. */
function described(place, { version, dev, optional }) {
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const fields = ['dist.integrity', 'cpu', 'libc', 'license', 'os', 'engines', 'dependencies']
  const told = JSON.parse(
    execFileSync('npm', ['view', `${name}@${version}`, ...fields, '--json'], { encoding: 'utf8' }),
  )
  const { 'dist.integrity': integrity, cpu, libc, license, os, engines, dependencies } = told
  if (!integrity) throw new Error(`The registry has no digest of ${name}@${version}.`)
  return { version, integrity, cpu, dev, libc, license, optional, os, engines, dependencies }
}
