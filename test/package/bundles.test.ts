import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInContext } from 'node:vm'
import { type BuildOptions, build as esbuild } from 'esbuild'
import { Miniflare } from 'miniflare'
import { createLogger, build as viteBuild } from 'vite'
import { beforeAll, describe, expect, it } from 'vitest'
import { answers } from './answers.ts'
import { phone } from './phone.ts'
import { installPackage, nodeOnly, type Scratch } from './scratch.ts'

let scratch: Scratch
let everywhere: readonly string[]
beforeAll(() => {
  scratch = installPackage()
  everywhere = scratch.entries.filter((entry) => !nodeOnly.includes(entry))
})

/** What would end or mislead a program outside Node: its modules, its loader, its globals. */
const nodeOnlyCode =
  /['"`]node:|(?<![.\w])require\(|\bBuffer\b|(?<![.\w])process\.(?:env|browser|versions?|nextTick)\b|browser-external|__dirname/g

/** What phones do not have yet, and no polyfill of docs/platforms.md brings. */
const tooNew = /AbortSignal\.(?:any|timeout)|throwIfAborted|structuredClone|withResolvers|SharedArrayBuffer|WebAssembly/

/** Every export of every entry, kept alive, and the common job. */
function main(entries: readonly string[], rest: string): string {
  const imports = entries.map((entry, at) => `import * as entry${at} from '${entry}'`)
  const names = entries.map((_, at) => `entry${at}`)
  return `${imports.join('\n')}\nimport { work } from './work.mjs'\nimport * as adapters from 'lanekit/adapters'\nconst entries = [${names}]\n${rest}`
}

describe('a page, built by Vite', { timeout: 120_000 }, () => {
  it('[bundle] takes every entry without a warning, and the page does the same as everywhere', async () => {
    scratch.write('index.html', '<!doctype html><script type="module" src="./page.js"></script>')
    const rest = `
      globalThis.answer = work({ cipher: adapters.webCipher(), random: adapters.systemRandom })
      globalThis.kept = entries`
    scratch.write('page.js', main(everywhere, rest))
    const warnings: string[] = []
    const warn = (text: string) => warnings.push(text)
    const customLogger = { ...createLogger('silent'), warn, warnOnce: warn, error: warn }
    await viteBuild({
      root: scratch.folder,
      configFile: false,
      customLogger,
      logLevel: 'warn',
      // The package counts as a whole, which is what makes it larger than Vite likes its chunks.
      build: { outDir: 'page', modulePreload: false, chunkSizeWarningLimit: 5_000 },
    })
    expect(warnings).toEqual([])
    const folder = join(scratch.folder, 'page/assets')
    const built = readdirSync(folder).filter((name) => name.endsWith('.js'))
    for (const name of built) expect(readFileSync(join(folder, name), 'utf8').match(nodeOnlyCode)).toBeNull()
    const script = `
      globalThis.document = undefined
      await import('./page/assets/${built.find((name) => name.startsWith('index'))}')
      console.log(JSON.stringify(await globalThis.answer))`
    const { stdout, stderr } = scratch.node(['--input-type=module', '-e', script])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(answers)
  })
})

describe('a worker, run by workerd', { timeout: 120_000 }, () => {
  it('[bundle] starts with every entry and no compatibility flag, and does the same as everywhere', async () => {
    const rest = `
      const { webCipher, systemRandom } = adapters
      export default {
        fetch: async () => Response.json({ ...(await work({ cipher: webCipher(), random: systemRandom })) }),
        kept: entries,
      }`
    const script = await bundle('worker.js', main(everywhere, rest), {
      format: 'esm',
      conditions: ['workerd', 'worker', 'browser', 'import'],
      mainFields: ['browser', 'module', 'main'],
    })
    expect(script.match(nodeOnlyCode)).toBeNull()
    const worker = new Miniflare({ modules: true, script, compatibilityDate: '2026-04-01' })
    try {
      const answer = await worker.dispatchFetch('http://worker.test/')
      expect(await answer.json()).toEqual(answers)
    } finally {
      await worker.dispose()
    }
  })
})

describe('an app, bundled as React Native is', { timeout: 120_000 }, () => {
  it('[globals] asks for nothing that Hermes and React Native do not have', () => {
    const built = scratch.files.filter((path) => path.endsWith('.js') && !/\/cli\/|\/file\.js$/.test(path))
    const needy = built.filter((path) =>
      tooNew.test(readFileSync(join(scratch.folder, 'node_modules/lanekit', path), 'utf8')),
    )
    // It is loaded, and says what it lacks when it is called: docs/platforms.md, "A faster engine".
    expect(needy).toEqual(['dist/crypto/wasm.js'])
  })
  it("[bundle] takes every entry, and does the same as everywhere with a phone's globals and the named polyfills", async () => {
    const rest = `
      globalThis.kept = entries
      globalThis.answer = work({ cipher: nativeCipher, random: adapters.systemRandom }).then(JSON.stringify)
      globalThis.chain = adapters.rpcNode({ url: 'http://node.test' }).chainId()`
    const script = await bundle('app.js', main(everywhere, rest), {
      format: 'iife',
      conditions: ['react-native', 'import'],
      mainFields: ['react-native', 'browser', 'main'],
      // What React Native's Babel preset turns into older code, since Hermes does not run it.
      supported: { 'async-generator': false, 'for-await': false },
    })
    expect(script.match(nodeOnlyCode)).toBeNull()
    const globals = phone()
    runInContext(script, globals)
    expect(await runInContext('chain', globals)).toBe(31_337)
    expect(JSON.parse(await runInContext('answer', globals))).toEqual(answers)
  })
})

/** One file, as a tool that knows no Node would bundle it; a warning fails it. */
async function bundle(name: string, text: string, options: BuildOptions): Promise<string> {
  const { outputFiles, warnings } = await esbuild({
    entryPoints: [scratch.write(name, text)],
    bundle: true,
    write: false,
    logLevel: 'silent',
    platform: 'neutral',
    target: 'es2022',
    ...options,
  })
  expect(warnings).toEqual([])
  return (outputFiles as NonNullable<typeof outputFiles>)[0]?.text ?? ''
}
