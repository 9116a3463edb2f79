// The public API as it can be read and reviewed: docs/api/, one file an entry, written from the built declarations.
// With --check only says whether the files are as they should be. Needs dist/, which `npm test` builds.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from '@typescript/typescript6'

const root = dirname(import.meta.dirname)
const folder = join(root, 'docs/api')
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const paths = Object.entries(exports).flatMap(([path, { types }]) => (types ? [[path, join(root, types)]] : []))

const program = ts.createProgram(
  paths.map(([, types]) => types),
  { target: ts.ScriptTarget.ES2022, moduleResolution: ts.ModuleResolutionKind.Bundler, module: ts.ModuleKind.ESNext },
)
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed })

const entries = paths.map(([path, types]) => {
  const module = checker.getSymbolAtLocation(program.getSourceFile(types))
  const symbols = checker.getExportsOfModule(module).map((symbol) => ({ name: symbol.name, what: behind(symbol) }))
  return { name: `lanekit${path.slice(1)}`, symbols: symbols.sort((a, b) => (a.name < b.name ? -1 : 1)) }
})

/** Each declaration is written once: in its room if that is an entry, else at the front desk. */
const homes = new Map()
for (const { name, symbols } of [...entries].reverse())
  for (const one of symbols)
    if (name !== 'lanekit' || !homes.has(one.what)) homes.set(one.what, { entry: name, ...one })

const pages = new Map(entries.map(({ name, symbols }) => [`${name.replaceAll('/', '.')}.md`, page(name, symbols)]))
const old = existsSync(folder) ? readdirSync(folder) : []
const stale = [...pages].filter(
  ([name, text]) => !old.includes(name) || readFileSync(join(folder, name), 'utf8') !== text,
)
const gone = old.filter((name) => !pages.has(name))

if (process.argv.includes('--check')) {
  for (const [name] of stale) console.log(`docs/api/${name} is not what the package exports.`)
  for (const name of gone) console.log(`docs/api/${name} is of an entry that is no more.`)
  if (stale.length + gone.length > 0) console.log('Run: node .ci/api.mjs (after a build), and read what changed.')
  process.exit(stale.length + gone.length > 0 ? 1 : 0)
}
mkdirSync(folder, { recursive: true })
for (const [name, text] of stale) writeFileSync(join(folder, name), text)
for (const name of gone) rmSync(join(folder, name))
console.log(`Wrote ${stale.length} of ${pages.size} files, removed ${gone.length}.`)

function page(entry, symbols) {
  const lines = []
  const reached = new Map()
  for (const { name, what } of symbols) {
    const home = homes.get(what)
    if (home.entry !== entry) {
      const alias = home.name === name ? name : `${home.name} as ${name}`
      lines.push(`export { ${alias} } from '${home.entry}'`)
      continue
    }
    for (const text of textsOf(what, name)) lines.push(text)
    reach(what, reached)
  }
  const inner = [...reached].sort(([, a], [, b]) => (a.name < b.name ? -1 : 1)).map(([, { text }]) => text)
  const also =
    inner.length === 0 ? '' : `\nNamed by these, and not exported:\n\n\`\`\`ts\n${inner.join('\n')}\n\`\`\`\n`
  const head = `# ${entry}\n\nWritten by \`node .ci/api.mjs\`; not to be edited.\n`
  return `${head}\n\`\`\`ts\n${lines.join('\n')}\n\`\`\`\n${also}`
}

/** What a name stands for, however often it was passed on. */
function behind(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function textsOf(symbol, name) {
  return symbol.declarations.map((declaration) => {
    const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    const text = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    const plain = text
      .replace(/^(?:export |declare )+/, '')
      .replace(/^ {4,}/gm, (space) => ' '.repeat(space.length / 2))
    // The bundler of declarations numbers names that meet in one file, as it happens.
    return plain.replace(symbol.name, name).replace(/(\w)\$\d+\b/g, '$1')
  })
}

/** Adds the declarations of ours that a declaration names and no entry exports, and those that they name. */
function reach(symbol, found) {
  for (const declaration of symbol.declarations) visit(declaration)
  function visit(node) {
    if (ts.isIdentifier(node)) {
      const local = checker.getSymbolAtLocation(node)
      const named = local && behind(local)
      const isOurs = named?.declarations?.some(
        (one) => one.getSourceFile().fileName.startsWith(join(root, 'dist')) && one.parent === one.getSourceFile(),
      )
      if (isOurs && !homes.has(named) && !found.has(named)) {
        found.set(named, { name: named.name, text: textsOf(named, named.name).join('\n') })
        reach(named, found)
      }
    }
    ts.forEachChild(node, visit)
  }
}
