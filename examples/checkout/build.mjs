// Bundles the pages for the server: a small first script each, the wallet's code as a chunk of its own, hashed names.
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const here = import.meta.dirname
const out = join(here, '../../.lanekit/checkout')
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })

const entries = {
  shop: 'shopper/main.ts',
  merchant: 'merchant/main.ts',
  lanes: 'lanes/main.ts',
  cheat: 'cheat/main.ts',
  style: 'style.css',
}
const { metafile } = await build({
  entryPoints: entries,
  outdir: out,
  entryNames: '[name]-[hash]',
  chunkNames: 'part-[hash]',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  // The package says of itself that its modules do nothing by being loaded.
  logOverride: { 'ignored-bare-import': 'silent' },
  absWorkingDir: here,
})

const assets = {}
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  const name = Object.keys(entries).find((key) => entryPoint === entries[key])
  if (name) assets[name] = `/assets/${basename(path)}`
}
const icon = join(here, 'icon.svg')
const hash = createHash('sha256').update(readFileSync(icon)).digest('hex').slice(0, 8)
copyFileSync(icon, join(out, `icon-${hash}.svg`))
assets.icon = `/assets/icon-${hash}.svg`
writeFileSync(join(out, 'assets.json'), `${JSON.stringify(assets, null, 2)}\n`)
